"""The supervisor's loop: keep a worker at every slot, pass signals on, bring in new generations, never wait for one
worker.
"""

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.settings import Settings
from gateway.ipc.orders import (
    CANNOT_START,
    LEAVE_TIMEOUT_S,
)
from gateway.ipc.plan import (
    worker_count,
)
from gateway.ipc.worker_channel import ReopenLogs
from gateway.logs.losses import Losses
from gateway.logs.setup import reopen_logs
from gateway.statistics.layout import Measure
from gateway.supervisor.console_keeper import ConsoleKeeper
from gateway.supervisor.control import ControlSocket, ReloadOutcome
from gateway.supervisor.crew import Crew
from gateway.supervisor.facts import gateway_status
from gateway.supervisor.failmode import FailModeWatch
from gateway.supervisor.fleet_watch import FleetWatch
from gateway.supervisor.form import hot_path
from gateway.supervisor.generations import Generations
from gateway.supervisor.hang_watch import HangWatch
from gateway.supervisor.inheritance import HANDLED_SIGNALS
from gateway.supervisor.journals import Journals
from gateway.supervisor.limits import files_wanted, raise_file_limit
from gateway.supervisor.log_watch import LogWatch, log_troubles
from gateway.supervisor.login import LoginQuestion, log_in
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.notify import Notifier
from gateway.supervisor.reloads import Reloads
from gateway.supervisor.run_dir import RunDir
from gateway.supervisor.sockets import ListeningSockets, bucket_count
from gateway.supervisor.status import fleet_counts
from gateway.supervisor.stderr import say
from gateway.supervisor.succession_plan import Slot
from gateway.supervisor.terminal import HangUp, Terminal
from gateway.words.english import counted

log = logging.getLogger("gateway.supervisor")

START_TRIES = 3  # of a slot, while no worker has ever served: then the gateway cannot start


class Premises(NamedTuple):
    """What a gateway begins with.

    Attributes:
        run_dir: its folder, locked.
        journals: those in it.
        sockets: bound by the code before us in this process; None if there was none.
    """

    run_dir: RunDir
    journals: Journals
    sockets: ListeningSockets | None = None


def _bound(addresses: list[ListeningAddress], n_workers: int, inherited: ListeningSockets | None) -> ListeningSockets:
    """Return sockets for so many workers: those that are bound already, where they are as these addresses want them."""
    if inherited is None or inherited.n_buckets < n_workers:
        if inherited is not None:
            inherited.close()
        return ListeningSockets(addresses, bucket_count(n_workers))
    sockets = ListeningSockets(addresses, inherited.n_buckets, [inherited])
    inherited.close([sockets])
    return sockets


