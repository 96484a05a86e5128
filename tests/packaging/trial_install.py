"""The Debian package: what lintian says of it, whether it can be built again, and a Debian that knows nothing of
radgate, in which it is installed, served with, upgraded, removed, purged.

It takes minutes, root and a mirror, so that it is no part of `make test`: run it as `make try-deb`. PACKAGE names a
package that is built already, DEBIAN_ROOT a folder that debootstrap has made.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.endings import start
from bench.processes import SimulatorProcess
from tests.packaging.debian import Debian, make_root, obstacle, running

ROOT = Path(__file__).parents[2]
CONFIG = "/etc/radgate/authproxy.cfg"
LOG = "/var/log/radgate/authproxy.log"
PASSCODE = "123456"  # alice's, at the simulated Duo
# What dpkg and the tools of accounts write themselves, and do not take away.
BOOKS = re.compile(r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?$|/etc/\.pwd\.lock|/var/(cache|log)/|/tmp/")
LISTED = {
    "/usr/bin/radgate",
    "/usr/lib/systemd/system/radgate.service",
    "/usr/share/bash-completion/completions/radgate",
    "/usr/share/man/man1/radgate.1.gz",
    "/usr/share/man/man5/radgate.cfg.5.gz",
}
CONFIGURATION = """\
[main]
log_max_size=0
http_ca_certs_file=/etc/radgate/ca.pem
[radius_server_duo_only]
ikey={duo.ikey}
skey={duo.secret_key}
api_host={duo.api_host}
radius_ip_1=127.0.0.1
radius_secret_1=a shared secret of 32 characters
port=812
[gateway]
workers=2
"""

pytestmark = pytest.mark.skipif(obstacle() != "", reason=obstacle())


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if built := os.environ.get("PACKAGE"):
        return Path(built).absolute()
    return build(tmp_path_factory.mktemp("package"))


def build(folder: Path, **environment: str) -> Path:
    command = [ROOT / "tools" / "build_deb", folder]
    made = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert made.returncode == 0, made.stderr
    (path,) = folder.glob("radgate_*.deb")
    return path


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    folder = tmp_path_factory.mktemp("debian")
    root = folder / "root"
    root.mkdir(mode=0o755)
    if why_not := make_root(root):
        pytest.skip(why_not)
    with running(root, folder) as made:
        yield made


class Service:
    """The package's unit, whose commands are run as it says; there is no systemd."""

    def __init__(self, debian: Debian) -> None:
        text = (debian.root / "usr/lib/systemd/system/radgate.service").read_text()
        self.settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        self._debian = debian

    def command(self, name: str) -> list[str]:
        """Return what runs it."""
        user, capability = self.settings["User"], self.settings["AmbientCapabilities"].removeprefix("CAP_").lower()
        only = f"-all,+{capability}"
        rights = [f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}", "--no-new-privs"]
        who = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        folders = {"RUNTIME_DIRECTORY": "/run/radgate", "LOGS_DIRECTORY": "/var/log/radgate"}
        return self._debian.command("setpriv", *who, *rights, *self.settings[name].split(), environment=folders)

    def make_folders(self) -> None:
        """Do what RuntimeDirectory= and LogsDirectory= do."""
        user = self.settings["User"]
        for path, mode in ("/run/radgate", "0755"), ("/var/log/radgate", self.settings["LogsDirectoryMode"]):
            self._debian.do("install", "-d", "-m", mode, "-o", user, "-g", user, path)


@contextmanager
def gateway_of(debian: Debian, service: Service) -> Iterator["subprocess.Popen[str]"]:
    """The service, once it is ready; it is killed if it still runs when this is left."""
    gateway = start(service.command("ExecStart"), stderr=subprocess.PIPE, text=True)
    try:
        assert gateway.stderr is not None
        assert "radgate ready" in gateway.stderr.readline()
        yield gateway
    finally:
        if gateway.poll() is None:
            debian.run("sh", "-c", "kill -9 $(cat /run/radgate/radgate.pid)")
        gateway.communicate(timeout=120)


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_nothing(package: Path):
    looked = subprocess.run(["lintian", "--allow-root", package], capture_output=True, text=True)
    assert (looked.returncode, looked.stdout) == (0, "")


