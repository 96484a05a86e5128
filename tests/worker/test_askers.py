"""Duo's clock is told to what remembers challenges, and to the fleet, once an application knows it."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.worker.askers import Askers

AHEAD_S = 1_000.0


def askers(*duo_times: float | None) -> Askers:
    """Return those of a worker with so many applications, by what they know."""

    async def made() -> Askers:
        return Askers(2)

    found = asyncio.run(made())
    for number, duo_time in enumerate(duo_times):
        knows(found, number, duo_time)
    return found


def knows(askers: Askers, number: int, duo_time: float | None) -> None:
    """Let an application know what time it is at Duo."""
    client: Any = SimpleNamespace(duo_time=duo_time)
    askers.duo[str(number)] = client


def memory() -> ChallengeMemory:
    return ChallengeMemory(UnixClock(time.time() - time.monotonic()))


def ahead_s(memory: ChallengeMemory) -> float:
    """How far the clock of challenges is ahead of the machine's."""
    return memory.clock.at(time.monotonic()) - time.time()


@pytest.mark.parametrize("knows_it", [0, 1])
def test_what_an_application_knows_is_told(knows_it: int) -> None:
    duo_times: list[float | None] = [None, None]
    duo_times[knows_it] = time.time() + AHEAD_S
    told = memory()
    askers(*duo_times).tell_duo_time(told)
    assert ahead_s(told) == pytest.approx(AHEAD_S, abs=10.0)


def test_a_clock_that_goes_on_is_told_again():
    told, asked = memory(), askers(time.time() + AHEAD_S)
    asked.tell_duo_time(told)
    knows(asked, 0, time.time() + 2 * AHEAD_S)
    asked.tell_duo_time(told)
    assert ahead_s(told) == pytest.approx(2 * AHEAD_S, abs=10.0)


def test_the_machines_clock_is_good_until_duo_has_told_its_own():
    told = memory()
    askers(None).tell_duo_time(told)
    assert ahead_s(told) == pytest.approx(0.0, abs=10.0)


def test_the_fleet_hears_that_duo_has_told_its_time() -> None:
    asked = askers(None)
    heard: list[str] = []
    fleet: Any = SimpleNamespace(duo_has_told=lambda: heard.append("told"))
    asked.fleet = fleet
    asked.tell_duo_time(memory())
    assert heard == []
    knows(asked, 0, time.time())
    asked.tell_duo_time(memory())
    assert heard == ["told"]
