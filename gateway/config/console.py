"""The keys of the status page: where it is, what its visitors must know, and its certificate."""

import re
from functools import partial

from gateway.certificates import BadCertificates, serving_context, trusting_context
from gateway.config.credentials import read_private
from gateway.config.scope import Scope
from gateway.config.settings import ConsoleSettings, MetricsForm, Secret
from gateway.config.slips import secret_slips, with_odd_character
from gateway.config.surroundings import Surroundings
from gateway.config.values import BadValueError, choice, is_loopback, listening_address, plain

_TOKEN = re.compile(rb"[!-~]{16,512}")
_CERT_KEY, _KEY_KEY = "console_tls_cert_file", "console_tls_key_file"


def read_console(scope: Scope, surroundings: Surroundings) -> ConsoleSettings | None:
    """Return the settings of the status page; None if there is to be none."""
    where = scope.read("console", listening_address)
    token = _read_file(scope, surroundings, "console_token_file", "token")
    certificate = _read_certificate(scope, surroundings)
    metrics = scope.read("metrics", choice(MetricsForm))
    if where is None:
        return None
    console = ConsoleSettings(
        host=where.host,
        port=where.port or 0,
        token=_token(scope, surroundings, token) if token else None,
        certificate=Secret(certificate) if certificate else None,
        valid_until=_valid_until(certificate) if certificate else 0.0,
        metrics=metrics,
    )
    if not is_loopback(console.host):
        _guard(scope, console)
    return console


def _guard(scope: Scope, console: ConsoleSettings) -> None:
    """Note what is missing where others can reach the page."""
    if not any(entry.value for entry in scope.entries("console_token_file")):
        text = f"is missing, and others can reach {console}; write console_token_file=PATH, or console=off"
        scope.missing("console_token_file", text)
    elif not scope.entries(_CERT_KEY, _KEY_KEY):
        for entry in scope.entries("console"):
            text = "others can read what passes there, the token too"
            scope.warn(entry, f"{text}; write {_CERT_KEY}=PATH and {_KEY_KEY}=PATH, or an address such as 127.0.0.1")


def _token(scope: Scope, surroundings: Surroundings, token: bytes) -> Secret | None:
    """Return the token of the file, without what surrounds it."""
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        entry = scope.entries("console_token_file")[0]
        path = surroundings.resolve(entry.value)
        text = "must hold a token of 16 to 512 letters, digits and signs without blanks"
        odd = with_odd_character(token.decode(errors="replace"))
        scope.error(entry, f"{path} {text}; write one with: openssl rand -hex 32 > {path}{odd}")
        return None
    return Secret(token) if scope.note(scope.entries("console_token_file")[0], secret_slips(token)) else None


def _read_certificate(scope: Scope, surroundings: Surroundings) -> bytes | None:
    """Return chain and key, one behind the other, once they are known to belong together."""
    chain = _read_file(scope, surroundings, _CERT_KEY, "certificate")
    key = _read_file(scope, surroundings, _KEY_KEY, "key")
    for given, other in ((_CERT_KEY, _KEY_KEY), (_KEY_KEY, _CERT_KEY)):
        if scope.entries(given) and not scope.entries(other):
            scope.missing(other, f"is missing, and {given} is there; write {other}=PATH")
    if chain is None or key is None:
        return None
    for name, check in ((_CERT_KEY, partial(_check_chain, chain)), (_KEY_KEY, partial(_check_key, chain, key))):
        try:
            check()
        except BadValueError as error:
            scope.error(scope.entries(name)[0], str(error))
            return None
    return chain + b"\n" + key


def _check_chain(chain: bytes) -> None:
    """Raises BadValueError where one of the chain's certificates cannot be used."""
    try:
        trusting_context(chain)
    except BadCertificates as error:
        raise BadValueError(f"{error}; name a PEM file in which the server's own certificate comes first") from error


def _check_key(chain: bytes, key: bytes) -> None:
    """Raises BadValueError where the key is not that of the chain's first certificate, or OpenSSL refuses them."""
    from cryptography import x509  # it takes long to import, and few files need it
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private_key = load_pem_private_key(key, None)
    except TypeError as error:
        raise BadValueError("is encrypted; decrypt it with openssl pkey, and protect the file by its mode") from error
    except ValueError as error:
        raise BadValueError("holds no private key; name a PEM file with -----BEGIN PRIVATE KEY-----") from error
    if private_key.public_key() != x509.load_pem_x509_certificates(chain)[0].public_key():
        raise BadValueError(f"this key does not belong to the first certificate of {_CERT_KEY}")
    try:
        serving_context(chain + b"\n" + key)
    except BadCertificates as error:
        raise BadValueError(f"{error}; write another {_CERT_KEY} and {_KEY_KEY}") from error


def _valid_until(chain: bytes) -> float:
    """Return when the first certificate of a chain ends, in Unix seconds."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(chain).not_valid_after_utc.timestamp()


def _read_file(scope: Scope, surroundings: Surroundings, key: str, what: str) -> bytes | None:
    """Return what the file that a key names holds, None without one."""
    if not scope.read_optional(key, plain):
        return None
    return read_private(scope, surroundings, scope.entries(key)[0], what, is_secret=key != _CERT_KEY)
