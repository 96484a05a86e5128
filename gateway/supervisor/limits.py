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

# Of the supervisor, beside the sockets to listen on.
FILES_OF_SUPERVISOR = 48  # some 30 are held: loop, logs, folders, memory, console; others a start or a caller takes
FILES_OF_WORKER = 4  # channel, journal, last words, pidfd
FILES_OF_BUCKET = 2  # how packets are passed on
_GREATEST = Path("/proc/sys/fs/nr_open")


class FilesWanted(NamedTuple):
    """How many files a process may have to open: the supervisor, without which nothing starts, and a worker in all."""

    to_start: int
    in_all: int


def files_wanted(settings: Settings) -> FilesWanted:
    """Return what these settings may need: each pending push holds a connection to Duo, and so a file of its worker."""
    n_workers = worker_count(settings)
    n_buckets = bucket_count(n_workers)
    listening = len(listening_addresses(settings)) * n_buckets
    to_start = listening + FILES_OF_BUCKET * n_buckets + FILES_OF_WORKER * n_workers + FILES_OF_SUPERVISOR
    return FilesWanted(to_start, FEW_FILES + listening + pending_share(settings, n_workers))


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
