"""How long the certificates of a TLS connection are valid: the server's own, and the root that it leads to."""

import datetime as dt
import ssl
import sys

from cryptography import x509

from gateway.checks.findings import Finding, Severity

SOON_DAYS = 60  # time enough to bring newer roots to every host


def verified_chain(tls: ssl.SSLObject) -> list[x509.Certificate]:
    """Return the certificates of an established connection, the server's first and the trusted root last."""
    if sys.version_info >= (3, 13):
        return [x509.load_der_x509_certificate(octets) for octets in tls.get_verified_chain()]
    # Older versions have the chain, without a public name for it.
    return [x509.load_pem_x509_certificate(each.public_bytes().encode()) for each in tls._sslobj.get_verified_chain()]  # type: ignore[attr-defined]  # noqa: SLF001


def certificate_findings(subject: str, chain: list[x509.Certificate], now: dt.datetime) -> list[Finding]:
    """Return how many days the server's certificate and its root are still valid."""
    server, root = chain[0], chain[-1]
    return [
        lifetime(subject, "certificate", "Duo's certificate", server, now, "Duo renews it; see status.duo.com if not"),
        lifetime(
            subject,
            "root",
            f"the trusted root {_name(root)}",
            root,
            now,
            "before that day update the trusted roots: pip install --upgrade certifi, or http_ca_certs_file",
        ),
    ]


def lifetime(
    subject: str,
    step: str,
    what: str,
    certificate: x509.Certificate,
    now: dt.datetime,
    remedy: str,
    soon_days: int = SOON_DAYS,
) -> Finding:
    """Return how many days a certificate is still valid; `what` it is called, and who must do what before its end."""
    end = certificate.not_valid_after_utc
    n_days = (end - now).days
    text = f"{what} is valid for {n_days} days, until {end:%Y-%m-%d}"
    if n_days < soon_days:
        return Finding(subject, step, Severity.WARNING, text, remedy)
    return Finding(subject, step, Severity.OK, text)


def _name(certificate: x509.Certificate) -> str:
    """Return the subject's common name, or all of it; control characters replaced, for a peer chose them."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    text = str(names[0].value) if names else certificate.subject.rfc4514_string()
    return "".join(letter if letter.isprintable() else "?" for letter in text)
