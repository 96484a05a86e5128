"""Workers without a process: they say and do what a test wants."""

import asyncio
import os
import socket
from itertools import count

from gateway.ipc.orders import Orders
from gateway.ipc.worker_channel import (
    FromWorker,
    tell_supervisor,
)

pids = count(1000)


class ScriptedProcess:
    """A worker that says and does what a test wants; `predecessors` and `generations` are those of its orders."""

    last_words = ""
    version = "1.2.3"

    def __init__(self, orders: Orders, _identity: object) -> None:
        self.pid = next(pids)
        self.predecessors = [(each.pid, each.lives) for each in orders.predecessors]
        self.generations = [each.number for each in orders.generations]
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
