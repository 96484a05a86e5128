"""Which of many alike have a line in the log: the first so many of each minute. The others are counted."""

from typing import Final, final

LINES: Final = 20  # of one client in one interval
INTERVAL_S: Final = 60.0


@final
class FewLines:
    """The lines of one kind and client."""

    __slots__ = ("_n_left_out", "_n_told", "_since")

    def __init__(self) -> None:
        self._since = float("-inf")
        self._n_told = self._n_left_out = 0

    def may_have_one(self, now: float) -> bool:
        """Whether one more has a line; else it is counted."""
        if now - self._since >= INTERVAL_S:
            self._since, self._n_told = now, 0
        if self._n_told >= LINES:
            self._n_left_out += 1
            return False
        self._n_told += 1
        return True

    def left_out_now(self) -> int:
        """Return how many had none since this was last asked."""
        n_left_out, self._n_left_out = self._n_left_out, 0
        return n_left_out
