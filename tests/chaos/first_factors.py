"""`python -m tests.chaos.first_factors`: workers killed while passwords are checked and pushes are pending.

A home server takes a third of a second for each password, and each worker is killed once among the first packets. What
should be seen: as many answers as logins, as many pushes, and no account asked about more than twice: a password is
nowhere but in the memory of its worker, so that a NAS that asks again begins anew. Silent is who was at a worker that
was killed in the few milliseconds from its question for a push to Duo's answer with the push's name: nobody can tell
then whether there was one, so that the login ends as `push_lost` later than this NAS asks. The checker permits no
other. Once nobody else waits, and a few more questions were in vain, the NAS give up.
"""

import asyncio
import functools
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench import home_server
from bench.processes import HomeServerProcess
from tests.chaos.checker import Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import push_plans
from tests.chaos.scene import Scene, kill_in_slot

N_LOGINS = 200
N_WORKERS = 2
CHECKED_AFTER_S = 0.3
HABITS = Habits(retry_s=1.0, tries=60, deaf=0.1)
IN_VAIN = 5  # further transmissions of each NAS, once all that wait do so for pushes that are lost


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_silent: logins without an answer.
        most_asked: how often the home server was asked about one account.
    """

    n_answers: int
    n_silent: int
    n_pushes: int
    n_kills: int
    most_asked: int
    violations: list[Violation]


async def kill_workers(folder: Path, seed: int, n_logins: int = N_LOGINS) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins, "approve", 1.0)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    asked = folder / "asked"
    start = functools.partial(HomeServerProcess, "--anybody", "--delay", str(CHECKED_AFTER_S), "--log", str(asked))
    with await asyncio.to_thread(start) as home:
        client = f"client=radius_client\n[radius_client]\nhost=127.0.0.1\nport={home.port}\nsecret={home_server.SECRET}"
        servers = (Server(kind="auto", more=client),)
        async with Scene(folder, plans, seed=seed, servers=servers, n_workers=N_WORKERS) as scene:
            fleet = scene.fleet(HABITS, n_ports=1 + n_logins // 200)
            logins = asyncio.create_task(fleet.run(plans, rate=float(n_logins)))
            for slot in range(N_WORKERS):
                await fleet.until_sent((slot + 1) * n_logins // (N_WORKERS + 1))
                await kill_in_slot(scene, fleet, slot)
            await give_up_lost(scene, fleet)
            await logins
            evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2)
            most_asked = max(Counter(asked.read_bytes().split()).values())
            n_pushes = sum(evidence.n_pushes.values())
            n_silent = len(fleet.records) - len(fleet.answers)
            return Outcome(len(fleet.answers), n_silent, n_pushes, scene.n_kills, most_asked, scene.judge(evidence))


async def give_up_lost(scene: Scene, fleet: Fleet) -> None:
    """Let the NAS ask no more, once they have asked in vain for a while for nothing but what may be lost.

    That is each push about which Duo is not asked, though there are all the workers that could.
    """
    await fleet.until_started(len(scene.plans))
    n_in_vain, waiting = 0, unanswered(fleet)
    while await fleet.until_sent(fleet.n_sent + max(1, len(waiting))):
        waiting = unanswered(fleet)
        is_in_vain = bool(waiting) and scene.is_whole and waiting.isdisjoint(await scene.followed())
        n_in_vain = n_in_vain + 1 if is_in_vain else 0
        if n_in_vain == IN_VAIN:
            fleet.give_up()


def unanswered(fleet: Fleet) -> set[str]:
    """Return the users whose login has no answer yet."""
    return {record.user for record in fleet.records if record.code is None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("first_factors", __doc__, logins=N_LOGINS)
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(kill_workers(folder, seed, chosen.logins))
        tell(
            f"seed {seed}: {chosen.logins} logins, {outcome.n_kills} kills, {outcome.n_answers} answers, "
            f"{outcome.n_silent} silent, {outcome.n_pushes} pushes, an account asked about {outcome.most_asked} times "
            f"at most; violations: {summary(outcome.violations)}"
        )
        return not outcome.violations and outcome.most_asked <= N_WORKERS

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
