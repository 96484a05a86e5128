"""Words for the person who started us, and for systemd's readers of the console."""

import contextlib
import sys


def say(line: str) -> None:
    """Say it on standard error; that nobody hears it any more is no reason to end."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201 -- these lines are part of the commands' interface
