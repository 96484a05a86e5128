"""Generations from start to stop, with workers that do what a test wants: who serves, and what is given up."""

import asyncio
import signal
import socket
from typing import Any

import pytest

from gateway.config.listening import ListeningAddress
from gateway.config.settings import Settings
from gateway.ipc.orders import CANNOT_START
from gateway.ipc.worker_channel import HandOver, Leave
from gateway.statistics.layout import Measure
from gateway.supervisor import generations, overflows, reload
from gateway.supervisor.sockets import CannotListen, SocketGroup
from tests.config.files import MINIMAL, parse
from tests.descriptors import no_descriptor_left
from tests.supervisor.scripted_worker import said, turns
from tests.supervisor.stage import (
    HANDED_OVER,
    PREPARED,
    SERVING,
    Scene,
    ScriptedSockets,
    Stage,
    held,
    held_in_all,
    play_on,
)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(scene: Scene) -> None:
        play_on(Stage(monkeypatch), scene)

    return run


async def change(stage: Stage, settings: Settings | None = None) -> "asyncio.Task[str]":
    """Begin a change, and return once its worker is there, or its answer."""
    n_workers = len(stage.workers)
    change = stage.generations.change_over(settings or stage.settings)
    task = asyncio.get_running_loop().create_task(change)
    while len(stage.workers) == n_workers and not task.done():  # noqa: ASYNC110 -- it tells nobody
        await asyncio.sleep(0)
    return task


def test_the_next_generation_serves_once_the_present_one_has_handed_over(play):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        task = await change(stage)
        new = stage.workers[1]
        assert new.predecessors == [(old.pid, True)]
        assert stage.told(old) is None
        assert (stage.prepared, stage.changed) == ([2], [])
        await said(new, PREPARED)
        assert stage.changed == [2]
        told = stage.told(old)
        assert told is not None
        assert isinstance(told.word, HandOver)
        assert told.n_links == 1
        await said(old, HANDED_OVER)
        assert not task.done()
        await said(new, SERVING)
        assert await task == ""
        assert [crew.number for crew in stage.generations.crews()] == [2, 1]
        await stage.exits(old)
        assert [crew.number for crew in stage.generations.crews()] == [2]

    play(scene)


def test_a_generation_that_is_gone_leaves_no_descriptor(play):
    async def scene(stage: Stage) -> None:
        journals, sockets = held("journal"), held("socket:")
        for _ in range(3):
            old = stage.workers[-1]
            task = await change(stage)
            await said(stage.workers[-1], PREPARED)
            assert stage.told(old) is not None
            await said(old, HANDED_OVER)
            await said(stage.workers[-1], SERVING)
            assert not await task
            await stage.exits(old)
            assert held("journal") == journals
            assert held("socket:") - len(stage.workers[-1].links) == sockets

    play(scene)


def test_a_mistake_in_what_goes_by_settings_keeps_no_worker_from_handing_over(play, monkeypatch, caplog):
    async def scene(stage: Stage) -> None:
        def mistaken() -> None:
            raise RuntimeError("a mistake")

        monkeypatch.setattr(stage, "generation_changed", mistaken)
        old = stage.workers[0]
        task = await change(stage)
        await said(stage.workers[1], PREPARED)
        told = stage.told(old)
        assert told is not None
        assert isinstance(told.word, HandOver)
        await said(old, HANDED_OVER)
        await said(stage.workers[1], SERVING)
        assert await task == ""
        assert "Internal error" in caplog.text

    play(scene)


def test_who_is_started_later_is_not_told_of_settings_that_are_forgotten(play, monkeypatch):
    """Something else has their descriptor by then."""
    monkeypatch.setattr(generations, "REMEMBER_S", 0.0)

    async def scene(stage: Stage) -> None:
        settings = held("settings")
        for number in (2, 3):
            old = stage.workers[-1]
            task = await change(stage)
            new = stage.workers[-1]
            assert new.generations == [number, number - 1]
            await said(new, PREPARED)
            await said(old, HANDED_OVER)
            await said(new, SERVING)
            assert not await task
            await stage.exits(old)
            while held("settings") > settings:  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0)
            await stage.exits(new, -signal.SIGKILL)
            again = await stage.next_worker(new)
            assert again.generations == [number]
            await stage.serves(again)

    play(scene)


def test_what_workers_have_counted_is_kept_by_slot_once_their_generation_is_gone(play):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        stage.generations.crew.board.row(0).count(Measure.UNSENT, 5)
        task = await change(stage)
        await said(stage.workers[1], PREPARED)
        await said(old, HANDED_OVER)
        await said(stage.workers[1], SERVING)
        await task
        stage.generations.crew.board.row(0).count(Measure.UNSENT, 2)
        assert stage.generations.totals().counters[Measure.UNSENT, "0"] == 7
        await stage.exits(old)
        assert stage.generations.totals().counters[Measure.UNSENT, "0"] == 7

    play(scene)


