"""Reloads and upgrades, one after the other: from being asked, through the file, to an answer for who asked."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import to_builtins

from gateway.config.changes import Changes, compare
from gateway.config.changes_told import details, summary
from gateway.config.reload_guard import refusal
from gateway.config.settings import Settings, decode_settings
from gateway.ipc.plan import log_plan
from gateway.logs.losses import Losses
from gateway.logs.setup import start_logging
from gateway.supervisor.code_on_disk import code_on_disk
from gateway.supervisor.control import ReloadOutcome
from gateway.supervisor.generations import Generations
from gateway.supervisor.notify import Notifier
from gateway.supervisor.reading import read_in_child
from gateway.supervisor.trial import try_code_on_disk

log = logging.getLogger("gateway.supervisor")

_STOPPING = "the gateway is stopping"
_MAKES_PLACE = "the gateway is being upgraded; ask again"
_CODE_CHANGED = "the code on disk has changed while it was tried; upgrade again once its installation is done"


class _Proposal(NamedTuple):
    """What the file asks for: settings to change over to, or None if `outcome` says why not."""

    settings: Settings | None
    outcome: ReloadOutcome


class _Last(NamedTuple):
    """A reload that is over: when it was by the loop's clock, and in Unix seconds."""

    outcome: ReloadOutcome
    loop_time: float
    at: float


