"""Samba as a domain controller. To make a domain takes seconds: tests share one, of which each server has a copy."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.endings import start
from tests.directories.certificates import TlsFiles, nameless
from tests.directories.people import DOMAIN, REALM, active_directory
from tests.directories.processes import listening, own_address
from tests.integration.clients.machines import needs, program

LDAP = 389
LDAPS = 636
_LAST = 3269  # the port that is opened last
ADMINISTRATOR_PASSWORD = "Adm1n-Passw0rd"

_PYTHON = "/usr/bin/python3"  # that of samba-tool, which has Samba's modules
_MARK = "provisioned"

needs_samba = [
    needs("samba-ad-dc", "samba", "samba-tool"),
    pytest.mark.skipif(
        not list(Path("/usr/lib").glob("*/samba/ldb/samba_dsdb.so")),
        reason="no samba_dsdb (Debian: samba-dsdb-modules)",
    ),
    pytest.mark.skipif(
        not Path("/usr/share/samba/setup/provision.ldif").exists(),
        reason="no provision.ldif (Debian: samba-ad-provision)",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="a domain controller wants root, for its ports"),
]

_CONFIG = """\
[global]
netbios name = DC1
workgroup = {domain}
realm = {realm}
server role = active directory domain controller
server services = ldap
interfaces = {address}/8
bind interfaces only = yes
private dir = {folder}/private
state directory = {folder}/state
cache directory = {folder}/cache
lock directory = {folder}
pid directory = {folder}
ncalrpc dir = {folder}/ncalrpc
log file = {folder}/log.samba
ldap server require strong auth = {strong_auth}
tls certfile = {files.certificate}
tls keyfile = {files.key}
tls cafile = {files.authority}
ldb:nosync = true
"""

_OPEN = """\
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

settings = LoadParm()
settings.load(sys.argv[1])
database = SamDB(sys.argv[2], session_info=system_session(), lp=settings)
"""
_ADD = f"""\
{_OPEN}
rules, people, ages = sys.stdin.read().split("\\x1c")
database.modify_ldif(rules)
database.add_ldif(people)
database.modify_ldif(ages, controls=["local_oid:1.3.6.1.4.1.7165.4.3.20:1"])  # any pwdLastSet will do
"""
_COUNT = f"""\
{_OPEN}
for line in sys.stdin:
    (entry,) = database.search(line.rstrip("\\n"), scope=0, attrs=["badPwdCount"])
    print(entry.get("badPwdCount", idx=0) and int(str(entry["badPwdCount"])) or 0, flush=True)
"""


def domain(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a domain with everybody in it; the first of a run who asks makes it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "samba-domain"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / _MARK).exists():
            _provision(folder)
            (folder / _MARK).touch()
    return folder


def _provision(folder: Path) -> None:
    kept = folder / "domain"
    shutil.rmtree(kept, ignore_errors=True)
    names = [f"--realm={REALM.upper()}", f"--domain={DOMAIN}", "--host-name=dc1", "--host-ip=127.0.0.1"]
    kind = ["--server-role=dc", "--dns-backend=NONE", f"--adminpass={ADMINISTRATOR_PASSWORD}"]
    loopback = ["--option=interfaces=lo", "--option=bind interfaces only=yes", "--option=ldb:nosync=true"]
    _run(program("samba-tool"), "domain", "provision", f"--targetdir={kept}", *names, *kind, *loopback)
    (kept / "cache").mkdir(exist_ok=True)
    (kept / "ncalrpc").mkdir(exist_ok=True)
    config = _configure(kept, "127.0.0.1", "yes", nameless(kept / "tls", "dc1"))
    _run(_PYTHON, "-c", _ADD, str(config), str(_database(kept)), typed="\x1c".join(active_directory()))


def _run(*arguments: str, typed: str = "") -> str:
    done = subprocess.run(arguments, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _config(folder: Path) -> Path:
    return folder / "etc" / "min.conf"


def _database(folder: Path) -> Path:
    return folder / "private" / "sam.ldb"


def _configure(folder: Path, address: str, strong_auth: str, files: TlsFiles) -> Path:
    path = _config(folder)
    settings = _CONFIG.format(
        folder=folder, address=address, strong_auth=strong_auth, files=files, domain=DOMAIN, realm=REALM.upper()
    )
    path.write_text(settings)
    return path


class Samba:
    """A domain controller that runs, on the ports `LDAP` and `LDAPS` of an address of its own.

    Attributes:
        address: 127.x.y.z.
        said: the file with what it says.
        process: to be stopped for a while.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self.address = address
        self.said = folder / "said"
        self.process: subprocess.Popen[bytes]
        self._counter: Any = None  # starts with the first question: to load Samba's modules takes a third of a second

    def kill(self) -> None:
        """End it at once, and wait until it has."""
        self.process.kill()
        self.process.wait()

    def bad_tries(self, dn: str) -> int:
        """Return how many wrong passwords are counted of an account."""
        if self._counter is None:
            command = [_PYTHON, "-c", _COUNT, str(_config(self._folder)), str(_database(self._folder))]
            self._counter = start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._counter.stdin.write(f"{dn}\n")
        self._counter.stdin.flush()
        return int(self._counter.stdout.readline())

    def close(self) -> None:
        """End who counts."""
        if self._counter is not None:
            self._counter.communicate()


@contextmanager
def samba(
    factory: pytest.TempPathFactory,
    *,
    strong_auth: str = "yes",
    address: str | None = None,
    tls_files: TlsFiles | None = None,
) -> Iterator[Samba]:
    """A domain controller, until this is left.

    Args:
        factory: of pytest; the domain is made in its folder.
        strong_auth: `yes`, `allow_sasl_over_tls` or `no`.
        address: of `own_address`, if its certificate must have it.
        tls_files: what it shows; without, a certificate that names it in its subject alone, as one of Samba's own.
    """
    with _copied(domain(factory) / "domain", factory.mktemp("samba") / "copy") as folder:
        yield from _running(folder, strong_auth, address, tls_files)


@contextmanager
def _copied(kept: Path, folder: Path) -> Iterator[Path]:
    """A copy of a domain, 33 MB, until this is left."""
    shutil.copytree(kept, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _running(folder: Path, strong_auth: str, address: str | None, tls_files: TlsFiles | None) -> Iterator[Samba]:
    server = Samba(folder, address or own_address())
    files = tls_files or nameless(folder / "tls", f"dc1.{REALM}")
    command = [program("samba"), "-i", "-M", "single", "--debug-stdout", "-s"]
    config = _configure(folder, server.address, strong_auth, files)
    with closing(server), listening([*command, str(config)], (server.address, _LAST), server.said) as server.process:
        yield server
