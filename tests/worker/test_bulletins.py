"""What the supervisor has posted reaches the engine once, whatever was missed in between."""

from typing import Any

import pytest

from gateway.failmode.bulletin import (
    Bulletin,
    BulletinCells,
)
from gateway.failmode.states import BreakerState
from gateway.unavailable import Trouble, Unavailable
from gateway.worker.bulletins import BulletinReader
from tests.failmode.test_bulletin import Cells


class Engine:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Trouble | None]] = []

    def outage(self, application: str, error: Unavailable | None, now: float) -> list[Any]:
        self.told.append(("outage", error.trouble if error is not None else None))
        return []

    def leave_pushes(self, application: str, are_left: bool) -> None:
        self.told.append(("left" if are_left else "left no more", None))

    def isolate(self, application: str, *, is_isolated: bool) -> None:
        self.told.append(("isolated" if is_isolated else "isolated no more", None))

    def try_one(self, application: str) -> None:
        self.told.append(("try", None))

    def drop_idle_connections(self, application: str) -> None:
        assert application == "app"
        self.told.append(("new connections", None))


def scene(memory: list[int] | None = None) -> tuple[BulletinCells, Engine, BulletinReader]:
    cells, engine = BulletinCells(memory or [0] * 8), Engine()
    reader = BulletinReader(
        {"app": cells},
        engine,  # type: ignore[arg-type]
        lambda effects: None,
        engine.drop_idle_connections,
        engine.leave_pushes,
    )
    return cells, engine, reader


def post(cells: BulletinCells, state: BreakerState, trial: int = 0, since_ns: int = 0) -> None:
    cells.post(Bulletin(state.number, state.is_fail_mode_active, trial, since_ns))


def test_nothing_is_told_while_nothing_happens():
    cells, engine, reader = scene()
    reader.look(0.0)
    post(cells, BreakerState.HEALTHY, since_ns=5)
    reader.look(1.0)
    assert engine.told == []


def test_an_outage_a_trial_and_its_end():
    cells, engine, reader = scene()
    for state, trial in (
        (BreakerState.SUSPECT, 0),
        (BreakerState.DOWN, 0),
        (BreakerState.TRIAL, 1),
        (BreakerState.DOWN, 1),
        (BreakerState.TRIAL, 2),
        (BreakerState.HEALTHY, 2),
    ):
        post(cells, state, trial)
        reader.look(0.0)
        reader.look(0.1)
    away, over, one = ("outage", Trouble.OUTAGE), ("outage", None), ("try", None)
    new = ("new connections", None)
    assert engine.told == [over, new, away, new, one, new, away, new, one, over]


@pytest.mark.parametrize("n", range(9))
def test_a_look_in_the_middle_of_a_post_permits_no_trial_more(n):
    memory = Cells()
    cells, engine, reader = scene(memory)
    post(cells, BreakerState.DOWN, 1)
    reader.look(0.0)
    memory.at(n, lambda: reader.look(1.0))
    post(cells, BreakerState.TRIAL, 2)
    reader.look(2.0)
    assert engine.told.count(("try", None)) == 1


def test_a_worker_that_comes_into_a_trial_knows_of_the_outage():
    cells, engine, reader = scene()
    post(cells, BreakerState.TRIAL, 3)
    reader.look(0.0)
    assert engine.told == [("new connections", None), ("outage", Trouble.OUTAGE), ("try", None)]


def test_that_another_host_reaches_duo_is_told_before_the_outage():
    """Else fail mode would let users in meanwhile."""
    cells, engine, reader = scene()
    cells.post(Bulletin(BreakerState.DOWN.number, is_fail_mode_active=True, trial=0, since_ns=0, is_isolated=True))
    reader.look(1.0)
    reader.look(1.1)
    assert engine.told == [("isolated", None), ("new connections", None), ("outage", Trouble.OUTAGE)]
    cells.post(Bulletin(BreakerState.DOWN.number, is_fail_mode_active=True, trial=0, since_ns=0))
    reader.look(2.0)
    assert engine.told[3:] == [("isolated no more", None)]


def test_that_pushes_are_left_to_another_host_is_told_and_that_they_are_not_any_more():
    cells, engine, reader = scene()
    cells.post(Bulletin(BreakerState.DOWN.number, is_fail_mode_active=True, trial=0, since_ns=0, is_left=True))
    reader.look(1.0)
    reader.look(1.1)
    assert engine.told == [("left", None), ("new connections", None), ("outage", Trouble.OUTAGE)]
    cells.post(Bulletin(BreakerState.HEALTHY.number, is_fail_mode_active=False, trial=0, since_ns=0))
    reader.look(2.0)
    assert engine.told[3:] == [("left no more", None), ("outage", None)]
