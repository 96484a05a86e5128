"""A login that another host has: it is told what becomes of it, or takes the push over."""

import pytest

from gateway.fleet.effects import Outcome, RunScript
from gateway.fleetapi.messages import Ended, Join, decode_message, encode_message
from gateway.fleetapi.names import bound_to
from tests.fleet.steps import ALICE, PACKET, begin, decide, push, take_over, two_workers
from tests.fleet.world import Sealing, World


def test_a_login_asked_at_both_is_pushed_once_and_both_are_told(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    decide(world, a, at_a)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)
    assert at_b.history == ["asked", "joined", "decided"]


def test_a_join_may_overtake_the_answer_to_the_claim(world: World):
    a, b = world.hosts
    at_a, at_b = a.ask(ALICE), b.ask(ALICE)
    a.send()
    b.send()
    b.receive()
    b.send()
    a.hear()
    assert at_a.step == "fleet"
    a.receive()
    for _ in range(3):
        a.step(at_a)
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    world.settle()
    assert at_b.result == "accept"


def test_an_owner_that_dies_leaves_a_push_with_a_name(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    world.live(3.0)
    assert at_b.step == "polling"
    decide(world, b, at_b)
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)
    assert b.counts[Outcome.TAKEOVER] == 1


def test_of_two_that_joined_one_takes_over_and_the_other_joins_it():
    world = World("abc")
    a, b, c = world.hosts
    world.live(3.0)
    push(world, a)
    at_b, at_c = b.ask(ALICE), c.ask(ALICE)
    world.settle()
    world.kill(a)
    world.live(5.0)
    assert sorted([at_b.step, at_c.step]) == ["fleet", "polling"]
    assert b.counts[Outcome.TAKEOVER] + c.counts[Outcome.TAKEOVER] == 1
    assert b.counts[Outcome.DISPLACED] + c.counts[Outcome.DISPLACED] == 0
    for host, login in ((b, at_b), (c, at_c)):
        if login.step == "polling":
            decide(world, host, login)
    assert (at_b.result, at_c.result, len(world.duo.pushes)) == ("accept", "accept", 1)


def test_a_push_of_a_worker_that_has_no_successor_is_taken_over_although_its_host_beats():
    world = two_workers()
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    world.live(1.25)
    assert at_b.step == "fleet"
    world.live(4.0)
    assert at_b.step == "polling"


def test_a_push_of_a_host_that_is_long_gone_is_taken_over_at_once(world: World):
    a, b = world.hosts
    push(world, a)
    world.kill(a)
    world.live(2.5)
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "polling"


def test_a_push_without_a_name_is_waited_for_and_then_lost(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    world.kill(a)
    world.live(3.0)
    at_b = b.ask(ALICE)
    world.live(70.0)
    assert not at_b.result
    world.live(5.0)
    assert (at_b.result, len(world.duo.pushes)) == ("push_lost", 1)


@pytest.mark.parametrize("known_for_s", [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0])
def test_who_joined_hears_the_verdict_of_a_successor_that_decides_at_once(world: World, known_for_s: float):
    """It does not know who had joined, and must be asked again before the grace is over."""
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE, PACKET)
    b.send()
    b.receive()
    world.advance(0.25)
    world.live(known_for_s)
    a.restart_worker()
    world.live(0.25)
    decide(world, a, at_a)
    world.live(4.0)
    assert at_b.history == ["asked", "joined", "decided"]


def test_the_verdict_of_who_seemed_to_be_gone_is_heard_though_the_store_is_faster(world: World):
    """What it has written and what it has said come on two connections."""
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    while not any(isinstance(command, RunScript) for command in b.commands):  # which look whose the push is
        b.commands.clear()
        world.advance(0.25)
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    while a.commands:  # what had to wait comes at once
        a.send()
    while b.commands:
        b.send()
    while b.replies:
        b.receive()
    world.settle()
    assert at_b.result == "accept"


def test_a_joiners_successor_goes_on(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    b.restart_worker()
    world.live(1.0)
    decide(world, a, at_a)
    assert at_b.result == "accept"


def test_a_host_that_starts_again_takes_over_its_own_push(world: World):
    a, _ = world.hosts
    push(world, a)
    world.kill(a)
    a.start()
    at_a = a.ask(ALICE)
    world.live(3.0)
    assert at_a.step == "polling"


def test_no_join_lasts_for_ever(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.live(89.0)
    assert at_b.history == ["asked", "joined"]
    world.live(2.0)
    assert at_b.history == ["asked", "joined", "lost"]


def test_a_takeover_whose_answer_is_lost_is_found_again(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    take_over(world, b)
    b.cut()
    b.mend()
    world.live(2.5)
    assert at_b.step == "polling"


def test_a_takeover_whose_answer_is_late_counts(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    take_over(world, b)
    b.perform(b.claims.store_lost())
    assert at_b.step == "fleet"
    world.settle()
    assert at_b.step == "polling"


def test_a_swallowed_join_is_said_again_half_a_second_later(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    while b.commands or b.replies:
        b.send()
        b.receive()
    a.messages.clear()
    world.live(0.75)
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    world.settle()
    assert at_b.result == "accept"


def test_a_swallowed_verdict_is_asked_for_again(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    while a.commands or a.replies:
        a.send()
        a.receive()
    b.messages.clear()
    world.live(3.0)
    assert at_b.result == "accept"


def ended(sealing: Sealing, how: str, login: bytes, nonce: bytes, packet: bytes) -> bytes:
    return encode_message(Ended(nonce, how, sealing.seal(b"accept tx-0 " + ALICE, bound_to(how, login, nonce, packet))))


def test_who_has_asked_again_and_again_is_told_once(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    b.ask(ALICE)
    world.live(20.0)
    said = [decode_message(each) for each in world.said]
    assert sum(isinstance(each, Join) for each in said) > 5
    world.said.clear()
    decide(world, a, at_a)
    said = [decode_message(each) for each in world.said]
    assert sum(isinstance(each, Ended) for each in said) == 1


def test_a_verdict_is_good_for_one_join_of_one_login_alone(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE, PACKET)
    world.settle()
    (join,) = [message for message in map(decode_message, world.said) if isinstance(message, Join)]
    seal = world.sealing
    forged = [
        ended(seal, "verdict", ALICE, b"another nonce 16", PACKET),
        ended(seal, "verdict", b"bob's login   16", join.nonce, PACKET),
        ended(seal, "verdict", ALICE, join.nonce, b"x" * 16),
        encode_message(Ended(join.nonce, "verdict", seal.seal(b"", bound_to("lost", ALICE, join.nonce, PACKET)))),
        encode_message(Ended(join.nonce, "verdict", b"forged")),
        encode_message(Ended(join.nonce, "verdict", seal.seal(b"", bound_to("verdict", ALICE, b"n" * 16, PACKET)))),
    ]
    for octets in forged:
        b.messages.append(octets)
    world.settle()
    assert not at_b.result
    b.messages.append(ended(seal, "verdict", ALICE, join.nonce, PACKET))
    world.settle()
    assert at_b.history[-1] == "decided"
