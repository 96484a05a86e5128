"""What a failed handshake means in plain words."""

import ssl

import pytest

from gateway.https.tls import (
    TrustStore,
    tls_trouble,
)
from gateway.unavailable import Trouble


@pytest.mark.parametrize(
    ("code", "said", "advice"),
    [
        (9, "certificate is not yet valid", "see this machine's clock"),
        (10, "certificate has expired", "see this machine's clock"),
        (18, "self-signed certificate", "somebody may be in between"),
        (20, "unable to get local issuer certificate", "somebody may be in between"),
        (62, "Hostname mismatch", "somebody may be in between"),
    ],
)
def test_a_certificate_that_proves_nothing_names_the_clock_or_whoever_is_in_between(code: int, said: str, advice: str):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, said
    trouble = tls_trouble(error, "duo.test:443", TrustStore())
    assert trouble.trouble is Trouble.CERTIFICATE
    assert f"duo.test:443: {said}; {advice}; the trusted roots are the bundle" in trouble.detail


def test_a_handshake_that_fails_earlier_has_another_word():
    error = ssl.SSLError(1, "wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    for each in (error, ssl.SSLEOFError(8, "eof")):
        assert tls_trouble(each, "duo.test:443", TrustStore()).trouble is Trouble.TLS
