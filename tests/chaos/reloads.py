"""`python -m tests.chaos.reloads`: the settings read anew, again and again, under full load.

70 % passcodes, 30 % pushes that are approved after 0.5 to 3 s, from so few ports that Identifiers are used again within
seconds. One NAS in ten does not hear its first reply and asks again, perhaps the next generation. What should be seen:
every login answered, none pushed twice, no request of the other NAS sent more than twice, and how long a passcode takes
meanwhile (the simulated Duo answers at once).

At 1,000 logins a second gateway, simulated Duo and fleet need two cores for themselves: on a busy machine it is Duo
that answers late, and fail mode begins, rightly; such a run shows `fail mode without cause` and measures nothing.
"""

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.supervisor.control_client import ask
from tests.chaos.checker import Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import mixed_plans
from tests.chaos.scene import WAIT_S, Scene

N_RELOADS, RATE, SPACING_S = 20, 1000, 4
LONGEST_S = 4  # of logins that there are for each reload, at least: a busy machine takes some seconds for one
PUSH_SHARE = 0.1  # of a second's logins; the simulated Duo and the gateway share two processors
MOST_SENT = 2
LOOK_S = 0.05
HABITS = Habits(retry_s=2.0, tries=15, deaf=0.1)


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        n_reloads: those that brought a new worker to every slot, ready while logins were still beginning.
        most_sent: transmissions of the request that was sent most often, of NAS that hear.
        n_asked_again: logins of such NAS whose request was sent more than once.
        passcodes_s: latencies of the logins by passcode.
        gateway_ms: the gateway's own share of all logins, by itself: p50 and p99.
    """

    n_logins: int
    n_answers: int
    n_reloads: int
    most_sent: int
    n_asked_again: int
    passcodes_s: list[float]
    gateway_ms: dict[str, float]
    violations: list[Violation]


async def reload_under_load(
    folder: Path,
    seed: int,
    n_reloads: int = N_RELOADS,
    rate: int = RATE,
    spacing_s: int = SPACING_S,
    push_share: float = PUSH_SHARE,
    begin: Callable[[Scene], Callable[[], bool]] = Scene.reload,
) -> Outcome:
    """Play the scenario once, with a reload about every `spacing_s`, or what else `begin` begins; it tells the end.

    Logins begin until so long after the last one.
    """
    n_logins = rate * max(spacing_s, LONGEST_S) * (n_reloads + 1)
    plans = mixed_plans(random.Random(seed), n_logins, push_share=push_share)
    pushed = {plan.user for plan in plans if plan.is_push}
    async with Scene(folder, plans, seed=seed, servers=[Server(more="preauth=needed")]) as scene:
        fleet = scene.fleet(HABITS, n_ports=1 + rate // 200)
        logins = asyncio.create_task(fleet.run(plans, rate))
        n_done = await again_and_again(scene, fleet, n_reloads, rate * spacing_s, begin)
        await fleet.until_started(fleet.n_started + rate * spacing_s)
        fleet.stop()
        records = await logins
        status = await asyncio.to_thread(ask, str(scene.folder / "run"), "status", 10.0)
        violations = scene.judge(await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2))
    n_sent = [record.n_sent for record in records if not record.was_deaf]
    return Outcome(
        len(records),
        len(fleet.answers),
        n_done,
        max(n_sent),
        sum(n > 1 for n in n_sent),
        [record.latency_s for record in fleet.answers if record.user not in pushed],
        status["status"]["servers"][0]["gateway_ms"],
        violations,
    )


async def again_and_again(
    scene: Scene, fleet: Fleet, n_reloads: int, n_logins_between: int, begin: Callable[[Scene], Callable[[], bool]]
) -> int:
    """Reload after so many logins each, but never before the reload before it is done; return how many were done."""
    n_done = 0
    for number in range(1, n_reloads + 1):
        await fleet.until_started(number * n_logins_between)
        is_done = begin(scene)
        n_done += await fleet.until(is_done) or await ends(is_done)
    return n_done


async def ends(is_done: Callable[[], bool]) -> bool:
    """Wait for a reload during which the last login has ended, on a busy machine; return whether it ends."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while not is_done() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 -- another process's end
        await asyncio.sleep(LOOK_S)
    return is_done()


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("reloads", __doc__, rate=RATE)
    options.add_argument("--reloads", type=int, default=N_RELOADS, help="default: %(default)s")
    options.add_argument("--push-share", type=float, default=PUSH_SHARE, help="default: %(default)s")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(reload_under_load(folder, seed, chosen.reloads, chosen.rate, push_share=chosen.push_share))
        p50, p99 = (milliseconds(percentile(outcome.passcodes_s, share)) for share in (0.5, 0.99))
        tell(
            f"seed {seed}: {outcome.n_logins} logins at {chosen.rate}/s, "
            f"{outcome.n_reloads} of {chosen.reloads} reloads, {outcome.n_answers} answers; "
            f"{outcome.n_asked_again} asked again, at most {outcome.most_sent} transmissions; "
            f"passcodes p50 {p50}, p99 {p99}; "
            f"of it the gateway's own share: p99 {outcome.gateway_ms['p99']:.1f} ms; "
            f"violations: {summary(outcome.violations)}"
        )
        is_whole = outcome.n_answers == outcome.n_logins and outcome.n_reloads == chosen.reloads
        return is_whole and outcome.most_sent <= MOST_SENT and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
