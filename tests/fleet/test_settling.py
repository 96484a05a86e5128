"""How a login ends, and what those are told who ask for it later."""

from gateway.fleet.claiming import GRACE_S
from gateway.fleetapi.messages import Ended, Join, decode_message
from gateway.fleetapi.questions import Claim, Held
from tests.fleet.steps import ALICE, PACKET, begin, decide, push, take_over
from tests.fleet.world import World


def test_who_was_waiting_when_it_was_decided_is_told_however_late_it_asks():
    """A host that has just started does not believe silence at once, and so asks late who took the push over."""
    world = World("abc")
    a, b, c = world.hosts
    world.live(3.0)
    push(world, a)
    world.kill(a)
    world.live(1.5)
    b.restart_worker()  # it hears anew, and may not call anybody gone for two seconds
    at_c = c.ask(ALICE)
    at_b = b.ask(ALICE, PACKET)
    while at_c.step != "polling":
        world.live(0.25)
    decide(world, c, at_c)
    c_ended_at = at_c.ended_at
    b.cut()
    world.live(GRACE_S + 0.5)
    b.mend()
    world.live(5.0)
    assert (at_c.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)
    assert at_b.ended_at - c_ended_at > GRACE_S


def test_for_how_long_somebody_waited_is_believed_under_its_seal_alone(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    decide(world, a, at_a)
    world.live(GRACE_S + 1.0)
    (record,) = world.store.records.values()
    forged = Join(record.owner.decode(), b"n" * 16, b.instance, PACKET, b"\xff\xff\xff\xff")
    world.say(a, forged)
    world.settle()
    ended = [decode_message(each) for each in world.said]
    assert [each.how for each in ended if isinstance(each, Ended)] == ["released"]


def test_a_push_that_was_left_is_taken_over_at_once_by_whoever_is_asked(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    a.leave(at_a)
    world.settle()
    world.kill(a)
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "polling"
    decide(world, b, at_b)
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)


def test_a_host_that_stops_leaves_its_push_at_once(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.leave(at_a)
    world.settle()
    assert at_b.step == "polling"


def test_a_login_that_was_given_up_before_duo_was_asked_is_claimed_by_the_other(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.leave(at_a)
    world.live(1.0)
    assert at_b.history == ["asked", "joined", "released", "granted"]


def test_a_login_that_may_have_pushed_is_lost_for_those_who_joined_and_begins_anew_later(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    at_b = b.ask(ALICE)
    world.settle()
    a.leave(at_a)
    world.settle()
    assert at_b.result == "push_lost"
    world.live(2.5)
    again = b.ask(ALICE, PACKET)
    world.settle()
    assert again.step == "auth"


def test_a_claim_that_comes_through_after_its_login_has_ended_is_settled(world: World):
    a, _ = world.hosts
    a.claims.patience_s = 0.02
    at_a = a.ask(ALICE)
    world.advance(0.05)
    a.leave(at_a)
    world.settle()
    assert not world.store.records


def test_the_grace_begins_with_the_end_and_not_when_the_store_hears_of_it():
    world = World(patience_s=0.02)
    a, b = world.hosts
    world.live(3.0)
    at_a = a.ask(ALICE)
    a.send()
    world.advance(0.25)
    a.step(at_a)
    a.step(at_a)
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    world.advance(GRACE_S - 0.5)
    world.settle()
    world.advance(1.0)
    at_b = b.ask(ALICE, PACKET)
    world.live(1.0)
    assert at_b.history[-1] == "granted"


def test_a_takeover_that_comes_through_after_its_login_has_ended_is_left_to_others(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    take_over(world, b)
    b.perform(b.claims.cancelled(at_b.number))
    at_b.result = "cancelled"
    world.settle()
    a.start()
    at_a = a.ask(ALICE)
    world.live(0.5)
    assert at_a.step == "polling"


def test_a_login_asked_for_later_does_not_get_an_old_verdict_when_the_store_missed_it(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    assert at_a.push is not None
    world.decide(at_a.push, True)
    a.step(at_a)
    a.commands.clear()
    world.live(10.0)
    at_b = b.ask(ALICE, PACKET)
    world.live(1.0)
    assert at_b.history == ["asked", "joined", "released", "granted"]


def test_an_approved_push_lets_nobody_in_again_although_the_store_missed_its_end(world: World):
    """Its owner remembers it for a shorter time than its record lives."""
    a, b = world.hosts
    at_a = push(world, a)
    a.cut()
    decide(world, a, at_a)
    a.mend()
    world.live(40.0)
    at_b = b.ask(ALICE, PACKET)
    world.live(3.0)
    assert (at_b.step, len(at_b.history)) == ("auth", 2)


def test_a_claim_whose_answer_was_lost_keeps_nobody_waiting_once_its_login_has_ended(world: World):
    a, b = world.hosts
    at_a = a.ask(ALICE)
    a.send()
    a.cut()
    a.step(at_a)
    a.step(at_a)
    decide(world, a, at_a)
    a.mend()
    world.live(3.0)
    at_b = b.ask(ALICE, PACKET)
    world.live(2.0)
    assert at_b.step == "auth"


def test_a_successor_without_a_connection_gives_a_claim_back_once_it_has_one(world: World):
    a, b = world.hosts
    a.ask(ALICE)
    a.send()
    (record,) = world.store.records.values()
    a.restart_worker()
    a.cut()
    a.perform(
        a.claims.adopt(99, Claim(99, ALICE, packet=PACKET), Held(record.owner.decode(), 0), "", "", 0.0, world.now)
    )
    a.perform(a.claims.ended(99, None, False, [], world.now))
    a.mend()
    world.settle()
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "auth"
