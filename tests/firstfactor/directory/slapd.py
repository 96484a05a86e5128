"""A slapd that notes no groups with persons, and lets nobody read but its reader: a process of its own for tests."""

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.simulator.certificates import certificates_in, write_private
from gateway.config.settings import AdClient, AuthType, DirectoryHost, Secret, Transport
from tests.directories.processes import free_ports, listening
from tests.integration.clients.machines import program

SUFFIX = "dc=example,dc=test"
SERVICE_DN = f"cn=reader,{SUFFIX}"
SERVICE_PASSWORD = b"the-readers-own"
GROUP = f"cn=vpn,ou=groups,{SUFFIX}"
PASSWORDS = {"alice": b"correct horse", "bob": b"battery staple", "carol": "pässwörd".encode(), "dave": b"d"}

_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server-key.pem
{more}
database mdb
maxsize 67108864
suffix "{suffix}"
rootdn "cn=root,{suffix}"
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by * none
"""
_ENTRIES = """\
dn: {suffix}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: {service}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {service_password}

dn: ou=people,{suffix}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{suffix}
objectClass: organizationalUnit
ou: groups

dn: {group}
objectClass: groupOfNames
cn: vpn
member: uid=alice,ou=people,{suffix}

"""
_PERSON = """\
dn: uid={uid},ou={ou},{suffix}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.test
userPassword:: {password}

"""


class Directory(NamedTuple):
    """Where it is, and whom to trust there."""

    port: int
    tls_port: int
    ca_certs: bytes

    def section(self, transport: Transport = Transport.CLEAR, **how) -> AdClient:
        """Return the settings of a client of it."""
        port = self.tls_port if transport is Transport.LDAPS else self.port
        given = {
            "section": "ad_client",
            "hosts": (DirectoryHost(host="127.0.0.1", port=port),),
            "auth_type": AuthType.PLAIN,
            "transport": transport,
            "service_account_username": "reader",
            "service_account_password": Secret(SERVICE_PASSWORD),
            "bind_dn": SERVICE_DN,
            "search_dn": SUFFIX,
            "username_attribute": "uid",
            "at_attribute": "mail",
            "timeout_s": 5.0,
            "ca_certs": b"" if transport is Transport.CLEAR else self.ca_certs,
        }
        return AdClient(**{**given, **how})


@contextmanager
def slapd(folder: Path, more: str = "") -> Iterator[Directory]:
    """Start one; `more` are lines of its configuration."""
    port, tls_port = free_ports("127.0.0.1", 2)
    certificates_in(folder)
    (folder / "db").mkdir()
    config = folder / "slapd.conf"
    write_private(config, _CONFIG.format(folder=folder, suffix=SUFFIX, service=SERVICE_DN, more=more).encode())
    write_private(folder / "init.ldif", _ldif().encode())
    adding = [program("slapadd"), "-q", "-f", str(config), "-l", str(folder / "init.ldif")]
    subprocess.run(adding, check=True, capture_output=True)
    urls = f"ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"
    command = [program("slapd"), "-f", str(config), "-h", urls, "-d", "none"]
    with listening(command, ("127.0.0.1", tls_port), folder / "said"):
        yield Directory(port, tls_port, (folder / "ca.pem").read_bytes())


def _ldif() -> str:
    service_password = SERVICE_PASSWORD.decode()
    text = _ENTRIES.format(suffix=SUFFIX, service=SERVICE_DN, service_password=service_password, group=GROUP)
    for uid, password in PASSWORDS.items():
        text += _PERSON.format(uid=uid, ou="people", suffix=SUFFIX, password=_base64(password))
    return text + _PERSON.format(uid="dave", ou="groups", suffix=SUFFIX, password=_base64(b"another dave"))


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
