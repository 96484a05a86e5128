"""Search filters as LDAP sends them: from an operator's text (RFC 4515), or put together from octets.

The octets are those of RFC 4511 section 4.5.1.7. What is put together from octets needs no escapes: nothing in a value
has a meaning there.
"""

import re
from typing import Final

from gateway.ldap.ber import OCTET_STRING, SEQUENCE, boolean, element

MAX_DEPTH: Final = 30  # of filters in each other
MAX_SIZE: Final = 65_536  # characters

AND: Final = 0xA0
OR: Final = 0xA1
NOT: Final = 0xA2
EQUALITY: Final = 0xA3
SUBSTRINGS: Final = 0xA4
GREATER_OR_EQUAL: Final = 0xA5
LESS_OR_EQUAL: Final = 0xA6
PRESENT: Final = 0x87
APPROXIMATE: Final = 0xA8
EXTENSIBLE: Final = 0xA9

INITIAL: Final = 0x80  # of SUBSTRINGS
ANY: Final = 0x81
FINAL: Final = 0x82

MATCHING_RULE: Final = 0x81  # of EXTENSIBLE
MATCHED_TYPE: Final = 0x82
MATCHED_VALUE: Final = 0x83
DN_ATTRIBUTES: Final = 0x84

NESTED_MEMBER: Final = b"1.2.840.113556.1.4.1941"  # Active Directory's: a member of a member counts

_SETS: Final = {"&": AND, "|": OR}
_COMPARISONS: Final = {"~": APPROXIMATE, ">": GREATER_OR_EQUAL, "<": LESS_OR_EQUAL}
_BLANKS: Final = " \t\r\n"
_BLANK_CHARACTERS: Final = tuple(_BLANKS)
_DESCRIPTION: Final = r"(?:[A-Za-z][\w-]*|\d+(?:\.\d+)*)(?:;[\w-]+)*"
_ATTRIBUTE: Final = re.compile(_DESCRIPTION, re.ASCII)
_RULE: Final = re.compile(rf"({_DESCRIPTION})?((?i::dn))?(?::({_DESCRIPTION}))?", re.ASCII)
_ESCAPE: Final = re.compile(r"\\([0-9A-Fa-f]{2})|\\")


class FilterError(ValueError):
    """A text that is no filter.

    Attributes:
        position: of the character where it ends to be one, from 1.
        text: what is wrong there, and what to write instead.
    """

    def __init__(self, position: int, text: str) -> None:
        super().__init__(f"character {position}: {text}")
        self.position = position
        self.text = text


def equality(attribute: bytes, value: bytes) -> bytes:
    """Return the filter for entries whose attribute has this value."""
    return _comparison(EQUALITY, attribute, value)


def present(attribute: bytes) -> bytes:
    """Return the filter of entries with any value of an attribute, as `(cn=*)` is."""
    return element(PRESENT, attribute)


def all_of(*filters: bytes) -> bytes:
    """Return the filter for what all of them match: of one, that itself."""
    return _set_of(AND, filters)


def any_of(*filters: bytes) -> bytes:
    """Return the filter for what any of them matches: of one, that itself."""
    return _set_of(OR, filters)


def member_of_nested(attribute: bytes, dn: bytes) -> bytes:
    """Return the filter for members of a group, and members of groups in it, at Active Directory."""
    return _extensible(NESTED_MEMBER, attribute, dn, False)


def parse_filter(text: str) -> bytes:
    """Return the filter that a text of RFC 4515 writes. Blanks may stand around filters, too.

    Raises:
        FilterError: it is none.
    """
    if len(text) > MAX_SIZE:
        raise FilterError(MAX_SIZE, f"a filter has at most {MAX_SIZE} characters")
    parser = _Parser(text)
    found = parser.filter(0)
    parser.end()
    return found


def _set_of(tag: int, filters: tuple[bytes, ...]) -> bytes:
    if not filters:
        raise ValueError("no filters to put together")
    return filters[0] if len(filters) == 1 else element(tag, b"".join(filters))


def _comparison(tag: int, attribute: bytes, value: bytes, kind: int = OCTET_STRING) -> bytes:
    return element(tag, element(OCTET_STRING, attribute) + element(kind, value))


def _extensible(rule: bytes, attribute: bytes, value: bytes, dn_attributes: bool) -> bytes:
    """RFC 4511 section 4.5.1.7.7; what is empty is left out, and so is a `dnAttributes` that is false."""
    return element(
        EXTENSIBLE,
        (element(MATCHING_RULE, rule) if rule else b"")
        + (element(MATCHED_TYPE, attribute) if attribute else b"")
        + element(MATCHED_VALUE, value)
        + (boolean(True, DN_ATTRIBUTES) if dn_attributes else b""),
    )


