"""What every process of ours does first: its memory holds secrets, and what users typed."""

import ctypes
import resource

_PR_SET_DUMPABLE = 4  # linux/prctl.h; Python does not call it


def keep_memory_private() -> None:
    """Leave no core file behind, and let no other process of the same user look into this one (`prctl(2)`).

    Neither outlasts an exec.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
