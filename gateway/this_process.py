"""What a process of ours does to itself first: its memory is private, and it has a name."""

import ctypes
import resource
from pathlib import Path
from typing import Final, NamedTuple

LONGEST_NAME: Final = 15  # letters that the kernel keeps; prctl(2)


class ProcessName(NamedTuple):
    """What a process is called: in one word by `top` and `pgrep`, and by `ps` in the place of its arguments."""

    word: str
    title: str


SUPERVISOR: Final = ProcessName("radgate", "radgate: supervisor")
CONSOLE: Final = ProcessName("radgate-console", "radgate: console")

# linux/prctl.h; Python calls neither.
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NAME: Final = 15

# Of /proc/PID/stat, counted from the one behind the name; proc_pid_stat(5).
_ARG_START: Final = 48 - 3
_ARG_END: Final = 49 - 3


def worker_name(slot: int) -> ProcessName:
    """Return what the worker of a slot is called."""
    return ProcessName(f"radgate-w{slot}", f"radgate: worker {slot}")


def name_process(name: ProcessName) -> None:
    """Have `ps`, `top` and `pgrep` call this process so; threads that begin later are called the same."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.word.encode()[:LONGEST_NAME], 0, 0, 0)
    _write_title(name.title.encode())


def _write_title(title: bytes) -> None:
    """Write over the arguments that the kernel shows; Python has copied them, and the environment stays as it is."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b") ")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    if size := max(0, end - start):
        ctypes.memmove(start, title[: size - 1].ljust(size, b"\0"), size)


def keep_memory_private() -> None:
    """Leave no core file behind, and let no other process of the same user look into this one (`prctl(2)`).

    It holds secrets, and what users typed. Neither outlasts an exec.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
