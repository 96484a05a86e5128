from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.radius_load.plan import AWS, NONE, RFC5080, Retransmission
from bench.radius_load.retransmission import TICK_S, Timers, may_ask_again, next_wait_s


def transmissions(way: Retransmission, rands: list[float]) -> list[float]:
    """Return the instants at which a packet is sent that is never answered."""
    instants, now, wait_s = [], 0.0, None
    for rand in rands:
        instants.append(now)
        wait_s = next_wait_s(way, wait_s, now, rand)
        now += wait_s
        if not may_ask_again(way, len(instants), now):
            break
    return instants


def test_rfc_5080_without_jitter_doubles_until_mrd():
    """Section 2.2.1: IRT 2, MRT 16, MRC 5, MRD 30: the fifth transmission would be due when MRD has passed."""
    assert transmissions(RFC5080, [0.0] * 9) == pytest.approx([0, 2, 6, 14])


def test_rfc_5080_ends_with_mrc_where_mrd_leaves_room():
    assert transmissions(Retransmission(2, 16, tries=5), [0.0] * 9) == pytest.approx([0, 2, 6, 14, 30])


def test_aws_asks_three_times_20_s_apart():
    assert transmissions(AWS, [0.0] * 9) == [0, 20, 40]


def test_none_asks_once():
    assert transmissions(NONE, [0.0] * 9) == [0]


def test_mrd_cuts_the_last_wait():
    assert next_wait_s(RFC5080, 8.0, 14.0, 0.0) == 16.0
    assert next_wait_s(RFC5080, 8.0, 20.0, 0.0) == 10.0


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_waits_stay_within_the_jitter(rands):
    way = Retransmission(2, 16, tries=8, jitter=0.1)
    waits = [after - before for before, after in pairwise(transmissions(way, rands))]
    assert 1.8 <= waits[0] <= 2.2
    assert all(wait <= 16 * 1.1 + 1e-9 for wait in waits)
    for before, after in pairwise(waits):
        assert before * 1.9 - 1e-9 <= after <= before * 2.1 + 1e-9 or 16 * 0.9 - 1e-9 <= after <= 16 * 1.1 + 1e-9


def test_a_timer_is_due_within_a_tick_after_its_instant():
    timers = Timers(0.0)
    timers.set(0.025, "a")
    assert timers.due(0.025) == []
    assert timers.due(0.025 + 1.5 * TICK_S) == ["a"]
    assert timers.due(9.0) == []


def test_timers_are_due_in_order_of_their_ticks_however_late_one_looks():
    timers = Timers(100.0)
    for name, at in (("c", 103.0), ("a", 100.5), ("b", 101.0)):
        timers.set(at, name)
    assert timers.due(200.0) == ["a", "b", "c"]


def test_a_timer_in_the_past_is_due_at_the_next_tick():
    timers = Timers(0.0)
    timers.due(5.0)
    timers.set(1.0, "late")
    assert timers.due(5.0 + 1.5 * TICK_S) == ["late"]


def test_a_stopped_timer_is_never_due():
    timers = Timers(0.0)
    spoke = timers.set(1.0, "a")
    timers.set(1.0, "b")
    timers.stop(spoke, "a")
    assert timers.due(2.0) == ["b"]
    timers.stop(spoke, "b")  # was due: nothing to stop any more


@given(st.lists(st.floats(0, 3), max_size=30), st.lists(st.floats(0, 0.5), max_size=30))
def test_every_timer_is_due_once_not_before_its_instant(instants, steps):
    timers, now, due_at = Timers(0.0), 0.0, {}
    for number, at in enumerate(instants):
        timers.set(at, number)
    for step in [*steps, 4.0]:
        now += step
        for number in timers.due(now):
            assert number not in due_at
            due_at[number] = now
    assert set(due_at) == set(range(len(instants)))
    assert all(due_at[number] >= at for number, at in enumerate(instants))
