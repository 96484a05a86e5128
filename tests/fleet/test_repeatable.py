"""A login that asks for nothing but a passcode: once its owner is gone, another host asks Duo itself."""

import pytest

from gateway.fleet.hosts import LEASE_S
from tests.fleet.steps import ALICE
from tests.fleet.world import Host, Login, World


def begin(world: World, host: Host) -> Login:
    login = host.ask(ALICE, is_repeatable=True)
    world.settle()
    return login


def test_who_has_joined_claims_it_once_its_owner_is_gone(world: World):
    a, b = world.hosts
    begin(world, a)
    at_b = begin(world, b)
    world.kill(a)
    world.live(LEASE_S - 0.5)
    assert at_b.history == ["asked", "joined"]
    world.live(2.0)
    assert at_b.history == ["asked", "joined", "released", "granted"]


def test_who_is_asked_after_that_claims_it_at_once(world: World):
    a, b = world.hosts
    begin(world, a)
    world.kill(a)
    world.live(3.0)
    assert begin(world, b).history == ["asked", "granted"]


def test_of_an_owner_that_beats_it_is_waited_for(world: World):
    a, b = world.hosts
    begin(world, a)
    at_b = begin(world, b)
    world.live(10.0)
    assert at_b.history == ["asked", "joined"]


@pytest.mark.parametrize("what", ["asking", "emptied"])
def test_a_store_that_was_emptied_changes_nothing(world: World, what: str):
    a, b = world.hosts
    begin(world, a)
    at_b = begin(world, b)
    world.kill(a)
    if what == "emptied":
        world.empty()
    world.live(4.0)
    assert at_b.step == "auth"


def test_a_push_of_a_host_that_is_gone_is_taken_over_whatever_this_one_would_ask(world: World):
    """Their files may differ in what they take for a passcode."""
    a, b = world.hosts
    at_a = a.ask(ALICE)
    world.settle()
    a.step(at_a)
    a.step(at_a)
    at_b = begin(world, b)
    world.kill(a)
    world.live(3.0)
    assert at_b.step == "polling"


def test_an_owner_that_stood_still_and_one_that_claimed_anew_both_end(world: World):
    a, b = world.hosts
    at_a, at_b = begin(world, a), begin(world, b)
    a.is_paused = True
    world.live(4.0)
    assert at_b.step == "auth"
    a.is_paused = False
    world.live(1.0)
    for host, login in ((a, at_a), (b, at_b)):
        for _ in range(2):
            host.step(login)
        assert login.push is not None
        world.decide(login.push, login is at_a)
        host.step(login)
    world.settle()
    assert (at_a.result, at_b.result) == ("accept", "reject")