class _Parser:
    """Stands at a place in a filter's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def filter(self, depth: int) -> bytes:
        """Read a filter with its parentheses."""
        if depth == MAX_DEPTH:
            raise self._error(f"filters stand at most {MAX_DEPTH} deep in each other")
        self._expect("(", "a filter stands in parentheses: (attribute=value)")
        sign = self._next()
        if sign == "(":
            raise self._error("one pair of parentheses is enough: (attribute=value)")
        if sign in _SETS:
            self._at += 1
            found = element(_SETS[sign], self._filters(depth))
        elif sign == "!":
            self._at += 1
            found = element(NOT, self.filter(depth + 1))
        else:
            found = self._item()
        self._expect(")", "a ) is missing here; a parenthesis in a value is written \\28 or \\29")
        return found

    def end(self) -> None:
        """Check that nothing follows."""
        if self._next():
            raise self._error("the filter has ended before; several stand in one: (&(one)(another))")

    def _filters(self, depth: int) -> bytes:
        if self._next() != "(":
            raise self._error("& and | stand before filters in parentheses: (&(one)(another))")
        filters = []
        while self._next() == "(":
            filters.append(self.filter(depth + 1))
        return b"".join(filters)

    def _item(self) -> bytes:
        """Read what stands between parentheses and is no filter of filters; stand behind it."""
        begin, text = self._at, self._text
        end = next((at for at in range(begin, len(text)) if text[at] in "()"), len(text))
        sign = text.find("=", begin, end)
        if sign < 0:
            raise self._error("a filter compares: (attribute=value)")
        self._at = end
        before = text[sign - 1]
        if sign > begin and before == ":":
            return self._extensible(begin, sign, end)
        if sign > begin and before in _COMPARISONS:
            return _comparison(_COMPARISONS[before], self._attribute(begin, sign - 1), self._value(sign + 1, end))
        attribute = self._attribute(begin, sign)
        if text[sign + 1 : end].strip(_BLANKS) == "*":
            return present(attribute)
        if "*" in text[sign + 1 : end]:
            return _comparison(SUBSTRINGS, attribute, self._substrings(sign + 1, end), SEQUENCE)
        return equality(attribute, self._value(sign + 1, end))

    def _attribute(self, begin: int, end: int) -> bytes:
        name = self._text[begin:end].strip(_BLANKS)
        if not _ATTRIBUTE.fullmatch(name):
            raise self._error("an attribute's name has letters, digits and hyphens: (attribute=value)", begin)
        return name.encode()

    def _extensible(self, begin: int, sign: int, end: int) -> bytes:
        """Read `attribute:dn:rule:=value`; of attribute and rule one may be left out, and `:dn` always."""
        found = _RULE.fullmatch(self._text[begin : sign - 1].strip(_BLANKS))
        if found is None or not (found[1] or found[3]):
            raise self._error("a matching rule stands behind an attribute: (attribute:rule:=value)", begin)
        rule, attribute = (found[3] or "").encode(), (found[1] or "").encode()
        return _extensible(rule, attribute, self._value(sign + 1, end), bool(found[2]))

    def _substrings(self, begin: int, end: int) -> bytes:
        """Read the pieces of a value between its asterisks."""
        pieces = self._text[begin:end].split("*")
        substrings = []
        for number, piece in enumerate(pieces):
            tag = INITIAL if number == 0 else FINAL if number == len(pieces) - 1 else ANY
            if piece:
                substrings.append(element(tag, self._value(begin, begin + len(piece))))
            begin += len(piece) + 1
        if not substrings:
            raise self._error("one asterisk alone stands for any value: (attribute=*)", begin - 1)
        return b"".join(substrings)

    def _value(self, begin: int, end: int) -> bytes:
        """Return the octets of a value: UTF-8, and any octet as an escape."""
        text = self._text[begin:end]
        for character, written in (("*", "\\2a"), ("\0", "\\00")):
            if character in text:
                raise self._error(f"in a value this is written {written}", begin + text.index(character))
        pieces, at = [], 0
        for escape in _ESCAPE.finditer(text):
            if escape[1] is None:
                raise self._error("behind \\ stand two hexadecimal digits; itself it is \\5c", begin + escape.start())
            pieces += [text[at : escape.start()].encode(), bytes.fromhex(escape[1])]
            at = escape.end()
        return b"".join([*pieces, text[at:].encode()])

    def _next(self) -> str:
        """Return the next character that is no blank, and stand before it; empty at the end."""
        while self._text[self._at : self._at + 1] in _BLANK_CHARACTERS:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str, text: str) -> None:
        if self._next() != character:
            raise self._error(text)
        self._at += 1

    def _error(self, text: str, at: int | None = None) -> FilterError:
        return FilterError((self._at if at is None else at) + 1, text)
