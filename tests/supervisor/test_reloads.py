"""Reloads and upgrades: what who asked is answered, and what the service manager hears."""

import asyncio
import signal
from typing import Any

import pytest

from gateway.config.read_outcome import ReadOutcome
from gateway.config.settings import encode_settings
from gateway.ipc.orders import CANNOT_START
from gateway.supervisor import reloads
from gateway.supervisor.control import ReloadOutcome
from tests.config.files import MINIMAL, parse
from tests.supervisor.scripted_worker import said, turns
from tests.supervisor.stage import GATEWAY, PREPARED, Scene, Stage, play_on


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(scene: Scene) -> None:
        play_on(Stage(monkeypatch), scene)

    return run


def test_a_reload_is_answered_when_the_next_generation_serves(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        assert not task.done()
        assert stage.notifier.states == ["RELOADING=1"]
        await stage.serves(stage.workers[1])
        assert await task == ReloadOutcome(2, [], [], stage.no_changes)
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_a_reload_that_fails_says_so_with_the_file(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        await stage.exits(stage.workers[1], CANNOT_START, "cannot write logs")
        problem = f"{stage.settings.path}: a worker could not start with it: cannot write logs"
        assert await task == ReloadOutcome(1, [], [problem], stage.no_changes)

    play(scene)


def test_a_file_with_mistakes_starts_nothing(play):
    async def scene(stage: Stage) -> None:
        stage.read = ReadOutcome(problems=["a.cfg:3 no such key"], warnings=["odd"])
        task = await stage.reload()
        assert await task == ReloadOutcome(1, ["odd"], ["a.cfg:3 no such key"])
        assert len(stage.workers) == 1
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_the_last_one_is_remembered(play):
    async def scene(stage: Stage) -> None:
        assert stage.reloads.status() is None
        stage.read = ReadOutcome(problems=["a.cfg:3 no such key"])
        await (await stage.reload())
        status = stage.reloads.status()
        assert status is not None
        assert (status["ok"], status["problems"]) == (False, ["a.cfg:3 no such key"])

    play(scene)


def test_one_that_is_asked_for_during_another_comes_after_it(play):
    async def scene(stage: Stage) -> None:
        first = await stage.reload()
        second = asyncio.get_running_loop().create_task(stage.reloads.reload())
        await turns()
        assert len(stage.workers) == 2
        await stage.serves(stage.workers[1])
        assert (await first).generation == 2
        await stage.next_worker(stage.workers[1])
        await stage.serves(stage.workers[2])
        assert (await second).generation == 3

    play(scene)


def test_a_stop_answers_it_and_those_that_come_later(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        stage.generations.stop()
        assert await task == ReloadOutcome(1, [], [f"{stage.settings.path}: the gateway is stopping"], stage.no_changes)
        assert [worker.signals[0] for worker in stage.workers] == [signal.SIGTERM, signal.SIGKILL]
        assert (await stage.reloads.reload()).problems == ["the gateway is stopping"]

    play(scene)


def code_on_disk(monkeypatch: pytest.MonkeyPatch, problem: str = "") -> None:
    async def tried() -> str:
        return problem

    monkeypatch.setattr(reloads, "try_code_on_disk", tried)


def test_an_upgrade_is_tried_by_a_reload_and_leaves_the_service_manager_waiting(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        task = await stage.asked(stage.reloads.try_upgrade())
        await stage.serves(stage.workers[1])
        assert await task == ReloadOutcome(2, [], [], stage.no_changes)
        assert stage.notifier.states == ["RELOADING=1"]

    play(scene)


def test_code_that_does_not_start_starts_nothing(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch, "it does not start")
        assert await stage.reloads.try_upgrade() == ReloadOutcome(1, [], ["it does not start"])
        assert len(stage.workers) == 1
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_a_stop_while_workers_are_replaced_is_against_an_upgrade(play, monkeypatch):
    """A reload ends well then, for its generation serves; the process must end all the same."""

    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        task = await stage.asked(stage.reloads.try_upgrade())
        await said(stage.workers[1], PREPARED)
        stage.generations.stop()
        assert await task == ReloadOutcome(2, [], ["the gateway is stopping"], stage.no_changes)

    play(scene)


def test_code_that_changes_while_it_is_tried_does_not_take_our_place(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        states = iter([{}, {"module.py": 1}])
        monkeypatch.setattr(reloads, "code_on_disk", lambda: next(states))
        task = await stage.asked(stage.reloads.try_upgrade())
        await stage.serves(stage.workers[1])
        outcome = await task
        assert outcome.generation == 2
        assert outcome.problems[0].startswith("the code on disk has changed while it was tried; upgrade again")
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_a_mistake_of_ours_does_not_leave_the_service_manager_waiting(play, monkeypatch):
    async def mistaken() -> str:
        raise RuntimeError("a mistake")

    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(reloads, "try_code_on_disk", mistaken)
        with pytest.raises(RuntimeError):
            await stage.reloads.try_upgrade()
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_another_run_dir_needs_a_restart(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        stage.read = ReadOutcome(settings_octets=encode_settings(parse(MINIMAL + GATEWAY + "run_dir=/elsewhere\n")[0]))
        (problem,) = (await stage.reloads.try_upgrade()).problems
        assert "another run_dir needs a restart" in problem
        assert len(stage.workers) == 1

    play(scene)
