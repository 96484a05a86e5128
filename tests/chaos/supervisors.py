"""`python -m tests.chaos.supervisors`: the supervisor killed with SIGKILL while pushes are pending, and started again.

That happens several times, at random instants between approvals and retransmissions. One NAS in five does not hear its
first reply and asks again, perhaps the next gateway. What should be seen: as many answers as logins, as many pushes,
none twice.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.kills import Outcome
from tests.chaos.mix import push_plans
from tests.chaos.scene import Scene

N_LOGINS = 100
N_KILLS = 3
HABITS = Habits(retry_s=2.0, tries=30, deaf=0.2)


async def kill_supervisors(folder: Path, seed: int, n_logins: int = N_LOGINS, n_kills: int = N_KILLS) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins)
    async with Scene(folder, plans, seed=seed) as scene:
        fleet = scene.fleet(HABITS, n_ports=1 + n_logins // 200)
        logins = asyncio.create_task(fleet.run(plans, rate=float(n_logins)))
        await disturb(scene, fleet, n_kills)
        await logins
        evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2)
        n_pushes = sum(evidence.n_pushes.values())
        return Outcome(len(fleet.answers), n_pushes, scene.n_kills, fleet.n_sent, scene.judge(evidence))


async def disturb(scene: Scene, fleet: Fleet, n_kills: int) -> None:
    """Kill the supervisor among the approvals of half of the pushes, in random order; then approve the rest."""
    await scene.until_duo(fleet, pending=len(scene.plans))
    pushes = await scene.pending()
    acts: list[dict[str, Any] | None] = [None] * n_kills
    acts += scene.chance.sample(pushes, len(pushes) // 2)
    scene.chance.shuffle(acts)
    for act in acts:
        await fleet.until_sent(fleet.n_sent + 1)
        if act is None:
            await scene.kill_supervisor()
        else:
            await scene.approve(act)
    while fleet.n_finished < fleet.n_started:
        await scene.approve_all()
        await fleet.until_sent(fleet.n_sent + 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("supervisors", __doc__, logins=N_LOGINS)
    options.add_argument("--kills", type=int, default=N_KILLS, help="default: %(default)s")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(kill_supervisors(folder, seed, chosen.logins, chosen.kills))
        tell(
            f"seed {seed}: {chosen.logins} logins, {outcome.n_kills} kills, {outcome.n_answers} answers, "
            f"{outcome.n_pushes} pushes, {outcome.n_sent} transmissions; violations: {summary(outcome.violations)}"
        )
        is_whole = outcome.n_answers == outcome.n_pushes == chosen.logins
        return is_whole and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
