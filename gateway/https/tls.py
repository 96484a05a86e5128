"""Which certificates are trusted, and what a failed handshake means in plain words."""

import ssl
from pathlib import Path
from typing import NamedTuple

from gateway.certificates import SYSTEM, BadCertificates, openssl_reason, system_context, trusting_context
from gateway.unavailable import Trouble, Unavailable

_OF_THE_CLOCK = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL's x509_vfy.h


class TrustStore:
    """The roots that a server's certificate must lead to, for TLS 1.2 or later with the host name checked."""

    def __init__(self, ca_certs_file: str | None = None) -> None:
        """Load the roots.

        Args:
            ca_certs_file: a PEM file; None is the bundle shipped with the gateway, `system` the system's own.

        Raises:
            ValueError: the file cannot be read, or one of its certificates cannot be used.
        """
        if ca_certs_file == SYSTEM:
            self.name, self.context = "the system's", system_context()
            return
        path = ca_certs_file or _shipped()
        self.name = ca_certs_file or "the bundle shipped with the gateway"
        try:
            self.context = trusting_context(Path(path).read_bytes())
        except (OSError, BadCertificates) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"no trusted roots in {path}: {reason}") from error


def _shipped() -> str:
    import certifi  # who has a file of his own starts 5 ms sooner without

    return certifi.where()


class Validity(NamedTuple):
    """Until when certificates are valid, in Unix seconds: the server's own, and the root that it leads to."""

    server: float
    root: float


def validity(tls: ssl.SSLObject) -> Validity | None:
    """Return how long the certificates of a new connection are valid; None where this Python does not tell.

    Its chain has a public name from Python 3.13 on, and what the dates are read with has none at all: the library that
    `gateway.checks.certificates` reads them with takes long to import, and is not needed to serve.
    """
    try:
        chain = tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
        return Validity(*(ssl.cert_time_to_seconds(each.get_info()["notAfter"]) for each in (chain[0], chain[-1])))
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        return None


def tls_trouble(error: Exception, peer: str, trust: TrustStore) -> Unavailable:
    """Return what a failed handshake with `peer` means."""
    match error:
        case ssl.SSLCertVerificationError():
            reason = error.verify_message or _reason(error)
            is_clock = error.verify_code in _OF_THE_CLOCK
            advice = "see this machine's clock" if is_clock else "somebody may be in between"
            text = f"certificate verify failed for {peer}: {reason}; {advice}; the trusted roots are {trust.name}"
            return Unavailable(Trouble.CERTIFICATE, text)
        case ssl.SSLZeroReturnError() | ssl.SSLEOFError():
            text = f"{peer} closed the connection during the TLS handshake"
        case _:
            text = f"TLS handshake with {peer} failed: {_reason(error)}"
    return Unavailable(Trouble.TLS, text)


def _reason(error: Exception) -> str:
    """OpenSSL's reason in lower case, `wrong version number`, or the system's text."""
    if isinstance(error, ssl.SSLError):
        return openssl_reason(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
