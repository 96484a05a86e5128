"""Where the user's address may stand."""

import pytest

from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_attribute
from gateway.radius.packet import decode_packet

CALLING_STATION_ID = AddressAttribute(0, 31, "string")
FRAMED_IP_ADDRESS = AddressAttribute(0, 8, "ipaddr")
FRAMED_IPV6_ADDRESS = AddressAttribute(0, 168, "ipv6addr")
PALO_ALTO = AddressAttribute(25461, 7, "string")
PALO_ALTO_NUMBER = (25461).to_bytes(4, "big")


def packet_with(attributes: bytes):
    return decode_packet(bytes([1, 1]) + (20 + len(attributes)).to_bytes(2, "big") + bytes(16) + attributes)


@pytest.mark.parametrize(
    ("attribute", "kind", "value", "address"),
    [
        (CALLING_STATION_ID, 31, b"203.0.113.7", "203.0.113.7"),
        (CALLING_STATION_ID, 31, b" 203.0.113.7 ", None),
        (CALLING_STATION_ID, 31, b"fe80::1%eth0", None),
        (CALLING_STATION_ID, 31, b"2001:DB8::1", "2001:db8::1"),
        (CALLING_STATION_ID, 31, b"00-11-22-33-44-55", None),
        (CALLING_STATION_ID, 31, b"203.0.113", None),
        (CALLING_STATION_ID, 31, b"203.0.113.7\x00", None),
        (CALLING_STATION_ID, 31, b"\xff\xfe", None),
        (CALLING_STATION_ID, 32, b"203.0.113.7", None),
        (FRAMED_IP_ADDRESS, 8, bytes([203, 0, 113, 7]), "203.0.113.7"),
        (FRAMED_IP_ADDRESS, 8, bytes(3), None),
        (FRAMED_IPV6_ADDRESS, 168, bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
        (FRAMED_IPV6_ADDRESS, 168, bytes(15), None),
    ],
)
def test_only_an_address_is_an_address(attribute, kind, value, address):
    assert attribute.read(packet_with(encode_attribute(kind, value))) == address


@pytest.mark.parametrize(
    ("inner", "address"),
    [
        (b"\x07\x0d203.0.113.7", "203.0.113.7"),
        (b"\x01\x04xy\x07\x0d203.0.113.7", "203.0.113.7"),
        (b"\x07\x0c203.0.113.7", None),
        (b"\x07\x00203.0.113.7", None),
        (b"\x07\xff203.0.113.7", None),
        (b"\x01\x01\x07\x0d203.0.113.7", None),
        (b"\x07", None),
        (b"", None),
    ],
)
def test_vendor_attributes_are_walked_safely(inner, address):
    assert PALO_ALTO.read(packet_with(encode_attribute(26, PALO_ALTO_NUMBER + inner))) == address


def test_another_vendors_attribute_of_the_same_number_is_another():
    other = encode_attribute(26, bytes(4) + b"\x07\x0d192.0.2.200")
    ours = encode_attribute(26, PALO_ALTO_NUMBER + b"\x07\x0d203.0.113.7")
    assert PALO_ALTO.read(packet_with(b"\x1a\x03\x00" + other + ours)) == "203.0.113.7"
