"""The first that `radgate run` does: SIGHUP and SIGUSR1 wait from here on, which would end a process that only begins.

To load all that it needs takes half a second. The other commands are ended by both, as any program is.
"""

import sys
from collections.abc import Iterable
from typing import Final

from gateway.supervisor.signals import REQUESTS, hold_signals
from gateway.supervisor.terminal import Terminal


def names_run(arguments: Iterable[str]) -> bool:
    """Whether these arguments, which nobody has parsed yet, have `run` for their command."""
    words = iter(arguments)
    for word in words:
        if word == "--config":
            next(words, None)
        elif not word.startswith("-"):
            return word == "run"
    return False


def _hold_requests() -> Terminal | None:
    """Return the terminal as it was before, if this is `radgate run`."""
    if not names_run(sys.argv[1:]):
        return None
    terminal = Terminal()
    hold_signals(REQUESTS)
    return terminal


TERMINAL: Final = _hold_requests()
