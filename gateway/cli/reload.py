"""`radgate reload`: new settings for the running gateway, without losing a login."""

import argparse
import sys
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.terminal import as_json
from gateway.config.control_address import read_control_address
from gateway.supervisor.control_client import Declined, ask

RELOAD_TIMEOUT_S = 180.0  # reading takes up to 60 s, and so may the start of workers

DESCRIPTION = """\
Have the running gateway read its file again, and return when workers with the new settings serve. Pending logins go on,
and nobody is pushed twice. With an error in the file, or if workers cannot start with it, nothing changes.
"""
EPILOG = """\
exit status: 0 the new settings serve, 2 nothing was changed, and standard error says why, 4 the gateway does not answer
or we may not ask, 5 nothing runs.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "reload", "take new settings and lose no login", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print what came of it as JSON")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Have the gateway read its file again; tell what came of it."""
    try:
        answer = ask(read_control_address(options.config).run_dir, "reload", RELOAD_TIMEOUT_S)
    except Declined as declined:
        if not declined.problems:
            raise
        if options.json:
            print(as_json({"ok": False, "error": str(declined), "problems": declined.problems}))
            return Exit.CONFIGURATION
        print(*declined.problems, f"radgate: {declined}", sep="\n", file=sys.stderr)
        return Exit.CONFIGURATION
    if options.json:
        print(as_json(answer))
        return Exit.OK
    for warning in answer["warnings"]:
        print(warning, file=sys.stderr)
    print(f"radgate reloaded: generation {answer['generation']} serves")
    return Exit.OK
