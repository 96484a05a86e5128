"""A figure of several runs: their median, with the range; and the ratio of two that were run by turns."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """A median with its range."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median of the values and their range."""
    return Spread(median(values), min(values), max(values))


def paired(before: Sequence[float], after: Sequence[float]) -> Spread:
    """Return how many times as much the second is, pair by pair: the median of the ratios, with the quartiles."""
    ratios = sorted(b / a for a, b in zip(before, after, strict=True))
    quarter = len(ratios) // 4
    return Spread(median(ratios), ratios[quarter], ratios[-1 - quarter])


def tell_pair(what: str, before: Sequence[float], after: Sequence[float]) -> Spread:
    """Print two figures in microseconds of a login, and the ratio, which is returned."""
    ratio = paired(before, after)
    print(
        f"{what:<32} {median(before):6.1f} µs a login, then {median(after):6.1f} µs: "
        f"{ratio.median:.2f} times as much [{ratio.low:.2f} to {ratio.high:.2f}]",
        flush=True,
    )
    return ratio


def tell(what: str, values: Sequence[float], unit: str, digits: int = 0, remark: str = "") -> None:
    """Print one figure."""
    middle, low, high = (f"{value:.{digits}f}" for value in spread(values))
    print(f"{what:<62} {middle:>10} {unit:<3} [{low} to {high}]{remark}", flush=True)
