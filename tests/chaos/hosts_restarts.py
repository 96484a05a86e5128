"""`python -m tests.chaos.hosts_restarts`: two hosts stopped and started again by turns, under load.

70 % passcodes, 30 % pushes that are approved after 0.5 to 3 s, from NAS that know both hosts: half of them ask one
first and half the other. A NAS turns to its second server after a time-out of 6 s. What should be seen: every login
answered, none pushed twice, at one of the two servers within the time-out.
"""

import asyncio
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.hosts_scene import Host, HostsScene
from tests.chaos.mix import mixed_plans
from tests.chaos.records import Plan, Record
from tests.chaos.scene import WAIT_S

N_RESTARTS, RATE, SPACING_S = 20, 500, 8
LONGEST_S = 8  # of logins that there are for each restart, at least: a busy machine takes some seconds for one
HABITS = Habits(retry_s=2.0, tries=3)


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_restarts: those after which both hosts shared logins again.
        n_turned: logins whose NAS turned to its second server.
        beyond_s: of logins answered there, how long after the first server's time-out and the person's answer.
        n_repeated: pushes that were not the first of their user.
        n_alone: logins that the store was late for, or away.
    """

    n_logins: int
    n_answers: int
    n_restarts: int
    n_turned: int
    beyond_s: list[float]
    n_repeated: int
    n_alone: int
    violations: list[Violation]


async def restart_under_load(
    folder: Path, seed: int, n_restarts: int = N_RESTARTS, rate: float = RATE, spacing_s: float = SPACING_S
) -> Outcome:
    """Play the scenario once, with a restart about every `spacing_s`; logins begin until so long after the last."""
    plans = mixed_plans(random.Random(seed), int(rate * max(spacing_s, LONGEST_S) * (n_restarts + 1)))
    halves = plans[::2], plans[1::2]
    async with HostsScene(folder, plans, seed=seed, n_workers=1, more="preauth=needed") as scene:
        orders = scene.hosts, scene.hosts[::-1]
        fleets = [scene.fleet_of(*order, habits=HABITS, n_ports=8) for order in orders]
        runs = [asyncio.create_task(fleet.run(half, rate / 2)) for fleet, half in zip(fleets, halves, strict=True)]
        n_done, n_alone = await restart_by_turns(scene, fleets[0], n_restarts, int(rate / 2 * spacing_s))
        for fleet in fleets:
            await fleet.until_started(fleet.n_started + int(rate / 2 * spacing_s))
        for fleet in fleets:
            fleet.stop()
        await asyncio.gather(*runs)
        n_alone += (await scene.totals()).claims["alone"]
        records = [record for fleet in fleets for record in fleet.records]
        evidence = await scene.evidence_of(records, deadline_s=HABITS.patience_s)
        violations = scene.judge(scene.excused(evidence, n_alone))
    by_user = {plan.user: plan for plan in plans}
    turned = [record for record in records if record.n_packets > 1]
    return Outcome(
        len(records),
        sum(len(fleet.answers) for fleet in fleets),
        n_done,
        len(turned),
        [_beyond(record, by_user[record.user]) for record in turned],
        sum(max(0, count - 1) for count in evidence.n_pushes.values()),
        n_alone,
        violations,
    )


async def restart_by_turns(scene: HostsScene, fleet: Fleet, n_restarts: int, n_logins_between: int) -> tuple[int, int]:
    """Restart one host after so many logins each, but never before both share logins again.

    Return how many restarts there were, and how many logins the hosts that ended had counted as alone.
    """
    n_done = n_alone = 0
    for number in range(n_restarts):
        await fleet.until_started((number + 1) * n_logins_between)
        host = scene.hosts[number % len(scene.hosts)]
        n_alone += (await asyncio.to_thread(host.totals)).claims["alone"]
        await _restart(scene, host)
        n_done += 1
    return n_done, n_alone


async def _restart(scene: HostsScene, host: Host) -> None:
    await asyncio.to_thread(host.stop, WAIT_S)
    await scene.start_host(host)


def _beyond(record: Record, plan: Plan) -> float:
    return record.latency_s - HABITS.patience_s - (plan.answer_after_s if plan.is_push else 0.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("hosts_restarts", __doc__, rate=float(RATE))
    options.add_argument("--restarts", type=int, default=N_RESTARTS, help="default: %(default)s")
    options.add_argument("--spacing", type=float, default=SPACING_S, help="seconds (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(restart_under_load(folder, seed, chosen.restarts, chosen.rate, chosen.spacing))
        tell(
            f"seed {seed}: {outcome.n_logins} logins at {chosen.rate:g}/s, {outcome.n_restarts} restarts, "
            f"{outcome.n_answers} answers, {outcome.n_turned} at the second server, there "
            f"p99 {milliseconds(percentile(outcome.beyond_s, 0.99))} after the time-out and the person's answer; "
            f"{outcome.n_repeated} pushes repeated, {outcome.n_alone} logins alone; "
            f"violations: {summary(outcome.violations)}"
        )
        is_whole = outcome.n_answers == outcome.n_logins and outcome.n_restarts == chosen.restarts
        return is_whole and outcome.n_repeated <= outcome.n_alone and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
