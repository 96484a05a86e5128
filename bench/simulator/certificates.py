"""A certificate authority of the simulator's own and one server certificate.

The authority's key is thrown away: it will never sign anything else. Tests have authorities of the same kind.
"""

import datetime as dt
import ipaddress
import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")

LIFETIME = dt.timedelta(days=30)
_DAY = dt.timedelta(days=1)
_BEFORE_END = _DAY  # a pair that ends sooner is made anew


class Certificates(NamedTuple):
    """Where the files are: `ca_file` for clients, the others for the server."""

    ca_file: Path
    certificate_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """TLS settings for listening."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS settings for a client that trusts this simulator and nobody else."""
        return ssl.create_default_context(cafile=self.ca_file)


def certificates_in(folder: Path, names: Iterable[str] = DEFAULT_NAMES) -> Certificates:
    """The pair in `folder`, made if it is missing, about to end or for other host names.

    A restart in the same folder keeps the CA, so that clients go on trusting it. The server's key has mode 0600.
    """
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    wanted = [general_name(each) for each in names]
    if not _is_usable(files, wanted):
        _make(files, wanted)
    return files


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, at no instant otherwise."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
        file.write(content)
    temporary.replace(path)


def _is_usable(files: Certificates, names: list[x509.GeneralName]) -> bool:
    if not all(each.exists() for each in files):
        return False
    certificate = x509.load_pem_x509_certificate(files.certificate_file.read_bytes())
    covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(covered) == names and certificate.not_valid_after_utc - _BEFORE_END > _utc_now()


def _make(files: Certificates, names: list[x509.GeneralName]) -> None:
    authority = Authority("Duo simulator CA")
    key = ec.generate_private_key(ec.SECP256R1())
    files.ca_file.parent.mkdir(parents=True, exist_ok=True)
    files.ca_file.write_bytes(authority.root)
    files.certificate_file.write_bytes(authority.server_certificate("Duo simulator", names, key.public_key()))
    write_private(files.key_file, private_pem(key))


class Authority:
    """A certificate authority, whose key is never written down.

    Attributes:
        root: its own certificate, PEM.
    """

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._public_key = self._key.public_key()
        builder = self._builder(self._name, self._public_key, LIFETIME)
        self.root = self._signed(builder, x509.BasicConstraints(ca=True, path_length=0), _key_usage(is_authority=True))

    def server_certificate(
        self,
        subject: str,
        names: Iterable[x509.GeneralName],
        key: ec.EllipticCurvePublicKey,
        valid_for: dt.timedelta = LIFETIME,
    ) -> bytes:
        """Return the certificate of a server, PEM.

        Args:
            subject: its common name, for people.
            names: host names and addresses that it covers (`general_name`).
            key: the server's.
            valid_for: from now; negative, but above -1 day, for one that has expired.
        """
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._public_key)
        builder = (
            self._builder(_name(subject), key, valid_for)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
        )
        return self._signed(builder, x509.BasicConstraints(ca=False, path_length=None), _key_usage(is_authority=False))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, valid_for: dt.timedelta
    ) -> x509.CertificateBuilder:
        now = _utc_now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + valid_for)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _signed(
        self, builder: x509.CertificateBuilder, constraints: x509.BasicConstraints, usage: x509.KeyUsage
    ) -> bytes:
        builder = builder.add_extension(constraints, critical=True).add_extension(usage, critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM, unencrypted."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def general_name(name: str) -> x509.GeneralName:
    """Return a host name or an address as certificates hold it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
