"""What a client asks, from the octets of its messages."""

from typing import Final, NamedTuple

from gateway.ldap.ber import BOOLEAN, ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, BerError, Cursor, size_of_element

MAX_SIZE: Final = 65_536  # octets of a message

_BIND: Final = 0x60
_UNBIND: Final = 0x42
_SEARCH: Final = 0x63
_EXTENDED: Final = 0x77
_SIMPLE: Final = 0x80
_SASL: Final = 0xA3
_REQUEST_NAME: Final = 0x80


class Bind(NamedTuple):
    """A simple bind."""

    message_id: int
    name: str
    password: str


class SaslBind(NamedTuple):
    """A step of a mechanism of SASL."""

    message_id: int
    mechanism: bytes
    credentials: bytes


class Search(NamedTuple):
    """A search; of no attributes it wants all, in lower case."""

    message_id: int
    base: str
    scope: int
    size_limit: int
    encoded_filter: bytes
    attributes: tuple[bytes, ...]


class Extended(NamedTuple):
    """An extended operation, without its value."""

    message_id: int
    name: bytes


class Unbind(NamedTuple):
    """The client goes."""

    message_id: int


class Other(NamedTuple):
    """Something that is not known here, by its tag."""

    message_id: int
    operation: int


Request = Bind | SaslBind | Search | Extended | Unbind | Other


def cut(octets: bytes) -> tuple[list[bytes], bytes]:
    """Return the messages that are whole, and what is left.

    Raises:
        BerError: this is no LDAP, or too long a message.
    """
    if octets and octets[0] != SEQUENCE:
        raise BerError("what is no LDAP message")
    messages, begin = [], 0
    while 0 < (size := size_of_element(octets, begin)) <= len(octets) - begin:
        messages.append(octets[begin : begin + size])
        begin += size
    if size > MAX_SIZE:
        raise BerError("a message that is too long")
    return messages, octets[begin:]


def read_request(octets: bytes) -> Request:
    """Read a message.

    Raises:
        BerError: it is none.
    """
    cursor = Cursor(octets)
    end = cursor.enter(SEQUENCE, len(octets))
    message_id = cursor.integer(INTEGER, end)
    operation = cursor.tag(end)
    end = cursor.enter(operation, end)
    if operation == _BIND:
        return _bind(message_id, cursor, end)
    if operation == _SEARCH:
        return _search(message_id, octets, cursor, end)
    if operation == _EXTENDED:
        return Extended(message_id, cursor.octets(_REQUEST_NAME, end))
    return Unbind(message_id) if operation == _UNBIND else Other(message_id, operation)


def _bind(message_id: int, cursor: Cursor, end: int) -> Bind | SaslBind:
    cursor.integer(INTEGER, end)
    name = cursor.octets(OCTET_STRING, end).decode("utf-8", "replace")
    if cursor.tag(end) == _SIMPLE:
        return Bind(message_id, name, cursor.octets(_SIMPLE, end).decode("utf-8", "replace"))
    end = cursor.enter(_SASL, end)
    mechanism = cursor.octets(OCTET_STRING, end)
    return SaslBind(message_id, mechanism, cursor.octets(OCTET_STRING, end) if cursor.at < end else b"")


def _search(message_id: int, octets: bytes, cursor: Cursor, end: int) -> Search:
    base = cursor.octets(OCTET_STRING, end).decode("utf-8", "replace")
    scope, _ = cursor.integer(ENUMERATED, end), cursor.integer(ENUMERATED, end)
    size_limit, _ = cursor.integer(INTEGER, end), cursor.integer(INTEGER, end)
    cursor.octets(BOOLEAN, end)
    begin = cursor.at
    cursor.skip(end)
    encoded_filter = octets[begin : cursor.at]
    end = cursor.enter(SEQUENCE, end)
    attributes = []
    while cursor.at < end:
        attributes.append(cursor.octets(OCTET_STRING, end).lower())
    return Search(message_id, base, scope, size_limit, encoded_filter, tuple(attributes))
