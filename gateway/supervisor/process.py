"""A process of ours, a worker or the console: started by exec, heard through a channel, its end seen through a pidfd.

Its orders reach it in a memfd, for other users can read argv and the environment. What it says on standard error before
it has announced itself goes to a memfd, too, so that its last words can be told: there may be no log yet, nor an
interpreter that runs.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

from gateway.ipc.memory import memfd
from gateway.ipc.orders import (
    ConsoleOrders,
    Orders,
    encode_orders,
)
from gateway.supervisor.identity import SAME_IDENTITY, Identity
from gateway.supervisor.installed import installed_version

WORKER_MODULE = "gateway.worker"
CONSOLE_MODULE = "gateway.console"
MOST_WORDS = 4096  # octets of the last words that are told
PREPARING_NICENESS = 19  # of a worker that starts while others serve

# uvloop's TLS reads into a buffer of 256 KiB that glibc would otherwise map and unmap for each read: half of the CPU
# of an HTTPS exchange.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4194304", "MALLOC_TRIM_THRESHOLD_": "16777216"}

# libuv looks names up with half of its threads, by default two: two names that hang would keep that of Duo from being
# looked up for 10 to 30 s. A thread costs 3 KB as long as it does nothing.
_LOOKUPS = "UV_THREADPOOL_SIZE"
_N_LOOKUP_THREADS = "16"

# Ask for large pages, which a kernel grants where it may: with 17,000 pending pushes a login costs 6 % more, not 10 %.
_TUNABLES = "GLIBC_TUNABLES"
_LARGE_PAGES = "glibc.malloc.hugetlb=1"


def child_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return our environment, and in it how glibc manages memory and libuv looks names up; what an administrator has
    tuned stays.
    """
    tunables = ours.get(_TUNABLES, "")
    if "glibc.malloc.hugetlb" not in tunables:
        tunables = f"{tunables}:{_LARGE_PAGES}".lstrip(":")
    return {_LOOKUPS: _N_LOOKUP_THREADS, **ours, **_ALLOCATOR, _TUNABLES: tunables}


class ChildProcess:
    """A running process with orders.

    Attributes:
        pid: its process id.
        version: of the code that it runs: what was installed when it was started; empty if that is not known.
        pidfd: becomes readable when it has exited.
        channel: becomes readable when it has something to say.
    """

    _environment: ClassVar[Mapping[str, str]] = {}

    def __init__(self, arguments: Sequence[str], orders: Orders | ConsoleOrders, identity: Identity) -> None:
        """Start `python -m ARGUMENTS… ORDERS_FD` as this identity; the channel is put into its orders.

        Raises:
            OSError: no process can be started, or no descriptor is left.
        """
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)
        self.version = installed_version()
        orders.channel_fd = theirs.fileno()
        orders_fd = self._words_fd = -1
        orders.stderr_fd = _copy_of_stderr()
        try:
            self._words_fd = os.memfd_create("radgate-last-words", os.MFD_CLOEXEC)
            orders_fd = memfd("radgate-orders", encode_orders(orders))
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                [sys.executable, "-P", "-m", *arguments, str(orders_fd)],
                pass_fds=(orders_fd, *orders.descriptors),
                stdin=subprocess.DEVNULL,
                stderr=self._words_fd,
                env={**child_environment(os.environ), **self._environment},
                **identity.popen_options,
            )
            self.pid = self._process.pid
            self.pidfd = self._watch()
        except BaseException:
            self.channel.close()
            _close(self._words_fd)
            raise
        finally:
            theirs.close()
            _close(orders_fd)
            _close(orders.stderr_fd)

    def _watch(self) -> int:
        """Return a descriptor that tells of its end; a process that nobody can watch must not live."""
        try:
            return os.pidfd_open(self.pid)
        except OSError:
            self._process.kill()
            self._process.wait()
            raise

    def signal(self, number: int) -> None:
        """Send a signal, if it still lives."""
        self._process.send_signal(number)

    @property
    def last_words(self) -> str:
        """What it said on standard error before it announced itself, the end of it."""
        size = os.fstat(self._words_fd).st_size
        return os.pread(self._words_fd, MOST_WORDS, max(size - MOST_WORDS, 0)).decode(errors="replace").strip()

    def reap(self) -> int:
        """Return the exit status of a process whose pidfd is readable, negative for a signal; release what belonged
        to it.
        """
        status = self._process.wait()
        os.close(self.pidfd)
        os.close(self._words_fd)
        self.channel.close()
        return status


def _copy_of_stderr() -> int:
    try:
        return os.dup(2)
    except OSError:  # we were started without one
        return -1


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


class WorkerProcess(ChildProcess):
    """A running worker."""

    def __init__(self, orders: Orders, identity: Identity = SAME_IDENTITY) -> None:
        """Start it. Raises as `ChildProcess` does."""
        super().__init__([WORKER_MODULE, str(orders.slot)], orders, identity)

    def prefer_others(self) -> None:
        """Let it have the processors that others leave, if we may take that back."""
        if os.geteuid() == 0:
            self._set_niceness(PREPARING_NICENESS)

    def prefer_nobody(self) -> None:
        """Let it have its share of the processors again."""
        if os.geteuid() == 0:
            self._set_niceness(os.getpriority(os.PRIO_PROCESS, 0))

    def _set_niceness(self, niceness: int) -> None:
        with contextlib.suppress(OSError):  # it is gone, or we lack CAP_SYS_NICE
            os.setpriority(os.PRIO_PROCESS, self.pid, niceness)


class ConsoleProcess(ChildProcess):
    """A running console."""

    # It asks nobody. aiohttp would load the system's trusted roots for its clients, a quarter of the CPU of the start.
    _environment = {"SSL_CERT_FILE": os.devnull}  # noqa: RUF012

    def __init__(self, orders: ConsoleOrders, identity: Identity = SAME_IDENTITY) -> None:
        """Start it. Raises as `ChildProcess` does."""
        super().__init__([CONSOLE_MODULE], orders, identity)


def describe_status(status: int) -> str:
    """Return an exit status in words; it is negative for a signal."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
