"""Datagrams to packets."""

import random
from contextlib import suppress
from typing import Any

import pytest

from gateway.radius.discards import DecodeError, DiscardReason
from gateway.radius.packet import decode_packet, decode_reply
from tests.vectors import load, octets

REQUESTS = load("requests")
FRAMES_THAT_ARE_WRONG = {
    "datagram-empty": DiscardReason.PACKET_TOO_SHORT,
    "datagram-19-octets": DiscardReason.PACKET_TOO_SHORT,
    "length-field-19": DiscardReason.LENGTH_FIELD,
    "length-field-beyond-datagram": DiscardReason.PACKET_TRUNCATED,
    "length-field-4097": DiscardReason.LENGTH_FIELD,
    "attribute-length-0": DiscardReason.ATTRIBUTE_LENGTH,
    "attribute-length-1": DiscardReason.ATTRIBUTE_LENGTH,
    "single-trailing-octet": DiscardReason.ATTRIBUTE_TRUNCATED,
    "rfc2865-7.3-as-printed": DiscardReason.ATTRIBUTE_LENGTH,
    "many-attributes": DiscardReason.TOO_MANY_ATTRIBUTES,  # the vector permits a cap
}


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda vector: vector["name"])
def test_each_request_vector_decodes_as_it_says(vector: dict[str, Any]) -> None:
    datagram = octets(vector, "request_hex")
    wrong = FRAMES_THAT_ARE_WRONG.get(vector["name"])
    if wrong is not None:
        with pytest.raises(DecodeError) as refusal:
            decode_packet(datagram)
        assert refusal.value.reason is wrong
        return
    packet = decode_packet(datagram)
    expected = vector["expected"]["request"]
    assert (packet.code, packet.identifier, len(packet.octets)) == (
        expected["code"],
        expected["identifier"],
        expected["length"],
    )
    assert packet.authenticator.hex() == expected["authenticator"]
    by_type: dict[int, list[str]] = {}
    for attribute in expected.get("attributes", []):
        by_type.setdefault(attribute["type"], []).append(attribute["hex"])
    for kind, values in by_type.items():
        assert [value.hex() for value in packet.values(kind)] == values


def test_octets_after_length_are_padding():
    datagram = octets(REQUESTS[0], "request_hex")
    assert decode_packet(datagram + b"\x01\x02padding").octets == datagram


def test_a_reply_has_as_many_attributes_as_fit():
    attributes = b"\x19\x03x" * 1358
    reply = decode_reply(b"\2\0\x0f\xfe" + bytes(16) + attributes)
    assert reply.values(25) == [b"x"] * 1358
    assert reply.attributes(25) == attributes
    for n_octets in (19, 4093):
        with pytest.raises(DecodeError):
            decode_reply(reply.octets[:n_octets])


def test_an_empty_attribute_counts_as_absent_but_is_there():
    packet = decode_packet(bytes([1, 0, 0, 22]) + bytes(16) + b"\x01\x02")
    assert packet.value(1) is None
    assert packet.has(1)
    assert packet.values(1) == [b""]


def test_attributes_come_back_as_they_stood_and_in_order():
    attributes = b"\x21\x04\x00a" + b"\x01\x03u" + b"\x21\x02" + b"\x21\x03b"
    packet = decode_packet(bytes([1, 0, 0, 20 + len(attributes)]) + bytes(16) + attributes)
    assert packet.attributes(33) == b"\x21\x04\x00a\x21\x02\x21\x03b"
    assert packet.is_repeated(33)
    assert not packet.is_repeated(1)
    assert packet.attributes(18) == b""


def test_repr_shows_no_value():
    assert repr(decode_packet(octets(REQUESTS[0], "request_hex"))) == "<Packet code=1 identifier=1 octets=69>"


def test_any_octets_decode_or_raise_decode_error():
    chance = random.Random(7)
    seeds = [octets(vector, "request_hex") for vector in REQUESTS]
    for _ in range(20_000):
        datagram = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(0, 4)):
            if datagram:
                datagram[chance.randrange(len(datagram))] = chance.randrange(256)
        with suppress(DecodeError):
            packet = decode_packet(bytes(datagram[: chance.randint(0, len(datagram) * 4)]))
            assert sum(len(packet.attributes(kind)) for kind in range(256)) == len(packet.octets) - 20
