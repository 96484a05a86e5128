"""When a NAS asks again (RFC 5080 section 2.2.1), and the timers of many thousands of them."""

import math
from typing import Generic, TypeVar

from bench.radius_load.plan import Retransmission

TICK_S = 0.010

_T = TypeVar("_T")


def next_wait_s(way: Retransmission, previous_s: float | None, waited_s: float, rand: float) -> float:
    """Return how long to wait after a transmission before `may_ask_again` is asked.

    Args:
        way: how this NAS asks again.
        previous_s: the wait before; None after the first transmission.
        waited_s: since the first transmission.
        rand: evenly between -1 and 1.

    RT = IRT + RAND*IRT, then 2*RT + RAND*RT, never above MRT + RAND*MRT, and not beyond MRD.
    """
    jitter = rand * way.jitter
    wait_s = way.first_s * (1 + jitter) if previous_s is None else previous_s * (2 + jitter)
    if wait_s > way.max_s:
        wait_s = way.max_s * (1 + jitter)
    return wait_s if way.duration_s is None else min(wait_s, way.duration_s - waited_s)


def may_ask_again(way: Retransmission, n_sent: int, waited_s: float) -> bool:
    """Whether a packet that was sent so often, first so long ago, is sent once more: neither MRC nor MRD is reached."""
    return n_sent < way.tries and (way.duration_s is None or waited_s < way.duration_s)


class Timers(Generic[_T]):
    """A wheel: setting and stopping a timer cost the same whatever their number, and stopped ones leave nothing behind.

    A timer is due up to `TICK_S` after its instant.
    """

    def __init__(self, now: float) -> None:
        self._spokes: dict[int, set[_T]] = {}
        self._turned_to = math.floor(now / TICK_S)

    def set(self, at: float, what: _T) -> int:
        """Return the spoke that `what` is on: `stop` wants to know it."""
        spoke = max(int(at / TICK_S), self._turned_to) + 1
        try:
            self._spokes[spoke].add(what)
        except KeyError:
            self._spokes[spoke] = {what}
        return spoke

    def stop(self, spoke: int, what: _T) -> None:
        """Forget a timer, if it has not been due yet."""
        if spoke in self._spokes:
            self._spokes[spoke].discard(what)

    def due(self, now: float) -> list[_T]:
        """Return whatever is due, and forget it."""
        due: list[_T] = []
        while self._turned_to < int(now / TICK_S):
            self._turned_to += 1
            due.extend(self._spokes.pop(self._turned_to, ()))
        return due
