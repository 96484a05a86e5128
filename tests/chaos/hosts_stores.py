"""`python -m tests.chaos.hosts_stores`: the store in every kind of trouble, under load.

Two hosts, each with users of its own: 70 % passcodes, 30 % pushes; and some users who are asked for at both. What
should be seen: every login answered, nobody let in whom Duo does not let in, and how much of a host's own time a login
takes before, in the first second of the trouble, in the rest of it, and after it.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.hosts_scene import ANOTHER_PASSWORD, PASSWORD, HostsScene, Totals
from tests.chaos.mix import mixed_plans
from tests.chaos.records import Plan
from tests.chaos.relay import Mood

RATE = 500
SHARED = 0.1  # of the rate: logins asked at both
HABITS = Habits(retry_s=2.0, tries=20)
PHASES = ("before", "first second", "meanwhile", "afterwards")


def _stop(scene: HostsScene) -> None:
    scene.send_to_store(signal.SIGSTOP)


def _go_on(scene: HostsScene) -> None:
    scene.send_to_store(signal.SIGCONT)


def _kill(scene: HostsScene) -> None:
    scene.stores[0].kill()


def _start(scene: HostsScene) -> None:
    scene.start_store(scene.stores[0])


def _empty(scene: HostsScene) -> None:
    scene.ask_store("FLUSHALL")


def _nothing(_scene: HostsScene) -> None:
    pass


def _be_late(scene: HostsScene) -> None:
    scene.disturb_store(Mood.LATE)


def _be_cut(scene: HostsScene) -> None:
    scene.disturb_store(Mood.BLACK_HOLE)


def _be_clear(scene: HostsScene) -> None:
    scene.disturb_store(Mood.CLEAR)


def _fill(scene: HostsScene) -> None:
    scene.ask_store("CONFIG", "SET", "maxmemory", "1")


def _make_room(scene: HostsScene) -> None:
    scene.ask_store("CONFIG", "SET", "maxmemory", "0")


def _keep_out(scene: HostsScene) -> None:
    scene.let_in(ANOTHER_PASSWORD)


def _let_in(scene: HostsScene) -> None:
    scene.let_in(PASSWORD)


def _fail_over(scene: HostsScene) -> None:
    scene.stores[0].kill()
    scene.stores[1].ask("REPLICAOF", "NO", "ONE")


class Trouble(NamedTuple):
    """What begins it, in the loop or in a thread, what ends it, and how many servers there are."""

    begin: Callable[[HostsScene], None]
    end: Callable[[HostsScene], None]
    n_stores: int = 1


TROUBLES = {
    "stopped": Trouble(_stop, _go_on),
    "killed": Trouble(_kill, _start),
    "emptied": Trouble(_empty, _nothing),
    "late": Trouble(_be_late, _be_clear),
    "cut": Trouble(_be_cut, _be_clear),
    "full": Trouble(_fill, _make_room),
    "password": Trouble(_keep_out, _let_in),
    "failover": Trouble(_fail_over, _nothing, 2),
}


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_answers: of all fleets.
        passcodes_s: by phase, how long logins by passcode took that began in it.
        totals: by phase, what both hosts counted in it.
        n_twice: users asked at both who were pushed by both.
    """

    n_logins: int
    n_answers: int
    passcodes_s: dict[str, list[float]]
    totals: dict[str, Totals]
    n_twice: int
    violations: list[Violation]


