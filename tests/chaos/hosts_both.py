"""`python -m tests.chaos.hosts_both`: every login is asked at two hosts in the same instant.

70 % passcodes, 30 % pushes that are approved after 0.5 to 3 s. What should be seen: as many pushes as logins by push,
every passcode used once, every packet answered, at both hosts alike; and how long the answer of one host is behind the
other's.
"""

import asyncio
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Habits
from tests.chaos.hosts_scene import HostsScene
from tests.chaos.mix import mixed_plans
from tests.chaos.records import Record

N_LOGINS, RATE = 1000, 200
PUSH_SHARE = 0.3
HABITS = Habits(retry_s=2.0, tries=15)


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_pushes, n_passcodes: of all users, what Duo was asked for.
        n_differing: logins whose two answers were not alike.
        apart_s: from the packet at one host to that at the other.
        behind_s: from the answer of one host to that of the other, of logins by push.
        passcodes_behind_s: likewise, of logins by passcode.
        claims: what became of claims, at both.
    """

    n_logins: int
    n_push_logins: int
    n_answers: int
    n_pushes: int
    n_passcodes: int
    n_differing: int
    apart_s: list[float]
    behind_s: list[float]
    passcodes_behind_s: list[float]
    claims: dict[str, int]
    violations: list[Violation]

    @property
    def n_repeated(self) -> int:
        """How often Duo was asked for what it had been asked for already."""
        return self.n_pushes + self.n_passcodes - self.n_logins

    @property
    def is_right(self) -> bool:
        """Whether both hosts acted as one, but for logins that were alone."""
        is_whole = self.n_answers == 2 * self.n_logins and not self.n_differing
        return is_whole and 0 <= self.n_repeated <= self.claims["alone"] and not self.violations


async def ask_both(folder: Path, seed: int, n_logins: int = N_LOGINS, rate: float = RATE) -> Outcome:
    """Play the scenario once."""
    plans = mixed_plans(random.Random(seed), n_logins, push_share=PUSH_SHARE)
    pushed = {plan.user for plan in plans if plan.is_push}
    async with HostsScene(folder, plans, seed=seed) as scene:
        fleets = [scene.fleet_of(host, habits=HABITS, n_ports=8) for host in scene.hosts]
        before = await scene.totals()
        one, two = await asyncio.gather(*(fleet.run(plans, rate) for fleet in fleets))
        claims = (await scene.totals()).since(before).claims
        evidence = await scene.evidence_of([*one, *two])
        violations = scene.judge(scene.excused(evidence, claims["alone"]))
    pairs = [(a, b) for a, b in zip(one, two, strict=True) if a.code is not None and b.code is not None]
    return Outcome(
        n_logins,
        len(pushed),
        sum(len(fleet.answers) for fleet in fleets),
        sum(evidence.n_pushes.values()),
        sum(evidence.n_passcodes.values()),
        sum(a.code != b.code for a, b in pairs),
        [abs(a.sent_at - b.sent_at) for a, b in pairs],
        [_behind(a, b) for a, b in pairs if a.user in pushed],
        [_behind(a, b) for a, b in pairs if a.user not in pushed],
        claims,
        violations,
    )


def _behind(one: Record, two: Record) -> float:
    return abs(one.replied_at - two.replied_at)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("hosts_both", __doc__, logins=N_LOGINS, rate=float(RATE))
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(ask_both(folder, seed, chosen.logins, chosen.rate))
        tell(
            f"seed {seed}: {outcome.n_logins} logins at both, at most {milliseconds(max(outcome.apart_s))} apart: "
            f"{outcome.n_answers} answers, {outcome.n_pushes} pushes for {outcome.n_push_logins}, "
            f"{outcome.n_passcodes} passcodes; one host behind the other: pushes {_spread(outcome.behind_s)}, "
            f"passcodes {_spread(outcome.passcodes_behind_s)}; {outcome.claims}; "
            f"violations: {summary(outcome.violations)}"
        )
        return outcome.is_right

    return each_seed(chosen, run)


def _spread(values: list[float]) -> str:
    return f"p50 {milliseconds(percentile(values, 0.5))}, p99 {milliseconds(percentile(values, 0.99))}"


if __name__ == "__main__":
    sys.exit(main())
