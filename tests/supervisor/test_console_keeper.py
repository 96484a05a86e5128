"""The console's keeper, with consoles that do not behave."""

import asyncio
import json
import os
import signal
import socket
import urllib.request
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ConsoleSettings, Settings
from gateway.ipc.console_channel import (
    FromConsole,
    ReceivedFacts,
    hear_supervisor,
    tell_supervisor,
)
from gateway.supervisor import console_keeper
from gateway.supervisor.console_keeper import LOOK_EVERY_S, SILENT_AFTER_S, ConsoleKeeper
from gateway.supervisor.identity import SAME_IDENTITY
from tests.config.files import MINIMAL, parse
from tests.console.scene import Gateway


class ScriptedConsole:
    """A console of the test's own, in the place of a process."""

    def __init__(self, _orders: Any, _identity: Any) -> None:
        self.channel, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)
        self.pid = os.getpid()
        self.pidfd, self._end = os.pipe()
        self.signals: list[int] = []
        self.version = "1.0"

    def signal(self, number: int) -> None:
        self.signals.append(number)

    def reap(self) -> int:
        for descriptor in (self.pidfd, self._end):
            os.close(descriptor)
        self.channel.close()
        self.theirs.close()
        return -9


def settings_of(folder: Path) -> Settings:
    settings = parse(f"[main]\nlog_dir={folder / 'log'}\n{MINIMAL}")[0]
    gateway = msgspec.structs.replace(settings.gateway, console=ConsoleSettings(port=0))
    return msgspec.structs.replace(settings, gateway=gateway)


class Keeping:
    """A keeper, and how often it was asked for the status."""

    def __init__(self, folder: Path) -> None:
        self.n_asked = 0
        self.keeper = ConsoleKeeper(self._status, list)
        self.keeper.follow(settings_of(folder), SAME_IDENTITY)

    def _status(self) -> dict[str, Any]:
        self.n_asked += 1
        return Gateway().status

    @property
    def console(self) -> Any:
        return self.keeper._process


def keep(folder: Path, story: Callable[[Keeping], Coroutine[Any, Any, None]]) -> None:
    async def tell() -> None:
        keeping = Keeping(folder)
        try:
            async with asyncio.timeout(60):
                await until(lambda: keeping.console is not None)
                await story(keeping)
        finally:
            keeping.keeper.stop()

    asyncio.run(tell())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 -- nobody tells
        await asyncio.sleep(0.01)


async def next_look(keeper: ConsoleKeeper) -> None:
    before = keeper._watch
    await until(lambda: keeper._watch is not before)


def ahead(clock: Callable[[], float], by_s: float) -> Callable[[], float]:
    return lambda: clock() + by_s


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_keeper, "FIRST_START_S", 0.0)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_keeper, "ConsoleProcess", ScriptedConsole)


def test_one_that_asks_without_end_is_answered_once_in_a_while(tmp_path, scripted, monkeypatch):
    monkeypatch.setattr(console_keeper, "LEAST_PAUSE_S", 1e6)

    async def story(keeping: Keeping) -> None:
        for _ in range(50):
            tell_supervisor(keeping.console.theirs, FromConsole.ASKING)
        for _ in range(100):
            await asyncio.sleep(0)
        assert keeping.n_asked == 1
        assert isinstance(hear_supervisor(keeping.console.theirs), ReceivedFacts)

    keep(tmp_path, story)


def test_one_that_says_without_end_that_it_serves_is_heard_once_in_a_while(tmp_path, scripted, monkeypatch):
    monkeypatch.setattr(console_keeper, "LEAST_PAUSE_S", 1e6)

    async def story(keeping: Keeping) -> None:
        for _ in range(2):
            tell_supervisor(keeping.console.theirs, FromConsole.SERVING)
        tell_supervisor(keeping.console.theirs, FromConsole.ASKING)
        await until(lambda: keeping.keeper.state()["state"] == "ready")
        for _ in range(100):
            await asyncio.sleep(0)
        assert keeping.n_asked == 0

    keep(tmp_path, story)


