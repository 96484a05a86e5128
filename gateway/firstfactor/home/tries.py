"""Tries that wait for their answers, all for the same time: so they come due in the order in which they began, and need
no heap. Nearly all are answered long before.
"""

from collections import deque

from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.states import ENDED


class Tries:
    """Questions that are out, by when the wait for each is over, the earliest first."""

    __slots__ = ("_waits",)

    def __init__(self) -> None:
        self._waits: deque[tuple[float, Asked]] = deque()

    def add(self, asked: Asked, at: float) -> None:
        """Wait until an instant, which is not before that of any other; forget who waits no more."""
        waits = self._waits
        while waits and waits[0][1].state is ENDED:
            waits.popleft()
        waits.append((at, asked))

    @property
    def next(self) -> float | None:
        """The earliest instant."""
        return self._waits[0][0] if self._waits else None

    def due(self, now: float) -> Asked | None:
        """Take out and return the question whose wait has been over for the longest; None for none."""
        return self._waits.popleft()[1] if self._waits and self._waits[0][0] <= now else None
