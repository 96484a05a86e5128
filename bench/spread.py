"""A figure of several runs: their median, with the range."""

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


def tell(what: str, values: Sequence[float], unit: str, digits: int = 0, remark: str = "") -> None:
    """Print one figure."""
    middle, low, high = (f"{value:.{digits}f}" for value in spread(values))
    print(f"{what:<62} {middle:>10} {unit:<3} [{low} to {high}]{remark}", flush=True)
