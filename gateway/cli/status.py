"""`radgate status`: what the running gateway is doing."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from gateway import __version__
from gateway.cli.asking import ask_status, asking
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.status_parts import NoSuchServer, is_well, of_server, troubled
from gateway.cli.status_text import render_status
from gateway.cli.terminal import as_json, typed
from gateway.supervisor.control_client import ControlError
from gateway.supervisor.status import Status

EVERY_S = 1.0
DESCRIPTION = """\
Show what the running gateway is doing: first what needs somebody, then workers, server sections, Duo applications and
the hosts of a fleet.

With --server show one directory and its application, with --troubled what is not well: applications in trouble or with
a hint, sections with more rejects than accepts, first factors whose hosts are down, workers that are not ready, lost
logs, hosts. Either has what is wrong with the gateway as a whole; with --json it is an object of the same keys, with
fewer in its lists.
"""
EPILOG = """examples:
  radgate status --watch
  radgate status --server Tokyo
  radgate status --troubled
  radgate status --json | jq .servers

exit status: 0 shown, 2 no such server section, 4 the gateway does not answer or
we may not ask, 5 nothing runs"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "show what the running gateway is doing"
    parser = add_command(subparsers, common, "status", text, DESCRIPTION, EPILOG)
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--server", metavar="NAME", help="only this server section, by its section or its name=")
    part.add_argument("--troubled", action="store_true", help="only what is not well; not with --watch")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument(
        "--watch", action="store_true", help="show it again every second, until Ctrl-C; plain lines into a pipe"
    )
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the status, once or until interrupted."""
    if options.troubled and options.watch:
        print("radgate: --troubled does not go with --watch", file=sys.stderr)
        return Exit.CONFIGURATION
    try:
        with asking(options.config) as address:
            _show(options, lambda: ask_status(address.run_dir))
    except NoSuchServer as error:
        print(f"radgate: {error}", file=sys.stderr)
        return Exit.CONFIGURATION
    return Exit.OK


def _part(options: argparse.Namespace, status: Status) -> Status:
    """Return what was asked for."""
    with _explained(status):
        if options.server is not None:
            return of_server(status, typed(options.server))
        return troubled(status) if options.troubled else status


def _show(options: argparse.Namespace, ask: Callable[[], Status]) -> None:
    whole = ask()
    part = _part(options, whole)
    if options.json:
        _print_json(part, (lambda: _part(options, ask())) if options.watch else None)
        return
    with _explained(whole):
        if options.watch:
            _watch(lambda: _part(options, ask()))
        elif options.troubled and is_well(part):
            print("all is well")
        else:
            print(render_status(part, None if part is whole else whole), end="", flush=True)


def _print_json(status: Status, ask: Callable[[], Status] | None) -> None:
    """Print an object a line: this one, and if there is somebody to ask, a newer one every second."""
    with contextlib.suppress(KeyboardInterrupt):
        print(as_json(status), flush=True)
        while ask is not None:
            time.sleep(EVERY_S)
            print(as_json(ask()), flush=True)


def _watch(ask: Callable[[], Status]) -> None:
    from gateway.cli.live import watch  # what it loads would make every other command start later

    watch(ask, EVERY_S)


@contextlib.contextmanager
def _explained(status: Status) -> Iterator[None]:
    """Say why a status cannot be shown: the gateway was started before the code was replaced."""
    try:
        yield
    except (KeyError, TypeError) as error:
        text = f"the running gateway is version {status.get('version')}, this command {__version__}"
        raise ControlError(f"{text}; it can be shown with --json") from error
