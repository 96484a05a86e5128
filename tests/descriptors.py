"""What this process has open, without the garbage of earlier tests, which may be collected at any time."""

import contextlib
import gc
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path("/proc/self/fd")


class Descriptor(NamedTuple):
    """A number, and the file that it is of: the same number may be of another one later."""

    number: int
    device: int
    inode: int


def descriptors() -> set[Descriptor]:
    """Return those of this process."""
    gc.collect()
    known = set()
    for entry in _FOLDER.iterdir():
        with contextlib.suppress(OSError):  # that which lists them is closed by now
            found = os.fstat(int(entry.name))
            known.add(Descriptor(int(entry.name), found.st_dev, found.st_ino))
    return known


def n_descriptors() -> int:
    """Return how many this process has."""
    return len(descriptors())


def targets() -> list[str]:
    """Return what each of them is of, as the kernel names it."""
    gc.collect()
    found = []
    for entry in _FOLDER.iterdir():
        with contextlib.suppress(OSError):
            found.append(str(entry.readlink()))
    return found


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process have no descriptor beyond those that it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(each.number for each in descriptors())
    filling = [os.open(os.devnull, os.O_RDONLY)]
    while filling[-1] <= highest:
        filling.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (filling[-1] + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in filling:
            os.close(descriptor)
