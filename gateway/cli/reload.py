"""`radgate reload`: new settings for the running gateway, without losing a login."""

import argparse
import sys
from typing import Any

from gateway.cli.asking import asking
from gateway.cli.changes import change_lines
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.terminal import as_json, printable
from gateway.supervisor.control_client import Declined, ask

RELOAD_TIMEOUT_S = 180.0  # reading takes up to 60 s, and so may the start of workers

DESCRIPTION = """\
Have the running gateway read its file again, and return when workers with the new settings serve. Pending logins go on,
and nobody is pushed twice. With an error in the file, or if workers cannot start with it, nothing changes. What is
different is told: sections, clients, applications and keys, by name. Where an application is new or has other keys, Duo
is asked once they serve, and standard error has what it says against them; radgate check --connect asks before.

Where more of the sections or clients would go than reload_guard in [gateway] says, 50 percent, nothing changes without
--force: such a file has probably been cut off by mistake.
"""
EPILOG = """\
exit status: 0 the new settings serve, or would with --dry-run, 2 nothing was changed, and standard error says why, 4
the gateway does not answer or we may not ask, 5 nothing runs.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "reload", "take new settings and lose no login", DESCRIPTION, EPILOG)
    parser.add_argument("--dry-run", action="store_true", help="say what a reload would change, and change nothing")
    parser.add_argument("--force", action="store_true", help="reload even if many sections or clients are removed")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, with all names")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Have the gateway read its file again; tell what came of it."""
    asked = "try_reload" if options.dry_run else "reload"
    try:
        with asking(options.config) as address:
            answer = ask(address.run_dir, asked, RELOAD_TIMEOUT_S, force=options.force)
    except Declined as declined:
        if not declined.problems:
            raise
        return _say_refused(declined, is_json=options.json)
    if options.json:
        print(as_json(answer))
        return Exit.OK
    for warning in answer["warnings"]:
        print(warning, file=sys.stderr)
    done = (
        "would reload: nothing was changed"
        if options.dry_run
        else f"reloaded: generation {answer['generation']} serves"
    )
    print(f"radgate {done}", *change_lines(answer), sep="\n")
    for trouble in answer.get("key_troubles", ()):
        print(f"radgate: {printable(trouble)}", file=sys.stderr)
    return Exit.OK


def _say_refused(declined: Declined, *, is_json: bool) -> int:
    if is_json:
        print(as_json(declined.answer))
    else:
        lines = (*change_lines(declined.answer), *declined.problems, f"radgate: {declined}")
        print(*lines, sep="\n", file=sys.stderr)
    return Exit.CONFIGURATION
