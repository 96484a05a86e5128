"""Duo's clock is told to what remembers challenges, at each beat once an application knows it."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.worker.__main__ import RunningWorker
from gateway.worker.duo_time import DuoTime

AHEAD_S = 1_000.0


def worker(*duo_times: float | None) -> tuple[RunningWorker, list[float]]:
    """One with so many applications, by what they know; and who looks at the board at a beat."""
    looks: list[float] = []
    found: Any = RunningWorker.__new__(RunningWorker)
    found._clients = {str(number): SimpleNamespace(duo_time=each) for number, each in enumerate(duo_times)}
    found._duo_time = DuoTime(found._clients, lambda *_: None)
    found._memory = ChallengeMemory(UnixClock(time.time() - time.monotonic()))
    found._fleet = None
    found._bulletin_reader = SimpleNamespace(look=looks.append)
    return found, looks


def ahead_s(worker: RunningWorker) -> float:
    """How far the clock of challenges is ahead of the machine's."""
    return worker._memory.clock.at(time.monotonic()) - time.time()


@pytest.mark.parametrize("knows_it", [0, 1])
def test_a_beat_tells_what_an_application_knows(knows_it: int) -> None:
    duo_times: list[float | None] = [None, None]
    duo_times[knows_it] = time.time() + AHEAD_S
    told, looks = worker(*duo_times)
    told._beat(7.0)
    assert ahead_s(told) == pytest.approx(AHEAD_S, abs=10.0)
    assert looks == [7.0]


def test_a_clock_that_goes_on_is_told_again():
    told, _ = worker(time.time() + AHEAD_S)
    told._beat(7.0)
    told._clients["0"] = SimpleNamespace(duo_time=time.time() + 2 * AHEAD_S)
    told._beat(7.1)
    assert ahead_s(told) == pytest.approx(2 * AHEAD_S, abs=10.0)


def test_the_machines_clock_is_good_until_duo_has_told_its_own():
    told, _ = worker(None)
    told._beat(7.0)
    assert ahead_s(told) == pytest.approx(0.0, abs=10.0)


def test_the_fleet_hears_that_duo_has_told_its_time():
    told, _ = worker(None)
    heard: list[str] = []
    fleet: Any = SimpleNamespace(duo_has_told=lambda: heard.append("told"))
    told._fleet = fleet
    told._beat(7.0)
    assert heard == []
    told._clients["0"] = SimpleNamespace(duo_time=time.time())
    told._beat(7.1)
    assert heard == ["told"]
