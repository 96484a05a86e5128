"""The supervisor's loop: what signals, operators and workers say is passed on to whose matter it is, and nobody is
waited for.
"""

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable, Sequence
from typing import Any

from gateway.config.listening import ListeningAddress
from gateway.config.problems import Problem, Severity
from gateway.config.settings import Settings
from gateway.ipc.orders import (
    CANNOT_START,
)
from gateway.ipc.worker_channel import ReopenLogs
from gateway.logs.losses import Losses
from gateway.logs.setup import reopen_logs
from gateway.statistics.layout import Measure
from gateway.supervisor.beginning import Beginning, Premises, bind_sockets
from gateway.supervisor.console_keeper import ConsoleKeeper
from gateway.supervisor.control import ControlSocket, ReloadOutcome
from gateway.supervisor.crew import Crew
from gateway.supervisor.ending import Ending
from gateway.supervisor.facts import gateway_status
from gateway.supervisor.fail_mode import FailModeWatch
from gateway.supervisor.fleet_watch import FleetWatch
from gateway.supervisor.generations import Generations
from gateway.supervisor.hang_watch import HangWatch
from gateway.supervisor.log_watch import LogWatch, log_troubles
from gateway.supervisor.login import LoginQuestion, log_in
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.notify import Notifier
from gateway.supervisor.reloads import Reloads
from gateway.supervisor.run_dir_watch import RunDirWatch
from gateway.supervisor.signals import HANDLED_SIGNALS
from gateway.supervisor.slots import Slot
from gateway.supervisor.sockets import ListeningSockets
from gateway.supervisor.status import fleet_counts
from gateway.supervisor.terminal import HangUp
from gateway.supervisor.validity import certificates

log = logging.getLogger("gateway.supervisor")


