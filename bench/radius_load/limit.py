"""The highest rate that a server carries: doubled until it does not, then halved between, a bounded number of times."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from bench.radius_load.plan import WARM_UP_S, LoadPlan, Phase
from bench.radius_load.processes import run_load
from bench.radius_load.result import LoadResult


class Demand(NamedTuple):
    """What carrying a rate means.

    Attributes:
        answered: the least share of the planned logins, 0 to 1. As few as may stay without an answer may have a wrong
            one: a gateway that rejects whom it has no time for carries nothing.
        p99_s: of the accepted logins, for rejects are delayed on purpose.
    """

    answered: float = 0.999
    p99_s: float = 0.100

    def complaint(self, result: LoadResult) -> str:
        """Return what is wrong, empty if the rate was carried."""
        share = result.answered / max(result.planned, 1)
        spare = result.planned * (1 - self.answered)
        p99_s = result.latency_s(99, accepted_only=True)
        if result.unexpected > spare:
            return f"{result.unexpected / result.planned:.2%} with a wrong outcome"
        if share >= self.answered and p99_s <= self.p99_s:
            return ""
        if result.unsent > spare or result.lateness_s(99) > self.p99_s / 2:
            return f"the load generator is at its limit: {result.unsent} unsent, {result.late} late"
        return f"{share:.2%} answered, p99 {p99_s * 1e3:.1f} ms"


class Step(NamedTuple):
    """One rate that was tried."""

    rate: float
    complaint: str
    result: LoadResult


class Limit(NamedTuple):
    """What was found.

    Attributes:
        rate: the highest that was carried, in logins per second; 0 = none.
        steps: all that was tried, in that order.
    """

    rate: float
    steps: Sequence[Step]


def find_limit(
    plan: LoadPlan,
    demand: Demand | None = None,
    *,
    first_rate: float = 500.0,
    step_s: float = 5.0,
    precision: float = 0.05,
    max_steps: int = 20,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Limit:
    """Try constant rates, `step_s` each, in place of the plan's phases.

    Each rate is approached by a ramp of `WARM_UP_S` in which the server opens its connections; its logins do not count.
    A rate that is not carried is tried once more: on a shared machine a single hiccup proves nothing. Stops when the
    lowest failing rate is within `precision` of the highest carried one, or after `max_steps`.
    """
    demand = demand or Demand()
    tried: dict[float, bool] = {}
    steps: list[Step] = []
    while (rate := next_rate(tried, first_rate, precision)) and len(steps) < max_steps:
        phases = (Phase(WARM_UP_S, 0.0, rate), Phase(step_s, rate, rate))
        result = run_load(msgspec.structs.replace(plan, phases=phases)).since(WARM_UP_S)
        step = Step(rate, demand.complaint(result), result)
        again = step.complaint and not (steps and steps[-1].rate == rate)
        steps.append(step)
        on_step(step)
        if not again:
            tried[rate] = not step.complaint
    return Limit(max((rate for rate, carried in tried.items() if carried), default=0.0), steps)


def next_rate(tried: dict[float, bool], first_rate: float, precision: float) -> float | None:
    """Return the rate to try next, by what is known of others; None when that is enough."""
    carried = max((rate for rate, was_carried in tried.items() if was_carried), default=0.0)
    failing = min((rate for rate, was_carried in tried.items() if not was_carried), default=0.0)
    if not tried:
        return first_rate
    if not failing:
        return carried * 2
    if failing - carried <= max(carried, first_rate) * precision:
        return None
    return round((carried + failing) / 2)
