"""Files of certificates that a section trusts."""

from typing import NamedTuple

from gateway.certificates import BadCertificates, certificates_of
from gateway.config.surroundings import LONGEST_PATH, Surroundings
from gateway.config.values import BadValueError, quoted


class CertificateFile(NamedTuple):
    """A PEM file: what it holds, and of that the certificates alone."""

    path: str
    octets: bytes
    certificates: bytes


def read_certificates(surroundings: Surroundings, text: str) -> CertificateFile:
    """Return a file whose certificates can all be used."""
    path, content = surroundings.read_installed(text)
    try:
        return CertificateFile(path, content.octets, certificates_of(content.octets))
    except BadCertificates as error:
        shown = quoted(path, LONGEST_PATH)
        raise BadValueError(
            f"{shown} cannot be used: {error}; name a PEM file with -----BEGIN CERTIFICATE-----, or system"
        ) from error
