"""What hosts say to each other: it is read back, or it is no message."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fleetapi.messages import (
    Beat,
    Ended,
    Join,
    Known,
    Message,
    Presence,
    Taken,
    decode_message,
    decode_presence,
    encode_message,
)

INSTANCE = "0123456789abcdef"
OWNER = f"{INSTANCE}:fedcba9876543210"
NONCE = b"n" * 16
MESSAGES: list[Message] = [
    Beat(INSTANCE, 1, b"sealed"),
    Join(OWNER, NONCE, INSTANCE, b"p" * 16),
    Join(OWNER, NONCE, INSTANCE, b""),
    Known(NONCE),
    Ended(NONCE, "verdict", b"sealed"),
    Taken(OWNER),
]


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_what_is_said_is_heard(message: Message):
    assert decode_message(encode_message(message)) == message


def test_presence():
    presence = Presence("gw-a", leaving=True)
    assert decode_presence(encode_message(presence)) == presence
    assert decode_presence(b"\xc1") is None
    assert decode_presence(msgspec.msgpack.encode(["x" * 256, False])) is None


def test_what_another_version_adds_is_passed_over_and_its_other_kinds_are_not_heard():
    assert decode_message(msgspec.msgpack.encode(["known", NONCE, "more"])) == Known(NONCE)
    assert decode_message(msgspec.msgpack.encode(["farewell", NONCE])) is None


@pytest.mark.parametrize(
    "content",
    [
        ["join", OWNER, NONCE, "rg:all", b""],
        ["join", OWNER + "\n", NONCE, INSTANCE, b""],
        ["join", OWNER, b"short", INSTANCE, b""],
        ["join", OWNER, NONCE, INSTANCE + "\n", b""],
        ["beat", INSTANCE, -1, b""],
        ["ended", NONCE, "x" * 17, b""],
        ["known", NONCE * 2],
        ["known"],
        [],
        "known",
        ["known", [[[[]]]]],
    ],
    ids=repr,
)
def test_what_is_out_of_bounds_is_no_message(content: object):
    assert decode_message(msgspec.msgpack.encode(content)) is None


def test_what_is_too_long_is_no_message():
    assert decode_message(encode_message(Ended(NONCE, "verdict", bytes(20_000)))) is None
    assert decode_message(b"\x91" * 16_000) is None


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_octets(octets: bytes):
    decode_message(octets)
    decode_presence(octets)


@settings(max_examples=200)
@given(st.sampled_from(MESSAGES), st.integers(0, 100), st.integers(0, 255))
def test_a_message_with_something_strange_in_it(message: Message, place: int, octet: int):
    octets = bytearray(encode_message(message))
    octets[place % len(octets)] = octet
    decode_message(bytes(octets))
