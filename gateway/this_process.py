"""What a process of ours does to itself first: its memory is private, and it has a name."""

import ctypes
import resource
from typing import Final

LONGEST_NAME: Final = 15  # letters that the kernel keeps; prctl(2)
SUPERVISOR: Final = "radgate"
CONSOLE: Final = "radgate-console"

# linux/prctl.h; Python calls neither.
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NAME: Final = 15


def worker_name(slot: int) -> str:
    """Return what the worker of a slot is called."""
    return f"radgate-w{slot}"


def name_process(name: str) -> None:
    """Have `ps`, `top` and `pgrep` call this process so; threads that begin later are called the same."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:LONGEST_NAME], 0, 0, 0)


def keep_memory_private() -> None:
    """Leave no core file behind, and let no other process of the same user look into this one (`prctl(2)`).

    It holds secrets, and what users typed. Neither outlasts an exec.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
