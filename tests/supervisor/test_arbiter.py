"""Generations from start to stop, with workers that do what a test wants: a reload's answer, and what it leaves."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from gateway.config.read_outcome import ReadOutcome
from gateway.config.settings import encode_settings
from gateway.failmode.breaker import Breaker, Standing
from gateway.ipc.orders import (
    CANNOT_START,
    Orders,
)
from gateway.ipc.worker_channel import (
    FromWorker,
    HandOver,
    Leave,
    Spares,
    hear_supervisor,
)
from gateway.supervisor import arbiter as arbiter_module
from gateway.supervisor import crews
from gateway.supervisor.arbiter import START_TRIES, Arbiter, Premises
from gateway.supervisor.control import ReloadOutcome
from gateway.supervisor.journals import Journals
from gateway.supervisor.sockets import ListeningSockets
from tests.config.files import MINIMAL, parse
from tests.ipc.test_worker_channel import no_descriptor_left
from tests.supervisor.scripted_worker import ScriptedProcess, said, turns

PREPARED, SERVING, HANDED_OVER = FromWorker.PREPARED, FromWorker.SERVING, FromWorker.HANDED_OVER
GATEWAY = "\n[gateway]\nworkers=1\n"


class NoFolder:
    """The folder of the settings, which nobody needs here."""

    path = Path(parse(MINIMAL)[0].gateway.run_dir)


NOTHING_LEFT = Premises(cast("Any", NoFolder), Journals())


class Nothing:
    """Stands in for what tests of generations do not need: it does nothing, whatever it is told."""

    url = ""

    def standing(self, _key: str) -> Standing:
        """Return that of nobody."""
        return Breaker().standing

    def state(self) -> None: ...

    def __init__(self, *_: object, **__: object) -> None: ...

    def nothing(self, *_: object) -> None: ...

    start = stop = follow = brief = reopen_log = look_at_others = validity = nothing

    async def nothing_either(self) -> None: ...

    open = close = nothing_either


class ScriptedSockets(ListeningSockets):
    """No sockets, of four buckets."""

    receive_buffer = 1 << 22

    def __init__(self, *_: object) -> None:
        self.n_buckets = 4
        self.groups = []
        self.passages = []


class Told(NamedTuple):
    """What a worker was told to do, and how many links came with it."""

    word: object
    n_links: int


class Stage:
    """A running arbiter.

    Attributes:
        read: what reading the file comes to, each time.
        announced: lines.
        workers: all that were ever started.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = parse(MINIMAL + GATEWAY)[0]
        self.read = ReadOutcome(settings_octets=encode_settings(self.settings))
        self.announced: list[str] = []
        self.workers: list[ScriptedProcess] = []
        for name in ("FailModeWatch", "ConsoleKeeper", "ControlSocket"):
            monkeypatch.setattr(arbiter_module, name, Nothing)
        monkeypatch.setattr(arbiter_module, "ListeningSockets", ScriptedSockets)
        monkeypatch.setattr(arbiter_module, "start_logging", Nothing)
        monkeypatch.setattr(arbiter_module, "read_in_child", self._read)
        monkeypatch.setattr(crews, "WorkerProcess", self._start)

    async def _read(self, _path: str) -> ReadOutcome:
        return self.read

    def _start(self, orders: Orders, identity: object) -> ScriptedProcess:
        self.workers.append(ScriptedProcess(orders, identity))
        return self.workers[-1]

    async def run(self) -> None:
        """Start the arbiter; its worker serves."""
        self.arbiter = Arbiter(self.settings, NOTHING_LEFT, self.announced.append)
        self.running = asyncio.get_running_loop().create_task(self.arbiter.run())
        await turns()
        await self.serves(self.workers[0])

    async def reload(self) -> "asyncio.Task[ReloadOutcome]":
        """Ask for a reload, and return once its worker is there."""
        n_workers = len(self.workers)
        task = asyncio.get_running_loop().create_task(self.arbiter.reload())
        while len(self.workers) == n_workers and not task.done():  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
        return task

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

    async def end(self) -> int:
        """Stop; return the exit status."""
        self.arbiter.stop()
        await turns()
        for worker in self.workers:
            if not worker.has_exited:
                await self.exits(worker)
        return await self.running


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], None]:
    def run(scene: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            stage = Stage(monkeypatch)
            async with asyncio.timeout(20):
                await stage.run()
                await scene(stage)
                if not stage.running.done():
                    assert await stage.end() == 0

        asyncio.run(main())

    return run


def held(what: str) -> int:
    """How many descriptors of a kind this process has."""
    folder, found = Path("/proc/self/fd"), []
    for each in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(each.readlink()))
    return len([each for each in found if what in each])


