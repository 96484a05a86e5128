"""Bundles as people damage them: refused where they are read, with the line; and what the intact ones are good for."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import NameOID

from gateway.certificates import (
    BadCertificates,
    certificates_of,
    check_ciphers,
    limit_ciphers,
    serving_context,
    trusting_context,
)
from gateway.https.tls import TrustStore
from tests.config.files import MINIMAL, problems_of

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Holder(NamedTuple):
    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issue(name: str, issuer: Holder | None = None, *, is_authority: bool = True, key: Key | None = None) -> Holder:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            issuer.certificate.subject if issuer else subject, subject, key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(issuer.key if issuer else key, SHA256())
    )
    return Holder(made, key)


ROOT = issue("root.test")
BETWEEN = issue("between.test", ROOT)
LEAF = issue("duo.test", BETWEEN, is_authority=False)
A, B = ROOT.pem, BETWEEN.pem
N = A.count(b"\n")  # lines of a certificate
BEGIN, END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

DAMAGED = {
    "no line end between two": (A.rstrip() + B, f"line {N} has two marks"),
    "a body that is none": (A + BEGIN + b"\nAAAA\n" + END + b"\n", f"line {N + 1} is damaged"),
    "no body": (BEGIN + b"\n" + END + b"\n", "line 1 is damaged"),
    "letters lost": (A.replace(A[200:203], b"", 1) + B, "line 1 is damaged"),
    "all of it indented": (b"".join(b"    " + line for line in A.splitlines(keepends=True)), "line 1 is indented"),
    "the second one indented": (A + b"\t" + B, f"line {N + 1} is indented"),
    "line ends written out": (A.replace(b"\n", b"\\n"), "line 1 has \\n where a line should end"),
    "cut off": (A + B[: len(B) // 2], f"line {N + 1} has no -----END CERTIFICATE-----"),
    "the beginning lost": (A[40:] + B, f"line {N - 1} ends a certificate that has not begun"),
    "an end lost": (A.replace(END + b"\n", b"") + B, f"line 1 does not end before line {N}"),
    "quoted": (b'"' + A + b'"', "line 1 holds more than -----BEGIN CERTIFICATE-----"),
    "quoted as mail": (b"> " + A.replace(b"\n", b"\n> "), "line 1 holds more than"),
    "UTF-16": (b"\xff\xfe" + A.decode().encode("utf-16-le"), "UTF-16; save it as plain text"),
    "UTF-16 without a mark": (A.decode().encode("utf-16-be"), "UTF-16; save it as plain text"),
    "DER": (ROOT.certificate.public_bytes(Encoding.DER), "openssl x509 -inform der"),
    "PKCS #7": (pkcs7.serialize_certificates([ROOT.certificate], Encoding.PEM), "openssl pkcs7 -print_certs"),
    "a key": (ROOT.key_pem, "holds no certificate"),
    "nothing": (b"\n", "holds no certificate"),
}
INTACT = {
    "two": A + B,
    "with comments in another charset": b"# Z\xfcrich\n" + A + b"\n\n# the next\n" + B,
    "with a mark of UTF-8": b"\xef\xbb\xbf" + A,
    "of DOS": A.replace(b"\n", b"\r\n"),
    "of an old Mac": A.replace(b"\n", b"\r"),
    "with blanks behind its lines": A.replace(b"\n", b"  \n"),
    "twice the same": A + A,
    "with a key": A + ROOT.key_pem,
    "without the last line end": A.rstrip(),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_bundle_is_refused_with_its_line_by_whoever_reads_the_file_and_by_whoever_serves(name, tmp_path):
    octets, text = DAMAGED[name]
    with pytest.raises(BadCertificates) as caught:
        trusting_context(octets)
    assert text in str(caught.value)
    (problem,) = problems_of(f"[main]\nhttp_ca_certs_file=ca.pem\n{MINIMAL}", {"/etc/radgate/ca.pem": octets})
    place = (problem.section, problem.key, problem.place.line)
    assert (place, problem.is_error) == (("main", "http_ca_certs_file", 2), True)
    assert f"'/etc/radgate/ca.pem' cannot be used: {caught.value}; name a PEM file" in problem.text
    (tmp_path / "ca.pem").write_bytes(octets)
    with pytest.raises(ValueError, match="no trusted roots in "):
        TrustStore(str(tmp_path / "ca.pem"))


@pytest.mark.parametrize("name", INTACT)
def test_a_bundle_that_can_mean_one_thing_only_is_taken(name):
    octets = INTACT[name]
    assert trusting_context(octets).cert_store_stats()["x509"] == len({A, B} & {A, *([B] if B in octets else [])})
    assert problems_of(f"[main]\nhttp_ca_certs_file=ca.pem\n{MINIMAL}", {"/etc/radgate/ca.pem": octets}) == []


@pytest.mark.parametrize("trusted", [[ROOT], [BETWEEN], [LEAF], [ROOT, BETWEEN]], ids=["root", "issuer", "own", "both"])
def test_a_server_is_believed_whose_root_or_issuer_the_bundle_names(trusted):
    client = trusting_context(b"".join(each.pem for each in trusted))
    assert shake_hands(client, serving_context(LEAF.pem + BETWEEN.pem + LEAF.key_pem)) == "duo.test"


def test_a_server_is_not_believed_of_which_the_bundle_names_nobody():
    client = trusting_context(issue("other.test").pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, serving_context(LEAF.pem + BETWEEN.pem + LEAF.key_pem))


@pytest.mark.parametrize(
    ("pem", "text"),
    [
        (LEAF.pem.rstrip() + BETWEEN.pem + LEAF.key_pem, "has two marks"),
        (LEAF.pem + ROOT.key_pem, "key values mismatch"),
        (LEAF.pem, "OpenSSL refuses"),
        (LEAF.key_pem, "holds no certificate"),
    ],
)
def test_what_a_server_cannot_show_is_refused(pem, text):
    with pytest.raises(BadCertificates, match=text):
        serving_context(pem)


def test_a_certificate_that_openssl_finds_too_weak_to_serve_with_is_a_problem_of_the_file():
    weak = issue("localhost", key=rsa.generate_private_key(65537, 1024))
    files = {"/etc/radgate/crt": weak.pem, "/etc/radgate/key": weak.key_pem}
    (problem,) = problems_of(f"[gateway]\nconsole_tls_cert_file=crt\nconsole_tls_key_file=key\n{MINIMAL}", files)
    assert (problem.key, problem.is_error) == ("console_tls_key_file", True)
    assert "ee key too small" in problem.text


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """Return the name that the server has proved."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname="duo.test")
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for each in (asking, answering):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                pass
    proved = x509.load_der_x509_certificate(asking.getpeercert(binary_form=True) or b"")
    return proved.subject.rfc4514_string().removeprefix("CN=")