async def trouble_store(folder: Path, seed: int, trouble: str, rate: float = RATE, phase_s: float = 3.0) -> Outcome:
    """Play the scenario once: before, during and after the trouble for so long each, in terms of logins."""
    what = TROUBLES[trouble]
    chance = random.Random(seed)
    n_own, n_shared = int(3 * phase_s * rate * (1 - SHARED) / 2), int(3 * phase_s * rate * SHARED)
    own = [_named(f"{name}-", mixed_plans(chance, n_own)) for name in ("a", "b")]
    shared = _named("both-", mixed_plans(chance, n_shared))
    async with HostsScene(folder, [*own[0], *own[1], *shared], seed=seed, n_stores=what.n_stores) as scene:
        fleets = [scene.fleet_of(host, habits=HABITS, n_ports=8) for host in (*scene.hosts, *scene.hosts)]
        own_rate, shared_rate = rate * (1 - SHARED) / 2, rate * SHARED
        runs = [
            asyncio.create_task(fleet.run(plans, each_rate))
            for fleet, plans, each_rate in zip(
                fleets, (*own, shared, shared), (own_rate, own_rate, shared_rate, shared_rate), strict=True
            )
        ]
        marks = [await _mark(scene, fleets[0], 0)]
        marks.append(await _mark(scene, fleets[0], n_own // 3))
        what.begin(scene)
        marks.append(await _mark(scene, fleets[0], n_own // 3 + int(own_rate)))
        marks.append(await _mark(scene, fleets[0], 2 * n_own // 3))
        what.end(scene)
        await asyncio.gather(*runs)
        marks.append(await _mark(scene, fleets[0], 0))
        evidence = await scene.evidence_of([record for fleet in fleets for record in fleet.records])
        shared_pushes = [evidence.n_pushes.get(plan.user, 0) for plan in shared]
        violations = scene.judge(evidence._replace(may_repeat={plan.user for plan in shared}))
    by_passcode = {plan.user for plan in (*own[0], *own[1], *shared) if not plan.is_push}
    spans = list(zip(PHASES, marks, marks[1:], strict=False))
    return Outcome(
        sum(len(fleet.records) for fleet in fleets),
        sum(len(fleet.answers) for fleet in fleets),
        {
            phase: [
                record.latency_s
                for fleet in fleets
                for record in fleet.answers
                if begin.at <= record.sent_at < end.at and record.user in by_passcode
            ]
            for phase, begin, end in spans
        },
        {phase: end.totals.since(begin.totals) for phase, begin, end in spans},
        sum(count > 1 for count in shared_pushes),
        violations,
    )


class _Mark(NamedTuple):
    at: float
    totals: Totals


async def _mark(scene: HostsScene, fleet: Fleet, n_logins: int) -> _Mark:
    """Look at what hosts have counted, once so many logins have begun."""
    await fleet.until(lambda: fleet.n_started >= n_logins)
    return _Mark(asyncio.get_running_loop().time(), await scene.totals())


def _named(prefix: str, plans: list[Plan]) -> list[Plan]:
    return [plan._replace(user=prefix + plan.user) for plan in plans]


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("hosts_stores", __doc__, rate=float(RATE))
    options.add_argument("--phase", type=float, default=3.0, help="seconds of each phase (default: %(default)s)")
    options.add_argument("--troubles", nargs="+", choices=TROUBLES, default=list(TROUBLES))
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        told = [_told(folder / each, seed, each, chosen.rate, chosen.phase) for each in chosen.troubles]
        return all(told)

    return each_seed(chosen, run)


def _told(folder: Path, seed: int, trouble: str, rate: float, phase_s: float) -> bool:
    outcome = play(trouble_store(folder, seed, trouble, rate, phase_s))
    tell(
        f"seed {seed}, {trouble}: {outcome.n_logins} logins at {rate:g}/s, {outcome.n_answers} answers, "
        f"{outcome.n_twice} pushed by both; violations: {summary(outcome.violations)}"
    )
    for phase in PHASES:
        took, totals = outcome.passcodes_s[phase], outcome.totals[phase]
        tell(
            f"    {phase}: passcodes p50 {milliseconds(percentile(took, 0.5))}, "
            f"p99 {milliseconds(percentile(took, 0.99))}; own share: 99 % within "
            f"{milliseconds(totals.own_share_s(0.99))}; {totals.claims}"
        )
    return outcome.n_answers == outcome.n_logins and not outcome.violations


if __name__ == "__main__":
    sys.exit(main())
