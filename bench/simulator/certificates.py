"""A certificate authority of the simulator's own and one server certificate.

The authority's key is thrown away: it will never sign anything else.
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

_LIFETIME = dt.timedelta(days=30)
_BEFORE_END = dt.timedelta(days=1)  # a pair that ends sooner is made anew


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
    wanted = [_general_name(each) for each in names]
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
    ca_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    certificate = _server_certificate(names, server_key, ca, ca_key)
    pem = serialization.Encoding.PEM
    files.ca_file.parent.mkdir(parents=True, exist_ok=True)
    files.ca_file.write_bytes(ca.public_bytes(pem))
    files.certificate_file.write_bytes(certificate.public_bytes(pem))
    write_private(
        files.key_file,
        server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Duo simulator CA")
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_certificate(
    names: list[x509.GeneralName],
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(_name("Duo simulator"), ca.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = _utc_now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
