"""`python -m tests.chaos.domain_controllers`: a directory whose first domain controller fails, under logins.

It closes connections in the place of answers to binds, as one that restarts, says nothing, is busy, takes no
connections, and begins no TLS: each in a run of its own, well before and after. A second one is always well. What is to
be seen: as many answers as logins, as many pushes, and no account bound more than twice, because directories count and
lock. Twice is for those whose first answer nobody heard. Whoever comes when it is known waits no longer than before.
"""

import asyncio
import functools
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.directory.people import SERVICE_ACCOUNT
from bench.directory.process import DirectoryProcess
from tests.chaos.checker import Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import push_plans
from tests.chaos.records import Outage, Record
from tests.chaos.scene import Scene

N_LOGINS = 600
N_WORKERS = 2
RATE = 30.0
FAULTS = ("cut", "silent", "busy", "refuse", "no_tls")
TIMEOUT_S = 4  # of a question; the two controllers share it
KNOWN_AFTER_S = TIMEOUT_S / 2 + 1.0  # its share of the time, and somebody has asked it in each worker
ANSWERED_AFTER_S = 0.5  # a push, by its person
HABITS = Habits(retry_s=1.0, tries=60)


class Outcome(NamedTuple):
    """What was seen; `n_bound_twice` are accounts.

    Attributes:
        before, caught, others: how long logins took, without the person: those that ended before the fault; those that
            were under way when it began, or came until each worker must know; and those that came from then to its end.
    """

    n_answers: int
    n_pushes: int
    most_bound: int
    n_bound_twice: int
    before: list[float]
    caught: list[float]
    others: list[float]
    violations: list[Violation]


async def fail_first(folder: Path, seed: int, fault: str, n_logins: int = N_LOGINS) -> Outcome:
    """Play the scenario once."""
    plans = push_plans(seed, n_logins, "approve", ANSWERED_AFTER_S)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    start = functools.partial(DirectoryProcess, "--anybody", "--dir", str(folder / "directory"))
    with await asyncio.to_thread(start) as first, await asyncio.to_thread(start) as second:
        servers = (Server(kind="auto", more=_client(first, second)),)
        async with Scene(folder, plans, seed=seed, servers=servers, n_workers=N_WORKERS) as scene:
            fleet = scene.fleet(HABITS, n_ports=1 + n_logins // 200)
            logins = asyncio.create_task(fleet.run(plans, rate=RATE))
            outage = await _fail(first, fault, fleet, n_logins)
            await logins
            evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2)
            binds = Counter(first.binds()) + Counter(second.binds())
            del binds[SERVICE_ACCOUNT.name]
            n_twice = sum(each > 1 for each in binds.values())
            n_pushes = sum(evidence.n_pushes.values())
            took = _by_outage(fleet.records, outage)
            return Outcome(len(fleet.answers), n_pushes, max(binds.values()), n_twice, *took, scene.judge(evidence))


async def _fail(first: DirectoryProcess, fault: str, fleet: Fleet, n_logins: int) -> Outage:
    """Let it begin and end, each after a share of the logins."""
    loop = asyncio.get_running_loop()
    await fleet.until_started(n_logins // 4)
    began_at = loop.time()
    await asyncio.to_thread(first.fault, fault)
    await fleet.until_started(3 * n_logins // 4)
    ended_at = loop.time()
    await asyncio.to_thread(first.heal)
    return Outage(fault, began_at, ended_at)


def _by_outage(records: Sequence[Record], outage: Outage) -> tuple[list[float], list[float], list[float]]:
    """Return how long logins took: before, caught, others."""
    before, caught, others = list[float](), list[float](), list[float]()
    known_at = outage.began_at + KNOWN_AFTER_S
    for record in records:
        if record.replied_at < outage.began_at:
            kind = before
        elif record.sent_at < known_at:
            kind = caught
        else:
            kind = others
        if record.sent_at < outage.ended_at:
            kind.append(record.latency_s - ANSWERED_AFTER_S)
    return before, caught, others


def _client(first: DirectoryProcess, second: DirectoryProcess) -> str:
    keys = first.client_keys("ldaps", host_2=second.host, port_2=second.tls_port, timeout=TIMEOUT_S)
    return "client=ad_client\n[ad_client]\n" + "".join([f"{name}={value}\n" for name, value in keys.items()])


def _told(what: str, took: list[float]) -> str:
    median, late = (milliseconds(percentile(took, share)) for share in (0.5, 0.99))
    return f"    {what}: {len(took)} logins, median {median}, p99 {late}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("domain_controllers", __doc__, logins=N_LOGINS)
    options.add_argument("--fault", action="append", choices=FAULTS, help="this one alone; may be repeated")
    chosen = options.parse_args(arguments)

    def run_fault(folder: Path, seed: int, fault: str) -> bool:
        outcome = play(fail_first(folder, seed, fault, chosen.logins))
        tell(
            f"seed {seed}, {fault}: {chosen.logins} logins, {outcome.n_answers} answers, {outcome.n_pushes} pushes, an "
            f"account bound {outcome.most_bound} times at most, {outcome.n_bound_twice} of them twice; "
            f"violations: {summary(outcome.violations)}"
        )
        for what in ("before", "caught", "others"):
            tell(_told(what, getattr(outcome, what)))
        return not outcome.violations and outcome.most_bound <= 2

    def run(folder: Path, seed: int) -> bool:
        were_well = [run_fault(folder / fault, seed, fault) for fault in chosen.fault or FAULTS]
        return all(were_well)

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