class Arbiter:
    """Generations of workers, from start to stop.

    Attributes:
        sockets: those that are listened on.
        is_to_be_replaced: other code is to take our place in this process once `run` has returned; sockets stay open.

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
        self._announce: Callable[[str], None] | None = announce
        self._notifier = notifier or Notifier()
        self._losses = losses or Losses()
        instance = secrets.token_hex(8)
        raise_file_limit(files_wanted(settings).in_all)
        sockets = _bound(listening_addresses(settings), worker_count(settings), premises.sockets)
        self._generations = Generations(settings, sockets, premises.journals, instance, self)
        self._reloads = Reloads(self._generations, premises.run_dir.path, self._notifier, self._losses)
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        crews = self._generations.crews
        self._log_watch = LogWatch(lambda: log_troubles(crews(), self._losses), self._count_lost_lines)
        self._hang_watch = HangWatch(crews)
        self._fail_mode_watch = FailModeWatch(crews, self._is_reached_elsewhere)
        self._control = ControlSocket(premises.run_dir, self)
        self._console = ConsoleKeeper(self.status, self._ledgers)
        self._fleet_watch = FleetWatch(instance, self._own_status, self._fail_mode_watch.look_at_others)
        self._terminal = Terminal()
        self._has_served = False
        self._is_stopping = False
        self.is_to_be_replaced = False
        self._status = 0

    @property
    def crew(self) -> Crew:
        """The workers of the present generation."""
        return self._generations.crew

    @property
    def sockets(self) -> ListeningSockets:
        """Those that are listened on."""
        return self.crew.plan.sockets

    async def run(self) -> int:
        """Serve until told to stop; return the exit status."""
        await self._control.open()
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._stop_or_kill)
            self._loop.add_signal_handler(signal.SIGHUP, self._hung_up_or_reload_asked)
            self._loop.add_signal_handler(signal.SIGUSR1, self._reopen_logs)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)
            self._say_start()
            self._generations.start()
            self._hang_watch.start()
            self._log_watch.start()
            self.generation_changed()
            self._watch_over()
            await self._stopped.wait()
        finally:
            self._hang_watch.stop()
            self._log_watch.stop()
            self._fail_mode_watch.stop()
            self._console.stop()
            await self._fleet_watch.stop()
            self._generations.close(keeps_sockets=self.is_to_be_replaced)
            await self._control.close()
        log.info("All workers have stopped")
        return self._status

    def _say_start(self) -> None:
        log.info("Starting workers (%d) for %s", len(self.crew.slots), ", ".join(self._listening()))
        self._raise_file_limit()
        granted = self.sockets.receive_buffer
        if granted < 1_048_576:
            log.warning(
                "The kernel grants sockets %d bytes of receive buffer: a rush may lose datagrams; "
                "raise it with sysctl net.core.rmem_max=4194304",
                granted,
            )

    def _raise_file_limit(self) -> None:
        """Say so if a worker may not have enough files."""
        plan = self.crew.plan
        wanted = files_wanted(plan.settings).in_all
        granted = raise_file_limit(wanted)
        if granted < wanted:
            log.warning(
                "A process may open %d files here; %d are needed for max_pending=%d logins in %s: "
                "raise LimitNOFILE in the systemd unit, or ulimit -Hn, or lower max_pending",
                *(granted, wanted, plan.settings.gateway.max_pending, counted(plan.n_workers, "worker")),
            )

    def _listening(self) -> list[str]:
        return [str(address) for address in listening_addresses(self.crew.plan.settings)]

    def _watch_over(self) -> None:
        """Tell systemd that this loop turns."""
        if self._notifier.watchdog_interval_s is not None:
            self._notifier.watchdog()
            self._loop.call_later(self._notifier.watchdog_interval_s, self._watch_over)

    # What a crew tells.

    def worker_prepared(self, crew: Crew) -> None:
        """Let a reload go on once every worker would serve."""
        self._generations.worker_prepared(crew)

    def worker_serves(self, crew: Crew) -> None:
        """Announce the gateway, and let a reload go on, once every worker serves."""
        self._has_served = True
        self._generations.worker_serves(crew)
        if self._announce is not None and crew is self.crew and crew.generation.is_ready:
            where = [f"udp {address}" for address in self._listening()]
            where += [f"status page {self._console.url}"] if self._console.url else []
            workers = counted(len(crew.slots), "worker")
            self._announce(f"radgate ready: {workers}, hot path {hot_path()}, {', '.join(where)}")
            self._announce = None
            self._notifier.ready()

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """See whether there will ever be one."""
        self._generations.worker_missing(crew, slot)
        if crew is self.crew:
            self._give_up_if_hopeless(slot)
        self._note_stopped()

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """See whether this was the last one, or one without which there is nothing to do."""
        self._generations.worker_gone(crew, slot, status)
        if crew is self.crew:
            self._give_up_if_hopeless(slot, is_final=status == CANNOT_START)
        self._note_stopped()

    def _give_up_if_hopeless(self, slot: Slot, *, is_final: bool = False) -> None:
        """Where no worker has ever served, and one cannot start, neither can the gateway."""
        is_hopeless = is_final or (not self._has_served and slot.n_failures >= START_TRIES)
        if self._announce is None or not is_hopeless or self._is_stopping:
            return
        log.error("Worker %d cannot start: %s", slot.number, slot.trouble)
        say(f"radgate: cannot start: worker {slot.number}: {slot.trouble}")
        self._status = CANNOT_START
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

    # Reload.

    def _hung_up_or_reload_asked(self) -> None:
        meaning = self._terminal.hang_up()
        if meaning is HangUp.STOP:
            log.warning("The terminal has closed; stopping, because the gateway ran in its foreground")
            self.stop()
        elif meaning is HangUp.OUTLIVED:
            log.info("The terminal has closed; the gateway keeps running, because it was started with nohup")
        elif not self._is_stopping:
            self._reload_asked()

    def _reload_asked(self) -> None:
        task = self._loop.create_task(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self) -> ReloadOutcome:
        """Read the configuration again and let a new generation serve by it; with an error, change nothing."""
        return await self._reloads.reload()

    async def upgrade(self) -> ReloadOutcome:
        """Let the code on disk take our place in this process; with anything against it, change nothing.

        What can be tried is tried first. Then all leave, and what they know waits in journals, as datagrams do in
        sockets.
        """
        outcome = await self._reloads.try_upgrade()
        if not outcome.problems:
            log.info("Leaving this process to the code on disk")
            self.is_to_be_replaced = True
            self._loop.call_soon(self._leave)
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

    # Stop.

    def _stop_or_kill(self) -> None:
        if self._is_stopping:
            self.is_to_be_replaced = False
            self._generations.kill()
        else:
            self.stop()

    def stop(self) -> None:
        """Drain: each worker finishes what is pending."""
        self.is_to_be_replaced = False
        if self._is_stopping:
            return
        self._is_stopping = True
        self._notifier.stopping()
        self._fleet_watch.say_leaving()
        log.info("Stopping: no more requests are taken, pending logins are finished")
        self._generations.stop()
        # A worker bounds its drain itself; one that hangs does not.
        self._loop.call_later(self.crew.plan.settings.gateway.drain_timeout_s + 5.0, self._generations.kill)
        self._note_stopped()

    def leave(self) -> None:
        """Leave logins that wait for a person to the next start, and end."""
        self.is_to_be_replaced = False
        self._notifier.stopping()
        self._leave()

    def _leave(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        log.info("Leaving: no more requests are taken, and what waits for a person is left to the next start")
        self._generations.leave()
        self._loop.call_later(LEAVE_TIMEOUT_S + 1.0, self._generations.kill)
        self._note_stopped()

    def _note_stopped(self) -> None:
        if self._is_stopping and self._generations.is_gone:
            self._stopped.set()

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
            "max_pending": self.crew.plan.settings.gateway.max_pending,
            "console": self._console.state(),
            "last_reload": self._reloads.status(),
        }

    def _count_lost_lines(self, name: str) -> int:
        return self._generations.totals().counters[Measure.LOG_LINES_LOST, name] + self._losses.n_lines[name]

    def _ledgers(self) -> list[int]:
        """Return where finished logins are shown."""
        return [crew.plan.ledger.descriptor for crew in self._generations.crews()]
