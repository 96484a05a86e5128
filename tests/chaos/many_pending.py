"""`python -m tests.chaos.many_pending`: tens of thousands of pushes pending on two workers, then approved all at once.

Measured: memory of the gateway's processes for each pending login, CPU of each worker while they wait, and how long the
answers take once everybody has approved. Each simulated Duo holds as many connections as a process may have
descriptors, so that there is one for every 10,000 logins, and a section of the gateway for each.
"""

import asyncio
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.cores import cpu_s, resident
from tests.chaos.checker import Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import push_plans
from tests.chaos.scene import Scene

N_LOGINS, RATE = 20_000, 450
WATCHED_S = 8.0
SETTLED_AFTER_S = 4.0  # until the last connections are open, too
N_WORKERS = 2
POLL_HOLD_S = 75.0  # Duo answers a long poll when the state changes
MOST_PER_DUO = 10_000
IDENTIFIERS_IN_USE = 200  # of the 255 of a port
PATIENCE_S = 60.0  # a push is given up by the gateway after 75 s: all must be pending, and approved, before


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        pending_after_s: from the first login until all were pending at once.
        octets_each: resident memory of all processes of the gateway that a pending login costs.
        cpu_shares: of each worker, CPU seconds a second, while nothing happened but waiting.
        answered_after_s: from the approval of all to the last answer.
    """

    n_logins: int
    n_answers: int
    n_pushes: int
    pending_after_s: float
    octets_each: float
    cpu_shares: list[float]
    answered_after_s: float
    violations: list[Violation]


async def wait_for_many(
    folder: Path,
    seed: int,
    n_logins: int = N_LOGINS,
    rate: float = RATE,
    *,
    retry_s: float = 30.0,
    watched_s: float = WATCHED_S,
    poll_hold_s: float = POLL_HOLD_S,
) -> Outcome:
    """Play the scenario once; the workers are watched for `watched_s` while all logins wait."""
    n_duos = -(-n_logins // MOST_PER_DUO)
    plans = push_plans(seed, n_logins)
    shares = [plans[number::n_duos] for number in range(n_duos)]
    servers = [Server(duo=number, more="preauth=needed") for number in range(n_duos)]
    async with Scene(
        folder, plans, seed=seed, servers=servers, n_workers=N_WORKERS, n_duos=n_duos, poll_hold_s=poll_hold_s
    ) as scene:
        habits = Habits(retry_s, tries=int(2 * PATIENCE_S / retry_s))
        fleets = [
            scene.fleet(habits, server=number, n_ports=1 + len(share) // IDENTIFIERS_IN_USE)
            for number, share in enumerate(shares)
        ]
        pids = [scene.gateway.process.pid, *scene.gateway.worker_pids()]
        before = sum(map(resident, pids))
        began_at = time.monotonic()
        logins = [
            asyncio.create_task(fleet.run(share, rate / n_duos)) for fleet, share in zip(fleets, shares, strict=True)
        ]
        for number, fleet in enumerate(fleets):
            await fleet.until_started(len(shares[number]))
            n_waiting = len(shares[number])  # Duo is being asked about all of them but a few
            await scene.until_duo(fleet, number, pending=n_waiting, polls=math.ceil(0.98 * n_waiting))
        pending_after_s = time.monotonic() - began_at
        await fleets[0].until(lambda: time.monotonic() >= began_at + pending_after_s + min(SETTLED_AFTER_S, watched_s))
        cpu_shares = await watch_workers(fleets[0], [worker.pid for worker in scene.workers()], watched_s)
        grown = sum(map(resident, pids)) - before
        approved_at = time.monotonic()
        for number in range(n_duos):
            await scene.approve_all(duo=number)
        await asyncio.gather(*logins)
        answered_after_s = max(record.replied_at for fleet in fleets for record in fleet.records) - approved_at
        evidence = [await scene.evidence(fleet, server=n, deadline_s=PATIENCE_S) for n, fleet in enumerate(fleets)]
        return Outcome(
            n_logins,
            sum(len(fleet.answers) for fleet in fleets),
            sum(sum(each.n_pushes.values()) for each in evidence),
            pending_after_s,
            grown / n_logins,
            cpu_shares,
            answered_after_s,
            [violation for each in evidence for violation in scene.judge(each)],
        )


async def watch_workers(fleet: Fleet, pids: Sequence[int], watched_s: float) -> list[float]:
    """Return the CPU that each of these used, in seconds a second."""
    before, began_at = [cpu_s(pid) for pid in pids], time.monotonic()
    await fleet.until(lambda: time.monotonic() >= began_at + watched_s)
    elapsed_s = time.monotonic() - began_at
    return [(cpu_s(pid) - cpu) / elapsed_s for pid, cpu in zip(pids, before, strict=True)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parser("many_pending", __doc__, logins=N_LOGINS, rate=float(RATE))
    options.add_argument("--retry-s", type=float, default=30.0, help="between transmissions (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(wait_for_many(folder, seed, chosen.logins, chosen.rate, retry_s=chosen.retry_s))
        cpu = " and ".join(f"{share:.1%}" for share in outcome.cpu_shares)
        tell(
            f"{outcome.n_logins} logins pending after {outcome.pending_after_s:.1f} s: "
            f"{outcome.octets_each / 1024:.1f} KB of the gateway's memory each, CPU of the workers {cpu}; "
            f"all approved: {outcome.n_answers} answers within {outcome.answered_after_s:.1f} s; "
            f"{outcome.n_pushes} pushes; violations: {summary(outcome.violations)}"
        )
        return not outcome.violations and outcome.n_answers == outcome.n_logins

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
