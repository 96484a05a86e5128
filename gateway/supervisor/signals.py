"""What the supervisor's signals are, and how they wait until it can hear them."""

import signal
from collections.abc import Collection
from typing import Final

HANDLED_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
REQUESTS: Final = (signal.SIGHUP, signal.SIGUSR1)  # those of them that are to end nobody


def hold_signals(numbers: Collection[signal.Signals] = HANDLED_SIGNALS) -> None:
    """Let signals wait until an arbiter, ours or of the code in our place, handles them: they would end us before."""
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
