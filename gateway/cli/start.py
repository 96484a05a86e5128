"""`radgate start`: `radgate run` in the background, once it serves."""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gateway.cli.asking import ASK_TIMEOUT_S, asking, settled
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.stop import end
from gateway.cli.streams import mention
from gateway.cli.terminal import printable
from gateway.config.writing import explain_error
from gateway.supervisor.control_client import ControlConnection, NotRunning
from gateway.supervisor.status import Status

START_TIMEOUT_S = 60.0

_READY = b"radgate ready"
_LOOK_EVERY_S = 0.05
_END_TIMEOUT_S = 10.0

DESCRIPTION = """\
Serve in the background; return once every worker serves, or with what kept the gateway from it. Where one runs already
for this run_dir, say so; one that serves another file is an error, and one that is stopping is waited for.
"""
EPILOG = """\
exit status: 0 it serves, 2 errors in the file, 3 cannot start, or one runs that serves another file, 4 one
runs that does not answer or end, or that we may not ask.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "start", "serve in the background", DESCRIPTION, EPILOG)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Start the gateway unless it runs already."""
    status = settled(lambda: _running(options.config))
    if status is None:
        return start(options.config)
    serves, wanted = status.get("config", ""), str(Path(options.config).absolute())
    if serves and os.path.realpath(serves) != os.path.realpath(wanted):  # a gateway of an older version does not say
        text = f"radgate runs already (pid {status['pid']}), and serves {printable(serves)}: stop it, or write another"
        print(f"{text} run_dir in {printable(wanted)}", file=sys.stderr)
        return Exit.CANNOT_START
    print(f"radgate runs already (pid {status['pid']})")
    return Exit.OK


def _running(config: str) -> Status | None:
    """Return the status of the gateway that runs; None where none does, or once it has ended if it was stopping.

    It is told to stop by the connection on which it has said that it does: another one may have been started meanwhile.
    """
    with (
        contextlib.suppress(NotRunning),
        asking(config) as address,
        ControlConnection(address.run_dir, ASK_TIMEOUT_S) as gateway,
    ):
        status: Status = gateway.ask("status")["status"]
        if not status.get("ending"):  # which a gateway of an older version does not say
            return status
        mention(f"radgate is stopping (pid {status['pid']}); this start waits for its end")
        end(gateway, address)
    return None


def start(config: str) -> int:
    """Return 0 once the gateway serves, or the exit status of one that does not; show what it says until then.

    What it says on stderr goes to an anonymous file, which unlike a pipe neither fills up nor breaks when we are gone:
    the gateway and its workers keep it as long as they live.
    """
    with contextlib.ExitStack() as ending:
        try:
            said = os.memfd_create("radgate-stderr", os.MFD_CLOEXEC)
            ending.callback(os.close, said)
            process = _run_detached(config, said)
        except OSError as error:
            print(f"radgate: cannot start: {explain_error(error)}", file=sys.stderr)
            return Exit.CANNOT_START
        try:
            return _follow(process, said)
        except BaseException:
            _end(process)
            raise


def _run_detached(config: str, stderr: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- our own interpreter and module
        [sys.executable, "-P", "-m", "gateway", "run", "--config", str(Path(config).absolute())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
        cwd="/",
    )


def _follow(process: subprocess.Popen[bytes], said: int) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    shown = 0
    while time.monotonic() < deadline:
        status = process.poll()  # first: nothing is said after the end
        text = os.pread(said, os.fstat(said).st_size, 0)
        with contextlib.suppress(OSError):  # nobody reads it: no reason to end a gateway
            sys.stderr.write(text[shown:].decode(errors="replace"))
        shown = len(text)
        if any(line.startswith(_READY) for line in text.splitlines()):
            return Exit.OK
        if status is not None:
            return status if status > 0 else Exit.CANNOT_START
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_EVERY_S)
    print(f"radgate: not ready after {START_TIMEOUT_S:g} s, ended; authproxy.log says more", file=sys.stderr)
    _end(process)
    return Exit.CANNOT_START


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
