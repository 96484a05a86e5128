"""`radgate stop`: let the running gateway finish its pending logins, and wait until it has ended."""

import argparse
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
        stop(address)
    return Exit.OK


def stop(handle: ControlAddress, word: str = "stop") -> None:
    """End the gateway that runs there. Arguments and errors are those of `end`.

    Raises:
        NotRunning: there is nothing to stop.
    """
    with ControlConnection(handle.run_dir, ASK_TIMEOUT_S) as gateway:
        try:
            end(gateway, handle, word)
        except UnknownCommand:  # an older gateway leaves nothing to the next start
            stop(handle)


def end(gateway: ControlConnection, handle: ControlAddress, word: str = "stop") -> None:
    """Have the gateway at the other end finish, and wait until it has ended; say meanwhile for how many logins.

    `word` is `stop`, or `leave`: logins that wait for a person are for the next start, which is to come soon.

    Raises:
        ControlError: it does not end, or gives no answer.
    """
    process_id = gateway.ask(word)["pid"]
    if not _wait(gateway, handle):
        raise ControlError(f"pid {process_id} has not ended; a second SIGTERM ends it at once")
    mention(f"radgate (pid {process_id}) has stopped")


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
