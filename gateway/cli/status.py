"""`radgate status`: what the running gateway is doing."""

import argparse
import contextlib
import time
from typing import Any

import orjson

from gateway import __version__
from gateway.cli.exits import Exit
from gateway.config.handle import read_handle
from gateway.supervisor.control_client import ControlError, ask
from gateway.supervisor.status import Status, render_status

ASK_TIMEOUT_S = 10.0

_EVERY_S = 1.0
_CLEAR = "\x1b[H\x1b[2J"


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("status", parents=[common], help="show what the running gateway is doing")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--watch", action="store_true", help="show it anew every second, until Ctrl-C")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the status, once or until interrupted."""
    run_dir = read_handle(options.config).run_dir
    status = _show(run_dir, options, None)
    if options.watch:
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(_EVERY_S)
                status = _show(run_dir, options, status)
    return Exit.OK


def _show(run_dir: str, options: argparse.Namespace, before: Status | None) -> Status:
    status: Status = ask(run_dir, "status", ASK_TIMEOUT_S)["status"]
    text = orjson.dumps(status).decode() + "\n" if options.json else _render(status, before)
    clear = _CLEAR if options.watch and not options.json else ""
    print(clear + text, end="", flush=True)
    return status


def _render(status: Status, before: Status | None) -> str:
    try:
        return render_status(status, before)
    except (KeyError, TypeError) as error:  # it was started before the code was replaced
        text = f"the running gateway is version {status.get('version')}, this command {__version__}"
        raise ControlError(f"{text}; it can be shown with --json") from error
