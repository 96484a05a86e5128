"""Octets that know their frames: what is changed within a frame is framed again, so that a change gets past its length.

A part is octets, or parts within a frame: a packet of attributes, an element of elements.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from gateway.ldap.ber import SEQUENCE, Cursor, element
from gateway.radius.attributes import is_framed

Frame = Callable[[bytes], bytes]

_CONSTRUCTED = 0x20  # a bit of a tag


class Part:
    """Octets, and the parts that they are made of; without any they are changed octet by octet."""

    __slots__ = ("frame", "octets", "parts")

    def __init__(self, frame: Frame, parts: tuple["Part", ...] = ()) -> None:
        self.frame = frame
        self.parts = parts
        self.octets: bytes = frame(b"".join([part.octets for part in parts]))

    def walk(self) -> Iterator["Part"]:
        """Return it, and all parts in it."""
        yield self
        for part in self.parts:
            yield from part.walk()


class Octets(Part):
    """A part without parts."""

    __slots__ = ()

    def __init__(self, octets: bytes) -> None:
        self.frame: Frame = _nothing_around
        self.parts: tuple[Part, ...] = ()
        self.octets: bytes = octets


class Seed(NamedTuple):
    """What inputs are made of: octets that tell the harness what to do, and what comes.

    Attributes:
        head: keeps its size.
        body: what is changed most.
    """

    head: bytes
    body: Part


def seed(head: bytes | tuple[int, ...], *parts: Part | bytes) -> Seed:
    """Return a seed whose body is these parts, one behind the other."""
    return Seed(bytes(head), parts[0] if len(parts) == 1 and isinstance(parts[0], Part) else joined(*parts))


def joined(*parts: Part | bytes) -> Part:
    """Return parts one behind the other."""
    return Part(_nothing_around, _parts(parts))


def sized(*parts: Part | bytes) -> Part:
    """Return parts behind an octet that says how many octets they have."""
    return Part(_sized, _parts(parts))


def attribute(kind: int, *parts: Part | bytes) -> Part:
    """Return an attribute of RADIUS, whose length is wrong if it is too long."""
    return Part(partial(_attribute, kind), _parts(parts))


def of_attributes(octets: bytes) -> Part:
    """Take octets apart that are attributes of RADIUS; those of vendors, too."""
    if not is_framed(octets):
        raise ValueError("no attributes")
    parts, at = [], 0
    while at < len(octets):
        kind, value = octets[at], octets[at + 2 : at + octets[at + 1]]
        is_vendors = kind == 26 and len(value) > 6 and is_framed(value[4:])
        parts.append(attribute(kind, value[:4], of_attributes(value[4:])) if is_vendors else attribute(kind, value))
        at += octets[at + 1]
    return joined(*parts)


def packet(code: int, identifier: int, authenticator: bytes, *parts: Part | bytes) -> Part:
    """Return a packet of RADIUS with the right Length."""
    return Part(partial(_packet, code, identifier, authenticator), _parts(parts))


def of_packet(octets: bytes) -> Part:
    """Take a packet apart, or what is none but ought to be."""
    length = int.from_bytes(octets[2:4], "big")
    if length < 20 or length > len(octets) or not is_framed(octets[20:length]):
        return joined(octets[:4], octets[4:20], octets[20:])
    return joined(packet(octets[0], octets[1], octets[4:20], of_attributes(octets[20:length])), octets[length:])


def tagged(tag: int, *parts: Part | bytes, is_long: bool = False) -> Part:
    """Return an element of BER; its length is written in five octets if it `is_long`, as Active Directory does."""
    return Part(partial(_long_element if is_long else element, tag), _parts(parts))


def of_elements(octets: bytes, *, is_long: bool = False) -> Part:
    """Take octets apart that are elements of BER."""
    cursor, end, parts = Cursor(octets), len(octets), []
    while cursor.at < end:
        tag = cursor.tag(end)
        content = cursor.octets(tag, end)
        inner = of_elements(content, is_long=is_long).parts if tag & _CONSTRUCTED else (content,)
        parts.append(tagged(tag, *inner, is_long=is_long))
    return joined(*parts)


def operation_of(message: bytes, *, is_long: bool = False) -> Part:
    """Return the operation of an LDAP message, without what surrounds it."""
    cursor = Cursor(message)
    end = cursor.enter(SEQUENCE, len(message))
    cursor.skip(end)
    return of_elements(message[cursor.at :], is_long=is_long)


def _parts(parts: tuple[Part | bytes, ...]) -> tuple[Part, ...]:
    return tuple([part if isinstance(part, Part) else Octets(part) for part in parts])


def _nothing_around(content: bytes) -> bytes:
    return content


def _sized(content: bytes) -> bytes:
    return bytes((len(content) & 0xFF,)) + content


def _attribute(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value) + 2 & 0xFF)) + value


def _packet(code: int, identifier: int, authenticator: bytes, attributes: bytes) -> bytes:
    return bytes((code, identifier)) + (20 + len(attributes) & 0xFFFF).to_bytes(2, "big") + authenticator + attributes


def _long_element(tag: int, content: bytes) -> bytes:
    return bytes((tag, 0x84)) + len(content).to_bytes(4, "big") + content
