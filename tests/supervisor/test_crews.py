"""Performing the plan of succession: what workers are given, told and sent, and that no descriptor is left over."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import Any, cast

import pytest

from gateway.ipc.board import Board
from gateway.ipc.ledger import Ledger
from gateway.ipc.orders import (
    CANNOT_START,
    GenerationOrders,
)
from gateway.ipc.plan import board_plan
from gateway.ipc.worker_channel import (
    FromWorker,
    HandOver,
    Spares,
    hear_supervisor,
)
from gateway.supervisor import crews
from gateway.supervisor.crew import Crew, CrewPlan
from gateway.supervisor.crews import Crews
from gateway.supervisor.identity import SAME_IDENTITY
from gateway.supervisor.journals import Journals
from gateway.supervisor.slot_life import SlotState
from gateway.supervisor.slots import Slot
from gateway.supervisor.sockets import ListeningSockets
from gateway.supervisor.succession_plan import MAX_DEATHS
from tests.config.files import MINIMAL, parse
from tests.descriptors import descriptors, n_descriptors, no_descriptor_left
from tests.supervisor.scripted_worker import ScriptedProcess, said, turns


class Owner:
    """An arbiter that does nothing about it."""

    def worker_prepared(self, crew: Crew) -> None: ...

    def worker_serves(self, crew: Crew) -> None: ...

    def worker_missing(self, crew: Crew, slot: Slot) -> None: ...

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None: ...


class Scene:
    """Crews of one worker, inside a running loop."""

    def __init__(self) -> None:
        self._settings = parse(MINIMAL)[0]
        self.crews = Crews(Owner(), Journals())
        self._all: list[Crew] = []

    def crew(self, n_workers: int = 1) -> Crew:
        """Return another generation, not started."""
        settings = self._settings
        sockets = ListeningSockets.__new__(ListeningSockets)
        sockets.n_buckets, sockets.groups, sockets.passages = 4, [], []
        board, ledger = Board.create(board_plan(settings, n_workers)), Ledger.create(n_workers)
        generations = [GenerationOrders(len(self._all) + 1, -1)]
        plan = CrewPlan(settings, generations, n_workers, sockets, SAME_IDENTITY, bytes(32), board, ledger)
        self._all.append(self.crews.create(plan))
        return self._all[-1]

    async def close(self) -> None:
        """End all workers, and give everything up."""
        for crew in self._all:
            self.crews.stop(crew)
            for process in crew.processes:
                cast("ScriptedProcess", process).exit(0)
        await turns()
        for crew in self._all:
            assert crew.generation.is_gone
            self.crews.forget(crew)


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "WorkerProcess", ScriptedProcess)


@pytest.fixture
def play() -> Callable[[Any], None]:
    """Run a scene, and see that no descriptor is left over."""

    def run(scene: Callable[[Scene], Any]) -> None:
        async def main() -> None:
            stage = Scene()
            try:
                await scene(stage)
            finally:
                await stage.close()

        before = descriptors()
        asyncio.run(main())
        assert descriptors() <= before  # boards, ledgers and journals are mapped as long as anybody knows of them

    return run


def worker(crew: Crew) -> ScriptedProcess:
    """Return who is at the one post."""
    return cast("ScriptedProcess", crew.process(crew.slots[0]))


async def died(crew: Crew, status: int) -> ScriptedProcess:
    """Let the worker die; return the next one."""
    before = worker(crew)
    before.exit(status)
    async with asyncio.timeout(10):
        while crew.slots[0].worker is None or worker(crew) is before:  # noqa: ASYNC110 -- the crew tells nobody
            await asyncio.sleep(0.001)
    return worker(crew)


async def serving(stage: Scene, crew: Crew) -> ScriptedProcess:
    """Start the crew and let its worker serve."""
    stage.crews.start(crew)
    await said(worker(crew), FromWorker.PREPARED)
    await said(worker(crew), FromWorker.SERVING)
    return worker(crew)


def test_a_word_of_newer_code_is_passed_over_and_the_next_is_heard(play):
    async def scene(stage: Scene) -> None:
        crew = stage.crew()
        stage.crews.start(crew)
        worker(crew).theirs.send(b"a new word")
        await turns()
        await said(worker(crew), FromWorker.PREPARED)
        await said(worker(crew), FromWorker.SERVING)
        assert crew.generation.is_ready

    play(scene)


class TestStarting:
    """However long each takes to be started, and there may be a thousand: meanwhile others are heard."""

    def test_one_is_started_in_each_turn_of_the_loop(self, play):
        async def scene(stage: Scene) -> None:
            crew = stage.crew(4)
            stage.crews.start(crew)
            for n_started in range(1, 5):
                assert len(crew.processes) == n_started
                await asyncio.sleep(0)
            assert [process.pid for process in crew.processes] == [
                slot.worker.pid for slot in crew.slots if slot.worker
            ]

        play(scene)

    @pytest.mark.parametrize("end", [Crews.stop, Crews.leave, Crews.abort, Crews.hand_over])
    def test_at_an_end_nobody_else_is_started(self, play, end):
        async def scene(stage: Scene) -> None:
            crew = stage.crew(4)
            stage.crews.start(crew)
            await asyncio.sleep(0)
            started = crew.processes
            assert len(started) == 2
            end(stage.crews, crew)
            await turns()
            assert crew.processes == started
            for process in cast("list[ScriptedProcess]", started):
                process.exit(-signal.SIGTERM)
            await turns()
            assert crew.generation.is_gone

        play(scene)

    def test_all_that_start_beside_another_generation_leave_it_the_processors(self, play, monkeypatch):
        preferring = []
        monkeypatch.setattr(ScriptedProcess, "prefer_others", lambda process: preferring.append(process.pid))

        async def scene(stage: Scene) -> None:
            old, new = stage.crew(), stage.crew(3)
            await serving(stage, old)
            stage.crews.start(new, in_background=True)
            await turns()
            assert preferring == [process.pid for process in new.processes]
            stage.crews.hand_over(old)
            await died(new, -signal.SIGKILL)
            assert len(preferring) == 3

        play(scene)


class TestDeaths:
    def test_one_that_dies_leaves_its_journal_to_the_next(self, play):
        async def scene(stage: Scene) -> None:
            crew = stage.crew()
            first = await serving(stage, crew)
            second = await died(crew, -signal.SIGKILL)
            assert second.predecessors == [(first.pid, False)]
            await said(second, FromWorker.SERVING)
            assert crew.slots[0].predecessors == []

        play(scene)

    def test_what_workers_die_of_before_they_serve_is_given_up_and_the_slot_serves(self, play, caplog):
        async def scene(stage: Scene) -> None:
            crew = stage.crew()
            pid = (await serving(stage, crew)).pid
            for n_deaths in range(MAX_DEATHS):
                process = await died(crew, -signal.SIGSEGV)
                assert process.predecessors[0] == (pid, False), n_deaths
                assert len(process.predecessors) == 1 + n_deaths
            process = await died(crew, -signal.SIGSEGV)
            assert process.predecessors == []
            await said(process, FromWorker.SERVING)
            assert crew.generation.is_ready
            assert "Slot 0 drops the pending logins of its last workers" in caplog.text

        play(scene)

    def test_a_death_that_the_worker_explains_is_none_of_the_journals_doing(self, play):
        async def scene(stage: Scene) -> None:
            crew = stage.crew()
            pid = (await serving(stage, crew)).pid
            await died(crew, -signal.SIGKILL)
            for _ in range(MAX_DEATHS):
                process = await died(crew, CANNOT_START)
            assert process.predecessors[0] == (pid, False)

        play(scene)

    def test_one_that_served_begins_the_count_anew(self, play):
        async def scene(stage: Scene) -> None:
            crew = stage.crew()
            await serving(stage, crew)
            for _ in range(2 * MAX_DEATHS):
                process = await died(crew, -signal.SIGSEGV)
                assert len(process.predecessors) == 1
                await said(process, FromWorker.SERVING)

        play(scene)

    def test_another_generation_inherits_the_count(self, play):
        async def scene(stage: Scene) -> None:
            old, new = stage.crew(), stage.crew()
            await serving(stage, old)
            await died(old, -signal.SIGSEGV)
            await died(old, -signal.SIGSEGV)
            stage.crews.name_successors(old, new)
            assert [each.n_deaths for each in new.slots[0].predecessors] == [1, 1, 0]
            assert [each.link is not None for each in new.slots[0].predecessors] == [False, False, True]

        play(scene)


async def followed(stage: Scene) -> tuple[Crew, ScriptedProcess, socket.socket]:
    """Return a crew that serves, its worker, and a copy of the link that its successor hears it on."""
    old, new = stage.crew(), stage.crew()
    first = await serving(stage, old)
    stage.crews.name_successors(old, new)
    stage.crews.start(new)
    link = socket.socket(fileno=os.dup(worker(new).links[0]))
    link.setblocking(False)
    return old, first, link


async def ends_with(first: ScriptedProcess, link: socket.socket) -> None:
    """See that a link ends with its worker, and not before."""
    with link:
        with pytest.raises(BlockingIOError):
            link.recv(1)
        first.exit(-signal.SIGKILL)
        await turns()
        assert link.recv(1) == b""


class TestHandingOver:
    def test_the_links_end_is_the_end_of_the_predecessor_and_nothing_before(self, play):
        """Not even that it received none, at its limit of descriptors: till it is gone it may read."""

        async def scene(stage: Scene) -> None:
            old, first, link = await followed(stage)
            stage.crews.hand_over(old)
            with no_descriptor_left():
                received = hear_supervisor(first.theirs, Spares(0))
            assert received is not None
            assert isinstance(received.word, HandOver)
            assert received.descriptors == []
            await ends_with(first, link)

        play(scene)

    def test_one_that_cannot_be_told_is_killed_and_its_successor_waits_for_its_end(self, play):
        async def scene(stage: Scene) -> None:
            old, first, link = await followed(stage)
            first.theirs.shutdown(socket.SHUT_RD)
            stage.crews.hand_over(old)
            assert first.signals == [signal.SIGKILL]
            await ends_with(first, link)

        play(scene)

    def test_without_descriptors_nothing_is_bequeathed_and_nothing_left_over(self, play):
        async def scene(stage: Scene) -> None:
            old, new = stage.crew(), stage.crew()
            await serving(stage, old)
            before = n_descriptors()
            with no_descriptor_left(), pytest.raises(OSError, match="Too many open files"):
                stage.crews.name_successors(old, new)
            stage.crews.abort(new)
            assert n_descriptors() == before
            assert old.slots[0].state is SlotState.READY

        play(scene)
