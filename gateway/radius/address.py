"""The address of the user's own machine, from whichever attribute a RADIUS client puts it into.

As text it may have a port or brackets: `203.0.113.7`, `203.0.113.7[4500]` (strongSwan), `203.0.113.7:41234`,
`[2001:db8::1]:41234`; IPv6 that holds IPv4 (`::ffff:203.0.113.7`) is IPv4. From the first NUL on it is rubbish.

A value that is no address is no address: a MAC address in Calling-Station-Id, a text cut short, one of several. It is
left alone, as RFC 6929 section 2.8 has it for values that do not fit their type. Nor is one that nobody has as their
own in a network: unspecified, loopback, link-local, multicast, broadcast. IPv6 addresses that begin with a zero octet
are not assigned, and an EUI-64 with colons looks like one.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from gateway.radius.dictionary import VENDOR_SPECIFIC
from gateway.radius.packet import Packet

_PACKED_SIZES: Final = {"ipaddr": 4, "ipv6addr": 16}  # octets, RFC 8044 sections 3.8 and 3.9
_WITH_PORT: Final = re.compile(
    r"([0-9.]+):([0-9]{1,5})|([0-9a-f.:]+)\[([0-9]{1,5})\]|\[([0-9a-f.]*:[0-9a-f.:]*)\](?::([0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)
_MAX_PORT: Final = 65_535
_LINK_LOCAL: Final = b"\xa9\xfe"  # 169.254.0.0/16


class AddressAttribute:
    """An attribute that may hold an address.

    Args:
        vendor: the vendor's number, 0 for an attribute of the RFCs.
        kind: the attribute type, or the vendor's own.
        data_type: `ipaddr` and `ipv6addr` are packed, everything else is text.

    Attributes:
        kind: the type of the attribute on the wire.
    """

    __slots__ = ("_kind", "_packed_size", "_vendor", "kind")

    def __init__(self, vendor: int, kind: int, data_type: str) -> None:
        self._vendor = vendor
        self._kind = kind
        self.kind = VENDOR_SPECIFIC if vendor else kind
        self._packed_size = _PACKED_SIZES.get(data_type)

    def read(self, packet: Packet) -> str | None:
        """Return the address in its usual text, None if there is none."""
        value = packet.vendor_value(self._vendor, self._kind) if self._vendor else packet.value(self._kind)
        if value is None:
            return None
        if self._packed_size is not None:
            return _shown(ip_address(value)) if len(value) == self._packed_size else None
        try:
            return _read_text(value.decode("ascii"))
        except ValueError:
            return None


def _read_text(text: str) -> str | None:
    """Return the address in a text; ValueError is none, too."""
    text = text.partition("\0")[0].strip()
    if ":" not in text and "]" not in text:
        return text if _is_own(packed_ipv4(text)) else None
    found = _WITH_PORT.fullmatch(text)
    if found is not None:
        before_colon, port, before_bracket, bracket_port, bracketed, behind_port = found.groups()
        if int(port or bracket_port or behind_port or "0") > _MAX_PORT:
            return None
        text = before_colon or before_bracket or bracketed
    if "%" in text:  # a zone, as in fe80::1%eth0, means something on the user's machine alone
        return None
    return _shown(IPv6Address(text) if ":" in text else IPv4Address(text))


def packed_ipv4(text: str) -> bytes:
    """Return the octets of an IPv4 address; most logins have one, and `ipaddress` takes four times as much work.

    Raises:
        ValueError: the text is none, as `ipaddress` sees it: each octet in decimal, without leading zeros.
    """
    numbers = text.split(".")
    if len(numbers) != 4:
        raise ValueError("no IPv4 address")
    octets = []
    for number in numbers:
        is_plain = len(number) <= 3 and number.isdigit() and number.isascii() and (number[0] != "0" or number == "0")
        octet = int(number) if is_plain else 256
        if octet > 255:
            raise ValueError("no octet of an IPv4 address")
        octets.append(octet)
    return bytes(octets)


def _shown(address: IPv4Address | IPv6Address) -> str | None:
    """Return an address in its usual text."""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(address) if _is_own(address.packed) else None


def _is_own(packed: bytes) -> bool:
    """Whether a machine can have this address as its own, beyond itself and its link."""
    first = packed[0]
    if len(packed) == 4:
        return first not in (0, 127) and first < 224 and packed[:2] != _LINK_LOCAL
    return first not in (0, 255) and not (first == 0xFE and packed[1] & 0xC0 == 0x80)