def test_what_was_lost_in_sockets_outlives_them_and_their_generation(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        old, address = stage.workers[0], ListeningAddress(int(socket.AF_INET), "127.0.0.1", 0, ())
        with socket.socket() as held:
            stage.generations.crew.plan.sockets.groups.append(SocketGroup(address, [held]))
            monkeypatch.setattr(overflows, "dropped", lambda udp: 5)
            assert stage.generations.totals().counters[Measure.OVERFLOWED, "0"] == 5
            task = await change(stage)
            await said(stage.workers[1], PREPARED)
            await said(old, HANDED_OVER)
            await said(stage.workers[1], SERVING)
            await task
            monkeypatch.setattr(overflows, "dropped", lambda udp: 7)
            await stage.exits(old)
        assert stage.generations.totals().counters[Measure.OVERFLOWED, "0"] == 7

    play(scene)


def test_sockets_of_a_former_generation_are_kept_until_nobody_answers_by_them(play):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        sockets: Any = stage.generations.crew.plan.sockets
        task = await change(stage)
        await said(stage.workers[1], PREPARED)
        await said(old, HANDED_OVER)
        await said(stage.workers[1], SERVING)
        await task
        assert not sockets.is_closed
        await stage.exits(old)
        assert sockets.is_closed

    play(scene)


@pytest.mark.parametrize(
    ("status", "words", "problem"),
    [
        (CANNOT_START, "cannot write logs", "a worker could not start with it: cannot write logs"),
        (-signal.SIGSEGV, "", "a worker could not start with it: killed by SIGSEGV"),
    ],
)
def test_a_worker_that_cannot_start_changes_nothing(play, status, words, problem):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        before = held_in_all()
        task = await change(stage)
        await stage.exits(stage.workers[1], status, words)
        assert await task == problem
        assert stage.told(old) is None
        assert stage.generations.crew.slots[0].worker is not None
        assert stage.changed == []
        assert held_in_all() == before

    play(scene)


def test_without_a_descriptor_nothing_changes(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        before = held_in_all()
        prepare = stage.generations.prepare

        def without(under_way: Any) -> None:
            with no_descriptor_left():
                prepare(under_way)

        monkeypatch.setattr(stage.generations, "prepare", without)
        assert "no workers can be prepared: " in await (await change(stage))
        assert held_in_all() == before
        monkeypatch.setattr(stage.generations, "prepare", prepare)
        task = await change(stage)
        await stage.serves(stage.workers[-1])
        assert not await task

    play(scene)


def test_a_mistake_of_ours_leaves_nothing_half_prepared(play, monkeypatch):
    made: list[ScriptedSockets] = []

    class NotedSockets(ScriptedSockets):
        def __init__(self, *_: object) -> None:
            super().__init__()
            made.append(self)

    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(generations, "ListeningSockets", NotedSockets)
        before = held_in_all()
        prepare = stage.generations.prepare

        def mistaken(under_way: Any) -> None:
            prepare(under_way)
            raise RuntimeError("a mistake")

        monkeypatch.setattr(stage.generations, "prepare", mistaken)
        with pytest.raises(RuntimeError):
            await (await change(stage))
        assert stage.workers[1].signals == [signal.SIGKILL]
        await stage.exits(stage.workers[1], -signal.SIGKILL)
        assert held_in_all() == before
        assert [each.is_closed for each in made] == [True]

    play(scene)


def test_more_workers_than_buckets_need_a_restart(play):
    async def scene(stage: Stage) -> None:
        many = parse(MINIMAL + "\n[gateway]\nworkers=5\n")[0]
        task = await change(stage, many)
        assert await task == "workers=5 needs a restart; without one there can be 4 at most"
        assert len(stage.workers) == 1

    play(scene)


def test_an_address_that_cannot_be_bound_changes_nothing(play, monkeypatch):
    def taken(*_: object) -> None:
        raise CannotListen("cannot listen on udp 192.0.2.1:1812: in use")

    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(generations, "ListeningSockets", taken)
        assert await (await change(stage)) == "cannot listen on udp 192.0.2.1:1812: in use"
        assert len(stage.workers) == 1

    play(scene)


def test_a_present_worker_that_dies_meanwhile_makes_the_preparation_begin_anew(play):
    async def scene(stage: Stage) -> None:
        old = stage.workers[0]
        task = await change(stage)
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
        assert await task == ""
        assert stage.generations.crew.number == 2

    play(scene)


def test_workers_that_may_be_a_mixture_of_two_versions_do_not_serve(play, monkeypatch):
    """An installation goes on while they start."""
    states = iter([{}, {"module.py": 1}])

    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(reload, "code_on_disk", lambda: next(states))
        before = held_in_all()
        task = await change(stage)
        await said(stage.workers[1], PREPARED)
        assert (await task).startswith("the code on disk has changed while workers started from it; reload again")
        assert stage.workers[1].signals == [signal.SIGKILL]
        assert stage.told(stage.workers[0]) is None
        await stage.exits(stage.workers[1], -signal.SIGKILL)
        assert held_in_all() == before

    play(scene)


def test_a_stop_meanwhile_answers_it_and_ends(play):
    async def scene(stage: Stage) -> None:
        task = await change(stage)
        stage.generations.stop()
        assert await task == "the gateway is stopping"
        assert [worker.signals[0] for worker in stage.workers] == [signal.SIGTERM, signal.SIGKILL]
        assert stage.generations.is_ending
        assert not stage.generations.is_gone

    play(scene)


def test_who_is_to_leave_is_told_so(play):
    async def scene(stage: Stage) -> None:
        stage.generations.leave()
        await turns()
        told = stage.told(stage.workers[0])
        assert told is not None
        assert told.word == Leave()
        assert stage.workers[0].signals == []

    play(scene)


def test_sockets_can_be_kept_for_the_code_that_comes_next(play):
    async def scene(stage: Stage) -> None:
        sockets: Any = stage.generations.crew.plan.sockets
        stage.generations.close(keeps_sockets=True)
        assert not sockets.is_closed
        stage.generations.close(keeps_sockets=False)
        assert sockets.is_closed

    play(scene)
