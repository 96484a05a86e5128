"""BER as LDAP has it (RFC 4511 section 5.1): tags of one octet, definite lengths. To write elements, and to read them.

Lengths that come may have more octets than they need: Active Directory writes each in five.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31

MAX_INTEGER: Final = 2**31 - 1  # RFC 4511 section 4.1.1

_MAX_LENGTH_OCTETS: Final = 4
_MAX_INTEGER_OCTETS: Final = 4
_OCTETS: Final[list[bytes]] = [bytes((number,)) for number in range(256)]
_NOT_WHOLE: Final = "an element that ends within another"


class BerError(ValueError):
    """Octets that are no LDAP: nothing can be read behind them. The text repeats none of them."""


def element(tag: int, content: bytes) -> bytes:
    """Return an element: its tag, the length of its content, and that."""
    size = len(content)
    if size < 0x80:
        return _OCTETS[tag] + _OCTETS[size] + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return _OCTETS[tag] + _OCTETS[0x80 | len(length)] + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Return an element with a number that is not negative."""
    if value < 0x80:
        return _OCTETS[tag] + b"\x01" + _OCTETS[value]
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:
    """Return an element with a truth value: all bits, or none."""
    return element(tag, b"\xff" if value else b"\x00")


def size_of_element(octets: bytes, begin: int) -> int:
    """Return how many octets the element has that begins there, its tag and length too; 0 while that cannot be told.

    Raises:
        BerError: it has no length that LDAP allows.
    """
    n_known = len(octets) - begin
    if n_known < 2:
        return 0
    size = octets[begin + 1]
    if size < 0x80:
        return 2 + size
    n_octets = _length_octets(size)
    if n_known < 2 + n_octets:
        return 0
    return 2 + n_octets + int.from_bytes(octets[begin + 2 : begin + 2 + n_octets], "big")


def _length_octets(first: int) -> int:
    """Return how many octets follow the first of a long length."""
    n_octets = first & 0x7F
    if n_octets == 0:
        raise BerError("an element of indefinite length")
    if n_octets > _MAX_LENGTH_OCTETS:
        raise BerError("an element with a length of more than 4 octets")
    return n_octets


@final
@mypyc_attr(acyclic=True)
class Cursor:
    """A place in octets, at the beginning of an element.

    `end` is where the element ends that holds the one to be read, for none reaches beyond. All methods raise BerError.

    Attributes:
        at: the place, as an offset.
    """

    __slots__ = ("_octets", "at")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.at = 0

    def tag(self, end: int) -> int:
        """Return the tag of the element here, and stay."""
        if self.at >= end:
            raise BerError("an element that is missing")
        return self._octets[self.at]

    def enter(self, tag: int, end: int) -> int:
        """Move to the content of an element; return where that ends."""
        found = self.tag(end)
        if found != tag:
            raise BerError(f"an element with the tag {found:#04x} where {tag:#04x} belongs")
        return self._enter(end)

    def octets(self, tag: int, end: int) -> bytes:
        """Return the content of an element, and move behind it."""
        content_end = self.enter(tag, end)
        begin, self.at = self.at, content_end
        return self._octets[begin:content_end]

    def integer(self, tag: int, end: int) -> int:
        """Return the number in an element, and move behind it."""
        content = self.octets(tag, end)
        if not 1 <= len(content) <= _MAX_INTEGER_OCTETS:
            raise BerError("a number without octets, or with more than 4")
        return content[0] if content[0] < 0x80 and len(content) == 1 else int.from_bytes(content, "big", signed=True)

    def skip(self, end: int) -> None:
        """Move behind an element, whatever it is."""
        self.tag(end)
        self.at = self._enter(end)

    def _enter(self, end: int) -> int:
        octets, at = self._octets, self.at
        if end - at < 2:
            raise BerError(_NOT_WHOLE)
        if octets[at] & 0x1F == 0x1F:
            raise BerError("a tag of several octets")
        size = octets[at + 1]
        at += 2
        if size >= 0x80:
            n_octets = _length_octets(size)
            if end - at < n_octets:
                raise BerError(_NOT_WHOLE)
            size = int.from_bytes(octets[at : at + n_octets], "big")
            at += n_octets
        if size > end - at:
            raise BerError(_NOT_WHOLE)
        self.at = at
        return at + size
