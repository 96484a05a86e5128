"""OpenLDAP's server, with the people of `people` and the overlay that writes memberOf."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.directories.certificates import TlsFiles, signed
from tests.directories.people import BASE, groups, open_directory
from tests.directories.processes import free_ports, is_confined, listening, own_address
from tests.integration.clients.machines import needs, program

MANAGER = f"cn=manager,{BASE}"
MANAGER_PASSWORD = "Manager-Passw0rd"

_SCHEMAS = Path("/etc/ldap/schema")

needs_slapd = [
    needs("slapd ldap-utils", "slapd", "slapadd", "ldapadd"),
    pytest.mark.skipif(is_confined("/usr/sbin/slapd"), reason="AppArmor keeps slapd in folders of its own"),
    pytest.mark.skipif(not (_SCHEMAS / "inetorgperson.schema").exists(), reason="no schemas (Debian: slapd)"),
]

_CONFIG = """\
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCACertificateFile {files.authority}
TLSCertificateFile {files.certificate}
TLSCertificateKeyFile {files.key}
pidfile {folder}/slapd.pid
{more}
database mdb
maxsize 67108864
suffix "{base}"
rootdn "{manager}"
rootpw {password}
directory {folder}/data
overlay memberof
"""


class Slapd:
    """One that runs.

    Attributes:
        address: 127.x.y.z.
        port, tls_port: of `ldap://` and `ldaps://`.
        files: its certificate, and who has signed it.
        said: the file with what it says: a line for each connection, operation and result.
        process: to be stopped for a while.
        config: the file that it runs by.
        local: its URL for those who are on this machine.
    """

    def __init__(self, folder: Path, address: str, files: TlsFiles) -> None:
        self.address = address
        self.port, self.tls_port = free_ports(address, 2)
        self.files = files
        self.said = folder / "said"
        self.process: subprocess.Popen[bytes]
        self.config = folder / "slapd.conf"
        self.local = f"ldapi://{quote(str(folder / 'ldapi'), safe='')}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let it run until this is left, another time perhaps."""
        urls = f"ldap://{self.address}:{self.port} ldaps://{self.address}:{self.tls_port} {self.local}"
        command = [program("slapd"), "-f", str(self.config), "-h", urls, "-d", "stats"]
        with listening(command, (self.address, self.tls_port), self.said) as self.process:
            yield

    def kill(self) -> None:
        """End it at once, and wait until it has."""
        self.process.kill()
        self.process.wait()

    def binds(self, dn: str) -> int:
        """Return how many binds there have been with this name."""
        return self.said.read_text(errors="replace").lower().count(f'bind dn="{dn.lower()}" method=')


@contextmanager
def slapd(folder: Path, *more: str, files: TlsFiles | None = None, address: str | None = None) -> Iterator[Slapd]:
    """A server, until this is left.

    Args:
        folder: an empty one for its files.
        more: lines for its configuration: `allow bind_anon_dn`.
        files: what it shows; without, a certificate with its address and `localhost`.
        address: of `own_address`, if its certificate must have it.
    """
    address = address or own_address()
    server = Slapd(folder, address, files or signed(folder / "tls", [address, "localhost"]))
    (folder / "data").mkdir()
    server.config.write_text(
        _CONFIG.format(
            folder=folder,
            files=server.files,
            more="\n".join(more),
            schemas=_SCHEMAS,
            base=BASE,
            manager=MANAGER,
            password=MANAGER_PASSWORD,
        )
    )
    _run([program("slapadd"), "-f", str(server.config)], open_directory())
    with server.running():
        _run([program("ldapadd"), "-x", "-H", server.local, "-D", MANAGER, "-w", MANAGER_PASSWORD], groups())
        yield server


def _run(command: list[str], typed: str) -> None:
    done = subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