class Reloads:
    """All that are asked for.

    Args:
        generations: those of the gateway.
        run_dir: the folder that this process has locked.
        notifier: tells the service manager.
        losses: lines that this process could not write.
    """

    def __init__(self, generations: Generations, run_dir: Path, notifier: Notifier, losses: Losses) -> None:
        self._generations = generations
        self._run_dir = run_dir
        self._notifier = notifier
        self._losses = losses
        self._loop = asyncio.get_running_loop()
        self._one_at_a_time = asyncio.Lock()
        self._makes_place = False  # for the code on disk
        self._is_asked = False
        self._last: _Last | None = None

    def status(self) -> dict[str, Any] | None:
        """Return what became of the last reload; None if there was none."""
        if self._last is None:
            return None
        outcome, loop_time, at = self._last
        told = {"ok": not outcome.problems, "age_s": self._loop.time() - loop_time, "problems": outcome.problems}
        return {**told, "at": at, "changes": _brief_changes(outcome)}

    def note_asked(self) -> bool:
        """Note that a reload is asked for by who waits for no answer; False if one that was noted is still to begin.

        That reads the file as it is by then.
        """
        is_new, self._is_asked = not self._is_asked, True
        return is_new

    async def reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Read the configuration again and let a new generation serve by it; with an error, change nothing.

        Args:
            is_forced: however much goes, it may go.
        """
        async with self._one_at_a_time:
            outcome = self._refusal() or await self._telling(self._reload(is_forced=is_forced))
        self._last = _Last(outcome, self._loop.time(), time.time())
        self._tell("The configuration has not been reloaded", outcome)
        return outcome

    async def try_reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Return what a reload would come to, as far as can be told without workers; change nothing."""
        async with self._one_at_a_time:
            if refusal := self._refusal():
                return refusal
            settings, outcome = await self._propose(is_forced=is_forced)
            problem = self._generations.find_obstacle(settings) if settings is not None else ""
        return self._with_problem(outcome, problem)

    async def try_upgrade(self) -> ReloadOutcome:
        """Try what can be tried before the code on disk takes our place; with anything against it, change nothing.

        That is whether that code starts, whether it reads the file, and, by a reload, whether workers serve with it.
        With nothing against it this code changes nothing any more, and the service manager goes on waiting: the code on
        disk tells it that it is ready.
        """
        async with self._one_at_a_time:
            outcome = self._refusal() or await self._telling(self._try_upgrade())
        self._tell("Not upgraded", outcome)
        return outcome

    def _refusal(self) -> ReloadOutcome | None:
        """Return what everybody is answered at once when this code makes place, or the gateway ends; None before."""
        problem = _MAKES_PLACE if self._makes_place else _STOPPING if self._generations.is_ending else ""
        return ReloadOutcome(self._generations.crew.number, [], [problem]) if problem else None

    async def _telling(self, work: Coroutine[Any, Any, ReloadOutcome]) -> ReloadOutcome:
        """Do it, and tell the service manager when it begins and ends; but nothing more when the gateway does."""
        self._notifier.reloading()
        try:
            return await work
        finally:
            if not self._refusal():
                self._notifier.ready()

    def _tell(self, failed: str, outcome: ReloadOutcome) -> None:
        for warning in outcome.warnings:
            log.warning("%s", warning)
        for problem in outcome.problems:
            log.error("%s", problem)
        if outcome.problems:
            log.error("%s%s", failed, "" if self._refusal() else f"; generation {outcome.generation} goes on serving")

    async def _reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        self._is_asked = False
        settings, outcome = await self._propose(is_forced=is_forced)
        if settings is None:
            return outcome
        problem = await self._generations.change_over(settings)
        outcome = outcome._replace(generation=self._generations.crew.number)
        if not problem:
            self._log_anew()
            log.info("Generation %d serves%s", outcome.generation, _told_changes(outcome.changes))
        return self._with_problem(outcome, problem)

    async def _propose(self, *, is_forced: bool) -> _Proposal:
        """Read the file, and see whether it may be meant so."""
        before, number = self._generations.crew.plan.settings, self._generations.crew.number
        read = await read_in_child(before.path)
        if self._generations.is_ending:
            return _Proposal(None, ReloadOutcome(number, read.warnings, [_STOPPING]))
        if read.settings_octets is None:
            return _Proposal(None, ReloadOutcome(number, read.warnings, read.problems))
        settings = decode_settings(read.settings_octets)
        changes = compare(before, settings)
        outcome = ReloadOutcome(number, read.warnings, [], changes)
        problem = self._refuse_run_dir(settings.gateway.run_dir)
        if not problem and not is_forced:
            problem = refusal(before, settings, changes)
        if problem:
            return _Proposal(None, self._with_problem(outcome, problem))
        return _Proposal(settings, outcome)

    def _with_problem(self, outcome: ReloadOutcome, problem: str) -> ReloadOutcome:
        """Return the outcome with what is found to be against it, if anything is."""
        path = self._generations.crew.plan.settings.path
        return outcome._replace(problems=[f"{path}: {problem}"]) if problem else outcome

    def _log_anew(self) -> None:
        plan = self._generations.crew.plan
        with contextlib.suppress(OSError):  # the workers could write there; the former file is written on
            start_logging(
                log_plan(plan.settings.log), self._loop, plan.identity.owner, rotates=True, losses=self._losses
            )

    async def _try_upgrade(self) -> ReloadOutcome:
        code = code_on_disk()
        if problem := await try_code_on_disk():
            return ReloadOutcome(self._generations.crew.number, [], [problem])
        outcome = await self._reload()
        if not outcome.problems and self._generations.is_ending:  # a reload that far ends well, and so it must end
            return outcome._replace(problems=[_STOPPING])
        if not outcome.problems and code_on_disk() != code:
            return outcome._replace(problems=[_CODE_CHANGED])
        self._makes_place = not outcome.problems
        return outcome

    def _refuse_run_dir(self, named: str) -> str:
        """Return what is against a file that names another folder: commands would look for us there, and upgrades for
        journals.
        """
        if os.path.realpath(named) == os.path.realpath(self._run_dir):
            return ""
        remedy = f"write run_dir={self._run_dir} again, or end this gateway (kill -TERM {os.getpid()}) and start it"
        text = "run_dir can change only at a restart: commands would look for this gateway in the new folder"
        return f"{text} and not find it; {remedy}"


def _told_changes(changes: Changes | None) -> str:
    lines = [summary(changes), *details(changes)] if changes is not None else []
    return "".join(f"; {line}" for line in lines)


def _brief_changes(outcome: ReloadOutcome) -> dict[str, Any] | None:
    if outcome.changes is None:
        return None
    return {"summary": summary(outcome.changes), **to_builtins(outcome.changes.brief())}
