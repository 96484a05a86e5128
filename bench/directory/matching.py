"""Whether a filter, as octets, matches an entry: RFC 4511 section 4.5.1.7, and what Active Directory has beside it."""

from collections.abc import Callable, Sequence
from typing import Final

from bench.directory.entries import Entry, normal
from gateway.ldap.ber import OCTET_STRING, SEQUENCE, BerError, Cursor
from gateway.ldap.filters import (
    AND,
    ANY,
    APPROXIMATE,
    EQUALITY,
    EXTENSIBLE,
    FINAL,
    GREATER_OR_EQUAL,
    INITIAL,
    LESS_OR_EQUAL,
    MATCHED_TYPE,
    MATCHED_VALUE,
    MATCHING_RULE,
    MAX_DEPTH,
    NESTED_MEMBER,
    NOT,
    OR,
    PRESENT,
    SUBSTRINGS,
)

ACCOUNT_ATTRIBUTES: Final = (b"samaccountname", b"uid", b"userprincipalname", b"mail")

_COMPARISONS: Final[dict[int, Callable[[bytes, bytes], bool]]] = {
    EQUALITY: lambda held, asked: held == asked,
    APPROXIMATE: lambda held, asked: held == asked,
    GREATER_OR_EQUAL: lambda held, asked: held >= asked,
    LESS_OR_EQUAL: lambda held, asked: held <= asked,
}


def matches(encoded_filter: bytes, entry: Entry) -> bool:
    """Whether a filter matches.

    Raises:
        BerError: it is none.
    """
    return _Matcher(encoded_filter, entry).found(len(encoded_filter), 0)


def accounts_in(encoded_filter: bytes) -> list[str]:
    """Return the accounts that a filter asks about by name.

    Raises:
        BerError: it is none.
    """
    matcher = _Matcher(encoded_filter, Entry("", {}))
    matcher.found(len(encoded_filter), 0)
    named = [value.decode("utf-8", "replace") for attribute, value in matcher.asked if attribute in ACCOUNT_ATTRIBUTES]
    return [name.partition("@")[0] for name in named]


class _Matcher:
    """Reads a filter while it holds it against an entry.

    Attributes:
        asked: attributes and values that have been compared for equality.
    """

    def __init__(self, octets: bytes, entry: Entry) -> None:
        self._cursor = Cursor(octets)
        self._entry = entry
        self.asked: list[tuple[bytes, bytes]] = []

    def found(self, end: int, depth: int) -> bool:
        """Whether the filter matches that begins here; each is read to its end, whatever came out before."""
        if depth > MAX_DEPTH:
            raise BerError("filters that stand too deep in each other")
        cursor = self._cursor
        tag = cursor.tag(end)
        if tag == PRESENT:
            return bool(self._values(cursor.octets(tag, end)))
        end = cursor.enter(tag, end)
        if tag in (AND, OR, NOT):
            inner = []
            while cursor.at < end:
                inner.append(self.found(end, depth + 1))
            return all(inner) if tag == AND else any(inner) if tag == OR else not any(inner)
        if tag == EXTENSIBLE:
            return self._extensible(end)
        attribute = cursor.octets(OCTET_STRING, end)
        if tag == SUBSTRINGS:
            return self._substrings(self._values(attribute), cursor.enter(SEQUENCE, end))
        return self._compares(tag, attribute, cursor.octets(OCTET_STRING, end))

    def _compares(self, tag: int, attribute: bytes, value: bytes) -> bool:
        if tag not in _COMPARISONS:
            raise BerError("what is no filter")
        if tag == EQUALITY:
            self.asked.append((attribute.lower(), value))
        return any(_COMPARISONS[tag](held, value.lower()) for held in self._values(attribute))

    def _substrings(self, values: Sequence[bytes], end: int) -> bool:
        pieces = []
        while self._cursor.at < end:
            tag = self._cursor.tag(end)
            pieces.append((tag, self._cursor.octets(tag, end).lower()))
        return any(_has(value, pieces) for value in values)

    def _extensible(self, end: int) -> bool:
        """Match by the one rule that is known here, or by none; others match nothing."""
        parts = {MATCHING_RULE: b"", MATCHED_TYPE: b"", MATCHED_VALUE: b""}
        while self._cursor.at < end:
            tag = self._cursor.tag(end)
            parts[tag] = self._cursor.octets(tag, end)
        value = parts[MATCHED_VALUE]
        if parts[MATCHING_RULE] == NESTED_MEMBER:
            return normal(value.decode("utf-8", "replace")) in self._entry.groups
        return not parts[MATCHING_RULE] and value.lower() in self._values(parts[MATCHED_TYPE])

    def _values(self, attribute: bytes) -> list[bytes]:
        return [value.lower() for value in self._entry.attributes.get(attribute.lower(), ())]


def _has(value: bytes, pieces: Sequence[tuple[int, bytes]]) -> bool:
    """Whether a value has the pieces of a substring filter, in their order."""
    at, end = 0, len(value)
    for tag, piece in pieces:
        if tag == INITIAL:
            found = 0 if value.startswith(piece) else -1
        elif tag == FINAL:
            found = end - len(piece) if value.endswith(piece) else -1
        elif tag == ANY:
            found = value.find(piece, at)
        else:
            raise BerError("what is no substring")
        if found < at:
            return False
        at = found + len(piece)
    return True
