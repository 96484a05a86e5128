"""When each login is planned, evenly along the phases, whatever becomes of the ones before (an open loop); and how long
to sleep until then.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.radius_load.plan import Phase

SPIN_S = 0.005  # a gap up to here is spent awake: a passcode's answer takes less
NAP_S = 0.008
EARLY_S = 0.002  # before the next login: a nap may last a millisecond longer than was asked for


def planned_instants(phases: Sequence[Phase]) -> NDArray[np.floating[Any]]:
    """Return seconds from the beginning, ascending: login k leaves when the area under the rates reaches k."""
    instants, began_at, carried = [], 0.0, 0.0
    for phase in phases:
        total = carried + phase.duration_s * (phase.from_rate + phase.to_rate) / 2
        counts = np.arange(np.ceil(carried), np.ceil(total - 1e-9)) - carried
        instants.append(began_at + _elapsed(phase, counts))
        began_at, carried = began_at + phase.duration_s, total
    return np.concatenate(instants)


def _elapsed(phase: Phase, counts: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Solve `from_rate * t + slope * t² / 2 = count` for t, in the form that holds for a slope of 0 too."""
    slope = (phase.to_rate - phase.from_rate) / phase.duration_s
    root = np.sqrt(np.maximum(phase.from_rate**2 + 2 * slope * counts, 0.0))
    divisor = phase.from_rate + root
    elapsed: NDArray[np.floating[Any]] = np.divide(2 * counts, divisor, out=np.zeros_like(counts), where=divisor > 0)
    return elapsed


def pause_s(now: float, active_at: float, next_at: float) -> float:
    """Return how long to sleep, 0 = not at all: something last happened at `active_at` and is planned for `next_at`.

    Short gaps are spent awake, for on a virtual machine waking a sleeping peer costs the one that sends, and that would
    be measured too. Longer ones are slept through in naps of `NAP_S` at the most, up to shortly before `next_at`.
    """
    pause_s = min(next_at - now - EARLY_S, NAP_S)
    return pause_s if pause_s > 0 and now - active_at > SPIN_S else 0.0
