"""How old a push is: who does not know that by Duo's clock tells nobody its name, and takes nobody's over."""

from dataclasses import replace

import pytest

from gateway.fleet.effects import Outcome
from gateway.fleetapi import records
from gateway.fleetapi.names import bound_to, record_key
from gateway.fleetapi.records import PushedRecord, decode_record
from tests.fleet.steps import ALICE, decide, push
from tests.fleet.store import Record
from tests.fleet.world import FAR_AWAY, Host, Login, World

KEY = record_key(ALICE)


def name_in_store(world: World) -> PushedRecord | None:
    """What the store has of the push, once it is one."""
    record = world.store.records[KEY]
    if record.state != b"pushed":
        return None
    content = world.sealing.open(record.sealed, bound_to("pushed", ALICE))
    assert content is not None
    told = decode_record("pushed", content)
    assert isinstance(told, PushedRecord)
    return told


def put_back(world: World, record: Record) -> None:
    """Put an old record into its place again, as if it had been written just now."""
    now = world.store.now
    world.store.records[KEY] = replace(record, changed_at=now, expires_at=now + 90.0)


def without_a_time(world: World) -> None:
    """Make a record as 0.2.0 wrote it, which did not know Duo's time."""
    told, record = name_in_store(world), world.store.records[KEY]
    assert told is not None
    content = records.pushed(told.epoch, told.host, told.txid, told.factor, None)
    world.store.records[KEY] = replace(record, sealed=world.sealing.seal(content, bound_to("pushed", ALICE)))


def lets_time_be_told(world: World, host: Host) -> None:
    world.tells_time = True
    host.hear_duo_time()
    world.settle()


def assert_named_as_pushed_at(world: World, instant: float) -> None:
    """The store has the push's name, with Duo's time of that instant."""
    told = name_in_store(world)
    assert told is not None
    assert told.pushed_at == pytest.approx(FAR_AWAY + instant, abs=0.01)


def test_the_name_of_a_push_waits_for_duos_time_and_says_when_it_was_then(world: World):
    a, _ = world.hosts
    a.knows_duo_time = False
    at_a = push(world, a)
    pushed_at = world.now
    world.live(7.0)
    assert (at_a.step, name_in_store(world)) == ("polling", None)
    lets_time_be_told(world, a)
    assert_named_as_pushed_at(world, pushed_at)


def test_a_push_that_a_successor_goes_on_with_has_its_own_age_once_duo_has_told_the_time(world: World):
    a, _ = world.hosts
    push(world, a)
    pushed_at = world.now
    world.store.records.clear()
    world.live(7.0)
    a.forget_duo_time()
    world.live(7.0)
    assert name_in_store(world) is None
    lets_time_be_told(world, a)
    assert_named_as_pushed_at(world, pushed_at)


def test_a_name_is_written_once_however_often_duo_tells_its_time(world: World):
    a, _ = world.hosts
    push(world, a)
    before = world.store.records[KEY]
    world.live(1.0)
    lets_time_be_told(world, a)
    assert world.store.records[KEY] == before


def test_who_does_not_know_duos_time_asks_for_it_and_then_takes_over(world: World):
    a, b = world.hosts
    push(world, a)
    world.tells_time = b.knows_duo_time = False
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    world.live(6.0)
    assert (at_b.history, b.asks_duo_time) == (["asked", "joined"], True)
    assert world.store.records[KEY].owner.decode().startswith(a.instance)
    lets_time_be_told(world, b)
    world.live(1.0)
    assert at_b.step == "polling"
    decide(world, b, at_b)
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)


def test_where_duo_never_tells_its_time_nothing_is_taken_and_the_login_ends_in_bounded_time(world: World):
    a, b = world.hosts
    push(world, a)
    world.tells_time = b.knows_duo_time = False
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    world.live(90.0)
    assert (at_b.result, b.counts[Outcome.TAKEOVER], len(world.duo.pushes)) == ("push_lost", 0, 1)


def test_a_clock_that_has_stood_still_is_set_by_duo_before_a_push_is_taken(world: World):
    a, b = world.hosts
    b.slow_s = 20.0
    push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    world.kill(a)
    world.live(4.0)
    assert (at_b.step, b.slow_s) == ("polling", 0.0)


def test_a_passcode_of_a_host_that_is_gone_may_be_asked_again_without_duos_time(world: World):
    a, b = world.hosts
    world.tells_time = b.knows_duo_time = False
    a.ask(ALICE, is_repeatable=True)
    world.settle()
    at_b = b.ask(ALICE, is_repeatable=True)
    world.settle()
    world.kill(a)
    world.live(3.0)
    assert at_b.step == "auth"


@pytest.mark.parametrize("does_reader_know", [True, False])
@pytest.mark.parametrize("does_writer_know", [True, False])
def test_the_record_of_an_approved_push_that_is_put_back_lets_nobody_in(does_writer_know: bool, does_reader_know: bool):
    """Who writes to the store, and has the first factor, waits until nobody knows of it any more."""
    world = World()
    a, b = world.hosts
    world.live(3.0)
    a.knows_duo_time = does_writer_know
    at_a = push(world, a)
    stolen = [record for _, record in world.store.history if record.state == b"pushed"] or [world.store.records[KEY]]
    decide(world, a, at_a)
    assert at_a.result == "accept"
    world.kill(a)
    world.live(600.0)
    world.tells_time = False
    b.knows_duo_time = does_reader_know
    put_back(world, stolen[-1])
    at_b = b.ask(ALICE)
    world.live(5.0)
    world.steps()
    if not does_reader_know:
        lets_time_be_told(world, b)
    world.live(90.0)
    world.steps()
    assert "takenover" not in at_b.history
    assert at_b.result != "accept"


def of_0_2_0(world: World) -> tuple[Login, Login]:
    """A push whose name was written without a time, and a login that has joined it."""
    a, b = world.hosts
    at_a = push(world, a)
    without_a_time(world)
    at_b = b.ask(ALICE)
    world.settle()
    return at_a, at_b


def test_a_push_that_0_2_0_has_named_without_a_time_is_joined(world: World):
    at_a, at_b = of_0_2_0(world)
    decide(world, world.hosts[0], at_a)
    assert (at_b.result, len(world.duo.pushes)) == ("accept", 1)


def test_a_push_that_0_2_0_has_named_without_a_time_is_lost_with_it_and_its_user_may_log_in_anew(world: World):
    a, b = world.hosts
    _, at_b = of_0_2_0(world)
    world.kill(a)
    world.live(3.0)
    assert at_b.result == "push_lost"
    at_b = b.ask(ALICE)
    world.settle()
    assert at_b.step == "auth"


def test_a_push_without_a_time_is_left_to_nobody(world: World):
    a, b = world.hosts
    a.knows_duo_time = False
    at_a = push(world, a)
    at_b = b.ask(ALICE)
    world.settle()
    a.leave(at_a)
    world.settle()
    assert (at_b.result, len(world.duo.pushes)) == ("push_lost", 1)
