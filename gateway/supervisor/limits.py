"""How many files a process may open, which all workers inherit."""

import contextlib
import resource
from pathlib import Path
from typing import NamedTuple

from gateway.config.listening import listening_addresses
from gateway.config.settings import Settings
from gateway.ipc.plan import (
    pending_share,
    worker_count,
)
from gateway.supervisor.sockets import bucket_count

FEW_FILES = 2_000  # a worker's connections for brief calls, idle ones, logs
_GREATEST = Path("/proc/sys/fs/nr_open")


class FilesWanted(NamedTuple):
    """How many files a process may have to open: for sockets to listen on, without which nothing starts, and in all."""

    listening: int
    in_all: int


def files_wanted(settings: Settings) -> FilesWanted:
    """Return what these settings may need: each pending push holds a connection to Duo, and so a file of its worker."""
    n_workers = worker_count(settings)
    listening = len(listening_addresses(settings)) * bucket_count(n_workers)
    return FilesWanted(listening, FEW_FILES + listening + pending_share(settings, n_workers))


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
