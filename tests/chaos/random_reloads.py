"""`python -m tests.chaos.random_reloads`: a file that changes at random is read anew, hundreds of times.

About 20 sections, and 20 logins a second. Each change is asked about twice, by a dry run and for good. What should be
seen: both say the same, and what the files say by themselves; mistakes, cut files and what needs a restart change
nothing; every login is answered, nobody is pushed twice; and the supervisor, after so many reloads, is hardly larger
than after a fifth of them. Until 3 minutes have passed it grows: for so long it keeps the settings of a generation.
"""

import asyncio
import random
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.observe import children_of
from bench.processes import free_udp_port
from gateway.supervisor.control_client import Declined, ask
from gateway.supervisor.procfs import process_usage
from tests.chaos.changing_file import Change, File, Numbers, Verdict, draw_change, file_text, first_file, numbers
from tests.chaos.checker import Violation
from tests.chaos.configuration import write_private
from tests.chaos.figures import each_seed, parser, play, summary, tell
from tests.chaos.fleet import Fleet, Habits
from tests.chaos.mix import mixed_plans
from tests.chaos.scene import WAIT_S, Scene

N_RELOADS, RATE, SPACING = 500, 20, 5  # spacing: logins that begin between two changes, at least
LOGINS_EACH = 120  # at most, for each change: a busy machine takes some seconds for one
LOOKS = 5  # at what the supervisor uses
HABITS = Habits(retry_s=2.0, tries=15)


class Usage(NamedTuple):
    """What the supervisor uses after so many changes."""

    n_changes: int
    rss_kb: int
    n_files: int
    n_threads: int
    n_children: int

    def __str__(self) -> str:
        return (
            f"{self.n_changes}: {self.rss_kb} KB, {self.n_files} descriptors, {self.n_threads} threads, "
            f"{self.n_children} children"
        )


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        verdicts: how often each came of a change; a cut file may be taken by force.
        surprises: what a reload said that its dry run, or the files, did not.
    """

    n_logins: int
    n_answers: int
    verdicts: Counter[str]
    surprises: list[str]
    usages: list[Usage]
    violations: list[Violation]


class Administrator:
    """Who writes on the file of a gateway and has it read.

    Attributes:
        file: what the gateway serves by.
        verdicts, surprises: as in `Outcome`.
    """

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self._path = scene.folder / "authproxy.cfg"
        self._base = re.sub(r"workers=\d+\n", "", self._path.read_text())
        self._run_dir = str(scene.folder / "run")
        self._api_host, self._port = scene.duos[0].api_host, free_udp_port()
        self._chance = chance
        self._file = File({}, {})
        self.verdicts: Counter[str] = Counter()
        self.surprises: list[str] = []

    def begin(self) -> None:
        """Write the first file."""
        self._try(Change(first_file(self._chance)))

    def change(self) -> None:
        """Write the next one, and have it read: at first by a dry run."""
        self._try(draw_change(self._file, self._chance))

    def _try(self, change: Change) -> None:
        self._write(change)
        self._ask(change)
        if change.verdict is Verdict.GUARDED and self._chance.random() < 1 / 2:
            self._ask(change._replace(verdict=Verdict.TAKEN), force=True)

    def _write(self, change: Change) -> None:
        text = file_text(change.file, self._base, self._port, self._api_host) + f"\n{change.mistake}"
        new = self._path.with_suffix(".new")
        write_private(new, text.encode())
        new.replace(self._path)

    def _ask(self, change: Change, **more: bool) -> None:
        tried, done = (self._asked(command, **more) for command in ("try_reload", "reload"))
        if tried != done:
            self._surprise(change, f"a dry run said {tried}, and the reload {done}")
        if (is_taken := "problems" not in done) != (change.verdict is Verdict.TAKEN):
            self._surprise(change, f"should be {change.verdict}, and came to {done}")
        if "changes" in done and _told(done) != _expected(self._file, change.file):
            self._surprise(change, f"should be {_expected(self._file, change.file)}, and is {_told(done)}")
        self.verdicts[change.verdict] += 1
        if is_taken:
            self._file = change.file

    def _asked(self, command: str, **more: bool) -> dict[str, Any]:
        """Return what is the same in both answers; where nothing is to be changed, with `problems`."""
        try:
            answer = ask(self._run_dir, command, 2 * WAIT_S, **more)
        except Declined as declined:
            answer = declined.answer
        return {key: value for key, value in answer.items() if key in ("problems", "warnings", "changes")}

    def _surprise(self, change: Change, text: str) -> None:
        self.surprises.append(f"change {self.verdicts.total()}, {change.verdict}: {text}")


def _told(answer: dict[str, Any]) -> tuple[Numbers, Numbers]:
    sections, clients = (answer["changes"][kind] for kind in ("sections", "clients"))
    return _counted(sections), _counted(clients)


def _counted(difference: dict[str, Any]) -> Numbers:
    return Numbers(difference["n_removed"], difference["n_added"], difference["n_changed"])


def _expected(before: File, after: File) -> tuple[Numbers, Numbers]:
    return numbers(before.values(), after.values()), numbers(before.clients(), after.clients())


async def reload_at_random(folder: Path, seed: int, n_reloads: int = N_RELOADS, rate: float = RATE) -> Outcome:
    """Play the scenario once."""
    chance = random.Random(seed)
    plans = mixed_plans(chance, n_reloads * LOGINS_EACH, denied_share=0.1)
    async with Scene(folder, plans, seed=seed) as scene:
        fleet = scene.fleet(HABITS, n_ports=2)
        administrator = Administrator(scene, chance)
        await asyncio.to_thread(administrator.begin)
        logins = asyncio.create_task(fleet.run(plans, rate))
        usages = [await _change(scene, fleet, administrator, number) for number in range(1, n_reloads + 1)]
        fleet.stop()
        records = await logins
        violations = scene.judge(await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2))
    looked_at = usages[n_reloads // LOOKS - 1 :: max(n_reloads // LOOKS, 1)]
    return Outcome(
        len(records), len(fleet.answers), administrator.verdicts, administrator.surprises, looked_at, violations
    )


async def _change(scene: Scene, fleet: Fleet, administrator: Administrator, number: int) -> Usage:
    await fleet.until_started(fleet.n_started + SPACING)
    await asyncio.to_thread(administrator.change)
    return _usage(number, scene.gateway.process.pid)


def _usage(n_changes: int, pid: int) -> Usage:
    n_files, n_threads = (sum(1 for _ in Path(f"/proc/{pid}/{what}").iterdir()) for what in ("fd", "task"))
    return Usage(n_changes, process_usage(pid).rss_bytes // 1024, n_files, n_threads, len(children_of(pid)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("random_reloads", __doc__, rate=RATE)
    options.add_argument("--reloads", type=int, default=N_RELOADS, help="default: %(default)s")
    chosen = options.parse_args(arguments)

    def run(folder: Path, seed: int) -> bool:
        outcome = play(reload_at_random(folder, seed, chosen.reloads, chosen.rate))
        verdicts = ", ".join(f"{verdict} {count}" for verdict, count in sorted(outcome.verdicts.items()))
        head = (
            f"seed {seed}: {chosen.reloads} changes ({verdicts}), {outcome.n_answers} of {outcome.n_logins} logins "
            f"answered; surprises: {len(outcome.surprises)}; violations: {summary(outcome.violations)}"
        )
        usages = ["the supervisor after so many changes:", *map(str, outcome.usages)]
        tell("\n  ".join([head, *usages, *outcome.surprises]))
        return outcome.n_answers == outcome.n_logins and not (outcome.surprises or outcome.violations)

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