def test_a_machine_that_trusts_nobody_is_refused_too(tmp_path, monkeypatch):
    """As in a container without the package of roots: every call to Duo would fail."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(ValueError, match=rf"neither {tmp_path}/roots.pem nor {tmp_path} holds a root; install"):
        TrustStore("system")
    (tmp_path / "roots.pem").write_bytes(A)
    assert TrustStore("system").context.cert_store_stats()["x509"] == 1


class TestDirectories:
    def test_the_certificates_of_a_bundle_are_all_that_is_kept(self):
        one, other = issue("one.test"), issue("other.test")
        bundle = b"Bag Attributes\r\n" + one.pem.replace(b"\n", b"\r\n") + other.key_pem + other.pem
        assert certificates_of(bundle) == one.pem + other.pem

    def test_a_bundle_that_cannot_be_used_says_why(self):
        with pytest.raises(BadCertificates, match="it holds no certificate"):
            certificates_of(issue("one.test").key_pem)

    def test_a_list_without_a_cipher_is_refused(self):
        check_ciphers("DEFAULT@SECLEVEL=1")
        with pytest.raises(BadCertificates, match="OpenSSL knows no cipher"):
            check_ciphers("NONE-SUCH")

    @pytest.mark.parametrize("cipher_list", ["aNULL", "ADH@SECLEVEL=0", "eNULL:@SECLEVEL=0"])
    def test_so_is_one_by_which_nobody_shows_who_he_is(self, cipher_list):
        with pytest.raises(BadCertificates, match="that shows a certificate"):
            check_ciphers(cipher_list)

    @pytest.mark.parametrize("cipher_list", ["HIGH@SECLEVEL=0", "ALL:@SECLEVEL=0", "HIGH aNULL @SECLEVEL=0"])
    def test_a_server_without_a_certificate_is_nobody(self, cipher_list):
        context = trusting_context(A)
        limit_ciphers(context, cipher_list)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError):
            shake_hands_with_nobody(context)


def shake_hands_with_nobody(context: ssl.SSLContext) -> None:
    """Let a client and a server without a certificate go as far as they come."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.set_ciphers("aNULL@SECLEVEL=0")
    server_context.maximum_version = ssl.TLSVersion.TLSv1_2
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="duo.test")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in [client, server] * 4:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
