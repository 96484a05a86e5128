"""`python -m tests.chaos.outages`: Duo goes away under load, in several ways, and comes back.

Two sections of one gateway, `failmode=safe` and `secure`, ask the same Duo, 100 logins a second each. Measured for
each fault: how long until logins are answered by fail mode within 5 ms, how long they take from then on, and how long
after the end of the fault until Duo decides again.
"""

import asyncio
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.chaos.checker import SAFE, SECURE, Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.records import Plan, Record
from tests.chaos.scene import Scene

FAULTS: dict[str, dict[str, Any]] = {
    "refuse": {},
    "status_500": {},
    "captive_portal": {},
    "broken_json": {},
    "black_hole": {},
    "slow": {"delay_s": 30},
}
FAIL_MODES = (SAFE, SECURE)
HABITS = Habits(retry_s=2.0, tries=20)
ROW = 20  # logins that show how things are
MOST_OF_ROW = 18


class Pace(NamedTuple):
    """How long each part of an outage lasts, counted in logins of each section.

    Attributes:
        rate: logins a second in each section.
        n_healthy: answered before the fault.
        n_open: answered while fail mode decides, before the fault ends.
        quick_s: how soon fail mode must answer to count as open.
        limit_s: how long the fault, and then its end, may go on without the effect that is waited for.
        api_timeout_s: the sections' own; 0 is the gateway's built-in one.
    """

    rate: int = 100
    n_healthy: int = 200
    n_open: int = 500
    quick_s: float = 0.005
    limit_s: float = 25.0
    api_timeout_s: int = 0


class Effects(NamedTuple):
    """What an outage did to the logins of one section; seconds, infinite for what did not come to pass."""

    fail_mode: str
    opened_after_s: float
    open_p99_s: float
    closed_after_s: float
    slowest_s: float
    n_logins: int
    n_answers: int
    n_by_fail_mode: int
    violations: list[Violation]


async def suffer(folder: Path, seed: int, kind: str, pace: Pace | None = None, *, n_reloads: int = 0) -> list[Effects]:
    """Play one fault, with reloads before its end, and return its effects on each section."""
    pace = pace or Pace()
    n_logins = int(pace.rate * (2 * pace.limit_s + 10)) + pace.n_healthy + pace.n_open
    plans = [[Plan(f"{mode}{seed}-{number}") for number in range(n_logins)] for mode in FAIL_MODES]
    servers = [Server(mode, api_timeout_s=pace.api_timeout_s) for mode in FAIL_MODES]
    async with Scene(folder, plans[0] + plans[1], seed=seed, servers=servers) as scene:
        fleets = [scene.fleet(HABITS, server=number) for number in range(len(servers))]
        logins = [asyncio.create_task(each.run(users, pace.rate)) for each, users in zip(fleets, plans, strict=True)]
        watches = [Watch(fleet, pace) for fleet in fleets]
        await asyncio.gather(*(fleet.until(watch.is_healthy) for fleet, watch in zip(fleets, watches, strict=True)))
        began_at = time.monotonic()
        await scene.fault(kind, **FAULTS.get(kind, {}))
        await asyncio.gather(*(watch.see_fail_mode(began_at) for watch in watches))
        for _ in range(n_reloads):
            await fleets[0].until(scene.reload())
        await scene.heal()
        healed_at = time.monotonic()
        await asyncio.gather(*(watch.see_duo(healed_at) for watch in watches))
        for fleet in fleets:
            fleet.stop()
        await asyncio.gather(*logins)
        violations = [
            scene.judge(await scene.evidence(fleet, server=number, deadline_s=HABITS.patience_s / 2))
            for number, fleet in enumerate(fleets)
        ]
    return [
        watch.effects(mode, healed_at, found)
        for watch, mode, found in zip(watches, FAIL_MODES, violations, strict=True)
    ]


class Watch:
    """Looks at the answers of one fleet as they come."""

    def __init__(self, fleet: Fleet, pace: Pace) -> None:
        self._fleet = fleet
        self._pace = pace
        self._began_at = self._opened_at = self._closed_at = math.inf
        self._healed_at = math.inf

    def is_healthy(self) -> bool:
        """Whether enough logins were decided by Duo."""
        return len(self._fleet.answers) >= self._pace.n_healthy

    async def see_fail_mode(self, began_at: float) -> None:
        """Return once fail mode has answered quickly for a while, or the fault has lasted long enough."""
        self._began_at = began_at
        end = began_at + self._pace.limit_s
        self._opened_at = await self._row(self._is_quick_fail_mode, began_at, end)
        n_enough = len(self._fleet.answers) + self._pace.n_open
        await self._fleet.until(lambda: len(self._fleet.answers) >= n_enough or time.monotonic() >= end)

    async def see_duo(self, healed_at: float) -> None:
        """Return once Duo has decided for a while, or that has been waited for long enough."""
        self._closed_at = await self._row(_is_by_duo, healed_at, healed_at + self._pace.limit_s)

    async def _row(self, is_right: Callable[[Record], bool], start: float, end: float) -> float:
        """Return when the first of a row of such answers came that began after `start`; infinite for none."""

        def row() -> list[Record]:
            return [record for record in self._fleet.answers[-ROW:] if record.sent_at >= start and is_right(record)]

        await self._fleet.until(lambda: len(row()) >= MOST_OF_ROW or time.monotonic() >= end)
        found = row()
        return found[0].replied_at if len(found) >= MOST_OF_ROW else math.inf

    def _is_quick_fail_mode(self, record: Record) -> bool:
        return record.is_by_fail_mode and record.latency_s <= self._pace.quick_s

    def effects(self, fail_mode: str, healed_at: float, violations: list[Violation]) -> Effects:
        """Return what was seen."""
        records = self._fleet.records
        is_open = [each.latency_s for each in records if self._opened_at <= each.sent_at < healed_at]
        return Effects(
            fail_mode,
            self._opened_at - self._began_at,
            percentile(is_open, 0.99),
            self._closed_at - healed_at,
            max(each.latency_s for each in records),
            len(records),
            len(self._fleet.answers),
            sum(each.is_by_fail_mode for each in records),
            violations,
        )


def _is_by_duo(record: Record) -> bool:
    return not record.is_by_fail_mode


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parser("outages", __doc__, rate=Pace().rate)
    options.add_argument("--fault", choices=FAULTS, action="append", help="of these alone (default: all)")
    chosen = options.parse_args(arguments)
    tell(f"{'fault':<15} {'failmode':<9} {'open after':>12} {'open p99':>10} {'Duo after':>12} {'slowest':>12}  logins")

    def run(folder: Path, seed: int) -> bool:
        is_right = True
        for kind in chosen.fault or FAULTS:
            for seen in play(suffer(folder / kind, seed, kind, Pace(rate=chosen.rate))):
                tell(
                    f"{kind:<15} {seen.fail_mode:<9} {milliseconds(seen.opened_after_s):>12} "
                    f"{milliseconds(seen.open_p99_s):>10} {milliseconds(seen.closed_after_s):>12} "
                    f"{milliseconds(seen.slowest_s):>12}  {seen.n_answers} of {seen.n_logins} answered, "
                    f"{seen.n_by_fail_mode} by fail mode; violations: {summary(seen.violations)}"
                )
                is_right &= not seen.violations and seen.n_answers == seen.n_logins
        return is_right

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
