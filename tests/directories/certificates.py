"""Certificates for directories: one that an authority has signed, with names, and one of the old kind without any."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bench.simulator.certificates import Authority, general_name, private_pem, write_private

_DAY = dt.timedelta(days=1)


class TlsFiles(NamedTuple):
    """Where a server has its certificate and its key, and whom a client must trust."""

    certificate: Path
    key: Path
    authority: Path


def signed(folder: Path, names: Sequence[str], *, valid_for: dt.timedelta = _DAY) -> TlsFiles:
    """Make a certificate for these host names and addresses, and an authority for it."""
    authority, key = Authority("Directories' CA"), ec.generate_private_key(ec.SECP256R1())
    covered = [general_name(name) for name in names]
    return _written(
        folder, key, authority.server_certificate("dc1", covered, key.public_key(), valid_for), authority.root
    )


def nameless(folder: Path, common_name: str) -> TlsFiles:
    """Make a certificate that has signed itself and says its name in the subject alone; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(x509.random_serial_number()).not_valid_before(now - _DAY).not_valid_after(now + _DAY)
    pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return _written(folder, key, pem, pem)


def _written(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: bytes, authority: bytes) -> TlsFiles:
    folder.mkdir(parents=True, exist_ok=True)
    files = TlsFiles(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    files.certificate.write_bytes(certificate)
    files.authority.write_bytes(authority)
    write_private(files.key, private_pem(key))
    return files
