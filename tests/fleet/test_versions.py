"""Two versions side by side: what one adds is not read by the other, and what that cannot read is nobody's."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.fleet.effects import Outcome
from gateway.fleetapi.messages import PROTOCOL_VERSION, Beat, Presence, decode_message, encode_message
from gateway.fleetapi.names import bound_to
from tests.fleet.steps import ALICE, begin, decide, push
from tests.fleet.world import Host, World

LATER, EARLIER = PROTOCOL_VERSION + 1, PROTOCOL_VERSION - 1


def rewrite(world: World, change: Any) -> None:
    """Let the records in the store be such as another version writes; `change` gets a record's fields."""
    for key, record in world.store.records.items():
        associated = bound_to(record.state.decode(), bytes.fromhex(key.decode().rpartition(":")[2]))
        fields = msgspec.msgpack.decode(world.sealing.open(record.sealed, associated) or b"")
        sealed = world.sealing.seal(msgspec.msgpack.encode(change(fields)), associated)
        world.store.records[key] = replace(record, sealed=sealed)


def say_with_more(host: Host) -> None:
    """Let what has come to a host carry fields at its end that this version does not know."""
    for index, octets in enumerate(host.messages):
        host.messages[index] = msgspec.msgpack.encode([*msgspec.msgpack.decode(octets), "more", 7])


@pytest.mark.parametrize("state", ["asking", "pushed"])
def test_a_record_with_more_at_its_end_is_joined_and_its_push_taken_over(world: World, state: str):
    a, b = world.hosts
    (push if state == "pushed" else begin)(world, a)
    rewrite(world, lambda fields: [*fields, "more"])
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.history == ["asked", "joined"]
    if state == "pushed":
        world.kill(a)
        world.live(3.0)
        assert (at_b.step, len(world.duo.pushes)) == ("polling", 1)


@pytest.mark.parametrize("version", [EARLIER, LATER])
@pytest.mark.parametrize("begun", [begin, push])
def test_a_record_that_means_something_else_leaves_each_alone_and_both_end(world: World, begun: Any, version: int):
    a, b = world.hosts
    at_a = begun(world, a)
    rewrite(world, lambda fields: [version, *fields[1:]])
    at_b = b.ask(ALICE)
    world.settle()
    assert (at_b.step, b.counts[Outcome.ALONE_UNREADABLE]) == ("auth", 1)
    for host, login in ((a, at_a), (b, at_b)):
        while login.step in ("auth", "pushing"):
            host.step(login)
        decide(world, host, login)
    world.live(1.0)
    assert (at_a.result, at_b.result) == ("accept", "accept")
    assert len(world.duo.pushes) == 1 + b.counts[Outcome.ALONE_UNREADABLE]


def test_messages_with_more_at_their_end_mean_what_they_mean(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    for _ in range(8):
        for host in world.hosts:
            host.send()
            host.receive()
            say_with_more(host)
            host.hear()
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    while a.commands:
        a.send()
    say_with_more(b)
    world.settle()
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)


@pytest.mark.parametrize(
    "octets", [msgspec.msgpack.encode(["farewell", "x"]), msgspec.msgpack.encode(["join"]), b"\xc1"]
)
def test_a_message_of_another_kind_is_nobodys(world: World, octets: bytes):
    a, _ = world.hosts
    assert decode_message(octets) is None
    assert a.claims.heard(octets, world.now) == []


@pytest.mark.parametrize("version", [EARLIER, LATER])
def test_a_host_that_beats_in_another_version_lives_and_its_version_is_known(world: World, version: int):
    a, b = world.hosts
    sealed = world.sealing.seal(encode_message(Presence("gw-b", False)), bound_to("beat", b.instance.encode()))
    a.claims.heard(encode_message(Beat(b.instance, version, sealed)), world.now)
    assert [host.version for host in a.hosts.alive(world.now) if host.instance == b.instance] == [version]


def test_a_way_to_end_that_this_version_does_not_know_leaves_the_push(world: World):
    """Its owner has it no more, and the record says whether there is a push to go on with."""
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    login = b.claims._logins.find(at_b.number)
    assert login is not None
    seal = world.sealing.seal(b"", bound_to("postponed", ALICE, login.nonce, login.packet))
    b.perform(b.claims.heard(msgspec.msgpack.encode(["ended", login.nonce, "postponed", seal]), world.now))
    world.settle()
    assert (at_b.step, len(world.duo.pushes)) == ("polling", 1)
