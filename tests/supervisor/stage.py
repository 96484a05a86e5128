"""Generations whose workers do what a test wants: with no process, no socket, and a file that is not read."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.config.changes import Changes, compare
from gateway.config.read_outcome import ReadOutcome
from gateway.config.settings import encode_settings
from gateway.ipc.orders import Orders
from gateway.ipc.worker_channel import FromWorker, Spares, hear_supervisor
from gateway.logs.losses import Losses
from gateway.supervisor import crews, generations, reloads
from gateway.supervisor.control import ReloadOutcome
from gateway.supervisor.crew import Crew
from gateway.supervisor.generations import Generations
from gateway.supervisor.journals import Journals
from gateway.supervisor.notify import Notifier
from gateway.supervisor.reloads import Reloads
from gateway.supervisor.slots import Slot
from gateway.supervisor.sockets import ListeningSockets
from tests.config.files import MINIMAL, parse
from tests.descriptors import targets
from tests.supervisor.scripted_worker import ScriptedProcess, said, turns

GATEWAY = "\n[gateway]\nworkers=1\n"
PREPARED, SERVING, HANDED_OVER = FromWorker.PREPARED, FromWorker.SERVING, FromWorker.HANDED_OVER


class ScriptedSockets(ListeningSockets):
    """No sockets, of four buckets.

    Attributes:
        is_closed: nobody that is left has them.
    """

    receive_buffer = 1 << 22

    def __init__(self, *_: object) -> None:
        self.n_buckets = 4
        self.groups = []
        self.passages = []
        self.is_closed = False

    @staticmethod
    def try_addresses(*_: object) -> None:
        """All can be had."""

    def close(self, others: Any = ()) -> None:
        """Take note, unless others have them."""
        self.is_closed = not any(each is self for each in others)


class Told(NamedTuple):
    """What a worker was told to do, and how many links came with it."""

    word: object
    n_links: int


class WorkersStage:
    """Scripted workers, of settings with one worker.

    Attributes:
        read: what reading the file comes to, each time.
        workers: all that were ever started.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = parse(MINIMAL + GATEWAY)[0]
        self.read = ReadOutcome(settings_octets=encode_settings(self.settings))
        self.workers: list[ScriptedProcess] = []
        monkeypatch.setattr(crews, "WorkerProcess", self._start)
        monkeypatch.setattr(generations, "ListeningSockets", ScriptedSockets)
        monkeypatch.setattr(reloads, "read_in_child", self._read)
        monkeypatch.setattr(reloads, "start_logging", lambda *_, **__: None)

    @property
    def no_changes(self) -> Changes:
        """What a reload of the same file comes to."""
        return compare(self.settings, self.settings)

    async def _read(self, _path: str) -> ReadOutcome:
        return self.read

    def _start(self, orders: Orders, identity: object) -> ScriptedProcess:
        self.workers.append(ScriptedProcess(orders, identity))
        return self.workers[-1]

    async def serves(self, worker: ScriptedProcess) -> None:
        """Let a worker serve."""
        await said(worker, PREPARED)
        await said(worker, SERVING)

    def told(self, worker: ScriptedProcess) -> Told | None:
        """Return what a worker was told; None for nothing."""
        worker.theirs.setblocking(False)
        try:
            received = hear_supervisor(worker.theirs, Spares(0))
        except BlockingIOError:
            return None
        assert received is not None
        for descriptor in received.descriptors:
            os.close(descriptor)
        return Told(received.word, len(received.descriptors))

    async def exits(self, worker: ScriptedProcess, status: int = 0, words: str = "") -> None:
        """Let a worker end."""
        worker.last_words = words
        worker.exit(status)
        await turns()

    async def next_worker(self, after: ScriptedProcess) -> ScriptedProcess:
        """Return the one that comes after the last, once it is there."""
        while self.workers[-1] is after:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
        return self.workers[-1]

    async def all_exit(self) -> None:
        """Let every worker end that is left."""
        for worker in self.workers:
            if not worker.has_exited:
                await self.exits(worker)


class NotedNotifier(Notifier):
    """Keeps what the service manager would be told."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[str] = []

    def _send(self, state: str) -> None:
        self.states.append(state.partition("\n")[0])


class Stage(WorkersStage):
    """Generations and reloads of them, without an arbiter, in whose place this is.

    Attributes:
        prepared, changed: the numbers of the generations of which it was told so.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.notifier = NotedNotifier()
        self.prepared: list[int] = []
        self.changed: list[int] = []

    async def run(self) -> None:
        """Start the first generation; its worker serves."""
        self.generations = Generations(self.settings, ScriptedSockets(), Journals(), "", self)
        self.reloads = Reloads(self.generations, Path(self.settings.gateway.run_dir), self.notifier, Losses())
        self.generations.start()
        await self.serves(self.workers[0])

    async def reload(self, *, is_forced: bool = False) -> "asyncio.Task[ReloadOutcome]":
        """Ask for a reload, and return once its worker is there."""
        return await self.asked(self.reloads.reload(is_forced=is_forced))

    async def asked(self, reload: Coroutine[Any, Any, ReloadOutcome]) -> "asyncio.Task[ReloadOutcome]":
        """Begin what may start a worker, and return once it is there."""
        n_workers = len(self.workers)
        task = asyncio.get_running_loop().create_task(reload)
        while len(self.workers) == n_workers and not task.done():  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
        return task

    async def end(self) -> None:
        """Stop; nobody is left."""
        self.generations.stop()
        await turns()
        await self.all_exit()
        assert self.generations.is_gone

    # As the arbiter.

    def worker_prepared(self, crew: Crew) -> None:
        """Pass it on."""
        self.generations.worker_prepared(crew)

    def worker_serves(self, crew: Crew) -> None:
        """Pass it on."""
        self.generations.worker_serves(crew)

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """Pass it on."""
        self.generations.worker_missing(crew, slot)

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """Pass it on."""
        self.generations.worker_gone(crew, slot, status)

    def generation_prepares(self, crew: Crew) -> None:
        """Take note."""
        self.prepared.append(crew.number)

    def generation_changed(self) -> None:
        """Take note."""
        self.changed.append(self.generations.crew.number)


Scene = Callable[[Stage], Coroutine[Any, Any, None]]


def play_on(stage: Stage, scene: Scene) -> None:
    """Play a scene with one generation that serves, and end."""

    async def main() -> None:
        async with asyncio.timeout(20):
            await stage.run()
            await scene(stage)
            await stage.end()

    asyncio.run(main())


def held(what: str) -> int:
    """How many descriptors of a kind this process has."""
    return len([target for target in targets() if what in target])


def held_in_all() -> dict[str, int]:
    """What a preparation takes."""
    return {what: held(what) for what in ("journal", "socket:", "settings", "pipe:")}
