"""Whether a worker that was given a file still lives, and which: locks, which the kernel takes away from the dead.

Two kinds, for neither tells all. What the supervisor locks before it starts a worker (`flock`) goes with the last
process that inherited the descriptor: from the worker's first instant to its last nobody else can have that lock. But
it does not tell whose it is. A worker's own lock on a record (`fcntl`) does.
"""

import fcntl
import os
import struct
from typing import Final

_FLOCK: Final = struct.Struct("hhqqi4x")  # struct flock: type, whence, start, octets, pid; 64-bit Linux


def share(descriptor: int) -> None:
    """Keep whoever opens the file anew from having it alone, as long as we live, or who inherits this descriptor."""
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_abandoned(descriptor: int) -> bool:
    """Whether nobody else shares the file any more; from then on it is ours and theirs who inherit this descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sign(descriptor: int) -> None:
    """Let others see that this process has the file, until it ends."""
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def join(descriptor: int) -> None:
    """Let others see that this process is one of those at work with the file, until it parts from them or ends."""
    fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def part(descriptor: int) -> None:
    """Take back what `join` has said."""
    fcntl.lockf(descriptor, fcntl.LOCK_UN)


def signer(descriptor: int) -> int:
    """Return the pid of a process that has signed or joined; 0 if there is none but us, or none that we can see."""
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return pid if kind != fcntl.F_UNLCK else 0
