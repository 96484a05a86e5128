"""A RADIUS load generator: an open loop of simulated NAS over real sockets, every reply verified, nothing hidden.

    plan = LoadPlan(targets=(("127.0.0.1", 1812),), shared_secret=secret, phases=phases_from_text("2000x30"))
    result = run_load(plan)
    print(result.summary(), result.latency_s(99))

Pure: `plan`, `schedule`, `users`, `retransmission`, `result`. With sockets: `nas`, `fleet` (the inner loop),
`processes`, `limit`.
"""

from bench.radius_load.fleet import Progress
from bench.radius_load.limit import Demand, Limit, Step, find_limit
from bench.radius_load.plan import (
    AWS,
    KINDS,
    NONE,
    RFC5080,
    LoadPlan,
    Mix,
    Phase,
    Retransmission,
    phases_from_text,
    target_from_text,
)
from bench.radius_load.processes import LoadError, run_load
from bench.radius_load.result import LoadResult

__all__ = [
    "AWS",
    "KINDS",
    "NONE",
    "RFC5080",
    "Demand",
    "Limit",
    "LoadError",
    "LoadPlan",
    "LoadResult",
    "Mix",
    "Phase",
    "Progress",
    "Retransmission",
    "Step",
    "find_limit",
    "phases_from_text",
    "run_load",
    "target_from_text",
]
