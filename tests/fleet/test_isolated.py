"""A host that cannot reach Duo while another one can: who waits there for the same push gets it."""

from gateway.fleet.effects import Outcome
from tests.fleet.steps import ALICE, begin, decide, push
from tests.fleet.world import World


def test_its_push_is_left_to_who_has_joined_and_it_joins_in_turn(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.isolate()
    world.settle()
    assert at_b.step == "polling"
    assert at_a.history == ["asked", "granted", "displaced", "joined"]
    decide(world, b, at_b)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)
    assert (b.counts[Outcome.TAKEOVER], a.counts[Outcome.DISPLACED]) == (1, 1)


def test_its_push_is_left_to_who_joins_later(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    a.isolate()
    at_b = b.ask(ALICE)
    world.settle()
    assert (at_a.step, at_b.step) == ("fleet", "polling")


def test_it_keeps_a_push_that_nobody_else_waits_for(world: World):
    a, _ = world.hosts
    at_a = push(world, a)
    a.isolate()
    world.live(5.0)
    a.isolate(is_isolated=False)
    decide(world, a, at_a)
    assert at_a.history == ["asked", "granted", "accept"]


def test_a_push_whose_name_comes_then_is_left_too(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.step(at_a)
    a.isolate()
    world.settle()
    assert at_b.step == "fleet"
    a.step(at_a)
    world.settle()
    assert at_b.step == "polling"


def test_it_takes_the_push_of_an_application_that_it_reaches(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    b.claims.cannot_reach(frozenset({"another application"}))
    a.isolate()
    world.settle()
    assert (at_a.step, at_b.step) == ("fleet", "polling")


def test_two_that_cannot_do_not_hand_it_to_and_fro(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    b.isolate()
    a.isolate()
    world.live(10.0)
    assert (at_a.step, at_b.step) == ("polling", "fleet")
    b.isolate(is_isolated=False)
    world.live(2.0)
    assert (at_a.step, at_b.step) == ("fleet", "polling")
    assert not a.counts[Outcome.TAKEOVER]


def test_one_that_reaches_duo_again_keeps_its_push(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    a.isolate()
    a.isolate(is_isolated=False)
    at_b = b.ask(ALICE)
    world.live(3.0)
    assert (at_a.step, at_b.step) == ("polling", "fleet")


def test_it_takes_over_the_push_of_a_host_that_has_gone(world: World):
    """Nobody else may wait for it, and Duo may be there again before it is too late."""
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    b.isolate()
    world.kill(a)
    world.live(3.0)
    assert at_b.step == "polling"
