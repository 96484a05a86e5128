"""Secrets that systemd gives to the gateway alone: the commands work without them, and nothing shows them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_support import contents
from tests.integration.site import SECRET, Site

pytestmark = pytest.mark.integration


@pytest.fixture
def credentials(site: Site) -> Iterator[Path]:
    """The folder of them; a gateway that runs is stopped in the end."""
    folder = site.folder / "credentials"
    folder.mkdir(mode=0o700)
    yield folder
    site.radgate("stop")


def start(site: Site, credentials: Path) -> None:
    """As systemd would: the variable is in the gateway's environment, and in nobody else's."""
    started = site.radgate("start", env={**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)})
    assert started.returncode == 0, started.stderr


def put(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def in_files(site: Site, credentials: Path) -> None:
    put(credentials / "skey", site.simulator.secret_key)
    put(credentials / "shared", SECRET)
    site.configure(skey=None, skey_file="%d/skey", radius_secret_1=None, radius_secret_1_file="%d/shared")


def encrypted(site: Site, credentials: Path) -> None:
    site.configure()
    protected = site.radgate("protect", "--key-file", str(credentials / "secrets.key"))
    assert protected.returncode == 0, protected.stderr
    text = site.config.read_text()
    site.config.write_text(text.replace(f"{credentials}/secrets.key", "%d/secrets.key"))
    assert "secrets_key_file=%d/secrets.key" in site.config.read_text()


WAYS = pytest.mark.parametrize("arrange", [in_files, encrypted])


@WAYS
def test_a_login_goes_through_the_gateway_that_has_them(site: Site, credentials: Path, arrange):
    arrange(site, credentials)
    start(site, credentials)
    accepted = site.radgate("login", "alice", "123456")
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert accepted.stdout.startswith("Access-Accept after ")
    rejected = site.radgate("login", "alice", "999999", "--server", "radius_server_duo_only")
    assert (rejected.returncode, rejected.stderr) == (1, "")
    assert "reason=duo_denied" in rejected.stdout
    said = accepted.stdout + rejected.stdout + site.log_text
    assert not any(secret in said for secret in (SECRET, site.simulator.secret_key, "123456", "999999"))


@WAYS
def test_a_login_goes_on_after_a_reload(site: Site, credentials: Path, arrange):
    arrange(site, credentials)
    start(site, credentials)
    assert site.radgate("reload").returncode == 0
    assert site.radgate("login", "alice", "123456").returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root may read the gateway's environment")
@WAYS
def test_support_hides_them_while_the_gateway_runs(site: Site, credentials: Path, arrange):
    arrange(site, credentials)
    start(site, credentials)
    with (site.folder / "log" / "authproxy.log").open("a") as log:
        log.write(f"a careless line with {SECRET} and {site.simulator.secret_key}\n")
    made = site.radgate("support", "--output", str(site.folder / "out.zip"))
    assert "Secrets are hidden in it" in made.stdout, made.stdout + made.stderr
    files = contents(site.folder / "out.zip")
    assert b"a careless line with *****[32] and *****[40]" in files["logs/authproxy.log"]
    assert b"needs LoadCredential" not in files["check.txt"]
    assert not any(SECRET.encode() in octets for octets in files.values())


def test_support_says_what_it_cannot_hide_when_nothing_runs(site: Site, credentials: Path):
    in_files(site, credentials)
    made = site.radgate("support", "--output", str(site.folder / "out.zip"))
    assert "NOT hidden, since they could not be read: skey_file in line " in made.stdout
    assert made.returncode == 0
