"""Datagrams to packets: one walk by offset, after which nothing checks a length again.

Rules: octets after Length are padding and belong to nothing (RFC 2865 section 3). Attributes fill the packet exactly,
each at least two octets (section 5). Order between types means nothing, order within a type is kept. Unknown types
are ignored (RFC 5080 section 2.5).
"""

from collections.abc import Collection, Iterator
from typing import Final

from mypy_extensions import mypyc_attr

from gateway.radius.dictionary import (
    AUTHENTICATOR_SIZE,
    CHAP_PASSWORD,
    EAP_MESSAGE,
    HEADER_SIZE,
    MAX_PACKET_SIZE,
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
    STATE,
    USER_NAME,
    VENDOR_SPECIFIC,
)
from gateway.radius.discards import DecodeError, DiscardReason

MAX_REPEATS: Final = 200  # attributes beyond the first of each type: a walk must stay short whatever is sent
MAX_HELD: Final = 200  # attributes of one vendor that are looked at, in all its Vendor-Specifics: likewise

# Marks of a packet: what it holds that most logins do not.
HAS_PROXY_STATE: Final = 1
HAS_STATE: Final = 2
HAS_CHAP: Final = 4
HAS_EAP: Final = 8
_MARKS: Final = bytes(
    {PROXY_STATE: HAS_PROXY_STATE, STATE: HAS_STATE, CHAP_PASSWORD: HAS_CHAP, EAP_MESSAGE: HAS_EAP}.get(kind, 0)
    for kind in range(256)
)


def packet_length(datagram: bytes) -> int:
    """Return the packet's Length, checked against the octets that arrived.

    Raises:
        DecodeError: fewer than 20 octets, Length outside 20..4096, or fewer octets than Length says (RFC 2865 section
        3).
    """
    if len(datagram) < HEADER_SIZE:
        raise DecodeError(DiscardReason.PACKET_TOO_SHORT, len(datagram))
    length = datagram[2] << 8 | datagram[3]
    if not HEADER_SIZE <= length <= MAX_PACKET_SIZE:
        raise DecodeError(DiscardReason.LENGTH_FIELD, 2)
    if length > len(datagram):
        raise DecodeError(DiscardReason.PACKET_TRUNCATED, len(datagram))
    return length


