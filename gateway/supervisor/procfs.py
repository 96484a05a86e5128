"""What the kernel says of a process."""

import os
from pathlib import Path
from typing import NamedTuple

_UTIME, _STIME, _RSS = 11, 12, 21  # proc_pid_stat(5), counted from behind the name


class ProcessUsage(NamedTuple):
    """CPU seconds since its start, in user and kernel mode, and resident octets."""

    cpu_s: float
    rss_bytes: int


def process_usage(pid: int) -> ProcessUsage:
    """Return what a process uses: nothing if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ProcessUsage(0.0, 0)
    fields = text.rpartition(")")[2].split()  # the name may hold blanks and parentheses
    ticks = int(fields[_UTIME]) + int(fields[_STIME])
    return ProcessUsage(ticks / os.sysconf("SC_CLK_TCK"), int(fields[_RSS]) * os.sysconf("SC_PAGE_SIZE"))


def user_of(pid: int) -> int | None:
    """Return the effective user of a process, by number; None if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[2]) for line in lines if line.startswith("Uid:")), None)
