"""A child process that does one thing and writes what came of it: the supervisor's loop does not wait for it, nor fall
with it.

What it is to know, and its answer, go through one memfd, for other users can read argv and the environment.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.ipc.memory import (
    memfd,
    read_memfd,
)
from gateway.supervisor.process import MOST_WORDS


class HelperEnd(NamedTuple):
    """How a helper has ended.

    Attributes:
        status: its exit status.
        octets: what its memfd holds then: its answer, if it came so far.
        words: the last that it said on standard error.
    """

    status: int
    octets: bytes
    words: str


async def run_helper(arguments: Sequence[str], timeout_s: float, orders: bytes = b"", niceness: int = 0) -> HelperEnd:
    """Run `python -m ARGUMENTS… FD`, and return how it ended.

    Raises:
        TimeoutError: it took too long, and was killed.
        OSError: no process can be started, or no descriptor is left.
    """
    with _anonymous_file(orders) as answer, _anonymous_file() as words:
        async with asyncio.timeout(timeout_s):
            status = await _run_child([*arguments, str(answer)], answer, words, niceness)
        said = read_memfd(words)[-MOST_WORDS:].decode(errors="replace").strip()
        return HelperEnd(status, read_memfd(answer), said)


@contextlib.contextmanager
def _anonymous_file(octets: bytes = b"") -> Iterator[int]:
    descriptor = memfd("radgate-helper", octets)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_answer(descriptor: int, octets: bytes) -> None:
    """Put the answer into the memfd, in the place of the orders."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, octets, 0)


async def _run_child(arguments: Sequence[str], descriptor: int, words: int, niceness: int) -> int:
    """Return the exit status of a child, which says what it has to say into a descriptor of its own.

    A child that is given up is killed, and reaped whenever it has ended: a disk that hangs would keep it until then.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    child = subprocess.Popen(  # noqa: S603, ASYNC220 -- our own interpreter and module; nothing here waits for it
        [sys.executable, "-P", "-m", *arguments],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=words,
    )
    if niceness:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, niceness)
    try:
        pidfd = os.pidfd_open(child.pid)
        loop.add_reader(pidfd, _reap, child, pidfd, ended)
        return await ended
    finally:
        child.kill()


def _reap(child: subprocess.Popen[bytes], pidfd: int, ended: asyncio.Future[int]) -> None:
    asyncio.get_running_loop().remove_reader(pidfd)
    os.close(pidfd)
    status = child.wait()
    if not ended.done():
        ended.set_result(status)
