"""Two runs side by side: each figure, its spread from second to second, the ratio, and whether that is more than noise.

The machine's speed varies, so a difference counts only if each run's figure lies outside of the other's spread: the
range without the lowest and the highest tenth of its seconds. Figures without a spread are shown, never judged.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.report.record import Run
from bench.report.words import spoken

LEAST_SECONDS = 5  # fewer make no spread


class Measured(NamedTuple):
    """A figure and between what it varied; `low` and `high` are None where that is not known."""

    value: float
    low: float | None = None
    high: float | None = None


class Line(NamedTuple):
    """One figure of both runs.

    Attributes:
        ratio: of the second to the first; None without a first.
        judgement: `higher` or `lower` where it is beyond the noise, `as before` where not, empty where nobody can say.
    """

    what: str
    unit: str
    first: Measured | None
    second: Measured | None
    ratio: float | None
    judgement: str


class _Figure(NamedTuple):
    what: str
    unit: str
    of: Callable[[Run], Measured | None]


def compare(first: Run, second: Run) -> list[Line]:
    """Return every figure that one of the two runs has."""
    kinds = [kind for kind in first.latency_ms | second.latency_ms if kind != "all"]
    figures = [*_FIGURES, *(figure for kind in kinds for figure in _latencies(kind))]
    lines = []
    for what, unit, of in figures:
        a, b = of(first), of(second)
        if a or b:
            ratio = b.value / a.value if a and b and a.value else None
            lines.append(Line(what, unit, a, b, ratio, judge(a, b)))
    return lines


def _latencies(kind: str) -> list[_Figure]:
    """Return the figures of a kind of login: percentiles of all, and what they were second by second."""
    words = spoken(kind)
    return [
        _Figure(f"{words}, median", "ms", lambda run: _latency(run, kind, "p50", "p50_ms")),
        _Figure(f"{words}, p99", "ms", lambda run: _latency(run, kind, "p99", "p99_ms")),
    ]


def _latency(run: Run, kind: str, percentile: str, of_second: str) -> Measured | None:
    by_second = [getattr(second.latency[kind], of_second) for second in run.seconds if kind in second.latency]
    return measured(run.latency_ms.get(kind, {}).get(percentile), by_second)


def differences(first: Run, second: Run) -> list[str]:
    """Return what makes the runs hard to compare, in words."""
    found = [
        f"not the same {what}" + (f": {a} and {b}" if what != "machine" else "")
        for what in ("scenario", "scale", "workers", "machine")
        if (a := getattr(first, what)) != (b := getattr(second, what))
    ]
    if first.scenario == second.scenario and first.scenario_text != second.scenario_text:
        found.append(f"{first.scenario} has been rewritten in between")
    return found


def judge(first: Measured | None, second: Measured | None) -> str:
    """Return the judgement of a `Line`."""
    if first is None or second is None or first.low is None or second.low is None:
        return ""
    if _is_within(first.value, second) or _is_within(second.value, first):
        return "as before"
    return "higher" if second.value > first.value else "lower"


def _is_within(value: float, measured: Measured) -> bool:
    assert measured.low is not None  # noqa: S101 -- for the type checker
    assert measured.high is not None  # noqa: S101
    return measured.low <= value <= measured.high


def measured(value: float | None, values: Sequence[float | None]) -> Measured | None:
    """Return a figure with the spread of what it was second by second."""
    known = [each for each in values if each is not None]
    if value is None:
        return None
    if len(known) < LEAST_SECONDS:
        return Measured(value)
    deciles = statistics.quantiles(known, n=10, method="inclusive")
    return Measured(value, min(value, deciles[0]), max(value, deciles[-1]))  # a percentile of all can lie beyond


def _median(values: Sequence[float | None]) -> Measured | None:
    """Return the median of what a figure was second by second, with its spread."""
    known = [each for each in values if each is not None]
    return measured(statistics.median(known), known) if known else None


def _plain(value: float | None) -> Measured | None:
    return None if value is None else Measured(value)


def _of_workers(run: Run, name: str) -> float:
    return float(sum(getattr(process, name) for process in run.processes if process.role.startswith("worker")))


_FIGURES = (
    _Figure("limit", "logins/s", lambda run: _plain(run.limit)),
    _Figure("carried up to", "logins/s", lambda run: _plain(run.carried_rate)),
    _Figure("offered", "logins/s", lambda run: _plain(run.offered_rate)),
    _Figure("answered", "logins/s", lambda run: _plain(run.achieved_rate)),
    _Figure("the gateway's own share, median", "ms", lambda run: _plain(run.gateway_ms.get("p50"))),
    _Figure("the gateway's own share, p99", "ms", lambda run: _plain(run.gateway_ms.get("p99"))),
    _Figure(
        "CPU of the workers per login, the median second",
        "µs",
        lambda run: _median([look.worker_us_per_login for look in run.looks]),
    ),
    _Figure("cores used by the workers", "", lambda run: _plain(_of_workers(run, "core_share"))),
    _Figure("memory of the workers at most", "MB", lambda run: _plain(_of_workers(run, "rss_max_bytes") / 1e6)),
    _Figure("lost", "logins", lambda run: _plain(run.lost)),
    _Figure("unexpected", "logins", lambda run: _plain(run.unexpected)),
    _Figure("late", "logins", lambda run: _plain(run.late)),
)
