"""Channel bindings: the hash that belongs to a certificate's signature, and none where nobody knows which."""

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.ldap.ntlm.channel_bindings import tls_server_end_point

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dc1.example")])
SIGNERS = pytest.mark.parametrize("key", [RSA, EC], ids=["rsa", "ecdsa"])


def builder(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> x509.CertificateBuilder:
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).serial_number(1).public_key(key.public_key())
    return made.not_valid_before(begin).not_valid_after(begin + dt.timedelta(days=1))


def expected(der: bytes, name: str) -> bytes:
    data = b"tls-server-end-point:" + hashlib.new(name, der).digest()
    return hashlib.md5(bytes(16) + len(data).to_bytes(4, "little") + data).digest()


@SIGNERS
@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_hash_is_that_of_the_signature(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: hashes.SHA224 | hashes.SHA256
) -> None:
    der = builder(key).sign(key, algorithm).public_bytes(Encoding.DER)
    assert tls_server_end_point(der) == expected(der, algorithm.name)


@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_hash_of_pss_stands_in_its_parameters(algorithm: hashes.SHA256) -> None:
    pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    der = builder(RSA).sign(RSA, algorithm, rsa_padding=pss).public_bytes(Encoding.DER)
    assert tls_server_end_point(der) == expected(der, algorithm.name)


@pytest.mark.parametrize("oid", ["2a864886f70d010104", "2a864886f70d010105"], ids=["md5", "sha1"])
def test_sha_256_takes_the_place_of_old_hashes(oid: str) -> None:
    der = builder(RSA).sign(RSA, hashes.SHA256()).public_bytes(Encoding.DER)
    old = der.replace(bytes.fromhex("2a864886f70d01010b"), bytes.fromhex(oid))
    assert tls_server_end_point(old) == expected(old, "sha256")


def test_signature_that_hashes_by_itself_gives_no_binding() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    assert tls_server_end_point(builder(key).sign(key, None).public_bytes(Encoding.DER)) == b""


@pytest.mark.parametrize("octets", [b"", b"\x30\0", b"no certificate", bytes(50)])
def test_what_is_no_certificate_gives_no_binding(octets: bytes) -> None:
    assert tls_server_end_point(octets) == b""