def held_in_all() -> dict[str, int]:
    """What a preparation takes."""
    return {what: held(what) for what in ("journal", "socket:", "settings", "pipe:")}


def test_it_is_announced_once_when_all_serve(play):
    async def scene(stage: Stage) -> None:
        assert len(stage.announced) == 1
        await stage.exits(stage.workers[0], -signal.SIGKILL)
        await stage.serves(await stage.next_worker(stage.workers[0]))
        assert len(stage.announced) == 1

    play(scene)


def test_a_reload_is_answered_when_the_next_generation_serves(play):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        task = await stage.reload()
        new = stage.workers[1]
        assert new.predecessors == [(old.pid, True)]
        assert stage.told(old) is None
        await said(new, PREPARED)
        told = stage.told(old)
        assert told is not None
        assert isinstance(told.word, HandOver)
        assert told.n_links == 1
        await said(old, HANDED_OVER)
        assert not task.done()
        await said(new, SERVING)
        assert await task == ReloadOutcome(2, [], [])
        await stage.exits(old)
        assert stage.arbiter.status()["last_reload"]["ok"]

    play(scene)


def test_a_generation_that_is_gone_leaves_no_descriptor(play):
    async def scene(stage: Stage) -> None:
        journals, sockets = held("journal"), held("socket:")
        for _ in range(3):
            old = stage.workers[-1]
            task = await stage.reload()
            await said(stage.workers[-1], PREPARED)
            assert stage.told(old) is not None
            await said(old, HANDED_OVER)
            await said(stage.workers[-1], SERVING)
            await task
            await stage.exits(old)
            assert held("journal") == journals
            assert held("socket:") - len(stage.workers[-1].links) == sockets

    play(scene)


@pytest.mark.parametrize(
    ("status", "words", "problem"),
    [
        (CANNOT_START, "cannot write logs", "a worker could not start with it: cannot write logs"),
        (-signal.SIGSEGV, "", "a worker could not start with it: killed by SIGSEGV"),
    ],
)
def test_a_reload_whose_worker_cannot_start_changes_nothing(play, status, words, problem):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        before = held_in_all()
        task = await stage.reload()
        await stage.exits(stage.workers[1], status, words)
        outcome = await task
        assert outcome == ReloadOutcome(1, [], [f"{stage.settings.path}: {problem}"])
        assert stage.told(old) is None
        assert stage.arbiter.crew.slots[0].worker is not None
        assert held_in_all() == before

    play(scene)


