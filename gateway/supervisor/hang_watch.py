"""Watching for workers that hang: no heartbeat for so long, then its stacks are logged and it is replaced."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable

from gateway.ipc.worker_channel import STACK_SIGNAL
from gateway.supervisor.crew import Crew
from gateway.supervisor.process import WorkerProcess
from gateway.supervisor.slot_life import SlotState
from gateway.supervisor.slots import Slot

log = logging.getLogger("gateway.supervisor")

LOOK_EVERY_S = 1.0
HUNG_AFTER_S = 10.0
START_AFTER_S = 60.0  # for one that does not serve yet: a large configuration takes its time, all the more at a reload
STACKS_WITHIN_S = 0.5  # to write them
OWN_PAUSE_S = 3.0  # after one of our own, all workers may look as if they had hung: let them show


class HangWatch:
    """Looks at every worker's heartbeat once a second, from `start` to `stop`."""

    def __init__(self, crews: Callable[[], Iterable[Crew]]) -> None:
        self._crews = crews
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at = 0.0
        self._condemned: set[int] = set()

    def start(self) -> None:
        """Begin to look."""
        self._looked_at = self._loop.time()
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        was_away = now - self._looked_at > OWN_PAUSE_S
        self._looked_at = now
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        if was_away:
            return
        for crew in self._crews():
            for slot in crew.slots:
                process = crew.process(slot)
                if process is not None and self._hangs(crew, slot, process, now):
                    self._replace(slot, process)

    def _hangs(self, crew: Crew, slot: Slot, process: WorkerProcess, now: float) -> bool:
        signs = crew.board.signs_of_life(slot.number)
        if signs.pid == process.pid:  # it has shown itself once before it builds its tables
            return now - signs.heartbeat_ns / 1e9 > _patience_s(slot)
        # A worker of newer code than ours may have no row that we can read: it is watched until it serves.
        return slot.state is SlotState.STARTING and now - slot.spawned_at > START_AFTER_S

    def _replace(self, slot: Slot, process: WorkerProcess) -> None:
        if process.pid in self._condemned:
            return
        self._condemned.add(process.pid)
        log.error(
            "Worker %d (pid %d) hangs: it gave no sign of life for %g s. Its stacks follow, then it is replaced",
            *(slot.number, process.pid, _patience_s(slot)),
        )
        process.signal(STACK_SIGNAL)
        self._loop.call_later(STACKS_WITHIN_S, self._kill, process)

    def _kill(self, process: WorkerProcess) -> None:
        self._condemned.discard(process.pid)
        process.signal(signal.SIGKILL)


def _patience_s(slot: Slot) -> float:
    """Return for how long its worker may give no sign of life."""
    return START_AFTER_S if slot.state is SlotState.STARTING else HUNG_AFTER_S
