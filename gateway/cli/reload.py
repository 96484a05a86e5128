"""`radgate reload`: new settings for the running gateway, without losing a login."""

import argparse
import sys
from typing import Any

from gateway.cli.exits import Exit
from gateway.config.handle import read_handle
from gateway.supervisor.control_client import Declined, ask

RELOAD_TIMEOUT_S = 180.0  # reading takes up to 60 s, and so may the start of workers


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("reload", parents=[common], help="take new settings without losing a login")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Have the gateway read its file again; tell what came of it."""
    try:
        answer = ask(read_handle(options.config).run_dir, "reload", RELOAD_TIMEOUT_S)
    except Declined as declined:
        if not declined.problems:
            raise
        print(*declined.problems, f"radgate: {declined}", sep="\n", file=sys.stderr)
        return Exit.CONFIGURATION
    for warning in answer["warnings"]:
        print(warning, file=sys.stderr)
    print(f"radgate reloaded: generation {answer['generation']} serves")
    return Exit.OK
