"""A gateway that was killed has started again: it goes on, under a name of its own, with what its journals hold."""

import pytest

from gateway.fleet.effects import Outcome
from gateway.fleetapi.names import instance_of
from tests.fleet.steps import ALICE, begin, decide, push
from tests.fleet.world import Host, World


def owner(world: World) -> str:
    (record,) = world.store.records.values()
    return record.owner.decode()


def who_polls(world: World) -> list[str]:
    return [host.name for host in world.hosts for login in host.logins.values() if login.step == "polling"]


def dies_and_starts_again(world: World, host: Host, after_s: float) -> None:
    """Be gone for a while, with nothing of it left but its journals."""
    host.is_paused = True
    world.live(after_s)
    host.is_paused = False
    host.restart()


def test_a_push_of_the_instance_before_is_this_ones_and_who_had_joined_it_joins_on(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    dies_and_starts_again(world, a, 0.5)
    world.live(5.0)
    assert who_polls(world) == ["a"]
    assert instance_of(owner(world)) == a.instance
    decide(world, a, at_a)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)


def test_a_push_that_another_host_has_taken_meanwhile_is_its_own(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    dies_and_starts_again(world, a, 4.0)
    world.live(1.0)
    assert who_polls(world) == ["b"]
    assert (at_a.history[-2:], a.counts[Outcome.DISPLACED]) == (["displaced", "joined"], 1)
    decide(world, b, at_b)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)


@pytest.mark.parametrize("n_restarts", [2, 3])
def test_so_it_is_however_often_it_starts_again(world: World, n_restarts: int):
    """The journal has the name that the first instance gave it."""
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    for _ in range(n_restarts):
        dies_and_starts_again(world, a, 0.5)
    a.restart_worker()
    world.live(5.0)
    assert (who_polls(world), instance_of(owner(world)), b.counts[Outcome.TAKEOVER]) == (["a"], a.instance, 0)
    decide(world, a, at_a)
    assert (at_a.result, at_b.result) == ("accept", "accept")


def test_a_record_that_did_not_say_pushed_yet_says_so_then(world: World):
    a, _ = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    a.step(at_a)
    a.commands.clear()
    dies_and_starts_again(world, a, 0.5)
    world.live(1.0)
    (record,) = world.store.records.values()
    assert (record.state, instance_of(owner(world))) == (b"pushed", a.instance)


def test_a_store_that_was_away_is_told_once_it_is_back(world: World):
    a, _ = world.hosts
    push(world, a)
    a.cut()
    world.live(0.5)
    a.restart()
    a.is_cut = False
    a.cut()
    a.mend()
    world.live(1.0)
    assert (who_polls(world), instance_of(owner(world))) == (["a"], a.instance)


def test_a_push_whose_record_has_expired_has_one_again(world: World):
    a, _ = world.hosts
    push(world, a)
    world.store.records.clear()
    dies_and_starts_again(world, a, 0.5)
    world.live(1.0)
    assert instance_of(owner(world)) == a.instance


def test_a_push_of_a_predecessor_at_the_same_instance_keeps_its_name(world: World):
    a, _ = world.hosts
    push(world, a)
    before = owner(world)
    a.restart_worker()
    world.live(1.0)
    assert owner(world) == before


def test_a_push_without_a_name_is_lost_for_all(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    at_b = b.ask(ALICE)
    world.settle()
    dies_and_starts_again(world, a, 0.5)
    world.live(3.0)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("push_lost", "push_lost", 1)


def test_a_login_that_ends_while_the_store_is_away_is_over_for_all_once_it_is_back(world: World):
    """Else whoever is asked for it next would take its push over, which somebody has approved already."""
    a, _ = world.hosts
    at_a = push(world, a)
    a.cut()
    a.restart()
    a.is_cut = False
    a.cut()
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    assert at_a.result == "accept"
    a.mend()
    world.settle()
    assert not world.store.records
