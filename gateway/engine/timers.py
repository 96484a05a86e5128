"""Things to do at an instant: a heap that the owner asks when to come back. It starts no clock."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

Action = Callable[[Any, float], None]


class Timers:
    """Actions by instant; a late one runs late, never twice."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action, Any]] = []
        self._order = count()

    def at(self, instant: float, action: Action, argument: object) -> None:
        """Call `action(argument, now)` once `instant` has come."""
        heappush(self._heap, (instant, next(self._order), action, argument))

    @property
    def next(self) -> float | None:
        """The instant of the earliest action."""
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Do everything that is due."""
        while self._heap and self._heap[0][0] <= now:
            _, _, action, argument = heappop(self._heap)
            action(argument, now)
