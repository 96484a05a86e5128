"""The simulator's certificates."""

import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from bench.simulator.certificates import certificates_in


def test_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    files = certificates_in(tmp_path)
    assert stat.S_IMODE(files.key_file.stat().st_mode) == 0o600
    assert b"PRIVATE" not in files.ca_file.read_bytes() + files.certificate_file.read_bytes()


def test_second_start_keeps_the_pair(tmp_path: Path) -> None:
    first = certificates_in(tmp_path).ca_file.read_bytes()
    assert certificates_in(tmp_path).ca_file.read_bytes() == first


def test_other_names_make_a_new_pair(tmp_path: Path) -> None:
    first = certificates_in(tmp_path).ca_file.read_bytes()
    files = certificates_in(tmp_path, ["api-test.example", "192.0.2.1"])
    assert files.ca_file.read_bytes() != first
    certificate = x509.load_pem_x509_certificate(files.certificate_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["api-test.example"]


def test_keys_are_p256_and_the_authority_signed(tmp_path: Path) -> None:
    files = certificates_in(tmp_path)
    authority = x509.load_pem_x509_certificate(files.ca_file.read_bytes())
    certificate = x509.load_pem_x509_certificate(files.certificate_file.read_bytes())
    certificate.verify_directly_issued_by(authority)
    for each in (authority, certificate):
        key = each.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)
