"""What this process has open, without the garbage of earlier tests, which may be collected at any time."""

import contextlib
import gc
import os
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
