"""A gateway whose file holds its secrets encrypted."""

from pathlib import Path

import pytest

from tests.integration.site import SECRET, Site

pytestmark = pytest.mark.integration


def test_it_serves_and_reloads_by_encrypted_secrets(site: Site):
    key_file = site.folder / "elsewhere" / "secrets.key"
    site.configure()
    assert site.radgate("protect", "--key-file", str(key_file)).returncode == 0
    text = site.config.read_text()
    assert SECRET not in text
    assert site.simulator.secret_key not in text
    assert site.radgate("start").returncode == 0
    try:
        assert site.nas().login("alice", "123456").is_accept
        site.config.write_text(
            text.replace("radius_ip_1=", "radius_ip_2=127.0.0.2\nradius_secret_2=the second\nradius_ip_1=")
        )
        assert site.radgate("protect").returncode == 0
        assert "the second" not in site.config.read_text()
        reloaded = site.radgate("reload")
        assert (reloaded.returncode, "; clients 1 -> 2\n" in reloaded.stdout) == (0, True)
        assert site.nas(host="127.0.0.2", secret="the second").login("alice", "123456").is_accept
        assert site.radgate("login", "alice", "123456").returncode == 0
        key_file.rename(site.folder / "moved")
        refused = site.radgate("reload")
        assert refused.returncode == 2
        assert "[gateway] secrets_key_file: cannot read" in refused.stderr
        assert site.nas().login("alice", "123456").is_accept
    finally:
        site.radgate("stop")
    key = (site.folder / "moved").read_text().strip()
    for path in Path(site.folder / "log").iterdir():
        assert not any(secret in path.read_text() for secret in (SECRET, site.simulator.secret_key, key))
