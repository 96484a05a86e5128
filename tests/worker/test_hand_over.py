"""A worker that is told to hand over: what comes first, and what it does when it cannot reach its successors."""

import asyncio
import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.ipc.links import LinkWriter
from gateway.ipc.worker_channel import (
    FromWorker,
    HandOver,
    Successor,
    hear_worker,
)
from gateway.worker.running import RunningWorker


class ScriptedService:
    """Takes note of what it is told, in order; `fails` is raised by the hand-over."""

    def __init__(self, fails: Exception | None) -> None:
        self.diary: list[Any] = []
        self._fails = fails

    def stop_reading(self) -> None:
        """Take note."""
        self.diary.append("reads no more")

    def hand_over(self, links: dict[int, LinkWriter]) -> None:
        """Take note."""
        for link in set(links.values()):
            link.close()
        if self._fails is not None:
            raise self._fails
        self.diary.append(sorted(links))


def told_to_hand_over(
    n_missing: int = 0, fails: Exception | None = None
) -> tuple[RunningWorker, list[Any], list[FromWorker]]:
    """Tell a worker to hand over to two successors, without so many of the links; return what it did and said."""

    async def scene() -> tuple[RunningWorker, list[Any], list[FromWorker]]:
        supervisor, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        supervisor.setblocking(False)
        service = ScriptedService(fails)
        orders: Any = SimpleNamespace(slot=3, board_fd=os.memfd_create("board"), sockets=[], waits=False)
        nobody: Any = None
        worker = RunningWorker(orders, theirs, service, nobody, nobody, asyncio.Event(), 70.0)  # type: ignore[arg-type]
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
        descriptors = [os.dup(ours.fileno()) for ours, _ in pairs[n_missing:]]
        worker._hand_over(HandOver([Successor([0, 2]), Successor([1])]), descriptors)
        if n_missing:
            for descriptor in descriptors:
                os.close(descriptor)
        said = []
        try:
            while (word := hear_worker(supervisor)) is not None:
                said.append(word)
        except BlockingIOError:
            pass
        for each in (supervisor, theirs, *(end for pair in pairs for end in pair)):
            each.close()
        assert worker._stopped.is_set()
        return worker, service.diary, said

    return asyncio.run(scene())


def test_it_reads_no_more_and_then_tells_its_successors_all():
    worker, diary, said = told_to_hand_over()
    assert diary == ["reads no more", [0, 1, 2]]
    assert said == [FromWorker.HANDED_OVER]
    assert worker._drain_timeout_s == 70.0


@pytest.mark.parametrize("n_missing", [1, 2])
def test_without_a_link_it_reads_no_more_all_the_same_and_leaves_at_once(n_missing, caplog):
    """It must not say that it has handed over: its successors wait for its end then."""
    worker, diary, said = told_to_hand_over(n_missing)
    assert diary == ["reads no more"]
    assert said == []
    assert worker._drain_timeout_s == 0.0
    assert "Worker 3 cannot reach its successors (Too many open files)" in caplog.text


def test_nor_does_a_mistake_of_ours_let_it_read_on(caplog):
    worker, diary, said = told_to_hand_over(fails=RuntimeError("alice"))
    assert (diary, said, worker._drain_timeout_s) == (["reads no more"], [], 0.0)
    assert "alice" not in caplog.text
