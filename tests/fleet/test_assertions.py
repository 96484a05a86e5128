"""A login that is claimed already says again whose it is."""

from gateway.fleet.effects import Outcome
from gateway.fleetapi.questions import Claim, Held
from gateway.fleetapi.questions import Join as JoinQuestion
from tests.fleet.steps import ALICE, PACKET, begin, decide, push
from tests.fleet.world import Login, World


def is_left_by_the_dead(world: World) -> bool:
    """Whether the second host joins the first one's push, and has it once that one is dead."""
    a, b = world.hosts
    at_b = b.ask(ALICE)
    world.settle()
    has_joined = at_b.history == ["asked", "joined"]
    world.kill(a)
    world.live(4.0)
    return has_joined and at_b.step == "polling"


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


def test_a_claim_that_was_refused_is_made_again_when_the_push_has_a_name(world: World):
    a, _ = world.hosts
    at_a = a.ask(ALICE)
    a.be_refused()
    assert (at_a.step, a.counts[Outcome.ALONE_FAILED]) == ("auth", 1)
    a.step(at_a)
    a.step(at_a)
    world.settle()
    assert is_left_by_the_dead(world)


def test_a_name_that_the_store_refuses_is_written_again(world: World):
    a, _ = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    a.step(at_a)
    a.be_refused()
    world.settle()
    assert is_left_by_the_dead(world)


def test_a_store_that_refuses_everything_is_not_asked_without_end(world: World):
    a, _ = world.hosts
    at_a = begin(world, a)
    a.step(at_a)
    a.step(at_a)
    n_refused = 0
    while a.commands:
        a.be_refused()
        n_refused += 1
    assert n_refused == 2


def test_two_that_are_alone_stay_so(world: World):
    a, b = world.hosts
    a.cut()
    at_a = a.ask(ALICE)
    at_b = begin(world, b)
    a.mend()
    world.settle()
    assert (at_a.step, at_b.step) == ("auth", "auth")
    assert a.counts[Outcome.CLAIMED_MEANWHILE] == 1


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


def test_a_successor_that_gave_a_claim_back_to_its_predecessor_can_join_what_that_one_had_joined(world: World):
    """It has asserted a claim that met another host's: it is alone with it, and then its predecessor dies."""
    a, b = world.hosts
    at_b = push(world, b)
    claim = Claim(99, ALICE, packet=PACKET)
    a.logins[99] = at_a = Login(99, ALICE, PACKET, world.now)
    a.perform(a.claims.adopt(99, claim, Held(f"{a.instance}:{7:016x}", 0), "", "", 0.0, world.now))
    world.settle()
    a.perform(a.claims.ask(99, JoinQuestion(99, ALICE), world.now))
    world.settle()
    decide(world, b, at_b)
    assert at_a.result == "accept"


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


def test_a_successor_that_does_not_know_duos_time_writes_no_push_without_it(world: World):
    """Its age would be the store's alone, and whoever writes to the store could put it there again at any time."""
    a, _ = world.hosts
    push(world, a)
    (before,) = [record.sealed for record in world.store.records.values()]
    a.forget_duo_time()
    world.settle()
    (after,) = [record.sealed for record in world.store.records.values()]
    assert after == before
