"""Whatever a journal holds, its reader comes to serve, and what it could read is there."""

import asyncio
import time
from contextlib import closing
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.effects import PutQuestion
from gateway.engine.records import PassedOnRecord, PrimaryRecord, ReplyRecord
from gateway.ipc.journal import MAX_LOGIN_OCTETS
from gateway.ipc.links import HandedOver
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE
from gateway.radius.packet import decode_packet
from tests.worker.succession_scene import Living, Successor, answer_record, login_record, packed, request
from tests.worker.test_succession import ended

encode = msgspec.msgpack.encode
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=8)


def good() -> bytes:
    """What must be taken over, whatever stands beside it."""
    return encode(login_record(99, "bob", txid="tx-good"))


def another() -> bytes:
    """What is altered."""
    refusal, attributes = encode_attribute(EAP_MESSAGE, bytes(4)), encode_attribute(25, b"staff")
    return encode(login_record(primary=PrimaryRecord(refusal, PassedOnRecord(attributes, "home", bytes(16)))))


def reply() -> ReplyRecord:
    """What was replied to it."""
    return answer_record(request(), b"\x02\x07" + bytes(18))


def answer() -> bytes:
    """The same, in a journal."""
    return packed(reply())


def altered(octets: bytes, places: list[int], value: Any) -> Any:
    """The record's fields with another value somewhere; each further place is one within the one before."""
    fields = inside = msgspec.msgpack.decode(octets)
    for place in places[:-1]:
        inner = inside[place % len(inside)]
        if isinstance(inner, list) and inner:
            inside = inner
    inside[places[-1] % len(inside)] = value
    return fields


def mutated(octets: bytes, places: list[int], value: Any) -> bytes:
    """The altered record, as far as a journal has room for it."""
    return encode(altered(octets, places, value))[:MAX_LOGIN_OCTETS]


def serves(successor: Successor) -> bool:
    """Whether it takes over, asks about the good login, and lives on through all its timers."""
    successor.take_over()
    asked = [each.question.txid for each in successor.effects if isinstance(each, PutQuestion)]  # type: ignore[union-attr]
    now, engine = time.monotonic(), successor.engine
    while engine.next_timer is not None and engine.next_timer <= now + 100:
        engine.timer(engine.next_timer)
    return "tx-good" in asked


@settings(max_examples=200)
@given(st.binary(max_size=MAX_LOGIN_OCTETS), st.binary(max_size=500))
def test_any_octets(octets, others):
    with closing(Successor()) as successor:
        successor.predecessor(octets, good(), answers=(others, answer()))
        assert serves(successor)
        assert successor.n_lost <= 2


@settings(max_examples=200)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=4), values, values)
def test_any_mutation_of_a_record(places, value, other):
    with closing(Successor()) as successor:
        odd = encode(altered(encode(reply()), places, other))
        successor.predecessor(mutated(another(), places, value), good(), answers=(odd, answer()))
        assert serves(successor)


@settings(max_examples=200)
@given(st.integers(0, 300), st.binary(max_size=8), st.integers(0, 8))
def test_any_mutation_of_an_answer(place, octets, n_lost):
    with closing(Successor()) as successor:
        whole = answer()
        place %= len(whole)
        successor.predecessor(good(), answers=(whole[:place] + octets + whole[place + n_lost :], answer()))
        assert serves(successor)
        assert successor.n_lost <= 1


@settings(max_examples=200)
@given(st.integers(0, 300), st.integers(0, 255))
def test_any_other_octet_in_a_record(place, octet):
    with closing(Successor()) as successor:
        octets = another()
        place %= len(octets)
        changed = bytes([*octets[:place], octet, *octets[place + 1 :]])
        successor.predecessor(changed, good(), answers=(changed, answer()))
        assert serves(successor)


@settings(max_examples=200)
@given(
    st.lists(st.binary(min_size=1, max_size=300) | values.map(encode), max_size=5),
    st.lists(st.integers(0, 20), min_size=1, max_size=4),
    values,
)
def test_any_messages_of_a_predecessor_that_lives(messages, places, value):

    async def scene(successor: Successor) -> None:
        living = Living(successor, another(), good())
        succession = successor.begin()
        odd = [
            {"type": "LoginKept", "record": altered(another(), places, value)},
            {"type": "ReplyKept", "record": altered(encode(reply()), places, value)},
            {"type": "LoginForgotten", "number": 99, "verdict": value},
        ]
        for octets in (*messages, *map(encode, odd)):
            living.link.send(octets)
        living.writer.send(HandedOver())
        for octets in (*messages, *map(encode, odd)):
            living.link.send(octets)
        await living.writer.flushed()
        living.writer.close()
        await ended(succession)

    with closing(Successor()) as successor:
        asyncio.run(scene(successor))


def test_the_examples_are_good_ones():
    """So that what the others change is what can be taken over."""
    with closing(Successor()) as successor:
        successor.predecessor(another(), good(), answers=(answer(),))
        assert serves(successor)
        assert (successor.engine.n_pending, successor.n_lost) == (2, 0)
        assert decode_packet(login_record().packets[0].basis).identifier == 7
