"""Spans of time drawn at random: how long people take to answer a push, how long a slow Duo takes."""

import math
from random import Random
from typing import NamedTuple

_FORMS = "constant:S, uniform:LEAST,MOST or lognormal:MEDIAN,SIGMA,CAP, in seconds"
_N_FIGURES = {"constant": 1, "uniform": 2, "lognormal": 3}


class Distribution(NamedTuple):
    """A distribution of seconds.

    `kind` and `figures` are `constant` (seconds), `uniform` (least, most) or `lognormal` (median, sigma of the
    logarithm, cap).
    """

    kind: str
    figures: tuple[float, ...]

    def draw(self, random: Random) -> float:
        """Return seconds, not negative; infinite where `constant:inf` was meant."""
        match self.figures:
            case (seconds,):
                return seconds
            case (least, most):
                return random.uniform(least, most)
            case (median, sigma, cap):
                return min(random.lognormvariate(math.log(median), sigma), cap)
        raise AssertionError(self)

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(f'{each:g}' for each in self.figures)}"


def read_distribution(text: str) -> Distribution:
    """Return what a text like `lognormal:4,0.6,50` means; a bare number is a constant.

    Raises:
        ValueError: it means nothing; the text of the error says what to write.
    """
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        kind, rest = "constant", kind
    try:
        figures = tuple(float(each) for each in rest.split(","))
    except ValueError:
        figures = ()
    if len(figures) != _N_FIGURES.get(kind) or not _is_possible(kind, figures):
        raise ValueError(f"{text!r} is no distribution: write {_FORMS}")
    return Distribution(kind, figures)


def _is_possible(kind: str, figures: tuple[float, ...]) -> bool:
    if any(math.isnan(each) or each < 0 for each in figures):
        return False
    if kind == "uniform":
        return figures[0] <= figures[1] < math.inf
    return kind != "lognormal" or 0 < figures[0] < math.inf
