"""Which of several addresses is tried next, and when: they race, and who has us first wins (RFC 8305 section 5).

An attempt is a whole one, with a proxy's tunnel and TLS. So who takes connections and then says nothing costs the
others no more than who drops them, and nobody is given up for others who may be no quicker. One that comes further
holds the next one back for a moment: on a long way few are begun in vain.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from gateway.unavailable import Trouble, Unavailable

ATTEMPT_DELAY_S: Final = 0.25  # RFC 8305 section 8

Place = TypeVar("Place")

# By how far an attempt came. That we have no files left comes last: what is there has not been asked.
_TELLING: Final = (
    Trouble.CONNECT,
    Trouble.PROXY,
    Trouble.TIMEOUT,
    Trouble.CLOSED,
    Trouble.BAD_ANSWER,
    Trouble.TLS,
    Trouble.CERTIFICATE,
    Trouble.BUSY,
)


class Race(Generic[Place]):
    """The attempts at one server's places, until a deadline; whoever makes them tells what becomes of each."""

    __slots__ = ("_deadline", "_left", "_next_at", "_tried", "_troubles")

    def __init__(self, places: Iterable[Place], now: float, deadline: float) -> None:
        """Take the places, one at least, in the order in which to try them."""
        self._left = deque(places)
        self._next_at = now
        self._deadline = deadline
        self._tried: list[Place] = []
        self._troubles: list[Unavailable] = []

    def begin(self, now: float) -> Place | None:
        """Return where an attempt begins now; None for nowhere, yet or any more."""
        if now < self._next_at or not self._has_next(now):
            return None
        self._next_at = now + ATTEMPT_DELAY_S
        self._tried.append(self._left.popleft())
        return self._tried[-1]

    def wait_s(self, now: float) -> float | None:
        """Return after how long the next attempt begins if nothing happens; None where there is none."""
        return max(0.0, self._next_at - now) if self._has_next(now) else None

    def came_further(self, now: float) -> None:
        """An attempt has found somebody, who may have us in a moment."""
        self._next_at = now + ATTEMPT_DELAY_S

    def failed(self, trouble: Unavailable, now: float) -> None:
        """An attempt is over: the next one begins at once."""
        self._troubles.append(trouble)
        self._next_at = now

    @property
    def outcome(self) -> Unavailable:
        """What says most of why all attempts have failed, the last of its kind, with all places that were tried."""
        most = max(reversed(self._troubles), key=_how_telling)
        if len(self._tried) == 1:
            return most
        text = f"{most.detail} (tried: {', '.join(map(str, self._tried))})"
        return Unavailable(most.trouble, text, remedy=most.remedy)

    def _has_next(self, now: float) -> bool:
        return bool(self._left) and (now < self._deadline or not self._tried)


def _how_telling(failure: Unavailable) -> int:
    return _TELLING.index(failure.trouble) if failure.trouble in _TELLING else -1
