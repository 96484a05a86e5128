"""`python -m tests.chaos.first_version`: 0.1.0 becomes this version under load, as docs/upgrade.md says.

Its code comes out of the history of this repository, and runs with the libraries of here. The new code is put in its
place, and `radgate restart` of the new code ends it: 0.1.0 finishes pending logins, and takes no new ones meanwhile,
which NAS ask again. With `--back` 0.1.0 takes this version's place afterwards: `radgate stop`, the old code, `radgate
start`. What should be seen: every login answered, none pushed twice.

No NAS is deaf here: what 0.1.0 has answered, its successor does not know, and no NAS should ask again.
"""

import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.supervisor.control_client import NotRunning, ask
from tests.chaos.checker import Violation
from tests.chaos.configuration import Server
from tests.chaos.figures import each_seed, milliseconds, parser, percentile, play, summary, tell
from tests.chaos.fleet import Habits
from tests.chaos.mix import mixed_plans
from tests.chaos.scene import WAIT_S, Scene

ROOT = Path(__file__).parents[2]
LAST_COMMIT = "112a6b28e54f49336b3eec13d907750a4458765a"  # of 0.1.0: the next one begins the list of 0.2.0's changes
RATE, SPACING_S = 100, 5
LONGEST_S = 5  # of logins that there are for each change, at least: a busy machine takes some seconds for one
HABITS = Habits(retry_s=2.0, tries=30)


class Outcome(NamedTuple):
    """What was seen.

    Attributes:
        versions: what served, in order.
        took_s: how long each change took, from the first command to the end of the last.
        passcodes_s: latencies of the logins by passcode.
    """

    n_logins: int
    n_answers: int
    n_pushes: int
    versions: list[str]
    took_s: list[float]
    passcodes_s: list[float]
    violations: list[Violation]


def obstacle() -> str:
    """Return why the code of 0.1.0 cannot be had, or nothing."""
    if shutil.which("git") is None:
        return "there is no git"
    asked = ["git", "-C", str(ROOT), "cat-file", "-e", f"{LAST_COMMIT}^{{commit}}"]
    has_it = subprocess.run(asked, capture_output=True).returncode == 0
    return "" if has_it else "the history of 0.1.0 is not here"


class Installation:
    """A folder with the code of one version or the other, and its `radgate`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def put_first(self) -> None:
        """Have 0.1.0 in it."""
        self._empty()
        asked = ["git", "-C", str(ROOT), "archive", LAST_COMMIT, "gateway"]
        archive = subprocess.run(asked, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(self._folder)], input=archive, check=True)

    def put_present(self) -> None:
        """Have the code of here in it, interpreted."""
        self._empty()
        left_out = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(ROOT / "gateway", self._folder / "gateway", ignore=left_out)

    def radgate(self, command: str, config: Path) -> None:
        """Run a command that must succeed."""
        words = [sys.executable, "-P", "-m", "gateway", command, "--config", str(config)]
        ended = subprocess.run(words, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert ended.returncode == 0, f"radgate {command}: {ended.returncode}: {ended.stdout}{ended.stderr}"

    def _empty(self) -> None:
        shutil.rmtree(self._folder / "gateway", ignore_errors=True)
        self._folder.mkdir(exist_ok=True)


class FirstVersionScene(Scene):
    """One whose gateway begins as 0.1.0; what `radgate start` starts later is nobody's child."""

    async def _begin_gateway(self) -> None:
        self._installation = Installation(self.folder / "code")
        self._gateway_options = {"env": self._installation.environment}
        await asyncio.to_thread(self._installation.put_first)
        self._resources.push_async_callback(self._stop_gateways)
        await super()._begin_gateway()

    async def _stop_gateways(self) -> None:
        if self._runs():
            await self.radgate("stop")

    def _runs(self) -> bool:
        try:
            self.version()
        except NotRunning:
            return False
        return True

    def version(self) -> str:
        """Return which version serves."""
        return str(ask(str(self.folder / "run"), "status", WAIT_S)["status"]["version"])

    async def radgate(self, command: str) -> None:
        """Run a command of the code that is installed."""
        await asyncio.to_thread(self._installation.radgate, command, self.folder / "authproxy.cfg")

    async def upgrade_first(self) -> None:
        """Do what docs/upgrade.md says of 0.1.0."""
        await asyncio.to_thread(self._installation.put_present)
        await self.radgate("restart")

    async def go_back(self) -> None:
        """Do what docs/upgrade.md says of going back to 0.1.0."""
        await self.radgate("stop")
        await asyncio.to_thread(self._installation.put_first)
        await self.radgate("start")


async def change_versions(
    folder: Path, seed: int, rate: int = RATE, *, goes_back: bool = False, spacing_s: int = SPACING_S
) -> Outcome:
    """Play the scenario once, with a change about every `spacing_s`; logins begin until so long after the last one."""
    changes = [FirstVersionScene.upgrade_first, *([FirstVersionScene.go_back] if goes_back else [])]
    plans = mixed_plans(random.Random(seed), rate * max(spacing_s, LONGEST_S) * (len(changes) + 1))
    async with FirstVersionScene(folder, plans, seed=seed, servers=[Server(more="preauth=needed")]) as scene:
        fleet = scene.fleet(HABITS, n_ports=1 + rate // 20)
        logins = asyncio.create_task(fleet.run(plans, rate))
        versions, took_s = [scene.version()], []
        for number, change in enumerate(changes, 1):
            await fleet.until_started(number * rate * spacing_s)
            begun = time.monotonic()
            await change(scene)
            took_s.append(time.monotonic() - begun)
            versions.append(scene.version())
        await fleet.until_started(fleet.n_started + rate * spacing_s)
        fleet.stop()
        await logins
        evidence = await scene.evidence(fleet, deadline_s=HABITS.patience_s / 2)
        passcodes_s = [record.latency_s for record in fleet.answers if not evidence.plans[record.user].is_push]
        n_pushes = sum(evidence.n_pushes.values())
        violations = scene.judge(evidence)
    return Outcome(len(fleet.records), len(fleet.answers), n_pushes, versions, took_s, passcodes_s, violations)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play with several seeds and print what was seen."""
    options = parser("first_version", __doc__, rate=RATE)
    options.add_argument("--back", action="store_true", help="and go back to 0.1.0 afterwards")
    chosen = options.parse_args(arguments)
    if why_not := obstacle():
        tell(f"not played: {why_not}")
        return 0

    def run(folder: Path, seed: int) -> bool:
        outcome = play(change_versions(folder, seed, chosen.rate, goes_back=chosen.back))
        p50, p99, most = (milliseconds(percentile(outcome.passcodes_s, share)) for share in (0.5, 0.99, 1.0))
        tell(
            f"seed {seed}: {outcome.n_logins} logins at {chosen.rate}/s, {' -> '.join(outcome.versions)}, changes took "
            f"{', '.join(f'{each:.1f} s' for each in outcome.took_s)}; {outcome.n_answers} answers, {outcome.n_pushes} "
            f"pushes; passcodes p50 {p50}, p99 {p99}, at most {most}; violations: {summary(outcome.violations)}"
        )
        return outcome.n_answers == outcome.n_logins and not outcome.violations

    return each_seed(chosen, run)


if __name__ == "__main__":
    sys.exit(main())
