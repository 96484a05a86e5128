"""A worker begins to serve: after its predecessors, and no sooner than the generation before it hands over."""

import asyncio
import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.ipc.worker_channel import FromWorker, Received, Serve, hear_worker
from gateway.worker.running import RunningWorker


class ScriptedService:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.diary: list[str] = []

    def serve(self) -> None:
        """Take note."""
        self.diary.append("serves")


class CompleteSuccession:
    """One that has no living predecessor."""

    async def complete(self) -> None:
        """Return at once."""


def worker_of(service: ScriptedService, channel: socket.socket, board_fd: int = -1, *, waits: bool = False) -> Any:
    """Return a worker that nobody has told anything."""
    orders: Any = SimpleNamespace(slot=3, board_fd=board_fd, sockets=[], waits=waits)
    askers: Any = SimpleNamespace(fleet=None)
    nobody: Any = None
    return RunningWorker(orders, channel, service, askers, nobody, asyncio.Event(), 70.0)  # type: ignore[arg-type]


def test_one_that_waits_serves_once_it_is_told_though_it_takes_over_from_nobody_who_lives():
    async def scene() -> None:
        supervisor, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        service, board_fd = ScriptedService(), os.memfd_create("board")
        worker = worker_of(service, theirs, board_fd, waits=True)
        serving = asyncio.ensure_future(worker._serve(CompleteSuccession()))
        for _ in range(5):
            await asyncio.sleep(0)
        assert service.diary == []
        worker._obey(Received(Serve(), []))
        await serving
        assert service.diary == ["serves"]
        assert hear_worker(supervisor) is FromWorker.SERVING
        supervisor.close()
        theirs.close()
        os.close(board_fd)

    asyncio.run(scene())


def test_one_that_cannot_begin_to_serve_ends_and_leaves_its_slot_to_the_next():
    """It would show that it lives, and never serve."""

    class BrokenSuccession:
        async def complete(self) -> None:
            raise OSError

    async def scene() -> None:
        with socket.socket() as channel, pytest.raises(OSError):
            await worker_of(ScriptedService(), channel)._serve_until_stopped(BrokenSuccession())

    asyncio.run(scene())


@pytest.mark.parametrize("serves", [False, True])
def test_one_that_is_stopped_waits_for_nothing_more(serves: bool):
    class Succession:
        async def complete(self) -> None:
            await asyncio.Event().wait()

    async def scene() -> None:
        with socket.socket() as channel:
            worker = worker_of(ScriptedService(), channel)
            if serves:
                worker._serve = CompleteSuccession.complete
            serving = asyncio.ensure_future(worker._serve_until_stopped(Succession()))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not serving.done()
            worker._stopped.set()
            await serving

    asyncio.run(scene())
