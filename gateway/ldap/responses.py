"""What a server says: the octets of one LDAPMessage as a value (RFC 4511 section 4)."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.ldap.ber import ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET, BerError, Cursor
from gateway.values import Value

DISCONNECTION: Final = b"1.3.6.1.4.1.1466.20036"
MAX_ATTRIBUTES: Final = 1000  # of an entry

_BIND_RESPONSE: Final = 0x61
_ENTRY: Final = 0x64
_SEARCH_DONE: Final = 0x65
_REFERENCE: Final = 0x73
_EXTENDED_RESPONSE: Final = 0x78
_SERVER_CREDENTIALS: Final = 0x87
_RESPONSE_NAME: Final = 0x8A


@final
@mypyc_attr(acyclic=True)
class Result(Value):
    """How an operation ended.

    Attributes:
        code: of `results`, or any other.
        matched_dn: the last entry that exists, where the code is for a name that does not.
        text: the server's, for the administrator: one printable line, as long as it was.
    """

    __slots__ = ("code", "matched_dn", "text")

    def __init__(self, code: int, matched_dn: bytes, text: str) -> None:
        self.code = code
        self.matched_dn = matched_dn
        self.text = text


@final
@mypyc_attr(acyclic=True)
class BindDone(Value):
    """The answer to a bind, or to one step of a SASL mechanism; then it may have credentials."""

    __slots__ = ("message_id", "result", "server_credentials")

    def __init__(self, message_id: int, result: Result, server_credentials: bytes | None) -> None:
        self.message_id = message_id
        self.result = result
        self.server_credentials = server_credentials


@final
@mypyc_attr(acyclic=True)
class Entry(Value):
    """One that a search has found; the names of attributes are in lower case."""

    __slots__ = ("attributes", "dn", "message_id")

    def __init__(self, message_id: int, dn: bytes, attributes: dict[bytes, list[bytes]]) -> None:
        self.message_id = message_id
        self.dn = dn
        self.attributes = attributes


@final
@mypyc_attr(acyclic=True)
class Referral(Value):
    """Where else a search might look; Active Directory sends some with each search from a domain's root."""

    __slots__ = ("message_id",)

    def __init__(self, message_id: int) -> None:
        self.message_id = message_id


@final
@mypyc_attr(acyclic=True)
class SearchDone(Value):
    """The end of a search: its entries have come before."""

    __slots__ = ("message_id", "result")

    def __init__(self, message_id: int, result: Result) -> None:
        self.message_id = message_id
        self.result = result


@final
@mypyc_attr(acyclic=True)
class ExtendedDone(Value):
    """The answer to an extended operation; with the number 0 a notice that nobody has asked for, to be ignored."""

    __slots__ = ("message_id", "name", "result")

    def __init__(self, message_id: int, result: Result, name: bytes) -> None:
        self.message_id = message_id
        self.result = result
        self.name = name


@final
@mypyc_attr(acyclic=True)
class Disconnection(Value):
    """The server's notice that it closes the connection (RFC 4511 section 4.4.1)."""

    __slots__ = ("result",)

    def __init__(self, result: Result) -> None:
        self.result = result


Message = BindDone | Entry | Referral | SearchDone | ExtendedDone | Disconnection


def read_message(octets: bytes) -> Message:
    """Read one whole LDAPMessage. Controls are not looked at: none is asked for.

    Raises:
        BerError: it is none, or has an operation that is no answer to anything asked.
    """
    cursor = Cursor(octets)
    end = cursor.enter(SEQUENCE, len(octets))
    if end != len(octets):
        raise BerError("octets behind a message")
    message_id = cursor.integer(INTEGER, end)
    operation = cursor.tag(end)
    end = cursor.enter(operation, end)
    if message_id == 0 and operation == _EXTENDED_RESPONSE:
        return _notice(cursor, end)
    if message_id <= 0:
        raise BerError("an answer without the number of a request")
    if operation == _BIND_RESPONSE:
        return BindDone(message_id, _result(cursor, end), _found(cursor, _SERVER_CREDENTIALS, end))
    if operation == _ENTRY:
        return Entry(message_id, cursor.octets(OCTET_STRING, end), _attributes(cursor, end))
    if operation == _SEARCH_DONE:
        return SearchDone(message_id, _result(cursor, end))
    if operation == _REFERENCE:
        return Referral(message_id)
    if operation == _EXTENDED_RESPONSE:
        return ExtendedDone(message_id, _result(cursor, end), _found(cursor, _RESPONSE_NAME, end) or b"")
    raise BerError(f"an operation that was not asked for: {operation:#04x}")


def _notice(cursor: Cursor, end: int) -> Message:
    result = _result(cursor, end)
    name = _found(cursor, _RESPONSE_NAME, end) or b""
    return Disconnection(result) if name == DISCONNECTION else ExtendedDone(0, result, name)


def _result(cursor: Cursor, end: int) -> Result:
    """Read an LDAPResult but for its referral, which `_found` passes over."""
    code = cursor.integer(ENUMERATED, end)
    if code < 0:
        raise BerError("a negative result code")
    matched_dn = cursor.octets(OCTET_STRING, end)
    return Result(code, matched_dn, _text(cursor.octets(OCTET_STRING, end)))


def _text(octets: bytes) -> str:
    """Return a diagnostic message as one printable line. Active Directory's ends with NUL."""
    return printable(octets.decode("utf-8", "replace").strip("\0 \t\r\n"))


def printable(text: str) -> str:
    """Return a text with `?` for each character that has no form of its own."""
    if text.isprintable():
        return text
    return "".join([character if character.isprintable() else "?" for character in text])


def _found(cursor: Cursor, tag: int, end: int) -> bytes | None:
    """Return the content of one element of those that follow a result, None where it is not there."""
    while cursor.at < end:
        if cursor.tag(end) == tag:
            return cursor.octets(tag, end)
        cursor.skip(end)
    return None


def _attributes(cursor: Cursor, end: int) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    end = cursor.enter(SEQUENCE, end)
    while cursor.at < end:
        attribute_end = cursor.enter(SEQUENCE, end)
        name = cursor.octets(OCTET_STRING, attribute_end).lower()
        values_end = cursor.enter(SET, attribute_end)
        values = found.setdefault(name, [])
        while cursor.at < values_end:
            values.append(cursor.octets(OCTET_STRING, values_end))
        if len(found) > MAX_ATTRIBUTES:
            raise BerError("an entry with too many attributes")
    return found
