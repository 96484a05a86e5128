"""Who runs on which core, and what a process has used there.

Who is measured has the first core to itself where there are several; everybody else shares the others.
"""

import os
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0))


def take_first_core() -> None:
    """Run on the core of who is measured: for a child process before it begins."""
    os.sched_setaffinity(0, _CORES[:1])


def leave_first_core() -> None:
    """Run, with all children to come, where who is measured does not."""
    os.sched_setaffinity(0, _CORES[1:] or _CORES)


def allow_all_cores() -> None:
    """Run wherever the machine lets us: for a child process whose parent has left a core."""
    os.sched_setaffinity(0, _CORES)


def pin_alone(pid: int) -> None:
    """Give a process of one thread the first core."""
    os.sched_setaffinity(pid, _CORES[:1])


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, to the nanosecond: the first field of each thread's schedstat."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def resident(pid: int) -> int:
    """Return a process's resident memory in octets (RSS)."""
    return _rollup(pid, "Rss:")


def proportional_share(pid: int) -> int:
    """Return the same with what is shared with others in proportion (PSS)."""
    return _rollup(pid, "Pss:")


def _rollup(pid: int, name: str) -> int:
    words = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    return int(words[words.index(name) + 1]) * 1024
