"""A worker begins to serve: after its predecessors, and no sooner than the generation before it hands over."""

import asyncio
import os
import socket
from types import SimpleNamespace
from typing import Any

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


def test_one_that_waits_serves_once_it_is_told_though_it_takes_over_from_nobody_who_lives():
    async def scene() -> None:
        supervisor, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        service, askers = ScriptedService(), SimpleNamespace(fleet=None)
        orders: Any = SimpleNamespace(slot=3, board_fd=os.memfd_create("board"), sockets=[], waits=True)
        nobody: Any = None
        worker = RunningWorker(orders, theirs, service, askers, nobody, asyncio.Event(), 70.0)  # type: ignore[arg-type]
        serving = asyncio.ensure_future(worker._serve(CompleteSuccession()))  # type: ignore[arg-type]
        for _ in range(5):
            await asyncio.sleep(0)
        assert service.diary == []
        worker._obey(Received(Serve(), []))
        await serving
        assert service.diary == ["serves"]
        assert hear_worker(supervisor) is FromWorker.SERVING
        supervisor.close()
        theirs.close()
        os.close(orders.board_fd)

    asyncio.run(scene())
