"""Secrets that systemd gives to the gateway alone: the commands work without them, and nothing shows them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from tests.cli.test_support import contents
from tests.integration.site import SECRET, Site

pytestmark = pytest.mark.integration


def folder_of(site: Site) -> Path:
    """Make the folder of them."""
    folder = site.folder / "credentials"
    folder.mkdir(mode=0o700)
    return folder


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


@pytest.fixture(scope="module", params=[in_files, encrypted])
def running(
    tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess, request: pytest.FixtureRequest
) -> Iterator[Site]:
    """A gateway that has them, in each of the ways."""
    site = Site(tmp_path_factory.mktemp("running"), shared_simulator)
    credentials = folder_of(site)
    request.param(site, credentials)
    start(site, credentials)
    yield site
    site.radgate("stop")


@pytest.fixture
def started(running: Site, simulator: SimulatorProcess) -> Site:
    """That gateway, and a Duo as if it had just been started."""
    return running


def test_a_login_goes_through_the_gateway_that_has_them(started: Site):
    n_said = len(started.log_text)
    accepted = started.radgate("login", "alice", "123456")
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert accepted.stdout.startswith("Access-Accept after ")
    rejected = started.radgate("login", "alice", "999999", "--server", "radius_server_duo_only")
    assert (rejected.returncode, rejected.stderr) == (1, "")
    assert "reason=duo_denied" in rejected.stdout
    said = accepted.stdout + rejected.stdout + started.log_text[n_said:]
    assert not any(secret in said for secret in (SECRET, started.simulator.secret_key, "123456", "999999"))


def test_a_login_goes_on_after_a_reload(started: Site):
    assert started.radgate("reload").returncode == 0
    assert started.radgate("login", "alice", "123456").returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root may read the gateway's environment")
def test_support_hides_them_while_the_gateway_runs(started: Site, tmp_path: Path):
    with (started.folder / "log" / "authproxy.log").open("a") as log:
        log.write(f"a careless line with {SECRET} and {started.simulator.secret_key}\n")
    made = started.radgate("support", "--output", str(tmp_path / "out.zip"))
    assert "Secrets are hidden in it" in made.stdout, made.stdout + made.stderr
    files = contents(tmp_path / "out.zip")
    assert b"a careless line with *****[32] and *****[40]" in files["logs/authproxy.log"]
    assert b"needs LoadCredential" not in files["check.txt"]
    assert not any(SECRET.encode() in octets for octets in files.values())


def test_support_says_what_it_cannot_hide_when_nothing_runs(site: Site):
    in_files(site, folder_of(site))
    made = site.radgate("support", "--output", str(site.folder / "out.zip"))
    assert "NOT hidden, since they could not be read: skey_file in line " in made.stdout
    assert made.returncode == 0
