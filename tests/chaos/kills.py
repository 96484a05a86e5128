"""`python -m tests.chaos.kills`: workers killed with SIGKILL while hundreds of pushes are pending.

Every worker is killed twice, at random instants between approvals and retransmissions. One NAS in five does not hear
its first reply and asks again, perhaps a successor of the worker that gave it. What should be seen: as many answers as
logins, as many pushes, none twice.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import push_plans
from tests.chaos.scene import Scene, kill_in_slot

N_LOGINS = 300
N_WORKERS = 2
KILLS_EACH = 2
TRANSMISSIONS_BETWEEN_ACTS = 2
HABITS = Habits(retry_s=2.0, tries=20, deaf=0.2)


class Outcome(NamedTuple):
    """What was seen."""

    n_answers: int
    n_pushes: int
    n_kills: int
    n_sent: int
    violations: list[Violation]


async def kill_workers(folder: Path, seed: int, n_logins: int = N_LOGINS) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins)
    async with Scene(folder, plans, seed=seed, n_workers=N_WORKERS) as scene:
        fleet = scene.fleet(HABITS, n_ports=1 + n_logins // 200)
        logins = asyncio.create_task(fleet.run(plans, rate=float(n_logins)))
        await disturb(scene, fleet)
        await logins
        evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2)
        n_pushes = sum(evidence.n_pushes.values())
        return Outcome(len(fleet.answers), n_pushes, scene.n_kills, fleet.n_sent, scene.judge(evidence))


async def disturb(scene: Scene, fleet: Fleet) -> None:
    """Kill each worker twice among the approvals of half of the pushes, in random order; then approve the rest."""
    await scene.until_duo(fleet, pending=len(scene.plans))
    pushes = await scene.pending()
    kills = [slot for slot in range(N_WORKERS) for _ in range(KILLS_EACH)]
    acts: list[int | dict[str, Any]] = [*kills, *scene.chance.sample(pushes, len(pushes) // 2)]
    scene.chance.shuffle(acts)
    n_sent = fleet.n_sent
    for number, act in enumerate(acts):
        await fleet.until_sent(n_sent + number * TRANSMISSIONS_BETWEEN_ACTS)
        if isinstance(act, int):
            await kill_in_slot(scene, fleet, act)
        else:
            await scene.approve(act)
    while fleet.n_finished < fleet.n_started:
        await scene.approve_all()
        await fleet.until_sent(fleet.n_sent + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("kills", __doc__, logins=N_LOGINS)
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(kill_workers(folder, seed, chosen.logins))
        tell(
            f"seed {seed}: {chosen.logins} logins, {outcome.n_kills} kills, {outcome.n_answers} answers, "
            f"{outcome.n_pushes} pushes, {outcome.n_sent} transmissions; violations: {summary(outcome.violations)}"
        )
        return not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
