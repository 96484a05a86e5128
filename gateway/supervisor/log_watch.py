"""Watching whether lines get into the logs. When they do not, standard error is told: where else could it be said?"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable

from gateway.logs.losses import Losses
from gateway.supervisor.crew import Crew
from gateway.supervisor.stderr import say

log = logging.getLogger("gateway.supervisor")

LOOK_EVERY_S = 1.0

Troubles = dict[str, dict[str, int]]


def log_troubles(crews: Iterable[Crew], losses: Losses) -> Troubles:
    """Return which logs are lost to which processes, and the number of the error.

    Args:
        crews: of all generations.
        losses: the supervisor's own.
    """
    found: Troubles = {}
    alive = ((crew, slot.number) for crew in crews for slot in crew.slots if crew.process(slot) is not None)
    for crew, number in alive:
        for name, error in crew.board.log_errors(number).items():
            found.setdefault(name, {})[f"worker {number}"] = error
    for name, error in losses.errors.items():
        found.setdefault(name, {})["supervisor"] = error
    return found


def describe_trouble(trouble: dict[str, int]) -> str:
    """Return who has lost a log, and why."""
    by_error: dict[int, list[str]] = {}
    for process, error in trouble.items():
        by_error.setdefault(error, []).append(process)
    return "; ".join(f"{', '.join(processes)}: {os.strerror(error)}" for error, processes in by_error.items())


class LogWatch:
    """Looks once a second, from `start` to `stop`.

    Args:
        troubles: returns what is wrong.
        count: returns how many lines of a log were lost since the start.
    """

    def __init__(self, troubles: Callable[[], Troubles], count: Callable[[str], int]) -> None:
        self._troubles = troubles
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._lost: set[str] = set()

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        troubles = self._troubles()
        for name in troubles.keys() - self._lost:
            say(f"radgate: LOG LOST: {name} ({describe_trouble(troubles[name])}); radgate status counts its lost lines")
        for name in self._lost - troubles.keys():
            log.warning("%s can be written again; %d of its lines were lost since the start", name, self._count(name))
        self._lost = set(troubles)
