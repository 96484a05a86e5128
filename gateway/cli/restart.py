"""`radgate restart`: stop and start, unless the new configuration could not be started."""

import argparse
import contextlib
from typing import Any

from gateway.cli.parsers import add_command
from gateway.cli.start import start
from gateway.cli.stop import stop
from gateway.config.handle import read_handle
from gateway.config.reading import read_settings
from gateway.supervisor.control_client import NotRunning

DESCRIPTION = """\
Check the file, stop the gateway as radgate stop does, if it runs, and start it as radgate start does. A file with
errors stops nothing. For new settings radgate reload is enough, and loses nothing.
"""
STATUSES = """\
exit status: 0 it serves, 2 errors in the file, and nothing was stopped, 3 stopped, and cannot start, 4 it does not end
or answer, or we may not ask.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "restart", "stop if it runs, and start", DESCRIPTION, STATUSES)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Stop the gateway if it runs, and start it."""
    read_settings(options.config)  # a file with errors must not stop a gateway that serves
    with contextlib.suppress(NotRunning):
        if status := stop(read_handle(options.config)):
            return status
    return start(options.config)
