"""Signals as programs have them that somebody starts at a terminal, and a child that stands still."""

import os
import signal


def as_at_a_terminal() -> None:
    """Let a child that has yet to begin be ended by Ctrl-C and SIGHUP.

    Tests that run in the background or under nohup ignore these, and children inherit that.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def let_stand_still(child: int) -> None:
    """Stop a child, and return once all its threads are stopped: on a busy machine some go on for a while."""
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED)
