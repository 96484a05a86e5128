"""A gateway from start to end, with workers that do what a test wants: what is announced, and how it ends."""

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.config.read_outcome import ReadOutcome
from gateway.config.settings import encode_settings
from gateway.failmode.breaker import Breaker, Standing
from gateway.ipc.orders import CANNOT_START, Orders
from gateway.ipc.worker_channel import Leave, Serve
from gateway.supervisor import arbiter as arbiter_module
from gateway.supervisor import beginning, reloads
from gateway.supervisor.arbiter import Arbiter
from gateway.supervisor.beginning import START_TRIES, Premises
from gateway.supervisor.control import ReloadOutcome
from gateway.supervisor.journals import Journals
from gateway.supervisor.terminal import Terminal
from tests.config.files import MINIMAL, SKEY, parse
from tests.supervisor.scripted_worker import ScriptedProcess, said, turns
from tests.supervisor.stage import GATEWAY, HANDED_OVER, PREPARED, SERVING, ScriptedSockets, WorkersStage


class NoFolder:
    """The folder of the settings, which nobody needs here."""

    path = Path(parse(MINIMAL)[0].gateway.run_dir)


NOTHING_LEFT = Premises(cast("Any", NoFolder), Journals(), Terminal())


class Nothing:
    """Stands in for what tests of the arbiter do not need: it does nothing, whatever it is told."""

    url = trouble = ""

    def standing(self, _key: str) -> Standing:
        """Return that of nobody."""
        return Breaker().standing

    async def troubles_of_keys(self, ikeys: Collection[str]) -> list[str]:
        """Tell who was asked about."""
        return list(ikeys)

    def state(self) -> None: ...

    def __init__(self, *_: object, **__: object) -> None: ...

    def nothing(self, *_: object) -> None: ...

    start = stop = follow = brief = reopen_log = look_at_others = validity = nothing

    async def nothing_either(self) -> None: ...

    open = close = nothing_either


