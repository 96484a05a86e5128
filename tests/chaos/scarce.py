"""`python -m tests.chaos.scarce`: the settings read anew while workers are at their limit of open files.

Each pending push holds a connection to Duo, and there are more of them than a worker may hold. A reload needs
descriptors, too, for the link from each worker to its successors. What should be seen: every login answered, nobody
pushed twice, whether a reload was done or refused.
"""

import asyncio
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gateway.supervisor.control_client import Declined, ask
from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import push_plans
from tests.chaos.scene import Scene

N_LOGINS, RATE, N_RELOADS = 600, 50, 4
MAX_FILES = 110
ANSWERED_AFTER_S = 3.0
HABITS = Habits(retry_s=1.0, tries=20)


class Outcome(NamedTuple):
    """What was seen; `n_twice` users were pushed more than once."""

    n_answers: int
    n_pushed: int
    n_twice: int
    n_reloads: int
    reasons: dict[str, int]
    violations: list[Violation]


async def reload_at_the_limit(
    folder: Path, seed: int, n_logins: int = N_LOGINS, n_reloads: int = N_RELOADS, max_files: int = MAX_FILES
) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins, "approve", ANSWERED_AFTER_S)
    async with Scene(folder, plans, seed=seed) as scene:
        fleet = scene.fleet(HABITS, n_ports=1 + n_logins // 200)
        for pid in (scene.gateway.process.pid, *(worker.pid for worker in scene.workers())):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (max_files, max_files))
        logins = asyncio.create_task(fleet.run(plans, float(RATE)))
        n_done = await reload_now_and_then(scene, fleet, n_reloads)
        await logins
        violations = scene.judge(await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2))
        pushes = (await asyncio.to_thread(scene.duos[0].get, "/api/counts"))["users"]
        n_pushes = [factors.get("push", 0) for factors in pushes.values()]
        return Outcome(
            len(fleet.answers),
            sum(n > 0 for n in n_pushes),
            sum(n > 1 for n in n_pushes),
            n_done,
            dict(scene.reason_counts()),
            violations,
        )


async def reload_now_and_then(scene: Scene, fleet: Fleet, n_reloads: int) -> int:
    """Reload while logins begin, evenly; return how many reloads were done, and not refused."""
    n_done = 0
    for number in range(1, n_reloads + 1):
        await fleet.until_started(number * len(scene.plans) // (n_reloads + 1))
        with suppress(Declined):
            await asyncio.to_thread(ask, str(scene.folder / "run"), "reload", 60.0)
            n_done += 1
    return n_done


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("scarce", __doc__, logins=N_LOGINS)
    options.add_argument("--files", type=int, default=MAX_FILES, help="that a process may open (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(reload_at_the_limit(folder, seed, chosen.logins, max_files=chosen.files))
        tell(
            f"seed {seed}: {chosen.logins} logins at {RATE}/s, {chosen.files} files a process, "
            f"{outcome.n_reloads} of {N_RELOADS} reloads, {outcome.n_answers} answers {outcome.reasons}; "
            f"{outcome.n_pushed} pushed, {outcome.n_twice} of them twice; violations: {summary(outcome.violations)}"
        )
        return outcome.n_answers == chosen.logins and not outcome.n_twice

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
