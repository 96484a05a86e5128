"""Two hosts and a store: who asks Duo, who joins, who takes over."""

from dataclasses import replace

import pytest

from gateway.fleet.claims import GRACE_S
from gateway.fleet.effects import Outcome, RunScript
from gateway.fleetapi.messages import Ended, Join, decode_message, encode_message
from gateway.fleetapi.names import bound_to
from gateway.fleetapi.questions import Claim, Held
from gateway.fleetapi.questions import Join as JoinQuestion
from tests.fleet.world import Host, Login, Sealing, World

ALICE = b"alice's login 16"
PACKET = b"another packet 1"


@pytest.fixture
def world() -> World:
    world = World()
    world.live(3.0)  # everybody has heard everybody
    return world


def begin(world: World, host: Host) -> Login:
    """A login that is granted."""
    login = host.ask(ALICE)
    world.settle()
    assert login.step == "auth"
    return login


def push(world: World, host: Host) -> Login:
    """A login whose push has a name."""
    login = begin(world, host)
    host.step(login)
    host.step(login)
    world.settle()
    return login


def decide(world: World, host: Host, login: Login, is_accepted: bool = True) -> None:
    assert login.push is not None
    world.decide(login.push, is_accepted)
    host.step(login)
    world.settle()


def test_a_login_asked_at_both_is_pushed_once_and_both_are_told(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    decide(world, a, at_a)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)
    assert at_b.history == ["asked", "joined", "decided"]


def test_both_at_the_same_instant(world: World):
    a, b = world.hosts
    at_a, at_b = a.ask(ALICE), b.ask(ALICE)
    world.settle()
    assert sorted([at_a.step, at_b.step]) == ["auth", "fleet"]


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


def two_workers() -> World:
    """A world whose two hosts are two workers of one."""
    world = World()
    a, b = world.hosts
    b.instance = a.instance
    b.restart_worker()
    world.live(3.0)
    return world


def test_a_login_asked_at_two_workers_of_a_host_is_pushed_once():
    world = two_workers()
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    decide(world, a, at_a)
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)


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


def test_an_owner_that_stood_still_is_displaced_and_joins(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.is_paused = True
    world.live(4.0)
    assert at_b.step == "polling"
    a.is_paused = False
    world.live(1.0)
    assert at_a.history == ["asked", "granted", "displaced", "joined"]
    decide(world, b, at_b)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)


def test_an_owner_that_stood_still_before_it_asked_is_not_repeated(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.is_paused = True
    world.live(6.0)
    assert at_b.step == "fleet"
    a.is_paused = False
    world.live(1.0)
    a.step(at_a)
    a.step(at_a)
    world.settle()
    decide(world, a, at_a)
    assert (at_a.result, at_b.result, len(world.duo.pushes)) == ("accept", "accept", 1)


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


def test_two_that_are_alone_stay_so(world: World):
    a, b = world.hosts
    a.cut()
    at_a = a.ask(ALICE)
    at_b = begin(world, b)
    a.mend()
    world.settle()
    assert (at_a.step, at_b.step) == ("auth", "auth")
    assert a.counts[Outcome.CLAIMED_MEANWHILE] == 1


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


def test_an_emptied_store_is_filled_again(world: World):
    a, b = world.hosts
    push(world, a)
    world.store.records.clear()
    a.cut()
    a.mend()
    world.settle()
    at_b = b.ask(ALICE)
    world.kill(a)
    world.live(3.0)
    assert (at_b.step, len(world.duo.pushes)) == ("polling", 1)


def test_a_joined_login_goes_on_while_the_record_is_gone_and_its_owner_is_there(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.store.records.clear()
    world.live(10.0)
    decide(world, a, at_a)
    assert at_b.result == "accept"


def test_a_workers_successor_goes_on(world: World):
    a, b = world.hosts
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.restart_worker()
    world.live(3.0)
    assert at_b.step == "fleet"
    decide(world, a, at_a)
    assert at_b.result == "accept"


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


def test_no_join_lasts_for_ever(world: World):
    a, b = world.hosts
    push(world, a)
    at_b = b.ask(ALICE)
    world.live(89.0)
    assert at_b.history == ["asked", "joined"]
    world.live(2.0)
    assert at_b.history == ["asked", "joined", "lost"]


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


def take_over(world: World, host: Host) -> None:
    """Let time pass until the store has given this host a push, without its answer."""
    for _ in range(100):
        world.advance(0.25)
        while host.commands:
            host.send()
            if any(record.owner.decode().startswith(host.instance) for record in world.store.records.values()):
                return
            host.receive()
            host.hear()
    raise AssertionError("it never takes over")


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


def ended(sealing: Sealing, how: str, login: bytes, nonce: bytes, packet: bytes) -> bytes:
    return encode_message(Ended(nonce, how, sealing.seal(b"accept tx-0 " + ALICE, bound_to(how, login, nonce, packet))))


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
    a.perform(a.claims.adopt(99, Claim(99, ALICE, packet=PACKET), Held(record.owner.decode(), 0), "", "", 0.0))
    a.perform(a.claims.ended(99, None, False, [], world.now))
    a.mend()
    world.settle()
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "auth"


def test_a_successor_that_gave_a_claim_back_to_its_predecessor_can_join_what_that_one_had_joined(world: World):
    """It has asserted a claim that met another host's: it is alone with it, and then its predecessor dies."""
    a, b = world.hosts
    at_b = push(world, b)
    claim = Claim(99, ALICE, packet=PACKET)
    a.logins[99] = at_a = Login(99, ALICE, PACKET, world.now)
    a.perform(a.claims.adopt(99, claim, Held(f"{a.instance}:{7:016x}", 0), "", "", 0.0))
    world.settle()
    a.perform(a.claims.ask(99, JoinQuestion(99, ALICE), world.now))
    world.settle()
    decide(world, b, at_b)
    assert at_a.result == "accept"


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


def test_an_owner_whose_own_record_was_lost_and_claimed_by_another_goes_on_alone(world: World):
    a, b = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    world.store.records.clear()
    begin(world, b)
    a.step(at_a)
    world.settle()
    assert (at_a.step, a.counts[Outcome.CLAIMED_MEANWHILE]) == ("polling", 1)
    decide(world, a, at_a)
    (record,) = world.store.records.values()
    assert (record.state, record.owner.decode()[:16]) == (b"asking", b.instance)


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
    for answer in (None, 7, [], [b"mine"], [b"mine", b"x", 0], [b"nobody", b"1", b"asking", b"", 0], b"mine"):
        login = a.ask(ALICE)
        (command,) = [each for each in a.commands if isinstance(each, RunScript)]
        a.commands.clear()
        a.perform(a.claims.script_answered(command, answer, world.now))
        assert login.step == "auth"
        a.leave(login)
        a.commands.clear()
    assert a.counts[Outcome.ALONE_FAILED] == 7


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


def test_a_successor_that_does_not_know_duos_time_writes_no_push_without_it(world: World):
    """Its age would be the store's alone, and whoever writes to the store could put it there again at any time."""
    a, _ = world.hosts
    push(world, a)
    (before,) = [record.sealed for record in world.store.records.values()]
    world.knows_duo_time = False
    a.restart_worker()
    world.settle()
    (after,) = [record.sealed for record in world.store.records.values()]
    assert after == before
