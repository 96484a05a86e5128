"""What each server section has done in the last minutes, from the counts of statuses. Pure.

Counts since the start say little of a morning: a directory that fails since nine has weeks of good logins behind it.
"""

from collections import deque
from typing import Any, NamedTuple

from gateway.statistics.reading import Histogram

WINDOW_S = 300.0
STEP_S = 15.0  # between two counts that are remembered


class _Counts(NamedTuple):
    """All sections at a monotonic instant: how logins have ended by reason, and how long they took, cumulatively."""

    now: float
    reasons: dict[str, dict[str, int]]
    seconds: dict[str, list[int]]


class Lately:
    """Compares the newest status with the one of `WINDOW_S` ago, or with the first."""

    def __init__(self) -> None:
        self._window: deque[_Counts] = deque()
        self._newest: _Counts | None = None

    def take(self, status: dict[str, Any], now: float) -> None:
        """Take a status up; `now` is monotonic."""
        histograms = status["histograms"]["servers"]
        self._newest = _Counts(
            now,
            {server["section"]: server["reasons"] for server in status["servers"]},
            {section: each["login"]["counts"] for section, each in histograms.items()},
        )
        if not self._window or now - self._window[-1].now >= STEP_S:
            self._window.append(self._newest)
        while len(self._window) > 1 and now - self._window[1].now >= WINDOW_S:
            self._window.popleft()

    def summary(self) -> dict[str, Any]:
        """Return over how many seconds it looks, and of each section with logins in them what `_section` says."""
        if self._newest is None:
            return {"span_s": 0.0, "sections": {}}
        first, last = self._window[0], self._newest
        found = {section: _section(first, last, section) for section in last.reasons}
        return {
            "span_s": round(last.now - first.now, 1),
            "sections": {section: each for section, each in found.items() if each is not None},
        }


def _section(first: _Counts, last: _Counts, section: str) -> dict[str, Any] | None:
    """Return how many logins ended by reason, and their median and p99 in seconds; None without any."""
    former = first.reasons.get(section, {})
    reasons = {reason: n - former.get(reason, 0) for reason, n in last.reasons[section].items()}
    reasons = {reason: n for reason, n in reasons.items() if n > 0}
    if not reasons:
        return None
    took = _between(first.seconds.get(section), last.seconds[section])
    return {"reasons": reasons, "p50": round(took.quantile(0.5), 6), "p99": round(took.quantile(0.99), 6)}


def _between(first: list[int] | None, last: list[int]) -> Histogram:
    """Return the histogram of what came between two of which the counts are cumulative."""
    since = [max(after - before, 0) for before, after in zip(first or [0] * len(last), last, strict=True)]
    return Histogram(tuple(max(upper - lower, 0) for lower, upper in zip([0, *since], since, strict=False)), 0)
