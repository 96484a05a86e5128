"""A State is used by one login on all hosts, and what is kept for it opens at each of them."""

import os

import pytest

from gateway.fleet.states import CLOCK_ERROR_S, MOST_KEPT, SAME_S, States
from gateway.fleetapi.names import state_key
from gateway.fleetapi.questions import Unused, UsedBefore, UseState
from gateway.fleetapi.sealing import Sealer
from tests.fleet.states_store import StatesStore

NAME, OTHER_NAME = b"n" * 16, b"m" * 16
ALICE, BOB = b"a" * 16, b"b" * 16
KEY, OTHER_KEY = bytes(32), bytes(range(32))
KEPT = b"what the home server said"


class Scene:
    """Two hosts and a store."""

    def __init__(self, *keys: bytes) -> None:
        self.store = StatesStore()
        self.a = States("gw-a", Sealer(keys[:1] or [KEY], os.urandom))
        self.b = States("gw-b", Sealer(keys[1:] or [KEY], os.urandom))

    def use(self, host: States, login: bytes = ALICE, name: bytes = NAME, *, wants_kept: bool = False):
        question = UseState(name, 300.0, wants_kept=wants_kept, login=login)
        return host.answered(question, self.store.run(host.use(question)))

    def keep(self, host: States, name: bytes = NAME, octets: bytes = KEPT) -> None:
        run = host.keep(name, octets, 300.0)
        assert run is not None
        self.store.run(run)


def test_the_first_login_has_it_and_another_one_hears_where():
    scene = Scene()
    assert scene.use(scene.a) == Unused()
    assert scene.use(scene.b, BOB) == UsedBefore("gw-a")
    assert scene.use(scene.a, BOB) == UsedBefore("gw-a")
    assert scene.use(scene.b, BOB, OTHER_NAME) == Unused()


@pytest.mark.parametrize("where", ["a", "b"])
def test_the_same_login_may_come_again_at_any_host_while_it_may_be_under_way(where):
    scene = Scene()
    scene.use(scene.a)
    host = getattr(scene, where)
    assert scene.use(host) == Unused(again_s=0.001)
    scene.store.now += 20.0
    assert scene.use(host) == Unused(again_s=20.0)
    scene.store.now += SAME_S
    assert scene.use(host) == UsedBefore("gw-a")


def test_what_is_kept_is_had_by_whoever_wants_it_also_again():
    scene = Scene()
    scene.keep(scene.a)
    assert scene.use(scene.a) == Unused()
    assert scene.use(scene.b, wants_kept=True) == Unused(KEPT, 0.001)
    assert scene.use(scene.b, OTHER_NAME, wants_kept=True) == UsedBefore("gw-a")


def test_nothing_at_the_store_can_be_read():
    scene = Scene()
    scene.keep(scene.a)
    scene.use(scene.a)
    ((key, record),) = scene.store.records.items()
    stored = key + b"".join(record.values())
    assert not any(word in stored for word in (KEPT, ALICE, NAME, NAME.hex().encode(), b"gw-a"))


def test_what_is_kept_opens_for_its_own_state_alone():
    scene = Scene()
    scene.keep(scene.a)
    scene.store.records[state_key(OTHER_NAME)] = dict(scene.store.records[state_key(NAME)])
    assert scene.use(scene.b, name=OTHER_NAME, wants_kept=True) == Unused()


def test_a_forged_use_keeps_nobody_out():
    scene = Scene()
    scene.use(scene.a, BOB, OTHER_NAME)
    for forged in (b"forged", b"", scene.store.records[state_key(OTHER_NAME)]["u"]):
        scene.store.records[state_key(NAME)] = {"u": forged}
        scene.store.used_at[state_key(NAME)] = scene.store.now
        assert scene.use(scene.b) == Unused()


def test_a_use_from_the_future_is_no_retransmission():
    scene = Scene()
    scene.use(scene.a)
    scene.store.now -= 100.0
    assert scene.use(scene.b) == UsedBefore("gw-a")


def test_while_hosts_change_the_fleet_key_each_opens_what_the_other_has_sealed():
    scene = Scene(KEY, OTHER_KEY)
    assert scene.use(scene.a) == scene.use(scene.b, BOB) == Unused()  # two keys: nothing is shared
    scene = Scene()
    scene.b = States("gw-b", Sealer([OTHER_KEY, KEY], os.urandom))
    scene.keep(scene.a)
    assert scene.use(scene.b, wants_kept=True) == Unused(KEPT)
    assert scene.use(scene.b, BOB) == UsedBefore("gw-b")


@pytest.mark.parametrize("reply", [None, b"", [], [b"", 0], [1, 2, 3], [b"", b"never", b""], [b"x" * 99, 0, None]])
def test_nonsense_counts_as_no_answer(reply):
    question = UseState(NAME, 300.0, wants_kept=True, login=ALICE)
    assert Scene().a.answered(question, reply) == Unused()


@pytest.mark.parametrize(("octets", "life_s"), [(bytes(MOST_KEPT + 1), 300.0), (KEPT, 0.0), (KEPT, -5.0)])
def test_what_is_too_long_or_over_is_kept_here_alone(octets, life_s):
    assert Scene().a.keep(NAME, octets, life_s) is None


def test_a_record_lives_a_little_longer_than_the_state_can_be_opened():
    scene = Scene()
    run = scene.a.use(UseState(NAME, 300.0, wants_kept=False, login=ALICE))
    assert run.arguments[1] == b"%d" % (1000 * (300 + CLOCK_ERROR_S))
    kept = scene.a.keep(NAME, KEPT, 1e9)
    assert kept is not None
    assert kept.arguments[1] == b"7200000"


def test_nothing_of_it_is_shown():
    assert "server" not in repr(Unused(KEPT))
