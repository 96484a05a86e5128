"""A reply's or request's attributes one by one, those of vendors taken apart (RFC 2865 sections 5 and 5.26)."""

from collections.abc import Iterator
from typing import Final, NamedTuple, final

from mypy_extensions import mypyc_attr

from gateway.radius.dictionary import MAX_ATTRIBUTE_VALUE_SIZE, VENDOR_SPECIFIC
from gateway.values import Value

_VENDOR_HEAD: Final = 4  # octets: the vendor's number, before the attributes of its own
_NO_VENDOR: Final = bytes(_VENDOR_HEAD)
_OTHER_FORMATS: Final = frozenset({429, 4846, 8164, 24757})  # USR, Lucent, Starent, WiMAX: no Type, Length of one octet


class AttributeKind(NamedTuple):
    """Which attribute: `vendor` is 0 for those of the RFCs. What of a vendor is framed otherwise is of kind 0."""

    vendor: int
    kind: int

    def __str__(self) -> str:
        """Name it as FreeRADIUS does what no dictionary has: `Attr-26.9.1`."""
        return f"Attr-26.{self.vendor}.{self.kind}" if self.vendor else f"Attr-{self.kind}"


_OF_RFCS: Final = tuple([AttributeKind(0, kind) for kind in range(256)])
"""Made once: to make one costs as much as to look at its attribute."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Attribute(Value):
    """An attribute as it stood; one of a vendor without what surrounds it."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: AttributeKind, value: bytes) -> None:
        self.kind = kind
        self.value = value

    @property
    def octets(self) -> bytes:
        """It, encoded."""
        return encode(self.kind, self.value)

    def __repr__(self) -> str:
        """Hide the value, which may be a key."""
        return f"<Attribute {self.kind.vendor}.{self.kind.kind}>"


def attributes_in(octets: bytes) -> Iterator[Attribute]:
    """Return the attributes that stand one behind the other, in order, empty ones left out (RFC 2865 section 5).

    The octets fill their last attribute exactly, as those of a `Packet` do. Of a Vendor-Specific come those that it
    holds; where they do not fill it exactly, the vendor frames them otherwise, or one is of kind 0, all of it as one of
    kind 0. Vendor 0 is none: such a Vendor-Specific comes as one of the RFCs', as it stands.
    """
    offset = 0
    while offset < len(octets):
        size = octets[offset + 1]
        value = octets[offset + 2 : offset + size]
        if octets[offset] == VENDOR_SPECIFIC and len(value) > _VENDOR_HEAD and value[:_VENDOR_HEAD] != _NO_VENDOR:
            yield from _of_vendor(value)
        elif value:
            yield Attribute(_OF_RFCS[octets[offset]], value)
        offset += size


def _of_vendor(value: bytes) -> Iterator[Attribute]:
    vendor, held = int.from_bytes(value[:_VENDOR_HEAD], "big"), value[_VENDOR_HEAD:]
    found = []
    if vendor not in _OTHER_FORMATS and is_framed(held):
        offset = 0
        while offset < len(held):
            size = held[offset + 1]
            found.append((held[offset], held[offset + 2 : offset + size]))
            offset += size
    if not found or any(kind == 0 for kind, _ in found):  # with one of kind 0 it would be written otherwise
        found = [(0, held)]
    for kind, inner in found:
        if inner:
            yield Attribute(AttributeKind(vendor, kind), inner)


def has_any(octets: bytes, kinds: bytes) -> bool:
    """Whether encoded attributes have one of a type that has a 1 in `kinds`."""
    offset, end = 0, len(octets)
    while offset + 2 <= end:
        if kinds[octets[offset]]:
            return True
        offset += max(2, octets[offset + 1])
    return False


def is_framed(octets: bytes) -> bool:
    """Whether attributes of Type, Length and Value fill the octets exactly."""
    offset = 0
    while offset + 2 <= len(octets) and octets[offset + 1] >= 2:
        offset += octets[offset + 1]
    return offset == len(octets)


def encode(kind: AttributeKind, value: bytes) -> bytes:
    """Return an attribute, one of a vendor within a Vendor-Specific of its own.

    Raises:
        ValueError: the value has no octets, or more than an attribute holds: 253, of a vendor 247.
    """
    if kind.vendor == 0:
        return _framed(kind.kind, value)
    held = _framed(kind.kind, value) if kind.kind else value
    return _framed(VENDOR_SPECIFIC, kind.vendor.to_bytes(_VENDOR_HEAD, "big") + held)


def _framed(kind: int, value: bytes) -> bytes:
    if not 1 <= len(value) <= MAX_ATTRIBUTE_VALUE_SIZE:
        raise ValueError(f"an attribute value has 1 to 253 octets, this one {len(value)}")
    return bytes((kind, 2 + len(value))) + value
