"""What a record holds: it is read back, or it is refused."""

from binascii import crc_hqx

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fleetapi import records
from gateway.fleetapi.names import (
    PROBE_KEYS,
    at_instance,
    bound_to,
    instance_of,
    is_of_one_claim,
    is_owner_name,
    mailbox,
    owner_name,
    record_key,
)
from gateway.fleetapi.records import AskingRecord, DecidedRecord, PushedRecord, decode_record

STATES = ("asking", "pushed", "decided")
DIGEST = bytes(range(16))


def test_what_is_written_is_read():
    assert decode_record("asking", records.asking(1, "gw-a")) == AskingRecord(1, 1, "gw-a")
    pushed = records.pushed(2, "gw-a", "tx", "push", 1.5)
    assert decode_record("pushed", pushed) == PushedRecord(1, 2, "gw-a", "tx", "push", 1.5)
    assert decode_record("decided", records.decided(3, "gw-a", [DIGEST])) == DecidedRecord(1, 3, "gw-a", [DIGEST])


def test_the_time_of_a_push_may_be_unknown():
    record = decode_record("pushed", records.pushed(1, "gw-a", "tx", "push", None))
    assert isinstance(record, PushedRecord)
    assert record.pushed_at is None


def test_the_last_packets_are_kept():
    packets = [bytes([number]) * 16 for number in range(20)]
    record = decode_record("decided", records.decided(1, "gw-a", packets))
    assert isinstance(record, DecidedRecord)
    assert record.packets == packets[-8:]


def test_another_version_is_not_read_and_what_it_adds_at_the_end_is_passed_over():
    assert decode_record("asking", msgspec.msgpack.encode([2, 1, "gw-a"])) is None
    assert decode_record("asking", msgspec.msgpack.encode([1, 1, "gw-a", "more"])) == AskingRecord(1, 1, "gw-a")


@pytest.mark.parametrize(
    ("state", "content"),
    [
        ("asking", [1, 0, "gw-a"]),
        ("asking", [1, 2**60, "gw-a"]),
        ("asking", [1, 1, "x" * 256]),
        ("pushed", [1, 1, "gw-a", "", "push", None]),
        ("pushed", [1, 1, "gw-a", "tx", "push", float("nan")]),
        ("pushed", [1, 1, "gw-a", "tx", "push", float("inf")]),
        ("decided", [1, 1, "gw-a", [b"short"]]),
        ("decided", [1, 1, "gw-a", [DIGEST] * 9]),
        ("unknown", [1, 1, "gw-a"]),
    ],
)
def test_what_is_out_of_bounds_is_not_read(state: str, content: list[object]):
    assert decode_record(state, msgspec.msgpack.encode(content)) is None


@settings(max_examples=200)
@given(st.sampled_from(STATES), st.binary(max_size=200))
def test_any_octets(state: str, octets: bytes):
    decode_record(state, octets)


@settings(max_examples=200)
@given(st.sampled_from(STATES), st.integers(0, 300), st.integers(0, 255))
def test_a_record_with_something_strange_in_it(state: str, place: int, octet: int):
    good = {"asking": records.asking(1, "gw-a"), "decided": records.decided(1, "gw-a", [DIGEST])}
    octets = bytearray(good.get(state, records.pushed(1, "gw-a", "tx", "push", 1.5)))
    octets[place % len(octets)] = octet
    decode_record(state, bytes(octets))


def test_names():
    owner = owner_name("0123456789abcdef", b"\0" * 7 + b"\x2a")
    assert owner == "0123456789abcdef:000000000000002a"
    assert instance_of(owner) == "0123456789abcdef"
    assert mailbox(instance_of(owner)) == "rg:h:0123456789abcdef"
    assert record_key(DIGEST) == b"rg:l:000102030405060708090a0b0c0d0e0f"


def test_a_probe_lies_in_each_sixteenth_of_a_clusters_slots():
    """A slot is CRC-16/XMODEM of the key, modulo 16384 (Redis' cluster specification)."""
    assert [crc_hqx(key, 0) % 16_384 // 1024 for key in PROBE_KEYS] == list(range(16))


@pytest.mark.parametrize(
    "text", ["", "0123456789abcdef", "0123456789abcdef:", "0123456789abcdef:0123456789abcdeX", "é" * 33]
)
def test_what_is_no_owners_name(text: str):
    assert not is_owner_name(text)


def test_each_place_binds_otherwise():
    nonce, other = b"n" * 16, b"o" * 16
    bound = {
        bound_to("asking", DIGEST),
        bound_to("pushed", DIGEST),
        bound_to("asking", other),
        bound_to("verdict", DIGEST, nonce),
        bound_to("verdict", DIGEST, other),
        bound_to("lost", DIGEST, nonce),
        bound_to("verdict", DIGEST, nonce, other),
    }
    assert len(bound) == 7


def test_a_claim_is_known_again_at_another_instance_and_at_no_other_claim():
    before = owner_name("0123456789abcdef", b"\0" * 7 + b"\x2a")
    now = at_instance(before, "fedcba9876543210")
    assert now == "fedcba9876543210:000000000000002a"
    assert is_owner_name(now)
    assert is_of_one_claim(before, now)
    assert at_instance(now, "fedcba9876543210") == now
    assert not is_of_one_claim(now, owner_name("fedcba9876543210", b"\0" * 7 + b"\x2b"))
