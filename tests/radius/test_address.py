"""Where the user's address may stand."""

from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.radius.address import AddressAttribute, packed_ipv4
from gateway.radius.client import encode_attribute
from gateway.radius.packet import decode_packet

CALLING_STATION_ID = AddressAttribute(0, 31, "string")
FRAMED_IP_ADDRESS = AddressAttribute(0, 8, "ipaddr")
FRAMED_IPV6_ADDRESS = AddressAttribute(0, 168, "ipv6addr")
PALO_ALTO = AddressAttribute(25461, 7, "string")
PALO_ALTO_NUMBER = (25461).to_bytes(4, "big")


def packet_with(attributes: bytes):
    return decode_packet(bytes([1, 1]) + (20 + len(attributes)).to_bytes(2, "big") + bytes(16) + attributes)


SEEN = {
    b"203.0.113.7": "203.0.113.7",
    b"203.0.113.7[4500]": "203.0.113.7",  # strongSwan's eap-radius
    b"203.0.113.7[0]": "203.0.113.7",
    b"203.0.113.7:41234": "203.0.113.7",  # accel-ppp's SSTP
    b"2001:DB8::1": "2001:db8::1",
    b"2001:db8::1[4500]": "2001:db8::1",
    b"[2001:db8::1]": "2001:db8::1",
    b"[2001:db8::1]:41234": "2001:db8::1",
    b"2001:db8::1:443": "2001:db8::1:443",  # who means a port writes brackets
    b"::ffff:203.0.113.7": "203.0.113.7",  # a socket for both families
    b"::FFFF:cb00:7107": "203.0.113.7",
    b"::ffff:203.0.113.7[4500]": "203.0.113.7",
    b"[::ffff:203.0.113.7]": "203.0.113.7",
    b"[::ffff:203.0.113.7]:41234": "203.0.113.7",
    b" 203.0.113.7 ": "203.0.113.7",
    b"203.0.113.7\x00": "203.0.113.7",
    b"203.0.113.7 \x00rubbish": "203.0.113.7",
    b"\t[2001:db8::1]:41234\r\n\x00\x00": "2001:db8::1",
    b"10.1.2.3": "10.1.2.3",
    b"fd00::1": "fd00::1",
}

NONE = [
    b"0.0.0.0",
    b"0.0.0.0:500",
    b"0.1.2.3",
    b"::",
    b"[::]:500",
    b"::ffff:0.0.0.0",
    b"127.0.0.1",
    b"::1",
    b"::ffff:127.0.0.1",
    b"224.0.0.1",
    b"255.255.255.255",
    b"ff02::1",
    b"169.254.7.7",
    b"fe80::1",
    b"fe80::1%eth0",
    b"[fe80::1%eth0]:500",
    b"2001:db8::1%eth0",
    b"203.0.113.7%eth0",
    b"203.0.113",
    b"203.0.113.7/24",
    b"2001:db8::/32",
    b"203.0.113.7, 41234",
    b"203.0.113.7,198.51.100.1",
    b"203.0.113.7 41234",
    b"203.0.113.7:",
    b"203.0.113.7:65536",
    b"203.0.113.7:123456",
    b"203.0.113.7:-1",
    b"203.0.113.7:1:2",
    b"203.0.113.7[4500",
    b"203.0.113.7[]",
    b"203.0.113.7[4500]x",
    b"[203.0.113.7]",
    b"[203.0.113.7]:41234",
    b"[2001:db8::1",
    b"2001:db8::1]:500",
    b"[2001:db8::1][4500]",
    b"1:2:3:4:5:6:7:8:443",
    b"::ffff:203.0.113.7:443",
    b"203.0.113.007",
    b"3405803783",
    b"0xcb007107",
    b"vpn.example.com",
    b"vpn.example.com:443",
    b"00-11-22-33-44-55",
    b"00:11:22:33:44:55",
    b"0011.2233.4455",
    b"001122334455",
    b"20:01:0d:b8:33:44:55:66",  # an EUI-64 of eight groups, which reads as IPv6
    b"20-01-0D-B8-33-44-55-66:ssid",
    b"+81 3 1234 5678",
    b"\xff\xfe",
    "２０３.0.113.7".encode(),
    b"\x00203.0.113.7",
    b"\x00",
    b" ",
]


@pytest.mark.parametrize(("value", "address"), SEEN.items())
def test_an_address_as_text_may_have_a_port_brackets_and_what_c_leaves_around_it(value, address):
    assert CALLING_STATION_ID.read(packet_with(encode_attribute(31, value))) == address


@pytest.mark.parametrize("value", NONE)
def test_text_that_is_no_users_address_is_none(value):
    assert CALLING_STATION_ID.read(packet_with(encode_attribute(31, value))) is None


@given(
    st.text("01259. +-_/\u0663\u00b2") | st.lists(st.integers(0, 300)).map(lambda octets: ".".join(map(str, octets)))
)
@example("203.0.113.7")
@example("0.0.0.0")
@example("203.0.113.07")
@example("203.0.113.256")
@example("203.0.113.")
def test_an_ipv4_address_is_what_the_library_says_that_it_is(text):
    try:
        expected = IPv4Address(text).packed
    except ValueError:
        with pytest.raises(ValueError, match="IPv4"):
            packed_ipv4(text)
    else:
        assert packed_ipv4(text) == expected


@pytest.mark.parametrize(
    ("attribute", "kind", "value", "address"),
    [
        (CALLING_STATION_ID, 32, b"203.0.113.7", None),
        (FRAMED_IP_ADDRESS, 8, bytes([203, 0, 113, 7]), "203.0.113.7"),
        (FRAMED_IP_ADDRESS, 8, bytes([255, 255, 255, 254]), None),  # RFC 2865 section 5.8: the NAS should choose one
        (FRAMED_IP_ADDRESS, 8, bytes(4), None),
        (FRAMED_IP_ADDRESS, 8, bytes([127, 0, 0, 1]), None),
        (FRAMED_IP_ADDRESS, 8, bytes(3), None),
        (FRAMED_IP_ADDRESS, 8, b"203.0.113.7", None),
        (FRAMED_IPV6_ADDRESS, 168, bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
        (FRAMED_IPV6_ADDRESS, 168, bytes(10) + b"\xff\xff\xcb\x00\x71\x07", "203.0.113.7"),
        (FRAMED_IPV6_ADDRESS, 168, bytes(10) + b"\xff\xff" + bytes(4), None),
        (FRAMED_IPV6_ADDRESS, 168, b"\xfe\x80" + bytes(14), None),
        (FRAMED_IPV6_ADDRESS, 168, bytes(16), None),
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