def test_one_that_talks_nonsense_is_not_heard_any_more(tmp_path, scripted):
    async def story(keeping: Keeping) -> None:
        keeping.console.theirs.send(b"\xff")
        tell_supervisor(keeping.console.theirs, FromConsole.ASKING)
        for _ in range(100):
            await asyncio.sleep(0)
        assert keeping.n_asked == 0

    keep(tmp_path, story)


def test_one_that_says_nothing_is_replaced(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(console_keeper, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(console_keeper, "SILENT_AFTER_S", 15.0)

    async def story(keeping: Keeping) -> None:
        await until(lambda: keeping.keeper.state()["state"] == "ready")
        pid = keeping.console.pid
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(console_keeper, "SILENT_AFTER_S", 0.5)
        await until(lambda: keeping.console is not None and keeping.console.pid != pid)
        monkeypatch.setattr(console_keeper, "SILENT_AFTER_S", 15.0)
        await until(lambda: keeping.keeper.state()["state"] == "ready")
        assert keeping.keeper.state()["restarts"] == 1

    keep(tmp_path, story)
    assert "hangs and is replaced" in caplog.text


def test_after_a_pause_of_all_processes_it_is_not_taken_for_one_that_says_nothing(tmp_path, scripted, monkeypatch):
    """Nobody could ask meanwhile, and what it asks now is not heard before the timer that is overdue."""

    async def story(keeping: Keeping) -> None:
        loop = asyncio.get_running_loop()
        clock = loop.time
        for passed_s, signals in [(SILENT_AFTER_S + 5, []), (SILENT_AFTER_S + 5 + LOOK_EVERY_S, [signal.SIGKILL])]:
            monkeypatch.setattr(loop, "time", ahead(clock, passed_s))
            await next_look(keeping.keeper)
            assert keeping.console.signals == signals

    keep(tmp_path, story)


@pytest.mark.parametrize("present", ["1.1", "1.0", ""], ids=["newer", "the same", "being installed"])
def test_a_reload_replaces_one_of_another_version_than_is_installed(tmp_path, scripted, monkeypatch, present):
    """The settings are the same: nothing else would."""
    monkeypatch.setattr(console_keeper, "installed_version", lambda: "1.0")

    async def story(keeping: Keeping) -> None:
        former = keeping.console
        assert keeping.keeper.state()["version"] == "1.0"
        monkeypatch.setattr(console_keeper, "installed_version", lambda: present)
        keeping.keeper.follow(settings_of(tmp_path), SAME_IDENTITY)
        assert former.signals == ([signal.SIGKILL] if present == "1.1" else [])

    keep(tmp_path, story)


def test_a_mistake_of_ours_costs_an_answer_alone(tmp_path, scripted, caplog):
    async def story(keeping: Keeping) -> None:
        keeping.keeper._status = lambda: {"circle": object()}
        tell_supervisor(keeping.console.theirs, FromConsole.ASKING)
        await until(lambda: "Internal error" in caplog.text)
        assert keeping.console is not None

    keep(tmp_path, story)


def test_a_real_one_serves_what_it_is_told_and_goes_with_the_keeper(tmp_path):
    pids = []

    async def story(keeping: Keeping) -> None:
        await until(lambda: keeping.keeper.state()["state"] == "ready" and keeping.n_asked > 1)
        pids.append(keeping.console.pid)
        url = keeping.keeper.url + "status.json"
        answer = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=20).read())
        assert json.loads(answer)["version"] == Gateway().status["version"]
        assert os.getpriority(os.PRIO_PROCESS, pids[0]) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)

    keep(tmp_path, story)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_one_that_cannot_start_is_tried_again_ever_more_slowly(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("gateway.supervisor.process.CONSOLE_MODULE", "gateway.nothing")

    async def story(keeping: Keeping) -> None:
        await until(lambda: keeping.keeper.state()["restarts"] >= 3)
        assert keeping.keeper._slot.backoff_s > 0

    keep(tmp_path, story)
    assert "Logins do not depend on it" in caplog.text
