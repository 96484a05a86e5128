"""A configuration file, read by a child: the supervisor's loop does not wait for it, nor fall with it."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from gateway.config.handed import ReadOutcome, decode_outcome
from gateway.config.writing import explain_error
from gateway.supervisor.process import MOST_WORDS
from gateway.worker.orders import read_memfd

READING_MODULE = "gateway.config"
READ_TIMEOUT_S = 60.0
READING_NICENESS = 19


async def read_in_child(path: str, timeout_s: float = READ_TIMEOUT_S) -> ReadOutcome:
    """Return what the file says. A child that fails is a problem among others; nothing is raised."""
    try:
        with _anonymous_file() as outcome, _anonymous_file() as words:
            async with asyncio.timeout(timeout_s):
                status = await _run_child(path, outcome, words)
            return _decode(read_memfd(outcome), path, _describe_end(status, read_memfd(words)))
    except TimeoutError:
        return _failure(path, f"reading it took longer than {timeout_s:g} s")
    except OSError as error:
        return _failure(path, f"no process can be started to read it: {explain_error(error)}")


@contextlib.contextmanager
def _anonymous_file() -> Iterator[int]:
    descriptor = os.memfd_create("radgate-reading", os.MFD_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _describe_end(status: int, words: bytes) -> str:
    """Return how a child has ended, with the last of its words if it said any.

    Of an error that it did not expect only the kind is told: the text may hold what the file does. One of importing,
    which is what a broken installation gives, holds nothing of it.
    """
    said = words[-MOST_WORDS:].decode(errors="replace").strip()
    last = said.rpartition("\n")[2]
    kind = last.partition(":")[0]
    if "Traceback" in said and kind not in ("ImportError", "ModuleNotFoundError"):
        last = kind
    return f"status {status}: {last}" if last else f"status {status}"


async def _run_child(path: str, descriptor: int, words: int) -> int:
    """Return the exit status of a child that writes to one descriptor what it reads, and to the other what it says.

    A child that is given up is killed, and reaped whenever it has ended: a disk that hangs would keep it until then.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    child = subprocess.Popen(  # noqa: S603, ASYNC220 -- our own interpreter and module; nothing here waits for it
        [sys.executable, "-P", "-m", READING_MODULE, path, str(descriptor)],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=words,
    )
    with contextlib.suppress(OSError):  # logins go first
        os.setpriority(os.PRIO_PROCESS, child.pid, READING_NICENESS)
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


def _decode(octets: bytes, path: str, end: str) -> ReadOutcome:
    try:
        return decode_outcome(octets)
    except ValueError:
        return _failure(path, f"the process that read it ended with {end}; radgate check says more")


def _failure(path: str, text: str) -> ReadOutcome:
    return ReadOutcome(problems=[f"{path}: {text}"])
