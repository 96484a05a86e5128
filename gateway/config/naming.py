"""What `ps`, `top` and `pgrep radgate` call a process of ours."""

import ctypes

LONGEST = 15  # letters that the kernel keeps; prctl(2)
_PR_SET_NAME = 15  # linux/prctl.h; Python does not call it

SUPERVISOR = "radgate"
CONSOLE = "radgate-console"


def worker_name(slot: int) -> str:
    """Return what the worker of a slot is called."""
    return f"radgate-w{slot}"


def name_process(name: str) -> None:
    """Call this process so; threads that begin later are called the same."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:LONGEST], 0, 0, 0)
