"""`radgate upgrade`: the code on disk takes the place of the running one, without losing a login."""

import argparse
import os
import sys
import time
from typing import Any

from gateway.cli.asking import ask_status, asking
from gateway.cli.changes import change_lines
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.supervisor.control_client import ControlConnection, ControlError, Declined
from gateway.supervisor.status import Status

UPGRADE_TIMEOUT_S = 240.0  # a reload's, and the trial of the code before it
END_TIMEOUT_S = 15.0  # until it is other code's: workers have 2 s for what waits for no person
START_TIMEOUT_S = 60.0

_LOOK_EVERY_S = 0.05


DESCRIPTION = """\
Have the code that was installed meanwhile take the place of the running one: supervisor, console and workers, and the
file as it is now. The process stays the same, requests wait in its sockets for a second or two, pending pushes are not
sent again. If that code does not start, the file has errors, or so much of it is gone that a reload would be refused,
nothing changes.
"""
STATUSES = """\
exit status: 0 the code on disk serves, 2 nothing was changed, and standard error says why, 3 it ended, and could not
start again, 4 the gateway does not answer or we may not ask, 5 nothing runs.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "upgrade", "take new code and lose no login", DESCRIPTION, STATUSES)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Have the gateway take new code; tell what came of it."""
    with asking(options.config) as address:
        before = ask_status(address.run_dir)
    run_dir = address.run_dir
    with ControlConnection(run_dir, UPGRADE_TIMEOUT_S) as gateway:
        try:
            answer = gateway.ask("upgrade")
        except Declined as declined:
            if not declined.problems:
                raise
            lines = (*change_lines(declined.answer), *declined.problems, f"radgate: {declined}")
            print(*lines, sep="\n", file=sys.stderr)
            return Exit.CONFIGURATION
        for warning in answer["warnings"]:
            print(warning, file=sys.stderr)
        if not gateway.has_ended(END_TIMEOUT_S):
            raise ControlError(f"pid {before['pid']} has not ended, so the new code cannot start; its log says more")
    return _follow(run_dir, before)


def _follow(run_dir: str, before: Status) -> int:
    """Wait until the new code serves in the same process."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and _lives(before["pid"]):
        now = _status(run_dir)
        if now is not None and all(worker["state"] == "ready" for worker in now["workers"]):
            versions = (
                now["version"]
                if now["version"] == before["version"]
                else f"{now['version']}, before {before['version']}"
            )
            print(f"radgate upgraded: version {versions} serves (pid {now['pid']})")
            return Exit.OK
        time.sleep(_LOOK_EVERY_S)
    print("radgate: the code on disk could not start; authproxy.log says why", file=sys.stderr)
    return Exit.CANNOT_START


def _status(run_dir: str) -> Status | None:
    try:
        return ask_status(run_dir)
    except ControlError:  # not yet: nobody listens, or who does goes on as other code just now
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
