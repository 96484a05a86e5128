"""`python -m tests.chaos.hosts_killed`: a host that dies whole while hundreds of pushes are pending at it.

All NAS ask it first, and turn to the other host after their time-out. It dies while pushes are being asked for, after
as many as the seed says, or (`--named`) once Duo has told the names of all of them. What should be seen: every login
answered once people decide, as many pushes as logins, none twice; and the users whose push was lost: Duo was asked for
it, and the host died before it had told the others its name. Those are named, counted, and not pushed again.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.hosts_scene import HostsScene
from tests.chaos.mix import push_plans
from tests.chaos.records import ACCEPT

N_LOGINS, RATE = 300, 60
_COUNT_NAMED = """
local n = 0
for _, key in ipairs(redis.call('KEYS', 'rg:l:*')) do
  if redis.call('HGET', key, 's') == 'pushed' then n = n + 1 end
end
return n
"""
HABITS = Habits(retry_s=1.0, tries=6)


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_pending: pushes that were pending at Duo when the host died.
        lost: users whom Duo had pushed once, and who were not let in: nobody had told the store the push's name.
        claims: what became of claims, at both.
    """

    n_answers: int
    n_pushes: int
    n_pending: int
    lost: list[str]
    claims: dict[str, int]
    violations: list[Violation]


async def kill_host(folder: Path, seed: int, n_logins: int = N_LOGINS, *, is_named: bool = False) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins)
    async with HostsScene(folder, plans, seed=seed) as scene:
        first, second = scene.hosts
        n_before = n_logins if is_named else scene.chance.randrange(n_logins // 4, n_logins)
        fleet = scene.fleet_of(first, second, habits=HABITS, n_ports=1 + n_logins // 200)
        logins = asyncio.create_task(fleet.run(plans, rate=RATE))
        await scene.until_duo(fleet, **{"polls" if is_named else "pending": n_before})
        at_first = await asyncio.to_thread(first.totals)
        await scene.kill_host(first)
        n_pending = len(await scene.pending())
        await until_all_have_turned(fleet)
        n_named = await asyncio.to_thread(count_named, scene)
        await approve_the_rest(scene, fleet)
        await logins
        counted = (await asyncio.to_thread(second.totals)).plus(at_first)
        evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s)
        lost = [each.user for each in fleet.records if each.code != ACCEPT and evidence.n_pushes.get(each.user) == 1]
        if len(lost) <= n_pending - n_named:
            evidence = evidence._replace(followed=evidence.followed - set(lost))
        n_pushes = sum(evidence.n_pushes.values())
        violations = scene.judge(scene.excused(evidence, counted.claims["alone"]))
        return Outcome(len(fleet.answers), n_pushes, n_pending, lost, counted.claims, violations)


def count_named(scene: HostsScene) -> int:
    """Return how many pushes the store has the names of."""
    return int(scene.ask_store("EVAL", _COUNT_NAMED, "0"))


async def until_all_have_turned(fleet: Fleet) -> None:
    """Return once every login has been asked at the other host."""
    await fleet.until(lambda: all(record.n_packets == 2 for record in fleet.records))


async def approve_the_rest(scene: HostsScene, fleet: Fleet) -> None:
    """Let everybody approve, until all logins have ended for their NAS."""
    while fleet.n_finished < len(scene.plans) and await fleet.until_sent(fleet.n_sent + 1):
        await scene.approve_all()


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("hosts_killed", __doc__, logins=N_LOGINS)
    options.add_argument("--named", action="store_true", help="kill once Duo has told the names of all pushes")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(kill_host(folder, seed, chosen.logins, is_named=chosen.named))
        tell(
            f"seed {seed}: {chosen.logins} logins, {outcome.n_pending} pushes pending when the host died, "
            f"{len(outcome.lost)} lost {outcome.lost or ''}, {outcome.claims}, "
            f"{outcome.n_answers} answers, {outcome.n_pushes} pushes; violations: {summary(outcome.violations)}"
        )
        is_whole = outcome.n_answers + len(outcome.lost) >= chosen.logins
        n_repeated = outcome.n_pushes - chosen.logins
        return is_whole and 0 <= n_repeated <= outcome.claims["alone"] and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
