"""The supervisor's loop: keep a worker at every slot, pass signals on, bring in new generations, never wait for one
worker.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.settings import Settings, decode_settings, encode_settings
from gateway.ipc.board import Board
from gateway.ipc.ledger import Ledger
from gateway.ipc.memory import memfd
from gateway.ipc.orders import (
    CANNOT_START,
    LEAVE_TIMEOUT_S,
    REMEMBER_S,
    GenerationOrders,
)
from gateway.ipc.plan import (
    board_plan,
    log_plan,
    worker_count,
)
from gateway.ipc.worker_channel import ReopenLogs
from gateway.logs.losses import Losses
from gateway.logs.setup import reopen_logs, start_logging
from gateway.statistics.layout import Measure
from gateway.statistics.reading import (
    Totals,
    merge,
)
from gateway.supervisor.console_keeper import ConsoleKeeper
from gateway.supervisor.control import ControlSocket, ReloadOutcome
from gateway.supervisor.crew import Crew, CrewPlan
from gateway.supervisor.crews import Crews
from gateway.supervisor.facts import gateway_status
from gateway.supervisor.failmode import FailModeWatch
from gateway.supervisor.fleet_watch import FleetWatch
from gateway.supervisor.form import hot_path
from gateway.supervisor.hang_watch import HangWatch
from gateway.supervisor.identity import find_identity
from gateway.supervisor.inheritance import HANDLED_SIGNALS
from gateway.supervisor.journals import Journals
from gateway.supervisor.limits import files_wanted, raise_file_limit
from gateway.supervisor.log_watch import LogWatch, log_troubles
from gateway.supervisor.login import LoginQuestion, log_in
from gateway.supervisor.login_helper import LoginOutcome
from gateway.supervisor.notify import Notifier
from gateway.supervisor.reading import read_in_child
from gateway.supervisor.reload import Reload
from gateway.supervisor.run_dir import RunDir
from gateway.supervisor.sockets import CannotListen, ListeningSockets, bucket_count
from gateway.supervisor.status import fleet_counts
from gateway.supervisor.stderr import say
from gateway.supervisor.succession_plan import Slot
from gateway.supervisor.terminal import HangUp, Terminal
from gateway.supervisor.trial import try_code_on_disk
from gateway.supervisor.validity import certificates
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


def _tell(outcome: ReloadOutcome) -> None:
    for warning in outcome.warnings:
        log.warning("%s", warning)
    for problem in outcome.problems:
        log.error("%s", problem)


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
        self._premises = premises
        self._instance = secrets.token_hex(8)
        self._settings_fds: dict[int, int] = {}
        addresses = listening_addresses(settings)
        n_workers = worker_count(settings)
        raise_file_limit(files_wanted(settings).in_all)
        self.sockets = _bound(addresses, n_workers, premises.sockets)
        self._workers = Crews(self, premises.journals)
        self.crew = self._new_crew(1, settings, n_workers, self.sockets)
        self._workers.take_found(self.crew)
        self._former: list[Crew] = []
        self._reloading = asyncio.Lock()
        self._under_way: Reload | None = None
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._losses = losses or Losses()
        self._log_watch = LogWatch(lambda: log_troubles(self._crews(), self._losses), self._count_lost_lines)
        self._vigil = HangWatch(self._crews)
        self._fail_mode_watch = FailModeWatch(self._crews, self._is_reached_elsewhere)
        self._last_reload: tuple[ReloadOutcome, float] | None = None
        self._counted = Totals(Counter(), Counter(), {})  # by crews that are gone
        self._control = ControlSocket(premises.run_dir, self)
        self._console = ConsoleKeeper(self.status, self._ledgers)
        self._fleet_watch = FleetWatch(self._instance, self._own_status, self._fail_mode_watch.look_at_others)
        self._terminal = Terminal()
        self._has_served = False
        self._is_stopping = False
        self.is_to_be_replaced = False
        self._status = 0

    def _new_crew(self, number: int, settings: Settings, n_workers: int, sockets: ListeningSockets) -> Crew:
        identity = find_identity(settings.gateway.user, settings.gateway.group)
        self._settings_fds[number] = memfd("radgate-settings", encode_settings(settings))
        former = sorted((each for each in self._settings_fds if each != number), reverse=True)
        generations = [GenerationOrders(each, self._settings_fds[each]) for each in (number, *former)]
        board = Board.create(board_plan(settings, n_workers))
        try:
            ledger = Ledger.create(n_workers)
        except OSError:
            board.close()
            raise
        key = self._premises.journals.key
        plan = CrewPlan(settings, generations, n_workers, sockets, identity, key, board, ledger, self._instance)
        return self._workers.create(plan)

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
            self._workers.start(self.crew)
            self._vigil.start()
            self._log_watch.start()
            self._fail_mode_watch.start(self.crew.plan.settings)
            self._console.follow(self.crew.plan.settings, self.crew.plan.identity)
            self._fleet_watch.follow(self.crew.plan.settings)
            self._watch_over()
            await self._stopped.wait()
        finally:
            self._vigil.stop()
            self._log_watch.stop()
            self._fail_mode_watch.stop()
            self._console.stop()
            await self._fleet_watch.stop()
            kept = [self.sockets] if self.is_to_be_replaced else []
            for crew in self._crews():
                crew.plan.sockets.close(kept)
            await self._control.close()
        log.info("All workers have stopped")
        return self._status

    def _crews(self) -> Iterator[Crew]:
        yield self.crew
        yield from self._former
        if self._under_way is not None and self._under_way.crew is not None:
            yield self._under_way.crew

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
        if self._under_way is not None:
            self._under_way.worker_prepared(crew)

    def worker_serves(self, crew: Crew) -> None:
        """Announce the gateway, and let a reload go on, once every worker serves."""
        self._has_served = True
        if crew is not self.crew or not crew.generation.is_ready:
            return
        if self._under_way is not None:
            self._under_way.all_serve()
        if self._announce is not None:
            where = [f"udp {address}" for address in self._listening()]
            where += [f"status page {self._console.url}"] if self._console.url else []
            workers = counted(len(crew.slots), "worker")
            self._announce(f"radgate ready: {workers}, hot path {hot_path()}, {', '.join(where)}")
            self._announce = None
            self._notifier.ready()

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """See whether there will ever be one."""
        if self._under_way is not None:
            self._under_way.worker_missing(crew, slot)
        if crew is self.crew:
            self._give_up_if_hopeless(slot)
        self._retire_if_gone(crew)
        self._note_stopped()

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """See whether this was the last one, or one without which there is nothing to do."""
        if self._under_way is not None:
            self._under_way.worker_gone(crew, slot, status)
        if crew is self.crew:
            self._give_up_if_hopeless(slot, is_final=status == CANNOT_START)
        self._retire_if_gone(crew)
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

    def _retire_if_gone(self, crew: Crew) -> None:
        if crew in self._former and crew.generation.is_gone:
            self._former.remove(crew)
            crew.plan.sockets.close(self._sockets_in_use())
            self._counted = merge(self._counted, crew.counted().retired())
            self._workers.forget(crew)

    def _sockets_in_use(self) -> list[ListeningSockets]:
        """A former generation's workers answer by their sockets until they leave; until then they can be reused."""
        to_come = [self._under_way.sockets] if self._under_way is not None else []
        return [*(crew.plan.sockets for crew in self._crews()), *to_come]

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
        async with self._reloading:
            self._notifier.reloading()
            try:
                outcome = await self._reload()
            finally:
                self._notifier.ready()
        self._last_reload = outcome, self._loop.time()
        _tell(outcome)
        if outcome.problems:
            log.error("The configuration has not been reloaded; generation %d goes on serving", outcome.generation)
        else:
            log.info("Generation %d serves", outcome.generation)
        return outcome

    async def _reload(self) -> ReloadOutcome:
        path = self.crew.plan.settings.path
        read = await read_in_child(path)
        problems = read.problems
        if read.settings_octets is not None and not self._is_stopping:
            settings = decode_settings(read.settings_octets)
            problems = [f"{path}: {problem}" for problem in await self._change_over(settings)]
        elif self._is_stopping:
            problems = ["the gateway is stopping"]
        return ReloadOutcome(self.crew.number, read.warnings, problems)

    async def _change_over(self, settings: Settings) -> list[str]:
        """Bring in a generation with these settings; return what keeps it from serving."""
        n_workers = worker_count(settings)
        if n_workers > self.sockets.n_buckets:
            return [f"workers={n_workers} needs a restart; without one there can be {self.sockets.n_buckets} at most"]
        addresses = listening_addresses(settings)
        raise_file_limit(files_wanted(settings).in_all)
        try:
            sockets = ListeningSockets(addresses, self.sockets.n_buckets, self._sockets_in_use())
        except CannotListen as error:
            return [str(error)]
        self._under_way = reload = Reload(settings, n_workers, sockets, self)
        try:
            problem = await reload.outcome()
        finally:
            self._under_way = None
        if problem:
            sockets.close(self._sockets_in_use())
            return [problem]
        with contextlib.suppress(OSError):  # the workers could write there; the former file is written on
            owner = self.crew.plan.identity.owner
            start_logging(log_plan(settings.log), self._loop, owner, rotates=True, losses=self._losses)
        return []

    def prepare(self, reload: Reload) -> None:
        """Start the next generation's workers; those of the present one are told of in their orders.

        Raises:
            OSError: no descriptor is left.
            UnknownIdentity: the machine has no such user or group.
        """
        crew = self._new_crew(self.crew.number + 1, reload.settings, reload.n_workers, reload.sockets)
        reload.crew = crew
        self._fail_mode_watch.brief(crew)
        self._workers.name_successors(self.crew, crew)
        self._workers.start(crew, in_background=True)

    def discard(self, crew: Crew | None) -> None:
        """End the next generation's workers; the present ones never heard of them."""
        settings_fd = self._settings_fds.pop(self.crew.number + 1, None)
        if settings_fd is not None:
            os.close(settings_fd)
        if crew is not None:
            self._former.append(crew)
            self._workers.abort(crew)
            self._retire_if_gone(crew)

    def switch(self, crew: Crew, sockets: ListeningSockets) -> None:
        """From here on the next generation serves: each worker as soon as its predecessors have handed over."""
        former, self.crew = self.crew, crew
        crew.on_duty_since = self._loop.time()
        self._former.append(former)
        self._fail_mode_watch.start(crew.plan.settings)
        self._console.follow(crew.plan.settings, crew.plan.identity)
        self._fleet_watch.follow(crew.plan.settings)
        self._workers.hand_over(former)
        self._loop.call_later(former.plan.settings.gateway.drain_timeout_s + 5.0, former.signal, signal.SIGKILL)
        self._loop.call_later(REMEMBER_S, self._forget_settings, former.number)
        self._retire_if_gone(former)
        self.sockets = sockets

    def _forget_settings(self, number: int) -> None:
        if not any(crew.number == number for crew in self._crews()):
            os.close(self._settings_fds.pop(number))
        else:
            self._loop.call_later(REMEMBER_S, self._forget_settings, number)

    async def upgrade(self) -> ReloadOutcome:
        """Let the code on disk take our place in this process; with anything against it, change nothing.

        What can be tried is tried first: whether that code starts, whether it reads the file, and, by a reload, whether
        workers serve with it. Then all leave, and what they know waits in journals, as datagrams do in sockets.
        """
        async with self._reloading:
            self._notifier.reloading()
            outcome = await self._try_upgrade()
            if outcome.problems:
                self._notifier.ready()
        _tell(outcome)
        if outcome.problems:
            log.error("Not upgraded; generation %d goes on serving", outcome.generation)
        else:
            log.info("Leaving this process to the code on disk")
            self.is_to_be_replaced = True
            self._loop.call_soon(self._leave)
        return outcome

    async def _try_upgrade(self) -> ReloadOutcome:
        problem = await try_code_on_disk() or await self._find_other_run_dir()
        return await self._reload() if not problem else ReloadOutcome(self.crew.number, [], [problem])

    async def _find_other_run_dir(self) -> str:
        """Return what is against an upgrade if the file names another folder: journals would not be found there."""
        path, run_dir = self.crew.plan.settings.path, str(self._premises.run_dir.path)
        octets = (await read_in_child(path)).settings_octets
        if octets is None or decode_settings(octets).gateway.run_dir == run_dir:
            return ""
        return f"{path}: another run_dir needs a restart; it is {run_dir} now"

    async def login(self, question: LoginQuestion) -> LoginOutcome:
        """Log in, as an operator who tries it, by the settings that are in use. Raises as `log_in` does."""
        return await log_in(self.crew.plan.settings, question)

    def _reopen_logs(self) -> None:
        """Somebody has moved the log files away."""
        reopen_logs()
        self._console.reopen_log()
        for crew in self._crews():
            crew.tell(ReopenLogs())

    # Stop.

    def _stop_or_kill(self) -> None:
        if self._is_stopping:
            self.is_to_be_replaced = False
            self._kill()
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
        if self._under_way is not None:
            self._under_way.stop()
        for crew in list(self._crews()):
            self._workers.stop(crew)
        # A worker bounds its drain itself; one that hangs does not.
        self._loop.call_later(self.crew.plan.settings.gateway.drain_timeout_s + 5.0, self._kill)
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
        if self._under_way is not None:
            self._under_way.stop()
        for crew in list(self._crews()):
            self._workers.leave(crew)
        self._loop.call_later(LEAVE_TIMEOUT_S + 1.0, self._kill)
        self._note_stopped()

    def _kill(self) -> None:
        for crew in self._crews():
            crew.signal(signal.SIGKILL)

    def _note_stopped(self) -> None:
        if self._is_stopping and all(crew.generation.is_gone for crew in self._crews()):
            self._stopped.set()

    # Status.

    def status(self) -> dict[str, Any]:
        """Return what `status.json` holds."""
        status, fleet = self._own_status(), self._fleet_watch.status()
        if fleet is not None:
            fleet = {**fleet, "isolated": self._fail_mode_watch.isolated, **fleet_counts(self._totals())}
            status = {**status, "fleet": fleet}
        return status

    def _is_reached_elsewhere(self, application: str) -> bool:
        return self._fleet_watch.is_reached_elsewhere(application)

    def _own_status(self) -> dict[str, Any]:
        """Return what it holds of this host."""
        status = gateway_status(
            self.crew, self._former, self._fail_mode_watch.standing, self._totals(), self._losses, self._started_at
        )
        return {
            **status,
            "max_pending": self.crew.plan.settings.gateway.max_pending,
            "console": self._console.state(),
            "certificates": certificates(self.crew.plan.settings, self._fail_mode_watch.validity),
            "last_reload": self._reload_status(),
        }

    def _reload_status(self) -> dict[str, Any] | None:
        """Return what became of the last reload; None if there was none."""
        if self._last_reload is None:
            return None
        outcome, at = self._last_reload
        return {"ok": not outcome.problems, "age_s": self._loop.time() - at, "problems": outcome.problems}

    def _totals(self) -> Totals:
        totals = merge(self._counted, self.crew.counted())
        for crew in self._former:
            totals = merge(totals, crew.counted().retired())
        return totals

    def _count_lost_lines(self, name: str) -> int:
        return self._totals().counters[Measure.LOG_LINES_LOST, name] + self._losses.n_lines[name]

    def _ledgers(self) -> list[int]:
        """Return where finished logins are shown."""
        return [crew.plan.ledger.descriptor for crew in self._crews()]
