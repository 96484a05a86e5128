"""The terminal that the gateway was started from: its SIGHUP does not ask for a reload."""

import os
import signal
from enum import Enum


class HangUp(Enum):
    """What a SIGHUP means."""

    NONE = "none"
    """Somebody sent it: reload."""
    STOP = "stop"
    """The terminal of a foreground run is gone."""
    OUTLIVED = "outlived"
    """The terminal has closed, and the gateway was started with `nohup`."""


class Terminal:
    """Our controlling terminal, if there is one; to be made before SIGHUP is held, or given a handler."""

    def __init__(self) -> None:
        self._is_there = _is_there()
        self._is_outlived = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def hang_up(self) -> HangUp:
        """Return what a SIGHUP that has just come means; the terminal goes once."""
        if not self._is_there or _is_there():
            return HangUp.NONE
        self._is_there = False
        return HangUp.OUTLIVED if self._is_outlived else HangUp.STOP


def _is_there() -> bool:
    """Whether we have a controlling terminal, which lives: services, containers and what setsid started have none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True