def test_the_same_source_makes_the_same_octets(tmp_path: Path):
    """Interpreted, which is quicker."""
    first, second = (build(tmp_path / name, RADGATE_PURE="1", SOURCE_DATE_EPOCH="1790000000") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_it_does_not_tell_where_it_was_built(package: Path, tmp_path: Path):
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    own = [*tmp_path.rglob("gateway*/**/*.so"), *tmp_path.rglob("gateway__mypyc*"), *tmp_path.rglob("radgate-*/*")]
    assert own
    telling = re.compile(rb"file://|pip-build-|" + re.escape(str(ROOT).encode()))
    assert [path.name for path in own if path.is_file() and telling.search(path.read_bytes())] == []


def test_libraries_bring_themselves_alone(package: Path):
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    assert not re.findall(r"site-packages/(?:docs|example|bin)/|site-packages/\w+/tests/", listed)


def test_from_the_installation_to_the_purge(debian: Debian, package: Path, tmp_path: Path):
    before = debian.files()
    (debian.root / "tmp" / package.name).write_bytes(package.read_bytes())
    debian.do("dpkg", "--install", f"/tmp/{package.name}")
    listed = set(debian.do("dpkg", "--listfiles", "radgate").split())
    assert listed >= LISTED
    assert debian.do("radgate", "files", "full").strip() in listed
    form = "interpreted" if os.environ.get("RADGATE_PURE") == "1" else "compiled"
    assert form in debian.do("radgate", "version")
    service = Service(debian)
    assert debian.do("stat", "-c", "%a %U %G", CONFIG) == "640 root radgate\n"
    service.make_folders()
    unfilled = subprocess.run(service.command("ExecStart"), capture_output=True, text=True, timeout=120)
    assert (unfilled.returncode, "there is nothing to serve" in unfilled.stderr) == (2, True)

    with SimulatorProcess(tmp_path, python=str(debian.python)) as duo:
        (debian.root / "etc/radgate/ca.pem").write_bytes(Path(duo.ca).read_bytes())
        (debian.root / CONFIG[1:]).write_text(CONFIGURATION.format(duo=duo))
        with gateway_of(debian, service) as gateway:
            assert "Access-Accept" in debian.do("radgate", "login", "alice", PASSCODE)
            user = int(debian.do("id", "-u", service.settings["User"]))
            assert debian.users("radgate") == {user}
            subprocess.run(service.command("ExecReload"), check=True, timeout=120)
            debian.do("radgate", "upgrade")
            debian.do("radgate", "login", "alice", PASSCODE)
            debian.do("dpkg", "--install", f"/tmp/{package.name}")  # the same again: the gateway is not disturbed
            assert CONFIGURATION.format(duo=duo) == (debian.root / CONFIG[1:]).read_text()
            debian.do("radgate", "login", "alice", PASSCODE)
            debian.do("dpkg", "--remove", "radgate")
            assert gateway.wait(120) == 0

    left = {path for path in debian.files() - before if not BOOKS.match(path) or "radgate" in path}
    assert {CONFIG, "/etc/radgate/ca.pem", "/etc/logrotate.d/radgate", LOG} <= left
    assert not [path for path in left if path.startswith(("/usr/lib", "/usr/bin", "/run"))]
    debian.do("dpkg", "--purge", "radgate")
    assert {path for path in debian.files() - before if not BOOKS.match(path) or "radgate" in path} == {
        f"/tmp/{package.name}"
    }
    assert before - debian.files() == set()
    assert debian.run("id", "radgate").returncode != 0
