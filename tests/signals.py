"""Signals as programs have them that somebody starts at a terminal."""

import signal


def as_at_a_terminal() -> None:
    """Let a child that has yet to begin be ended by Ctrl-C and SIGHUP.

    Tests that run in the background or under nohup ignore these, and children inherit that.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