class Arbiter:
    """A gateway, from start to end.

    Args:
        settings: of the first generation.
        premises: what is there before it begins.
        announce: told once, in one line, when every worker serves.
        notifier: tells the service manager.
        losses: lines that this process could not write.
    """

    def __init__(
        self,
        settings: Settings,
        premises: Premises,
        announce: Callable[[str], None],
        notifier: Notifier | None = None,
        losses: Losses | None = None,
    ) -> None:
        """Bind the sockets.

        Raises:
            CannotListen: an address cannot be bound.
            UnknownIdentity: the machine has no such user or group.
        """
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        self._notifier = notifier or Notifier()
        self._losses = losses or Losses()
        instance = secrets.token_hex(8)
        sockets = bind_sockets(settings, premises.sockets)
        self._generations = Generations(settings, sockets, premises.journals, instance, self)
        self._reloads = Reloads(self._generations, premises.run_dir.path, self._notifier, self._losses)
        self._beginning = Beginning(announce)
        self._tasks: set[asyncio.Task[Any]] = set()
        crews = self._generations.crews
        self._log_watch = LogWatch(lambda: log_troubles(crews(), self._losses), self._count_lost_lines)
        self._hang_watch = HangWatch(crews)
        self._fail_mode_watch = FailModeWatch(crews, self._is_reached_elsewhere, self._is_silent_when_isolated)
        self._control = ControlSocket(premises.run_dir, self)
        self._run_dir_watch = RunDirWatch(premises.run_dir, self._control, premises.journals)
        self._console = ConsoleKeeper(self.status, self._ledgers)
        self._fleet_watch = FleetWatch(instance, self._own_status, self._fail_mode_watch.look_at_others)
        self._terminal = premises.terminal
        self._ending = Ending(self._generations, self._notifier, self._fleet_watch.say_leaving)
        self._exit_status = 0

    @property
    def crew(self) -> Crew:
        """The workers of the present generation."""
        return self._generations.crew

    @property
    def sockets(self) -> ListeningSockets:
        """Those that are listened on."""
        return self.crew.plan.sockets

    @property
    def is_to_be_replaced(self) -> bool:
        """Whether other code is to take our place in this process once `run` has returned; sockets stay open."""
        return self._ending.is_to_be_replaced

    async def run(self) -> int:
        """Serve until told to stop; return the exit status."""
        await self._control.open()
        watches = (self._hang_watch, self._log_watch, self._run_dir_watch)
        try:
            self._handle_signals()
            self._beginning.say_start(self.crew)
            self._generations.start()
            for watch in watches:
                watch.start()
            self.generation_changed()
            self._watch_over()
            await self._ending.wait()
        finally:
            for watch in watches:
                watch.stop()
            self._fail_mode_watch.stop()
            self._console.stop()
            await self._fleet_watch.stop(goes_on=self.is_to_be_replaced)
            self._generations.close(keeps_sockets=self.is_to_be_replaced)
            await self._control.close()
        log.info("All workers have stopped")
        return self._exit_status

    def _handle_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._ending.stop_or_kill)
        self._loop.add_signal_handler(signal.SIGHUP, self._hung_up_or_reload_asked)
        self._loop.add_signal_handler(signal.SIGUSR1, self._reopen_logs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)

    def _watch_over(self) -> None:
        """Tell systemd that this loop turns."""
        if self._notifier.watchdog_interval_s is not None:
            self._notifier.watchdog()
            self._loop.call_later(self._notifier.watchdog_interval_s, self._watch_over)

    # What workers tell.

    def worker_prepared(self, crew: Crew) -> None:
        """Let a reload go on once every worker would serve."""
        self._generations.worker_prepared(crew)

    def worker_serves(self, crew: Crew) -> None:
        """Announce the gateway, and let a reload go on, once every worker serves."""
        self._generations.worker_serves(crew)
        if crew is self.crew and self._beginning.worker_serves(crew, self._page_in_words()):
            self._notifier.ready()

    def _page_in_words(self) -> str:
        if trouble := self._console.trouble:
            return f"no status page: {trouble}"
        return f"status page {self._console.url}" if self._console.url else ""

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """See whether there will ever be one."""
        self._generations.worker_missing(crew, slot)
        if crew is self.crew:
            self._give_up_if_hopeless(slot)
        self._ending.see_who_is_left()

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """See whether this was the last one, or one without which there is nothing to do."""
        self._generations.worker_gone(crew, slot, status)
        if crew is self.crew:
            self._give_up_if_hopeless(slot, is_final=status == CANNOT_START)
        self._ending.see_who_is_left()

    def _give_up_if_hopeless(self, slot: Slot, *, is_final: bool = False) -> None:
        if not self._generations.is_ending and self._beginning.is_hopeless(slot, is_final=is_final):
            self._exit_status = CANNOT_START
            self.stop()

    def generation_prepares(self, crew: Crew) -> None:
        """Let its workers know from the start how Duo is."""
        self._fail_mode_watch.brief(crew)

    def generation_changed(self) -> None:
        """Let all that goes by settings go by those of the present generation."""
        plan = self.crew.plan
        self._fail_mode_watch.start(plan.settings)
        self._console.follow(plan.settings, plan.identity)
        self._fleet_watch.follow(plan.settings)

    # What signals and the control socket ask for.

    def _hung_up_or_reload_asked(self) -> None:
        meaning = self._terminal.hang_up()
        if meaning is HangUp.STOP:
            log.warning("The terminal has closed; stopping, because the gateway ran in its foreground")
            self.stop()
        elif meaning is HangUp.OUTLIVED:
            log.info("The terminal has closed; the gateway keeps running, because it was started with nohup")
        elif not self._generations.is_ending:
            self._reload_asked()

    def _reload_asked(self) -> None:
        if not self._reloads.note_asked():
            return
        task = self._loop.create_task(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Read the configuration again and let a new generation serve by it; with an error, change nothing.

        Once it serves, Duo is asked about keys that are new.
        """
        outcome = await self._reloads.reload(is_forced=is_forced)
        if self._console.trouble and not outcome.problems:
            text = f"there is no status page: {self._console.trouble}; logins do not depend on it"
            warning = Problem("gateway", "console", text, severity=Severity.WARNING)
            outcome = outcome._replace(warnings=[*outcome.warnings, warning.render(self.crew.plan.settings.path)])
        ikeys = () if outcome.problems or outcome.changes is None else outcome.changes.applications.present
        return outcome._replace(key_troubles=await self._fail_mode_watch.troubles_of_keys(ikeys)) if ikeys else outcome

    async def try_reload(self, *, is_forced: bool = False) -> ReloadOutcome:
        """Return what a reload would come to, and change nothing."""
        return await self._reloads.try_reload(is_forced=is_forced)

    def taken_addresses(self, addresses: Sequence[ListeningAddress]) -> dict[str, str]:
        """Return which of these others than we have, and what is to be said of it."""
        return self._generations.taken_addresses(addresses)

    async def upgrade(self) -> ReloadOutcome:
        """Let the code on disk take our place in this process; with anything against it, change nothing.

        What can be tried is tried first. Then all leave, and what they know waits in journals, as datagrams do in
        sockets.
        """
        outcome = await self._reloads.try_upgrade()
        if not outcome.problems:
            self._ending.make_place()
        return outcome

    async def login(self, question: LoginQuestion) -> LoginOutcome:
        """Log in, as an operator who tries it, by the settings that are in use. Raises as `log_in` does."""
        return await log_in(self.crew.plan.settings, question)

    def _reopen_logs(self) -> None:
        """Somebody has moved the log files away."""
        reopen_logs()
        self._console.reopen_log()
        for crew in self._generations.crews():
            crew.tell(ReopenLogs())

    def stop(self) -> None:
        """Drain: each worker finishes what is pending."""
        self._ending.stop()

    def leave(self) -> None:
        """Leave logins that wait for a person to the next start, and end."""
        self._ending.leave()

    # Status.

    def status(self) -> dict[str, Any]:
        """Return what `status.json` holds."""
        status, fleet = self._own_status(), self._fleet_watch.status()
        if fleet is not None:
            fleet = {**fleet, "isolated": self._fail_mode_watch.isolated, **fleet_counts(self._generations.totals())}
            status = {**status, "fleet": fleet}
        return status

    def _is_reached_elsewhere(self, application: str) -> bool:
        return self._fleet_watch.is_reached_elsewhere(application)

    def _is_silent_when_isolated(self) -> bool:
        return self._fleet_watch.is_silent_when_isolated

    def _own_status(self) -> dict[str, Any]:
        """Return what it holds of this host."""
        status = gateway_status(
            self.crew,
            self._generations.former,
            self._fail_mode_watch.standing,
            self._generations.totals(),
            self._losses,
            self._started_at,
        )
        return {
            **status,
            "ending": self._ending.is_final,
            "max_pending": self.crew.plan.settings.gateway.max_pending,
            "console": self._console.state(),
            "certificates": certificates(self.crew.plan.settings, self._fail_mode_watch.validity),
            "last_reload": self._reloads.status(),
        }

    def _count_lost_lines(self, name: str) -> int:
        return self._generations.totals().counters[Measure.LOG_LINES_LOST, name] + self._losses.n_lines[name]

    def _ledgers(self) -> list[int]:
        """Return where finished logins are shown."""
        return [crew.plan.ledger.descriptor for crew in self._generations.crews()]
