"""`python -m tests.chaos.hosts_balanced`: NAS whose packets of one login reach two hosts.

Twice: first behind a balancer that sends each datagram to the next host, retransmissions too; then with NAS that turn
to the second host after their time-out, 20 s in the long form. All ask for pushes that are approved after that. What
should be seen: every login answered, as many pushes as logins, and answers of two hosts to the same packet that are the
same.
"""

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.hosts_scene import HostsScene
from tests.chaos.records import PUSH, Plan
from tests.chaos.relay import Balancer

N_LOGINS, RATE = 200, 50
TIMEOUT_S = 20.0
TRIES = 4


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_at_two: logins that both hosts were asked for.
        n_duplicates: replies to the same packet, as the first.
        claims: what became of claims, at both hosts.
    """

    n_logins: int
    n_answers: int
    n_pushes: int
    n_at_two: int
    n_duplicates: int
    claims: dict[str, int]
    violations: list[Violation]

    @property
    def is_right(self) -> bool:
        """Whether both hosts acted as one, but for logins that were alone."""
        n_repeated = self.n_pushes - self.n_logins
        return self.n_answers == self.n_logins and 0 <= n_repeated <= self.claims["alone"] and not self.violations


async def balance(folder: Path, seed: int, n_logins: int = N_LOGINS, rate: float = RATE) -> Outcome:
    """Play with a balancer before both hosts: each transmission of a packet goes to the other host."""
    plans = _plans(seed, n_logins, 1.5)
    async with HostsScene(folder, plans, seed=seed) as scene:
        balancer = Balancer([host.address for host in scene.hosts], random.Random(seed))
        fleet = scene.fleet_at([balancer.address], Habits(retry_s=0.5, tries=60, deaf=0.3), n_ports=4)
        try:
            return await _play(scene, fleet, plans, rate)
        finally:
            balancer.close()


async def turn(
    folder: Path, seed: int, n_logins: int = N_LOGINS, rate: float = RATE, timeout_s: float = TIMEOUT_S
) -> Outcome:
    """Play with NAS that ask the second host after so long, while the first still waits for the person.

    They ask the second for as long again: people decide up to 2 s after the first time-out, so a time-out is longer.
    """
    plans = _plans(seed, n_logins, timeout_s)
    async with HostsScene(folder, plans, seed=seed) as scene:
        fleet = scene.fleet_of(*scene.hosts, habits=Habits(timeout_s / TRIES, TRIES), n_ports=4)
        return await _play(scene, fleet, plans, rate)


def _plans(seed: int, n_logins: int, least_s: float) -> list[Plan]:
    """Return pushes that are approved after so long, or up to two seconds later."""
    chance = random.Random(seed)
    return [Plan(f"user{n}", PUSH, "approve", least_s + chance.uniform(0.5, 2.0)) for n in range(n_logins)]


async def _play(scene: HostsScene, fleet: Fleet, plans: list[Plan], rate: float) -> Outcome:
    before = await scene.totals()
    records = await fleet.run(plans, rate)
    claims = (await scene.totals()).since(before).claims
    evidence = await scene.evidence(fleet)
    return Outcome(
        len(records),
        len(fleet.answers),
        sum(evidence.n_pushes.values()),
        claims["joined"],
        sum(record.n_duplicates for record in records),
        claims,
        scene.judge(scene.excused(evidence, claims["alone"])),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("hosts_balanced", __doc__, logins=N_LOGINS, rate=float(RATE))
    options.add_argument("--timeout", type=float, default=TIMEOUT_S, help="of a NAS, seconds (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        balanced = play(balance(folder / "balanced", seed, chosen.logins, chosen.rate))
        turned = play(turn(folder / "turned", seed, chosen.logins, chosen.rate, chosen.timeout))
        for name, outcome in (("balanced", balanced), ("turned", turned)):
            tell(
                f"seed {seed}, {name}: {outcome.n_logins} logins, {outcome.n_at_two} at both hosts, "
                f"{outcome.n_answers} answers, {outcome.n_duplicates} of them given twice, {outcome.n_pushes} pushes; "
                f"{outcome.claims}; violations: {summary(outcome.violations)}"
            )
        return balanced.is_right and turned.is_right

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
