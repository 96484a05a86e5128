"""What a client asks: each function returns the octets of one LDAPMessage (RFC 4511 section 4)."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from gateway.ldap.ber import ENUMERATED, MAX_INTEGER, OCTET_STRING, SEQUENCE, boolean, element, integer

START_TLS: Final = b"1.3.6.1.4.1.1466.20037"

_BIND: Final = 0x60
_SEARCH: Final = 0x63
_EXTENDED: Final = 0x77
_SIMPLE: Final = 0x80
_SASL: Final = 0xA3
_REQUEST_NAME: Final = 0x80
_VERSION: Final = integer(3)
_NEVER_FOLLOW_ALIASES: Final = integer(0, ENUMERATED)
_VALUES_TOO: Final = boolean(False)


class Scope(IntEnum):
    """How far below its base a search looks."""

    BASE = 0
    ONE_LEVEL = 1
    SUBTREE = 2


def simple_bind(message_id: int, name: bytes, password: bytes) -> bytes:
    """Ask whether this is the password of that name.

    Raises:
        ValueError: the password is empty: the bind would be anonymous, and often succeed (RFC 4513 section 5.1.2).
    """
    if not password:
        raise ValueError("a simple bind needs a password")
    asked = _VERSION + element(OCTET_STRING, name) + element(_SIMPLE, password)
    return _message(message_id, element(_BIND, asked))


def sasl_bind(message_id: int, mechanism: bytes, credentials: bytes) -> bytes:
    """Ask for one step of a SASL mechanism, without a name."""
    step = element(OCTET_STRING, mechanism) + element(OCTET_STRING, credentials)
    return _message(message_id, element(_BIND, _VERSION + element(OCTET_STRING, b"") + element(_SASL, step)))


def search(
    message_id: int,
    base: bytes,
    scope: Scope,
    encoded_filter: bytes,
    attributes: Sequence[bytes],
    size_limit: int,
    time_limit_s: int,
) -> bytes:
    """Ask for entries, and their values of those attributes: `1.1` is none, and no attributes are all.

    A limit of 0 is none, and that of time is in seconds. Aliases are not followed.
    """
    wanted = b"".join([element(OCTET_STRING, name) for name in attributes])
    asked = (
        element(OCTET_STRING, base)
        + integer(scope, ENUMERATED)
        + _NEVER_FOLLOW_ALIASES
        + integer(size_limit)
        + integer(time_limit_s)
        + _VALUES_TOO
        + encoded_filter
        + element(SEQUENCE, wanted)
    )
    return _message(message_id, element(_SEARCH, asked))


def start_tls(message_id: int) -> bytes:
    """Ask for TLS on this connection (RFC 4511 section 4.14)."""
    return _message(message_id, element(_EXTENDED, element(_REQUEST_NAME, START_TLS)))


def _message(message_id: int, operation: bytes) -> bytes:
    if not 1 <= message_id <= MAX_INTEGER:
        raise ValueError(f"no number of a request: {message_id}")
    return element(SEQUENCE, integer(message_id) + operation)
