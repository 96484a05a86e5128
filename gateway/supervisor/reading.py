"""A configuration file, read by a child: the supervisor's loop does not wait for it, nor fall with it."""

import asyncio
import contextlib
import os
import subprocess
import sys

from gateway.config.handed import ReadOutcome, decode_outcome

READING_MODULE = "gateway.config"
READ_TIMEOUT_S = 60.0
READING_NICENESS = 19


async def read_in_child(path: str, timeout_s: float = READ_TIMEOUT_S) -> ReadOutcome:
    """Return what the file says. A child that fails is a problem among others; nothing is raised."""
    descriptor = -1
    try:
        descriptor = os.memfd_create("radgate-reading", os.MFD_CLOEXEC)
        async with asyncio.timeout(timeout_s):
            status = await _run_child(path, descriptor)
        return _decode(os.pread(descriptor, os.fstat(descriptor).st_size, 0), path, status)
    except TimeoutError:
        return _failure(path, f"reading it took longer than {timeout_s:g} s")
    except OSError as error:
        return _failure(path, f"no process can be started to read it: {error.strerror}")
    finally:
        if descriptor >= 0:
            os.close(descriptor)


async def _run_child(path: str, descriptor: int) -> int:
    """Return the exit status of a child that writes to this descriptor what it reads.

    A child that is given up is killed, and reaped whenever it has ended: a disk that hangs would keep it until then.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    child = subprocess.Popen(  # noqa: S603, ASYNC220 -- our own interpreter and module; nothing here waits for it
        [sys.executable, "-P", "-m", READING_MODULE, path, str(descriptor)],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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


def _decode(octets: bytes, path: str, status: int) -> ReadOutcome:
    try:
        return decode_outcome(octets)
    except ValueError:
        return _failure(path, f"the process that read it ended with status {status}; radgate check says more")


def _failure(path: str, text: str) -> ReadOutcome:
    return ReadOutcome(problems=[f"{path}: {text}"])
