"""Watch a run: once a second the gateway's own status, and CPU and memory of every process that takes part.

Figures of a second belong to its end. Instants are those of `time.monotonic()`.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

INTERVAL_S = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """What a process has used since it began, and its resident octets now.

    Attributes:
        waited_s: ready to run, but with no core to run on.
    """

    cpu_s: float
    waited_s: float
    rss_bytes: int


class Process(NamedTuple):
    """A process of the run; a successor in the same role is another one.

    Attributes:
        role: `supervisor`, `worker 0`, `Duo`, `load` …
    """

    role: str
    pid: int


class Sample(NamedTuple):
    """One look at everything; `status` is None where the gateway did not answer."""

    at: float
    status: dict[str, Any] | None
    usage: dict[Process, Usage]


def ask_gateway(run_dir: Path, command: str, timeout_s: float = 30.0) -> dict[str, Any]:
    """Ask the gateway's control socket for `status` or `reload`.

    Raises:
        OSError: nobody answers, or not in time.
        ValueError: the gateway says no; the text says why.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(timeout_s)
        control.connect(str(run_dir / "control.sock"))
        control.sendall(json.dumps({"command": command}).encode() + b"\n")
        with control.makefile("rb") as lines:
            line = lines.readline()
    if not line:
        raise ConnectionError("the gateway hung up")
    answer: dict[str, Any] = json.loads(line)
    if not answer["ok"]:
        raise ValueError(f"the gateway declines to {command}: {answer['error']}")
    return answer


def usage_of(pid: int) -> Usage | None:
    """Return what a process has used; None if it is gone."""
    try:
        threads = [(thread / "schedstat").read_text().split() for thread in _threads(pid)]
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        return Usage(
            sum(int(ran) for ran, *_ in threads) / 1e9, sum(int(waited) for _, waited, _ in threads) / 1e9, resident
        )
    except (OSError, ValueError, IndexError):
        return None


def children_of(pid: int) -> list[int]:
    """Return the processes that a process, by any of its threads, has started and that live."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in _threads(pid):
            with contextlib.suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def workers_of(gateway_pid: int) -> dict[int, int]:
    """Return the slot of each live worker process of a gateway, by pid; of a reload's both generations."""
    found = {}
    for pid in children_of(gateway_pid):
        with contextlib.suppress(OSError, ValueError, IndexError):
            title = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0")
            found[pid] = int(title.removeprefix("radgate: worker "))
    return found


class Observer:
    """A thread that takes a sample every second, from entering to leaving.

    Args:
        processes: returns those that live; asked at every sample, for workers come and go.
        see: is told of each sample, in the thread.

    Attributes:
        samples: taken so far, oldest first.
    """

    def __init__(
        self,
        run_dir: Path,
        processes: Callable[[], list[Process]],
        see: Callable[[Sample], None] | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._run_dir = run_dir
        self._processes = processes
        self._see = see
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="observer")
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        next_at = time.monotonic() + self._interval_s
        while not self._stopped.wait(max(0.0, next_at - time.monotonic())):
            self._sample()
            next_at = max(next_at + self._interval_s, time.monotonic())

    def _sample(self) -> None:
        try:
            status = ask_gateway(self._run_dir, "status", timeout_s=2.0)["status"]
        except (OSError, ValueError):
            status = None
        found = {process: usage_of(process.pid) for process in self._processes()}
        usage = {process: used for process, used in found.items() if used is not None}
        sample = Sample(time.monotonic(), status, usage)
        self.samples.append(sample)
        if self._see:
            self._see(sample)


def by_role(before: Sample, after: Sample) -> Mapping[str, Usage]:
    """Return what was used in each role between two samples; a process that was not there before began at nothing."""
    found: dict[str, Usage] = {}
    for process, used in after.usage.items():
        earlier = before.usage.get(process, _NOTHING)
        so_far = found.get(process.role, _NOTHING)
        found[process.role] = Usage(
            so_far.cpu_s + used.cpu_s - earlier.cpu_s,
            so_far.waited_s + used.waited_s - earlier.waited_s,
            so_far.rss_bytes + used.rss_bytes,
        )
    return found


_NOTHING = Usage(0.0, 0.0, 0)
