"""How many files a process may open, which all workers inherit."""

import contextlib
import resource
from pathlib import Path

_GREATEST = Path("/proc/sys/fs/nr_open")


def raise_file_limit(wanted: int) -> int:
    """Allow as many descriptors as the hard limit permits, and more if we may; return how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        greatest = min(wanted, int(_GREATEST.read_text()))
        if hard < greatest:  # root alone may
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, greatest))
            hard = greatest
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
