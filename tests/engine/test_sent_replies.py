"""Answers as octets: what was packed is unpacked, and nothing else is believed."""

import math

import pytest

from gateway.engine.peer import Address
from gateway.engine.records import UNREADABLE, ReplyRecord
from gateway.engine.sent_replies import (
    packed_reply,
    unpacked_reply,
)

IPV4: Address = ("192.0.2.1", 65_535)
IPV6: Address = ("fe80::1%eth0", 1812, 0xFFFFF, 7)


def packed(address: Address = IPV4, digest: bytes = bytes(16), reply: bytes = b"\x02\x05", at: float = 9.5) -> bytes:
    return packed_reply(address, 2, 3, digest, reply, at)


@pytest.mark.parametrize("address", [IPV4, IPV6, ("::ffff:192.0.2.1", 0, 0, 0)])
@pytest.mark.parametrize("reply", [b"", b"\x02\x05", bytes(4096)])
def test_what_was_packed_is_unpacked(address: Address, reply: bytes) -> None:
    record = ReplyRecord(address, 2, 3, bytes(16), reply, 9.5)
    assert unpacked_reply(packed(address, reply=reply)) == record


def test_what_a_later_version_adds_is_not_read() -> None:
    assert unpacked_reply(packed() + b"more") == unpacked_reply(packed())


@pytest.mark.parametrize("n_octets", range(len(packed())))
def test_an_answer_that_is_cut_is_none(n_octets: int) -> None:
    with pytest.raises(UNREADABLE):
        unpacked_reply(packed()[:n_octets])


@pytest.mark.parametrize("at", [math.nan, math.inf, -2e10, 2e10])
def test_an_instant_that_is_none_makes_no_answer(at: float) -> None:
    with pytest.raises(UNREADABLE):
        unpacked_reply(packed(at=at))


def test_nuls_are_no_answer() -> None:
    with pytest.raises(UNREADABLE):
        unpacked_reply(bytes(900))


def test_a_host_that_is_no_text_makes_no_answer() -> None:
    with pytest.raises(UNREADABLE):
        unpacked_reply(packed().replace(b"192.0", b"\xff92.0"))
