"""`radgate restart`: stop and start, unless the new configuration could not be started."""

import argparse
import contextlib
from typing import Any

from gateway.cli.start import start
from gateway.cli.stop import stop
from gateway.config.handle import read_handle
from gateway.config.reading import read_settings
from gateway.supervisor.control_client import NotRunning


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("restart", parents=[common], help="stop if it runs, and start")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Stop the gateway if it runs, and start it."""
    read_settings(options.config)  # a file with errors must not stop a gateway that serves
    with contextlib.suppress(NotRunning):
        if status := stop(read_handle(options.config)):
            return status
    return start(options.config)
