"""`radgate status`: what the running gateway is doing."""

import argparse
import contextlib
import time
from collections.abc import Iterator
from typing import Any

from gateway import __version__
from gateway.cli.asking import ask_status
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.status_text import render_status
from gateway.cli.terminal import as_json
from gateway.config.control_address import read_control_address
from gateway.supervisor.control_client import ControlError
from gateway.supervisor.status import Status

EVERY_S = 1.0
DESCRIPTION = """\
Show what the running gateway is doing: first what needs somebody, then workers, server sections, Duo applications and
the hosts of a fleet.
"""
EPILOG = """examples:
  radgate status --watch
  radgate status --json | jq .servers

exit status: 0 shown, 4 the gateway does not answer or we may not ask,
5 nothing runs"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "show what the running gateway is doing"
    parser = add_command(subparsers, common, "status", text, DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument(
        "--watch", action="store_true", help="show it anew every second, until Ctrl-C; plain lines into a pipe"
    )
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the status, once or until interrupted."""
    run_dir = read_control_address(options.config).run_dir
    status = ask_status(run_dir)
    if options.json:
        _print_json(status, run_dir if options.watch else None)
        return Exit.OK
    with _explained(status):
        if options.watch:
            _watch(run_dir)
        else:
            print(render_status(status), end="", flush=True)
    return Exit.OK


def _print_json(status: Status, run_dir: str | None) -> None:
    """Print an object a line: this one, and if there is somebody to ask, a newer one every second."""
    with contextlib.suppress(KeyboardInterrupt):
        print(as_json(status), flush=True)
        while run_dir is not None:
            time.sleep(EVERY_S)
            print(as_json(ask_status(run_dir)), flush=True)


def _watch(run_dir: str) -> None:
    from gateway.cli.live import watch  # what it loads would make every other command start later

    watch(lambda: ask_status(run_dir), EVERY_S)


@contextlib.contextmanager
def _explained(status: Status) -> Iterator[None]:
    """Say why a status cannot be shown: the gateway was started before the code was replaced."""
    try:
        yield
    except (KeyError, TypeError) as error:
        text = f"the running gateway is version {status.get('version')}, this command {__version__}"
        raise ControlError(f"{text}; it can be shown with --json") from error
