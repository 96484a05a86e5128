"""`radgate stop`: let the running gateway finish its pending logins, and wait until it has ended."""

import argparse
import sys
import time
from typing import Any

from gateway.cli.asking import ASK_TIMEOUT_S, ask_status, asking
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.streams import mention
from gateway.config.control_address import ControlAddress
from gateway.supervisor.control_client import ControlConnection, ControlError, UnknownCommand

MARGIN_S = 15.0  # beyond drain_timeout_s: the supervisor ends workers that hang after 5 s

_LOOK_EVERY_S = 1.0

DESCRIPTION = """\
Take no new requests, finish pending logins (for drain_timeout_s at most), and return when the gateway has ended. Ctrl-C
ends the waiting, not the stop.
"""
EPILOG = """\
exit status: 0 it has ended, 2 the file cannot be read, 4 it does not end or answer, or we may not ask, 5 nothing runs.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "stop", "finish pending logins and stop", DESCRIPTION, EPILOG)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Stop the gateway."""
    with asking(options.config) as address:
        return stop(address)


def stop(handle: ControlAddress, word: str = "stop") -> int:
    """Return the exit status; while it waits, say for how many logins.

    `word` is `stop`, or `leave`: logins that wait for a person are for the next start, which is to come soon.

    Raises:
        NotRunning: there is nothing to stop.
    """
    with ControlConnection(handle.run_dir, ASK_TIMEOUT_S) as gateway:
        try:
            process_id = gateway.ask(word)["pid"]
        except UnknownCommand:  # an older gateway leaves nothing to the next start
            return stop(handle)
        if _wait(gateway, handle):
            mention(f"radgate (pid {process_id}) has stopped")
            return Exit.OK
    print(f"radgate: pid {process_id} has not ended; a second SIGTERM ends it at once", file=sys.stderr)
    return Exit.NO_ANSWER


def _wait(gateway: ControlConnection, handle: ControlAddress) -> bool:
    """Return whether the gateway has ended in time."""
    deadline = time.monotonic() + handle.drain_timeout_s + MARGIN_S
    told = None
    while not gateway.has_ended(_LOOK_EVERY_S):
        if time.monotonic() > deadline:
            return False
        n_pending = _count_pending(handle.run_dir)
        if n_pending != told and n_pending is not None:
            told = n_pending
            mention(f"waiting for pending logins: {n_pending} (at most {handle.drain_timeout_s:g} s)")
    return True


def _count_pending(run_dir: str) -> int | None:
    """Return how many logins the workers have not answered yet; None if that is not known."""
    try:
        workers = ask_status(run_dir)["workers"]
    except (ControlError, KeyError):  # perhaps it has just ended, or is of another version
        return None
    return sum(int(worker["pending"]) for worker in workers)
