"""How `[ad_client]` speaks TLS to a directory, and whom it trusts then."""

import re
from functools import partial

from gateway.certificates import SYSTEM, BadCertificates, check_ciphers
from gateway.config.certificate_files import read_certificates
from gateway.config.directory_values import OLD_TLS_VERSIONS, tls_version
from gateway.config.scope import Scope
from gateway.config.surroundings import Surroundings
from gateway.config.values import BadValueError, boolean, quoted

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def read_ca_certs(scope: Scope, surroundings: Surroundings) -> bytes:
    """Return whom to trust as `AdClient` has it; empty after a problem."""
    entries = [entry for entry in scope.entries("ssl_ca_certs_file") if entry.value]
    if not entries:
        text = "nobody knows else whether it is our directory that answers; write ssl_ca_certs_file=PATH of a PEM file"
        where = "with the CA's certificate, or ssl_ca_certs_file=system"
        scope.missing("ssl_ca_certs_file", f"is missing: {text} {where}")
        return b""
    if entries[0].value.lower() == SYSTEM:
        return SYSTEM.encode()
    found = scope.parse(entries[0], partial(read_certificates, surroundings))
    if found is None:
        return b""
    if _PRIVATE_KEY.search(found.octets):
        scope.warn(entries[0], "the file has a private key in it, which nobody needs here; remove it from the file")
    return found.certificates


def read_verify_hostname(scope: Scope, ca_certs: bytes) -> bool:
    """Return whether a host must be called in its certificate as it is in the file."""
    verifies = scope.read("ssl_verify_hostname", boolean)
    if not verifies and ca_certs == SYSTEM.encode():
        text = "lets whoever has any public certificate be the directory, with ssl_ca_certs_file=system"
        scope.error(scope.entries("ssl_verify_hostname")[0], f"{text}; name the hosts' own certificates there")
    return verifies


def read_tls_version(scope: Scope) -> str:
    """Return the least version of TLS."""
    for entry in scope.entries("minimum_tls_version"):
        if entry.value.lower() in OLD_TLS_VERSIONS:
            scope.warn(entry, "is older than what is spoken here, TLS 1.2 or newer; write tls1.2, or remove the line")
    return scope.read("minimum_tls_version", tls_version)


def read_cipher_list(scope: Scope) -> str:
    """Return a list of ciphers that OpenSSL knows; empty for its own choice."""
    return scope.read_optional("cipher_list", _cipher_list) or ""


def _cipher_list(text: str) -> str:
    try:
        check_ciphers(text)
    except BadCertificates as error:
        raise BadValueError(f"{quoted(text)} cannot be used: {error}; write a list of OpenSSL's") from error
    return text


def check_without_tls(scope: Scope) -> None:
    """Note certificates where nobody shows any: TLS was probably meant."""
    for entry in scope.own().entries("ssl_ca_certs_file"):
        text = "has no effect with transport=clear; write transport=ldaps, or starttls, or remove the line"
        scope.warn(entry, text)
