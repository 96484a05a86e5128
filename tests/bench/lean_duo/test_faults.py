"""The schedule of what goes wrong; the clock is handed on."""

import json
from random import Random

import pytest

from bench.lean_duo.faults import Fault, Misfortune, Schedule, read_faults
from bench.simulator.faults import FaultKind


def schedule(*faults: Fault) -> Schedule:
    made = Schedule(Random(1))
    made.add(faults, 100.0)
    return made


def test_a_fault_strikes_from_its_instant_to_its_end() -> None:
    faults = schedule(Fault(FaultKind.STATUS_500, at_s=5, for_s=10))
    struck = Misfortune(FaultKind.STATUS_500, 0, 0)
    assert [faults.strike(now) for now in (104.9, 105.0, 114.9, 115.0)] == [None, struck, struck, None]
    assert faults.instants() == {105.0, 115.0}


def test_without_an_end_it_stays() -> None:
    faults = schedule(Fault(FaultKind.CAPTIVE_PORTAL))
    assert faults.strike(1e9) == Misfortune(FaultKind.CAPTIVE_PORTAL, 0, 0)
    assert faults.instants() == {100.0}


def test_what_is_added_later_counts_from_then_and_takes_nothing_away() -> None:
    faults = schedule(Fault(FaultKind.DROP, for_s=10))
    faults.add([Fault(FaultKind.RESET, at_s=5)], 107.0)
    assert [[fault.kind for fault in faults.active(now)] for now in (109.0, 111.0, 112.0)] == [
        [FaultKind.DROP],
        [],
        [FaultKind.RESET],
    ]
    faults.clear()
    assert faults.active(112.0) == []


def test_delays_add_up_and_come_before_what_else_happens() -> None:
    faults = schedule(
        Fault(FaultKind.SLOW, delay_s=2), Fault(FaultKind.TRICKLE, delay_s=8), Fault(FaultKind.SLOW, delay_s=0.5)
    )
    assert faults.strike(100.0) == Misfortune(FaultKind.TRICKLE, 2.5, 8)


def test_a_delay_may_be_drawn() -> None:
    faults = schedule(Fault(FaultKind.SLOW, delay_s="uniform:1,2"))
    drawn = {faults.strike(100.0) for _ in range(10)}
    assert len(drawn) == 10
    assert all(each is not None and 1 <= each.delay_s <= 2 for each in drawn)


def test_a_share_strikes_so_many_calls() -> None:
    faults = schedule(Fault(FaultKind.DROP, share=0.2))
    n_struck = sum(faults.strike(100.0) is not None for _ in range(5000))
    assert 900 < n_struck < 1100


def test_the_door_is_shut_by_refuse_and_held_by_a_black_hole_for_everything() -> None:
    faults = schedule(
        Fault(FaultKind.REFUSE, at_s=0, for_s=1),
        Fault(FaultKind.BLACK_HOLE, at_s=1, for_s=1),
        Fault(FaultKind.BLACK_HOLE, at_s=2, share=0.5),
    )
    assert [(faults.refuses(now), faults.holds(now)) for now in (100.0, 101.0, 102.0)] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_a_list_or_a_single_fault_can_be_read() -> None:
    entry = {"kind": "slow", "at_s": 5, "for_s": 10, "share": 0.5, "delay_s": 2}
    expected = Fault(FaultKind.SLOW, 5, 10, 0.5, 2)
    assert read_faults(json.dumps([entry, {"kind": "status_500"}]).encode()) == (expected, Fault(FaultKind.STATUS_500))
    assert read_faults(json.dumps(entry).encode()) == (expected,)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"kind": "explode"}, r"'explode' - at `\$\[0\]\.kind`"),
        ({"kind": "chunked"}, "chunked: not here; write refuse, black_hole, slow"),
        ({"kind": "slow", "delay": 2}, "unknown field `delay`"),
        ({"kind": "slow", "share": 0}, "share: above 0"),
        ({"kind": "slow", "for_s": 0}, "for_s not 0"),
        ({"kind": "refuse", "share": 0.5}, "share is 1"),
        ({"kind": "slow", "delay_s": "soon"}, "'soon' is no distribution: write constant:S"),
        ({"kind": "slow", "delay_s": "constant:inf"}, "black_hole"),
    ],
)
def test_what_cannot_be_meant_is_refused(entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_faults(json.dumps([entry]).encode())