@mypyc_attr(acyclic=True, free_list_len=1)
class Packet:
    """A RADIUS packet whose frame is right; values are cut from the octets only when somebody asks for them.

    Attributes:
        octets: the packet without padding, 20..4096 octets.
        code, identifier: as in the header.
        authenticator: the 16 octets of the header field; the Request Authenticator in a request.
        marks: `HAS_PROXY_STATE` and its like, added up.
        named_at, signed_at: where the first User-Name and the first Message-Authenticator begin, in octets from the
            start of the packet; 0 for none.
    """

    __slots__ = ("_first", "_more", "authenticator", "code", "identifier", "marks", "named_at", "octets", "signed_at")

    def __init__(self, datagram: bytes, length: int) -> None:
        """Walk the attributes of a datagram whose `length` came from `packet_length`.

        Raises:
            DecodeError: the attributes do not fill the packet exactly.
        """
        self.octets = octets = datagram if len(datagram) == length else datagram[:length]
        self.code = octets[0]
        self.identifier = octets[1]
        self.authenticator = octets[4:20]
        self._first: dict[int, int] = {}  # attribute type -> offset of the first of that type
        self._more: list[int] | None = None  # offsets of all further ones
        self.marks = 0
        self.named_at = self.signed_at = 0
        self._walk(octets, length)

    def _walk(self, octets: bytes, length: int) -> None:
        first = self._first
        marks = 0
        offset = HEADER_SIZE
        while offset < length:
            if length - offset < 2:
                raise DecodeError(DiscardReason.ATTRIBUTE_TRUNCATED, offset)
            size = octets[offset + 1]
            if size < 2 or size > length - offset:
                raise DecodeError(DiscardReason.ATTRIBUTE_LENGTH, offset)
            kind = octets[offset]
            if first.setdefault(kind, offset) == offset:
                marks |= _MARKS[kind]
                if kind == USER_NAME:
                    self.named_at = offset
                elif kind == MESSAGE_AUTHENTICATOR:
                    self.signed_at = offset
            elif self._more is None:
                self._more = [offset]
            elif len(self._more) < MAX_REPEATS:
                self._more.append(offset)
            else:
                self._beyond(self._more, offset)
            offset += size
        self.marks = marks

    def _beyond(self, _more: list[int], offset: int) -> None:
        """Take an attribute beyond `MAX_REPEATS`."""
        raise DecodeError(DiscardReason.TOO_MANY_ATTRIBUTES, offset)

    def has(self, kind: int) -> bool:
        """Whether there is an attribute of this type, of whatever length."""
        return kind in self._first

    def value(self, kind: int) -> bytes | None:
        """Return the value of the first attribute of this type; None when absent, or empty (RFC 2865 section 5: then
        it is not there).
        """
        offset = self._first.get(kind)
        if offset is None:
            return None
        return self.octets[offset + 2 : offset + self.octets[offset + 1]] or None

    def offset(self, kind: int) -> int | None:
        """Return where the first attribute of this type begins, in octets from the start of the packet."""
        return self._first.get(kind)

    @property
    def user_name(self) -> bytes:
        """The octets of the first User-Name; empty for none."""
        offset = self.named_at
        return self.octets[offset + 2 : offset + self.octets[offset + 1]] if offset else b""

    @property
    def signature(self) -> bytes:
        """The value of the first Message-Authenticator, taken for 16 octets; empty when there is none."""
        start = self.signed_at + 2
        return self.octets[start : start + AUTHENTICATOR_SIZE] if self.signed_at else b""

    @property
    def has_repeats(self) -> bool:
        """Whether any type occurs more than once."""
        return self._more is not None

    def is_repeated(self, kind: int) -> bool:
        """Whether there is more than one attribute of this type."""
        return self._more is not None and any(self.octets[offset] == kind for offset in self._more)

    def attributes(self, kind: int) -> bytes:
        """Return all attributes of this type as they stood, Type and Length included, in order: ready to be sent
        back.
        """
        if kind not in self._first:
            return b""
        octets = self.octets
        return b"".join([octets[offset : offset + octets[offset + 1]] for offset in self._offsets(kind)])

    def attributes_of(self, kinds: bytes) -> bytes:
        """Return all attributes of some types as they stood, Type and Length included: the first of each type, then the
        others. `kinds` has a 1 at each type that is meant.
        """
        octets, found = self.octets, []
        for kind, at in self._first.items():
            if kinds[kind]:
                found.append(octets[at : at + octets[at + 1]])
        if self._more is not None:
            found += [octets[at : at + octets[at + 1]] for at in self._more if kinds[octets[at]]]
        return b"".join(found)

    def values(self, kind: int) -> list[bytes]:
        """Return the values of all attributes of this type, in order, empty ones included."""
        octets = self.octets
        return [octets[offset + 2 : offset + octets[offset + 1]] for offset in self._offsets(kind)]

    def vendor_value(self, vendor: int, kind: int) -> bytes | None:
        """Return the value of a vendor's first attribute of this type, None when absent or empty."""
        return self.vendor_attribute(vendor, (kind,))[1] or None

    def vendor_attribute(self, vendor: int, kinds: Collection[int]) -> tuple[int, bytes]:
        """Return type and value of a vendor's first attribute of some types that is not empty; 0 and nothing for none.

        RFC 2865 section 5.26: the vendor's number, then attributes of its own. What is not framed like this ends the
        walk through that Vendor-Specific alone. Beyond `MAX_HELD` none is looked for.
        """
        prefix = vendor.to_bytes(4, "big")
        n_left = MAX_HELD
        for held in self.values(VENDOR_SPECIFIC):
            offset = 4 if held[:4] == prefix else len(held)
            while offset + 2 <= len(held) and n_left:
                size = held[offset + 1]
                if size < 2 or offset + size > len(held):
                    break
                if size > 2 and held[offset] in kinds:
                    return held[offset], held[offset + 2 : offset + size]
                offset += size
                n_left -= 1
        return 0, b""

    def _offsets(self, kind: int) -> Iterator[int]:
        if kind in self._first:
            yield self._first[kind]
            if self._more is not None:
                yield from (offset for offset in self._more if self.octets[offset] == kind)

    def __repr__(self) -> str:
        """Show what identifies the packet; never values, for a password may be among them."""
        return f"<Packet code={self.code} identifier={self.identifier} octets={len(self.octets)}>"


class FullPacket(Packet):
    """One that may have as many attributes as its octets hold: what answers a request of ours."""

    __slots__ = ()

    def _beyond(self, more: list[int], offset: int) -> None:
        more.append(offset)


def decode_reply(datagram: bytes) -> Packet:
    """Return the packet in a datagram, however many attributes it has.

    Raises:
        DecodeError: the frame is not that of a RADIUS packet.
    """
    return FullPacket(datagram, packet_length(datagram))


def decode_packet(datagram: bytes) -> Packet:
    """Return the packet in a datagram.

    Raises:
        DecodeError: the frame is not that of a RADIUS packet.
    """
    return Packet(datagram, packet_length(datagram))
