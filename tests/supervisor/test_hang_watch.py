"""Which workers hang, by their heartbeats, and what is done about it."""

import asyncio
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.ipc.worker_channel import STACK_SIGNAL
from gateway.supervisor.hang_watch import (
    HUNG_AFTER_S,
    OWN_PAUSE_S,
    START_AFTER_S,
    HangWatch,
)
from gateway.supervisor.slot_life import SlotState

NOW = 1000.0


class Process:
    """Takes note of signals."""

    pid = 7

    def __init__(self) -> None:
        self.signals: list[int] = []

    def signal(self, number: int) -> None:
        """Take note."""
        self.signals.append(number)


class Scene:
    """One worker, as the board shows it, and a loop whose clock a test sets.

    Attributes:
        timers: what is to be done later.
    """

    def __init__(self, *, heartbeat: float = NOW, pid: int = 7, state: SlotState = SlotState.READY) -> None:
        self.now = NOW
        self.process = Process()
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        slot = SimpleNamespace(number=0, state=state, spawned_at=NOW - START_AFTER_S - 1)
        signs = SimpleNamespace(pid=pid, heartbeat_ns=int(heartbeat * 1e9))
        board = SimpleNamespace(signs_of_life=lambda _number: signs)
        self.crew = SimpleNamespace(slots=[slot], board=board, process=lambda _slot: self.process)

    def time(self) -> float:
        """The loop's clock."""
        return self.now

    def call_later(self, after_s: float, act: Callable[..., None], *arguments: Any) -> None:
        """Take note."""
        self.timers.append((after_s, act, arguments))

    def look(self, after_s: float = 1.0, n_rounds: int = 2) -> list[int]:
        """Let it look, so long after its last look, and in another round do what it puts off; return the signals."""
        self.now = NOW - after_s
        vigil = HangWatch(lambda: [self.crew])  # type: ignore[list-item]
        vigil.start()
        self.now = NOW
        for _ in range(n_rounds):
            timers, self.timers = self.timers, []
            for _, act, arguments in timers:
                act(*arguments)
        return self.process.signals


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    def make(**shown: Any) -> Scene:
        scene = Scene(**shown)
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: scene)
        return scene

    return make


def test_one_whose_heart_beats_is_left_alone(scene):
    assert scene(heartbeat=NOW - HUNG_AFTER_S + 1).look() == []


def test_one_that_hangs_writes_its_stacks_and_is_killed_once(scene):
    assert scene(heartbeat=NOW - HUNG_AFTER_S - 1).look() == [STACK_SIGNAL, signal.SIGKILL]


@pytest.mark.parametrize(("silent_s", "is_killed"), [(HUNG_AFTER_S + 1, False), (START_AFTER_S + 1, True)])
def test_one_that_starts_has_the_time_of_a_start_since_its_last_sign(scene, silent_s, is_killed):
    """A large configuration takes its time, from the first sign of life on: above all beside workers that serve."""
    assert (signal.SIGKILL in scene(heartbeat=NOW - silent_s, state=SlotState.STARTING).look()) is is_killed


def test_one_that_is_prepared_and_waits_for_others_may_wait_as_long_as_its_heart_beats(scene):
    """It was spawned longer ago than a start may take."""
    assert scene(heartbeat=NOW - 1, state=SlotState.STARTING).look() == []


@pytest.mark.parametrize(("state", "said"), [(SlotState.READY, "for 10 s"), (SlotState.STARTING, "for 60 s")])
def test_the_log_says_how_long_it_was_waited_for(scene, caplog, state, said):
    scene(heartbeat=NOW - START_AFTER_S - 1, state=state).look()
    assert said in caplog.text


def test_after_a_pause_of_our_own_all_may_look_as_if_they_hung(scene):
    assert scene(heartbeat=NOW - HUNG_AFTER_S - 1).look(OWN_PAUSE_S + 1, n_rounds=1) == []


@pytest.mark.parametrize(("state", "is_killed"), [(SlotState.STARTING, True), (SlotState.READY, False)])
def test_one_that_shows_nothing_is_watched_until_it_serves(scene, state, is_killed):
    """A worker of newer code than ours may have no row that we can read."""
    assert (signal.SIGKILL in scene(pid=0, state=state).look()) is is_killed
