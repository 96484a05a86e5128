"""The supervisor's loop: keep a worker in every slot, pass signals on, never wait for one of them."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable

from gateway.config.listening import listening_addresses
from gateway.config.settings import Settings, encode_settings
from gateway.engine.slots import Slot, SlotEvent, SlotState
from gateway.supervisor.identity import SAME_IDENTITY, Identity
from gateway.supervisor.process import WorkerProcess, settings_memfd
from gateway.supervisor.sockets import ListeningSockets

log = logging.getLogger("gateway.supervisor")

CANNOT_START = 3  # a worker's exit status: starting it again would not help


class Arbiter:
    """Workers in slots, from start to stop.

    Args:
        announce: told once, in one line, when every worker serves.
        identity: who the workers are.
    """

    def __init__(
        self,
        settings: Settings,
        n_workers: int,
        announce: Callable[[str], None],
        identity: Identity = SAME_IDENTITY,
    ) -> None:
        """Bind the sockets.

        Raises:
            CannotListen: an address cannot be bound.
        """
        self._addresses = listening_addresses(settings)
        self._sockets = ListeningSockets(self._addresses, n_workers)
        self._settings_fd = settings_memfd(encode_settings(settings))
        self._identity = identity
        self._drain_timeout_s = settings.gateway.drain_timeout_s
        self._slots = [Slot(number) for number in range(n_workers)]
        self._processes: dict[int, WorkerProcess] = {}
        self._announce: Callable[[str], None] | None = announce
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._is_stopping = False
        self._status = 0

    async def run(self) -> int:
        """Serve until told to stop; return the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop)
        for number in (signal.SIGHUP, signal.SIGUSR1):
            self._loop.add_signal_handler(number, self._decline, number)
        self._say_start()
        for slot in self._slots:
            self._spawn(slot)
        await self._stopped.wait()
        self._sockets.close()
        log.info("All workers have stopped")
        return self._status

    def _say_start(self) -> None:
        where = ", ".join(str(address) for address in self._addresses)
        log.info("Starting workers (%d) for %s", len(self._slots), where)
        granted = self._sockets.receive_buffer
        if granted < 1_048_576:
            log.warning(
                "The kernel grants sockets %d octets of receive buffer: a rush may lose datagrams; "
                "raise it with sysctl net.core.rmem_max=4194304",
                granted,
            )

    def _spawn(self, slot: Slot) -> None:
        try:
            process = WorkerProcess(
                slot.number,
                len(self._slots),
                self._settings_fd,
                self._sockets.of_slot(slot.number),
                self._identity,
            )
        except OSError as error:
            log.error("Worker %d cannot be started: %s", slot.number, error)
            self._happened(slot, SlotEvent.SPAWNED)
            self._back_off(slot)
            return
        self._processes[slot.number] = process
        self._happened(slot, SlotEvent.SPAWNED)
        self._loop.add_reader(process.channel.fileno(), self._heard, slot, process)
        self._loop.add_reader(process.pidfd, self._exited, slot, process)

    def _heard(self, slot: Slot, process: WorkerProcess) -> None:
        """A worker says one thing only: that it is ready."""
        said = process.channel.recv(64)
        self._loop.remove_reader(process.channel.fileno())
        if not said:
            return
        self._happened(slot, SlotEvent.REPORTED_READY)
        log.info("Worker %d (pid %d) is ready", slot.number, process.pid)
        if self._announce is not None and all(slot.state is SlotState.READY for slot in self._slots):
            where = ", ".join(f"udp {address}" for address in self._addresses)
            self._announce(f"radgate ready: {len(self._slots)} workers, {where}")
            self._announce = None

    def _exited(self, slot: Slot, process: WorkerProcess) -> None:
        self._loop.remove_reader(process.pidfd)
        self._loop.remove_reader(process.channel.fileno())
        status = process.reap()
        del self._processes[slot.number]
        if slot.state is SlotState.DRAINING:
            self._happened(slot, SlotEvent.EXITED)
        elif slot.state is SlotState.STARTING and status == CANNOT_START:
            self._give_up(slot)
        else:
            log.error("Worker %d (pid %d) died: %s", slot.number, process.pid, _describe(status))
            self._back_off(slot)
        self._note_stopped()

    def _give_up(self, slot: Slot) -> None:
        """A worker cannot start for a reason that will not go away: neither can the gateway."""
        self._happened(slot, SlotEvent.EXITED)
        self._status = CANNOT_START
        self._stop()

    def _back_off(self, slot: Slot) -> None:
        self._happened(slot, SlotEvent.EXITED)
        self._loop.call_later(slot.backoff_s, self._start_again, slot)

    def _start_again(self, slot: Slot) -> None:
        if slot.state is SlotState.BACKOFF:
            self._happened(slot, SlotEvent.BACKOFF_ELAPSED)
            self._spawn(slot)

    def _decline(self, number: int) -> None:
        """Say that a signal does nothing yet; left alone, it would end us."""
        log.warning("%s has no effect in this version; restart to take new settings", signal.Signals(number).name)

    def _stop(self) -> None:
        """Drain: each worker finishes what is pending. Asked a second time: end them at once."""
        if self._is_stopping:
            self._kill()
            return
        self._is_stopping = True
        log.info("Stopping: no more requests are taken, pending logins are finished")
        for slot in self._slots:
            self._happened(slot, SlotEvent.DRAIN_REQUESTED)
        for process in self._processes.values():
            process.signal(signal.SIGTERM)
        # A worker bounds its drain itself; one that hangs does not.
        self._loop.call_later(self._drain_timeout_s + 5.0, self._kill)
        self._note_stopped()

    def _kill(self) -> None:
        for process in self._processes.values():
            process.signal(signal.SIGKILL)

    def _note_stopped(self) -> None:
        if self._is_stopping and not self._processes:
            self._stopped.set()

    def _happened(self, slot: Slot, event: SlotEvent) -> None:
        slot.happened(event, self._loop.time())


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def announce_on_stderr(line: str) -> None:
    """Tell whoever started us, and systemd's readers of the console."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 -- this line is part of the command's interface
