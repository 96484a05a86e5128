"""`python -m tests.chaos.lossy`: pushes through a network that loses one datagram in five, each way.

A NAS sends the same octets again until it hears a reply. Requests are lost, so that a login begins with its second or
third; replies are lost, so that an answered login is asked for again. What should be seen: every login answered, and
every user pushed once.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.chaos.checker import Violation
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Habits
from tests.chaos.mix import push_plans
from tests.chaos.relay import Weather
from tests.chaos.scene import Scene

N_LOGINS, RATE = 1_000, 200
LOSS = 0.2
ANSWERED_AFTER_S = 1.5
HABITS = Habits(retry_s=0.5, tries=60)


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_sent: transmissions by the NAS.
        n_lost: datagrams, both ways together.
        n_pushes: users by how often they were pushed.
        latencies_s: of all logins, from the first transmission to the first reply that arrived.
    """

    n_answers: int
    n_sent: int
    n_lost: int
    n_pushes: Counter[int]
    latencies_s: list[float]
    violations: list[Violation]


async def lose_datagrams(folder: Path, seed: int, n_logins: int = N_LOGINS, loss: float = LOSS) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins, "approve", ANSWERED_AFTER_S)
    async with Scene(folder, plans, seed=seed, is_relayed=True) as scene:
        fleet = scene.fleet(HABITS, n_ports=1 + n_logins // 100)
        scene.weather = Weather(loss=loss)
        await fleet.run(plans, float(RATE))
        evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2)
        return Outcome(
            len(fleet.answers),
            fleet.n_sent,
            sum(relay.n_lost for relay in scene.udp_relays),
            Counter(evidence.n_pushes.get(plan.user, 0) for plan in plans),
            [record.latency_s for record in fleet.answers],
            scene.judge(evidence),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("lossy", __doc__, logins=N_LOGINS)
    options.add_argument("--loss", type=float, default=LOSS, help="share of datagrams, each way (default: %(default)s)")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(lose_datagrams(folder, seed, chosen.logins, chosen.loss))
        p50, p99 = (milliseconds(percentile(outcome.latencies_s, share)) for share in (0.5, 0.99))
        tell(
            f"seed {seed}: {chosen.logins} pushes, {outcome.n_sent} transmissions, {outcome.n_lost} datagrams lost; "
            f"{outcome.n_answers} answers, p50 {p50}, p99 {p99}; users by number of pushes {dict(outcome.n_pushes)}; "
            f"violations: {summary(outcome.violations)}"
        )
        return outcome.n_answers == chosen.logins and outcome.n_pushes == {1: chosen.logins} and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
