"""Conditions on which `run` and `compare` fail: `p99 > 50ms`, or, for the second run of two, `cpu > 110%` of the first.

Pure: text in, a `Threshold` or what is wrong with the text out; runs in, sentences out.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bench.report.record import Run


class Figure(NamedTuple):
    """A figure that a condition can name.

    Attributes:
        of: returns it, in its unit; None where a run has none.
        unit: as it is told.
        units: how it may be written, each with what it is of the unit.
    """

    what: str
    of: Callable[[Run], float | None]
    unit: str
    units: Mapping[str, float]


class Threshold(NamedTuple):
    """A condition on which a run fails; `is_relative` where the limit is a share of the other run's figure."""

    name: str
    sign: str
    limit: float
    is_relative: bool
    text: str


def _latency(percentile: str) -> Callable[[Run], float | None]:
    def of(run: Run) -> float | None:
        return (run.latency_ms.get("all") or next(iter(run.latency_ms.values()), {})).get(percentile)

    return of


def _memory(run: Run) -> float:
    return sum(each.rss_max_bytes for each in run.processes if each.role.startswith("worker")) / 1e6


_TIME = ("ms", {"ms": 1.0, "s": 1e3, "us": 1e-3, "µs": 1e-3})
_CPU = ("µs", {"µs": 1.0, "us": 1.0, "ms": 1e3})
_MEMORY = ("MB", {"MB": 1.0, "GB": 1e3})
_RATE = ("logins/s", {"": 1.0, "/s": 1.0})
_COUNT = ("logins", {"": 1.0})
FIGURES = {
    "p50": Figure("median time of a login, people's for a push included", _latency("p50"), *_TIME),
    "p99": Figure("99th percentile of that", _latency("p99"), *_TIME),
    "own-p50": Figure("median of the gateway's own share of that", lambda run: run.gateway_ms.get("p50"), *_TIME),
    "own-p99": Figure("99th percentile of that", lambda run: run.gateway_ms.get("p99"), *_TIME),
    "cpu": Figure("the workers' CPU for a login", lambda run: run.worker_us_per_login, *_CPU),
    "memory": Figure("of all workers, at most", _memory, *_MEMORY),
    "limit": Figure("logins/s, where the scenario looks for that", lambda run: run.limit, *_RATE),
    "answered": Figure("logins/s", lambda run: run.achieved_rate, *_RATE),
    "lost": Figure("logins without an answer", lambda run: run.lost, *_COUNT),
    "unexpected": Figure("logins that ended otherwise than their kind does", lambda run: run.unexpected, *_COUNT),
    "late": Figure("logins that the load generator sent late", lambda run: run.late, *_COUNT),
}
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FORM = re.compile(r"\s*([a-z0-9-]+)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(\S*)\s*")


def read_threshold(text: str) -> Threshold:
    """Return the condition that a text says.

    Raises:
        ValueError: it says none; the text tells what to write.
    """
    match = _FORM.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r}: write a figure, < or >, and a number with its unit, such as 'p99 > 50ms'")
    name, sign, number, unit = match.groups()
    if name not in FIGURES:
        raise ValueError(f"{name!r} is no figure; there are {', '.join(FIGURES)}")
    if unit == "%":
        return Threshold(name, sign, float(number) / 100, True, text.strip())
    units = FIGURES[name].units
    if unit not in units:
        known = ", ".join(each or "nothing" for each in units)
        raise ValueError(f"{text!r}: behind the number of {name} may stand {known}, or % to compare")
    return Threshold(name, sign, float(number) * units[unit], False, text.strip())


def broken(thresholds: Sequence[Threshold], run: Run, other: Run | None = None) -> list[str]:
    """Return a sentence for each condition that a run meets, or of which nobody can say that it does not.

    `other` is the run whose figures those with a % are shares of.
    """
    return [sentence for each in thresholds if (sentence := _broken(each, run, other))]


def _broken(threshold: Threshold, run: Run, other: Run | None) -> str:
    value = FIGURES[threshold.name].of(run)
    base = FIGURES[threshold.name].of(other) if other and threshold.is_relative else 1.0
    if value is None or base is None:
        return f"{threshold.text}: cannot be told, for a run has no {threshold.name}"
    if not _SIGNS[threshold.sign](value, threshold.limit * base):
        return ""
    return f"{threshold.text}: it was {_written(value, threshold.name)}" + (
        f", and {_written(base, threshold.name)} in the first run" if threshold.is_relative else ""
    )


def _written(value: float, name: str) -> str:
    number = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{number} {FIGURES[name].unit}"


def told() -> str:
    """Return the figures that there are, for --help."""
    return "\n".join(f"  {name:<12} {figure.what}" for name, figure in FIGURES.items())
