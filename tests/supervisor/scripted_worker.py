"""Workers without a process: they say and do what a test wants."""

import asyncio
import contextlib
import os
import socket
from itertools import count
from pathlib import Path

from gateway.ipc.orders import Orders
from gateway.ipc.worker_channel import (
    FromWorker,
    tell_supervisor,
)

pids = count(1000)


def n_descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def descriptors() -> set[tuple[int, int, int]]:
    """Those of this process, and of which file each is: the same number may be of another one later."""
    known = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that which lists them is closed by now
            found = os.fstat(int(entry.name))
            known.add((int(entry.name), found.st_dev, found.st_ino))
    return known


class ScriptedProcess:
    """A worker that says and does what a test wants; `predecessors` are those of its orders."""

    last_words = ""
    version = "1.2.3"

    def __init__(self, orders: Orders, _identity: object) -> None:
        self.pid = next(pids)
        self.predecessors = [(each.pid, each.lives) for each in orders.predecessors]
        self.links = [os.dup(each.link_fd) for each in orders.predecessors if each.link_fd is not None]
        self.channel, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pidfd, self._life = os.pipe()
        self.signals: list[int] = []
        self.has_exited = False
        self._status = 0

    def signal(self, number: int) -> None:
        """Take note."""
        self.signals.append(number)

    def prefer_others(self) -> None:
        """Change nothing."""

    prefer_nobody = prefer_others

    def exit(self, status: int) -> None:
        """End."""
        self._status, self.has_exited = status, True
        self.theirs.close()
        os.close(self._life)
        for link in self.links:
            os.close(link)

    def reap(self) -> int:
        """Tell how it ended."""
        os.close(self.pidfd)
        self.channel.close()
        return self._status


async def said(process: ScriptedProcess, word: FromWorker) -> None:
    """Let a worker say something, and the crew hear it."""
    tell_supervisor(process.theirs, word)
    await turns()


async def turns() -> None:
    """Let the loop see what there is."""
    for _ in range(4):
        await asyncio.sleep(0)