class ArbiterStage(WorkersStage):
    """A running arbiter.

    Attributes:
        announced: lines.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.announced: list[str] = []
        for name in ("FailModeWatch", "ConsoleKeeper", "ControlSocket", "RunDirWatch"):
            monkeypatch.setattr(arbiter_module, name, Nothing)
        monkeypatch.setattr(beginning, "ListeningSockets", ScriptedSockets)

    def begin(self) -> None:
        """Start the arbiter, and its worker."""
        self.arbiter = Arbiter(self.settings, NOTHING_LEFT, self.announced.append)
        self.running = asyncio.get_running_loop().create_task(self.arbiter.run())

    async def run(self) -> None:
        """Start the arbiter; its worker serves."""
        self.begin()
        await turns()
        await self.serves(self.workers[0])

    async def end(self) -> int:
        """Stop; return the exit status."""
        self.arbiter.stop()
        await turns()
        await self.all_exit()
        return await self.running


Scene = Callable[[ArbiterStage], Coroutine[Any, Any, None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        async def main() -> None:
            stage = ArbiterStage(monkeypatch)
            async with asyncio.timeout(20):
                await stage.run()
                await scene(stage)
                if not stage.running.done():
                    assert await stage.end() == 0

        asyncio.run(main())

    return run


def test_it_is_announced_once_when_all_serve(play):
    async def scene(stage: ArbiterStage) -> None:
        assert len(stage.announced) == 1
        await stage.exits(stage.workers[0], -signal.SIGKILL)
        await stage.serves(await stage.next_worker(stage.workers[0]))
        assert len(stage.announced) == 1

    play(scene)


def test_sigterm_while_workers_are_started_is_heard_before_all_are(monkeypatch):
    """There may be a thousand of them. The signal comes while the third one is started."""

    class Slow(ArbiterStage):
        def _start(self, orders: Orders, identity: object) -> ScriptedProcess:
            if len(self.workers) == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return super()._start(orders, identity)

    async def main() -> None:
        stage = Slow(monkeypatch)
        stage.settings = parse(MINIMAL + GATEWAY.replace("workers=1", "workers=6"))[0]
        stage.begin()
        async with asyncio.timeout(20):
            while not (stage.workers and stage.workers[0].signals):  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0)
            assert [worker.signals for worker in stage.workers] == [[signal.SIGTERM]] * len(stage.workers)
            assert len(stage.workers) < 6
            os.kill(os.getpid(), signal.SIGTERM)
            while len(stage.workers[0].signals) == 1:  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0)
            assert {worker.signals[-1] for worker in stage.workers} == {signal.SIGKILL}
            n_started = len(stage.workers)
            await stage.all_exit()
            assert await stage.running == 0
            assert len(stage.workers) == n_started
            assert stage.announced == []

    asyncio.run(main())


def test_what_becomes_of_a_reload_is_in_the_status(play):
    async def scene(stage: ArbiterStage) -> None:
        task = asyncio.get_running_loop().create_task(stage.arbiter.reload())
        await stage.serves(await stage.next_worker(stage.workers[0]))
        assert await task == ReloadOutcome(2, [], [], stage.no_changes)
        assert stage.arbiter.status()["last_reload"]["ok"]
        assert stage.arbiter.status()["generation"] == 2

    play(scene)


def test_a_storm_of_signals_is_one_reload_behind_the_one_that_is_under_way(play):
    """A signal that comes once a reload has begun has its own: the file may be another one by now."""

    async def scene(stage: ArbiterStage) -> None:
        for _ in range(60):
            stage.arbiter._hung_up_or_reload_asked()
        second = await stage.next_worker(stage.workers[0])
        for _ in range(60):
            stage.arbiter._hung_up_or_reload_asked()
        await turns()
        await stage.serves(second)
        await stage.serves(await stage.next_worker(second))
        while stage.arbiter._tasks:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
        assert stage.arbiter.status()["generation"] == 3

    play(scene)


def test_a_status_page_that_is_not_to_be_had_is_said_when_it_serves_and_after_each_reload(play, monkeypatch):
    monkeypatch.setattr(Nothing, "trouble", "cannot listen on tcp 127.0.0.1:8480")

    async def scene(stage: ArbiterStage) -> None:
        assert stage.announced[0].endswith(", no status page: cannot listen on tcp 127.0.0.1:8480")
        task = asyncio.get_running_loop().create_task(stage.arbiter.reload())
        await stage.serves(await stage.next_worker(stage.workers[0]))
        (warning,) = (await task).warnings
        assert (
            "[gateway] console: warning: there is no status page: cannot listen on tcp 127.0.0.1:8480; log" in warning
        )

    play(scene)


def test_duo_is_asked_about_keys_that_a_reload_has_brought(play):
    async def scene(stage: ArbiterStage) -> None:
        settings = parse((MINIMAL + GATEWAY).replace(SKEY, SKEY[::-1]))[0]
        stage.read = ReadOutcome(settings_octets=encode_settings(settings))
        task = asyncio.get_running_loop().create_task(stage.arbiter.reload())
        await stage.serves(await stage.next_worker(stage.workers[0]))
        assert (await task).key_troubles == [settings.servers[0].application.ikey]

    play(scene)


def test_a_worker_that_cannot_start_ends_a_gateway_that_never_served(monkeypatch, capfd):
    async def main() -> None:
        stage = ArbiterStage(monkeypatch)
        stage.begin()
        await turns()
        async with asyncio.timeout(20):
            for _ in range(START_TRIES):
                last = stage.workers[-1]
                await stage.exits(last, -signal.SIGSEGV, "no such module")
                if not stage.running.done() and len(stage.workers) < START_TRIES:
                    await stage.next_worker(last)
            assert await stage.running == CANNOT_START
        assert stage.announced == []

    asyncio.run(main())
    assert "radgate: cannot start: worker 0: no such module" in capfd.readouterr().err


def code_on_disk(monkeypatch: pytest.MonkeyPatch, problem: str = "") -> None:
    async def tried() -> str:
        return problem

    monkeypatch.setattr(reloads, "try_code_on_disk", tried)


async def upgrade(stage: ArbiterStage) -> ReloadOutcome:
    """Ask for an upgrade, and let the reload in it succeed."""
    task = asyncio.get_running_loop().create_task(stage.arbiter.upgrade())
    new = await stage.next_worker(stage.workers[0])
    await said(new, PREPARED)
    assert (word := stage.told(new)) is not None
    assert word.word == Serve()
    await said(stage.workers[0], HANDED_OVER)
    await said(new, SERVING)
    return await task


def test_an_upgrade_lets_all_leave_and_the_code_on_disk_be_next(play, monkeypatch):
    async def scene(stage: ArbiterStage) -> None:
        code_on_disk(monkeypatch)
        assert await upgrade(stage) == ReloadOutcome(2, [], [], stage.no_changes)
        await turns()
        assert stage.told(stage.workers[1]) == (Leave(), 0)
        assert not stage.arbiter.status()["ending"]
        for worker in stage.workers:
            await stage.exits(worker)
        assert await stage.running == 0
        assert stage.arbiter.is_to_be_replaced

    play(scene)


def test_a_stop_meanwhile_is_a_stop(play, monkeypatch):
    async def scene(stage: ArbiterStage) -> None:
        code_on_disk(monkeypatch)
        await upgrade(stage)
        await turns()
        stage.arbiter.stop()
        assert stage.arbiter.status()["ending"]
        for worker in stage.workers:
            await stage.exits(worker)
        assert await stage.running == 0
        assert not stage.arbiter.is_to_be_replaced

    play(scene)


def test_a_stop_while_an_upgrade_replaces_workers_is_a_stop(play, monkeypatch):
    async def scene(stage: ArbiterStage) -> None:
        code_on_disk(monkeypatch)
        task = asyncio.get_running_loop().create_task(stage.arbiter.upgrade())
        await said(await stage.next_worker(stage.workers[0]), PREPARED)
        stage.arbiter.stop()
        assert (await task).problems == ["the gateway is stopping"]
        assert await stage.end() == 0
        assert not stage.arbiter.is_to_be_replaced

    play(scene)


def test_an_upgrade_that_is_refused_leaves_nobody(play, monkeypatch):
    async def scene(stage: ArbiterStage) -> None:
        code_on_disk(monkeypatch, "it does not start")
        assert await stage.arbiter.upgrade() == ReloadOutcome(1, [], ["it does not start"])
        await turns()
        assert stage.told(stage.workers[0]) is None
        assert not stage.arbiter.is_to_be_replaced

    play(scene)
