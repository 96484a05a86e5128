"""A store that is away, late or empty, and a host that hears nobody."""

from gateway.fleet.effects import Outcome
from tests.fleet.steps import ALICE, decide, push
from tests.fleet.world import World


def test_without_a_store_each_is_alone_and_asserts_its_claim_when_it_is_back(world: World):
    a, b = world.hosts
    a.cut()
    at_a = a.ask(ALICE)
    assert at_a.step == "auth"
    assert a.counts[Outcome.ALONE_AWAY] == 1
    a.mend()
    world.settle()
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.history == ["asked", "joined"]


def test_a_store_that_is_late_leaves_one_alone_and_its_answer_counts_later(world: World):
    a, b = world.hosts
    a.claims.patience_s = 0.02
    at_a = a.ask(ALICE)
    world.advance(0.05)
    assert at_a.step == "auth"
    assert a.counts[Outcome.ALONE_LATE] == 1
    a.step(at_a)
    a.step(at_a)
    world.settle()
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.history == ["asked", "joined"]
    world.kill(a)
    world.live(3.0)
    assert at_b.step == "polling"


def test_a_joined_login_goes_on_while_the_record_is_gone_and_its_owner_is_there(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.store.records.clear()
    world.live(10.0)
    decide(world, a, at_a)
    assert at_b.result == "accept"


def test_who_stood_still_does_not_believe_in_the_silence_that_it_has_not_heard(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    b.is_paused = True
    world.live(5.0)
    b.is_paused = False
    world.advance(0.25)  # timers run before what has come is read
    world.live(3.0)
    assert at_b.step == "fleet"
    assert not a.counts[Outcome.DISPLACED]


def test_nobody_takes_the_push_of_a_host_that_it_cannot_hear(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    b.claims.mailbox_lost()
    for _ in range(20):
        b.messages.clear()
        world.advance(0.25)
        a.messages.clear()
        while b.commands or b.replies:
            b.send()
            b.receive()
    assert at_b.step == "fleet"
    b.claims.mailbox_back(world.now)
    world.live(1.0)
    assert at_b.step == "fleet"
