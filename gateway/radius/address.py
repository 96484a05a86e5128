"""The address of the user's own machine, from whichever attribute a RADIUS client puts it into.

A value that is no address is no address: a MAC address in Calling-Station-Id, a text cut short. It is left alone, as
RFC 6929 section 2.8 has it for values that do not fit their type.
"""

from ipaddress import ip_address
from typing import Final

from gateway.radius.dictionary import VENDOR_SPECIFIC
from gateway.radius.packet import Packet

_PACKED_SIZES: Final = {"ipaddr": 4, "ipv6addr": 16}  # octets, RFC 8044 sections 3.8 and 3.9


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
        try:
            if self._packed_size is None:
                # A zone, as in fe80::1%eth0, means something on the user's machine alone.
                return str(ip_address(value.decode("ascii"))) if b"%" not in value else None
            return str(ip_address(value)) if len(value) == self._packed_size else None
        except ValueError:
            return None
