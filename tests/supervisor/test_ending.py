"""How a gateway ends: what workers, the service manager and other hosts hear, and when it is over."""

import asyncio
import signal
from typing import Any

import pytest

from gateway.ipc.worker_channel import Leave
from gateway.supervisor.ending import Ending
from tests.supervisor.scripted_worker import turns
from tests.supervisor.stage import Scene, Stage, play_on


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(scene: Scene) -> None:
        play_on(Stage(monkeypatch), scene)

    return run


def ending_of(stage: Stage, said: list[str] | None = None) -> Ending:
    told = said if said is not None else []
    return Ending(stage.generations, stage.notifier, lambda: told.append("draining"))


def test_a_stop_drains_and_tells_all_once(play):
    async def scene(stage: Stage) -> None:
        said: list[str] = []
        ending = ending_of(stage, said)
        ending.stop()
        ending.stop()
        assert stage.workers[0].signals == [signal.SIGTERM]
        assert stage.notifier.states == ["STOPPING=1"]
        assert said == ["draining"]

    play(scene)


def test_a_second_signal_kills(play):
    async def scene(stage: Stage) -> None:
        ending = ending_of(stage)
        ending.stop_or_kill()
        ending.stop_or_kill()
        assert stage.workers[0].signals == [signal.SIGTERM, signal.SIGKILL]

    play(scene)


def test_it_is_over_when_nobody_is_left(play):
    async def scene(stage: Stage) -> None:
        ending = ending_of(stage)
        waiting = asyncio.get_running_loop().create_task(ending.wait())
        ending.see_who_is_left()
        ending.stop()
        await turns()
        assert not waiting.done()
        await stage.exits(stage.workers[0])
        ending.see_who_is_left()
        await waiting

    play(scene)


def test_who_leaves_says_nothing_to_other_hosts(play):
    """The next start is there before they would take anything over."""

    async def scene(stage: Stage) -> None:
        said: list[str] = []
        ending_of(stage, said).leave()
        assert stage.told(stage.workers[0]) == (Leave(), 0)
        assert stage.notifier.states == ["STOPPING=1"]
        assert said == []

    play(scene)


def test_who_drains_is_let_leave(play, monkeypatch):
    """Whoever restarts it waits for no drain, and for nobody who hangs."""
    monkeypatch.setattr("gateway.supervisor.ending.LEAVE_TIMEOUT_S", -1.0)

    async def scene(stage: Stage) -> None:
        ending = ending_of(stage)
        ending.stop()
        ending.leave()
        assert stage.told(stage.workers[0]) == (Leave(), 0)
        ending.leave()
        assert stage.told(stage.workers[0]) is None
        await turns()
        assert stage.workers[0].signals == [signal.SIGTERM, signal.SIGKILL]

    play(scene)


def test_who_drains_makes_no_place_for_other_code(play):
    async def scene(stage: Stage) -> None:
        ending = ending_of(stage)
        ending.make_place()
        ending.stop()
        await turns()
        assert stage.told(stage.workers[0]) is None

    play(scene)


def test_place_is_made_after_who_asked_is_answered(play):
    async def scene(stage: Stage) -> None:
        ending = ending_of(stage)
        ending.make_place()
        assert ending.is_to_be_replaced
        assert stage.told(stage.workers[0]) is None
        await turns()
        assert stage.told(stage.workers[0]) == (Leave(), 0)
        assert stage.notifier.states == []

    play(scene)


@pytest.mark.parametrize("asked", [Ending.stop, Ending.stop_or_kill, Ending.leave])
def test_what_ends_it_for_good_is_not_undone(play, asked):
    async def scene(stage: Stage) -> None:
        ending = ending_of(stage)
        ending.make_place()
        asked(ending)
        await turns()
        assert not ending.is_to_be_replaced
        assert stage.generations.is_ending

    play(scene)
