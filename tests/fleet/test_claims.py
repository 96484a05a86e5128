"""Two hosts and a store: which of them asks Duo."""

from dataclasses import replace

import pytest

from gateway.fleet.effects import Outcome, RunScript
from gateway.fleetapi.names import record_key
from gateway.fleetapi.questions import Claim
from tests.fleet.steps import ALICE, PACKET, begin, decide, push, two_workers
from tests.fleet.world import World


def test_both_at_the_same_instant(world: World):
    a, b = world.hosts
    at_a, at_b = a.ask(ALICE), b.ask(ALICE)
    world.settle()
    assert sorted([at_a.step, at_b.step]) == ["auth", "fleet"]


def test_a_packet_that_was_answered_elsewhere_gets_the_same_verdict(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a), is_accepted=False)
    world.live(10.0)
    at_b = b.ask(ALICE)
    world.settle()
    assert (at_b.result, b.counts[Outcome.RECALLED]) == ("reject", 1)


def test_a_new_packet_within_the_grace_gets_the_same_verdict(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a))
    world.live(1.0)
    at_b = b.ask(ALICE, PACKET)
    world.settle()
    assert at_b.result == "accept"


def test_a_new_packet_after_the_grace_is_a_new_login(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a))
    world.live(2.5)
    at_b = b.ask(ALICE, PACKET)
    world.settle()
    assert at_b.history == ["asked", "granted"]
    assert at_b.held is not None
    assert at_b.held.epoch == 2


def test_a_login_that_is_claimed_anew_after_its_record_has_gone_can_be_joined(world: World):
    """Its owner has decided while it was cut off, and releases what it has written since: that is another login."""
    a, b = world.hosts
    at_a = push(world, a)
    a.cut()
    decide(world, a, at_a)
    world.live(5.0)
    a.mend()
    world.live(0.5)
    assert b.ask(ALICE, PACKET).step == "fleet"
    world.settle()
    assert world.store.records[record_key(ALICE)].epoch == 1
    again = a.ask(ALICE, b"a later packet 1")
    world.settle()
    assert again.history == ["asked", "joined"]


def test_the_same_host_begins_anew_at_once(world: World):
    a, _ = world.hosts
    decide(world, a, push(world, a))
    again = a.ask(ALICE, PACKET)
    world.settle()
    assert again.step == "auth"


def test_a_host_that_remembers_no_verdict_is_asked_for_a_quarter_of_a_second(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a))
    a.restart_worker()
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "fleet"
    world.live(0.5)
    assert at_b.step == "auth"


def test_a_login_asked_at_two_workers_of_a_host_is_pushed_once():
    world = two_workers()
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    decide(world, a, at_a)
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)


def test_a_login_whose_owner_died_is_not_begun_anew_as_long_as_it_may_have_pushed(world: World):
    a, b = world.hosts
    begin(world, a)
    world.kill(a)
    world.live(70.0)
    early = b.ask(ALICE)
    world.live(1.0)
    assert early.history == ["asked", "joined"]
    b.perform(b.claims.cancelled(early.number))
    early.result = "cancelled"
    world.live(6.0)
    late = b.ask(ALICE)
    world.settle()
    assert late.history == ["asked", "granted"]


def test_a_record_that_does_not_open_leaves_one_alone(world: World):
    a, b = world.hosts
    begin(world, a)
    for key, record in world.store.records.items():
        world.store.records[key] = replace(record, sealed=b"forged")
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "auth"
    assert b.counts[Outcome.ALONE_UNREADABLE] == 1


def test_an_old_push_put_back_is_not_believed(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    (old,) = world.store.records.items()
    decide(world, a, at_a)
    world.live(100.0)
    world.store.records[old[0]] = replace(old[1], expires_at=1e9)
    at_b = b.ask(ALICE)
    world.settle()
    assert (at_b.step, b.counts[Outcome.ALONE_UNREADABLE]) == ("auth", 1)


def test_a_push_whose_name_is_from_the_future_of_a_slow_clock_is_joined_and_taken_over(world: World):
    a, b = world.hosts
    b.slow_s = 20.0
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.live(1.0)
    assert at_b.history == ["asked", "joined"]
    world.kill(a)
    world.live(4.0)
    decide(world, b, at_b)
    assert (at_b.result, len(world.duo.pushes), at_a.push is at_b.push) == ("accept", 1, True)


def test_whom_a_store_that_lies_makes_claim_anew_again_and_again_is_alone_in_the_end(world: World):
    a, b = world.hosts
    decide(world, a, push(world, a))
    world.live(3.0)
    ((key, record),) = world.store.records.items()
    at_b = b.ask(ALICE, PACKET)
    for number in range(10):
        world.store.records[key] = replace(record, epoch=number + 2)
        b.send()
        b.receive()
    assert at_b.step == "auth"
    assert b.counts[Outcome.ALONE_CONTENDED] == 1


def test_what_no_script_answers_leaves_one_alone(world: World):
    a, _ = world.hosts
    for answer in (None, 0, -1, 2**53, [], [b"a"], [b"nobody", b"1", b"asking", b"", 0], b"1"):
        login = a.ask(ALICE)
        (command,) = [each for each in a.commands if isinstance(each, RunScript)]
        a.commands.clear()
        a.perform(a.claims.script_answered(command, answer, world.now))
        assert login.step == "auth"
        a.leave(login)
        a.commands.clear()
    assert a.counts[Outcome.ALONE_FAILED] == 8


def test_a_login_with_a_number_that_is_taken_is_an_error_of_ours(world: World):
    a, _ = world.hosts
    login = a.ask(ALICE)
    with pytest.raises(ValueError, match="is here already"):
        a.claims.ask(login.number, Claim(login.number, ALICE, packet=PACKET), world.now)


def test_a_cancelled_question_is_not_answered(world: World):
    a, _ = world.hosts
    login = a.ask(ALICE)
    a.perform(a.claims.cancelled(login.number))
    world.settle()
    assert login.history == ["asked"]
    assert not world.store.records


BOB = b"bob's login 16 o"


def test_each_claim_waits_for_its_own_patience_when_that_becomes_shorter(world: World):
    a, _ = world.hosts
    a.claims.patience_s = 0.25
    patient = a.ask(ALICE)
    a.claims.patience_s = 0.02
    other = a.ask(BOB)
    world.advance(0.1)
    assert (patient.step, other.step) == ("fleet", "auth")
    world.advance(0.25)
    assert patient.step == "auth"


def test_a_claim_that_is_answered_leaves_nothing_to_wake_for(world: World):
    a, _ = world.hosts
    due = [a.claims.next_timer]
    a.ask(ALICE)
    due.append(a.claims.next_timer)
    world.settle()
    due.append(a.claims.next_timer)
    assert due == [None, world.now + a.claims.patience_s, None]