def test_without_a_descriptor_a_reload_changes_nothing(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        before = held_in_all()
        prepare = stage.arbiter.prepare

        def without(reload: Any) -> None:
            with no_descriptor_left():
                prepare(reload)

        monkeypatch.setattr(stage.arbiter, "prepare", without)
        outcome = await (await stage.reload())
        (problem,) = outcome.problems
        assert "no workers can be prepared: " in problem
        assert outcome.generation == 1
        assert held_in_all() == before
        monkeypatch.setattr(stage.arbiter, "prepare", prepare)
        task = await stage.reload()
        await stage.serves(stage.workers[-1])
        assert (await task).problems == []

    play(scene)


def test_a_mistake_of_ours_leaves_nothing_half_prepared(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        before = held_in_all()
        prepare = stage.arbiter.prepare

        def mistaken(reload: Any) -> None:
            prepare(reload)
            raise RuntimeError("a mistake")

        monkeypatch.setattr(stage.arbiter, "prepare", mistaken)
        with pytest.raises(RuntimeError):
            await stage.arbiter.reload()
        assert stage.workers[1].signals == [signal.SIGKILL]
        await stage.exits(stage.workers[1], -signal.SIGKILL)
        assert held_in_all() == before

    play(scene)


def test_a_file_with_mistakes_starts_nothing(play):
    async def scene(stage: Stage) -> None:
        stage.read = ReadOutcome(problems=["a.cfg:3 no such key"], warnings=["odd"])
        task = await stage.reload()
        assert await task == ReloadOutcome(1, ["odd"], ["a.cfg:3 no such key"])
        assert len(stage.workers) == 1

    play(scene)


def test_a_reload_that_is_asked_for_during_another_comes_after_it(play):
    async def scene(stage: Stage) -> None:
        first = await stage.reload()
        second = asyncio.get_running_loop().create_task(stage.arbiter.reload())
        await turns()
        assert len(stage.workers) == 2
        await stage.serves(stage.workers[1])
        assert (await first).generation == 2
        await stage.next_worker(stage.workers[1])
        await stage.serves(stage.workers[2])
        assert (await second).generation == 3

    play(scene)


def test_a_present_worker_that_dies_meanwhile_makes_the_preparation_begin_anew(play):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        task = await stage.reload()
        given_up = stage.workers[1]
        await stage.exits(old, -signal.SIGKILL)
        assert given_up.signals == [signal.SIGKILL]
        again = await stage.next_worker(given_up)
        assert again.predecessors == [(old.pid, False)]
        await stage.serves(again)
        new = await stage.next_worker(again)
        assert new.predecessors == [(again.pid, True)]
        await stage.exits(given_up, -signal.SIGKILL)  # it has the number of the generation that comes now
        await stage.serves(new)
        assert await task == ReloadOutcome(2, [], [])

    play(scene)


def test_a_stop_during_a_reload_answers_it_and_ends(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        stage.arbiter.stop()
        outcome = await task
        assert outcome == ReloadOutcome(1, [], [f"{stage.settings.path}: the gateway is stopping"])
        assert [worker.signals[0] for worker in stage.workers] == [signal.SIGTERM, signal.SIGKILL]
        assert (await stage.arbiter.reload()).problems == ["the gateway is stopping"]

    play(scene)


def test_a_worker_that_cannot_start_ends_a_gateway_that_never_served(monkeypatch, capfd):
    async def main() -> None:
        stage = Stage(monkeypatch)
        stage.arbiter = Arbiter(stage.settings, NOTHING_LEFT, stage.announced.append)
        running = asyncio.get_running_loop().create_task(stage.arbiter.run())
        await turns()
        async with asyncio.timeout(20):
            for _ in range(START_TRIES):
                last = stage.workers[-1]
                await stage.exits(last, -signal.SIGSEGV, "no such module")
                if not running.done() and len(stage.workers) < START_TRIES:
                    await stage.next_worker(last)
            assert await running == CANNOT_START
        assert stage.announced == []

    asyncio.run(main())
    assert "radgate: cannot start: worker 0: no such module" in capfd.readouterr().err


def code_on_disk(monkeypatch: pytest.MonkeyPatch, problem: str = "") -> None:
    async def tried() -> str:
        return problem

    monkeypatch.setattr(arbiter_module, "try_code_on_disk", tried)


async def upgrade(stage: Stage) -> ReloadOutcome:
    """Ask for an upgrade, and let the reload in it succeed."""
    task = asyncio.get_running_loop().create_task(stage.arbiter.upgrade())
    new = await stage.next_worker(stage.workers[0])
    await said(new, PREPARED)
    await said(stage.workers[0], HANDED_OVER)
    await said(new, SERVING)
    return await task


def test_an_upgrade_lets_all_leave_and_the_code_on_disk_be_next(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        assert await upgrade(stage) == ReloadOutcome(2, [], [])
        await turns()
        assert [word.word for word in (stage.told(stage.workers[1]),) if word] == [Leave()]
        for worker in stage.workers:
            await stage.exits(worker)
        assert await stage.running == 0
        assert stage.arbiter.is_to_be_replaced

    play(scene)


def test_a_stop_meanwhile_is_a_stop(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        await upgrade(stage)
        await turns()
        stage.arbiter.stop()
        for worker in stage.workers:
            await stage.exits(worker)
        assert await stage.running == 0
        assert not stage.arbiter.is_to_be_replaced

    play(scene)


def test_code_that_does_not_start_starts_nothing(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch, "it does not start")
        assert await stage.arbiter.upgrade() == ReloadOutcome(1, [], ["it does not start"])
        assert len(stage.workers) == 1
        assert not stage.arbiter.is_to_be_replaced

    play(scene)


def test_another_run_dir_needs_a_restart(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        stage.read = ReadOutcome(settings_octets=encode_settings(parse(MINIMAL + GATEWAY + "run_dir=/elsewhere\n")[0]))
        (problem,) = (await stage.arbiter.upgrade()).problems
        assert "another run_dir needs a restart" in problem
        assert len(stage.workers) == 1

    play(scene)
