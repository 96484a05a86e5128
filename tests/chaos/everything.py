"""`python -m tests.chaos.everything`: kills, stops, reloads, Duo's faults and a bad network, all at once and at random.

Acts begin at random points of the logins' progress and overlap; the seed draws them. The checker then judges every
login. `--acts kill reload …` takes these kinds alone.
"""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.simulator.faults import FaultKind
from tests.chaos.checker import SAFE, SECURE, Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import mixed_plans
from tests.chaos.relay import CALM, Mood, Weather
from tests.chaos.scene import Scene

N_LOGINS, RATE, N_ACTS = 900, 150, 8
SHORTEST, LONGEST = 30, 150  # how long an act lasts, in logins begun meanwhile
API_TIMEOUT_S = 2
AFTERMATH_S = 8.0  # that time-out, and a few rounds of probes before Duo is believed again
HABITS = Habits(retry_s=2.0, tries=20, deaf=0.1)
ENDPOINTS = ("*", "preauth", "auth", "auth_status")
MOODS = [mood for mood in Mood if mood is not Mood.CLEAR]

Act = Callable[[Scene, Fleet, random.Random], Awaitable[None]]


class Outcome(NamedTuple):
    """What was seen: `acts` in the order of their beginning, logins by the reason in the gateway's log."""

    acts: list[str]
    n_logins: int
    n_answers: int
    n_sent: int
    reasons: str
    violations: list[Violation]


async def kill(scene: Scene, _fleet: Fleet, chance: random.Random) -> None:
    """SIGKILL for any worker, of any generation."""
    workers = scene.workers()
    if workers:
        scene.kill(chance.choice(workers))


async def suspend(scene: Scene, fleet: Fleet, chance: random.Random) -> None:
    """A worker stops for a while."""
    workers = scene.workers()
    if workers:
        worker = chance.choice(workers)
        scene.suspend(worker)
        await _for_a_while(fleet, chance)
        scene.resume(worker)


async def reload(scene: Scene, _fleet: Fleet, _chance: random.Random) -> None:
    """New settings, which are the old ones."""
    scene.reload()


async def trouble_duo(scene: Scene, fleet: Fleet, chance: random.Random) -> None:
    """Any fault of Duo's, at any endpoint."""
    kind = chance.choice(list(FaultKind))
    endpoint = "*" if kind is FaultKind.REFUSE else chance.choice(ENDPOINTS)
    await scene.fault(kind, endpoint=endpoint, delay_s=chance.choice((0.1, 3.0)))
    await _for_a_while(fleet, chance)
    await scene.heal()


async def trouble_connections(scene: Scene, fleet: Fleet, chance: random.Random) -> None:
    """The way to Duo is slow, cut or dead."""
    scene.disturb_connections(chance.choice(MOODS))
    await _for_a_while(fleet, chance)
    await scene.heal()


async def trouble_datagrams(scene: Scene, fleet: Fleet, chance: random.Random) -> None:
    """Datagrams are lost, doubled and late."""
    draw = chance.uniform
    scene.weather = Weather(loss=draw(0, 0.3), duplication=draw(0, 0.3), lateness=draw(0, 0.5), delay_s=draw(0, 0.3))
    await _for_a_while(fleet, chance)
    scene.weather = CALM


async def _for_a_while(fleet: Fleet, chance: random.Random) -> None:
    await fleet.until_started(fleet.n_started + chance.randint(SHORTEST, LONGEST))


ACTS: dict[str, Act] = {
    "kill": kill,
    "suspend": suspend,
    "reload": reload,
    "duo": trouble_duo,
    "connections": trouble_connections,
    "datagrams": trouble_datagrams,
}


async def suffer_everything(
    folder: Path,
    seed: int,
    acts: Iterable[str] = ACTS,
    *,
    n_logins: int = N_LOGINS,
    rate: float = RATE,
    n_acts: int = N_ACTS,
    habits: Habits = HABITS,
) -> Outcome:
    """Play once; the seed draws logins, acts and their instants, the fail mode, and how the NAS ask."""
    chance = random.Random(seed)
    plans = mixed_plans(chance, n_logins, answered_after_s=(0.1, 2.0), denied_share=0.1)
    server = Server(chance.choice((SAFE, SECURE)), api_timeout_s=API_TIMEOUT_S)
    drawn = [(chance.randrange(n_logins), chance.choice(sorted(acts)), chance.random()) for _ in range(n_acts)]
    drawn.sort()
    async with Scene(folder, plans, seed=seed, servers=[server], is_relayed=True) as scene:
        fleet = scene.fleet(habits)
        logins = asyncio.create_task(fleet.run(plans, rate))
        await asyncio.gather(*(begin(scene, fleet, *each) for each in drawn))
        await scene.heal()
        await logins
        deadline_s = habits.patience_s / 2
        violations = scene.judge(await scene.evidence(fleet, deadline_s=deadline_s, aftermath_s=AFTERMATH_S))
        reasons = " ".join(f"{reason}={count}" for reason, count in scene.reason_counts().most_common())
    names = [name for _, name, _ in drawn]
    return Outcome(names, len(fleet.records), len(fleet.answers), fleet.n_sent, reasons, violations)


async def begin(scene: Scene, fleet: Fleet, instant: int, name: str, act_seed: float) -> None:
    """Begin an act once so many logins have begun; what is random in it is its own."""
    await fleet.until_started(instant)
    await ACTS[name](scene, fleet, random.Random(act_seed))


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("everything", __doc__, logins=N_LOGINS)
    options.add_argument("--acts", nargs="+", choices=ACTS, default=list(ACTS), help="kinds of acts (default: all)")
    options.add_argument("--number", type=int, default=N_ACTS, help="acts in each run (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(suffer_everything(folder, seed, chosen.acts, n_logins=chosen.logins, n_acts=chosen.number))
        tell(
            f"seed {seed}: {', '.join(outcome.acts)}\n  {outcome.n_answers} of {outcome.n_logins} logins answered, "
            f"{outcome.n_sent} transmissions; {outcome.reasons}\n  violations: {summary(outcome.violations)}"
        )
        return not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
