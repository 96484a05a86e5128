"""`python -m bench.simulator`: the simulated Duo as a process.

When it serves, one line of JSON goes to stdout or to `--ready-fd`: api_host, control, ca, ikey and the file that holds
the secret keys. It runs until SIGTERM or SIGINT. A restart with the same `--dir` keeps certificates and keys.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench import descriptors
from bench.simulator.certificates import DEFAULT_NAMES, write_private
from bench.simulator.cloud import Settings
from bench.simulator.people import Status, default_cast, read_people
from bench.simulator.server import POLL_HOLD_S, Simulator, new_application
from bench.simulator.signature import Application

KINDS = ("auth", "radius_v1")
_FILE = "application.json"
_HOUSEKEEPING_PERIOD_S = 10.0
_HOUSEKEEPING_CONNECTIONS = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit status is 0, or 2 for wrong arguments and 3 for a port that is taken."""
    parser = _parser()
    options = parser.parse_args(arguments)
    descriptors.allow_all()
    try:
        simulator = _simulator(options)
    except (OSError, ValueError, KeyError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            gc.disable()  # looking through the records of 100,000 calls would keep every login waiting for 0.3 s
            runner.run(_serve(simulator, options))
        except OSError as error:
            print(f"simulator: {error}", file=sys.stderr)
            return 3
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description="A simulated Duo cloud.")
    add = parser.add_argument
    add("--dir", type=Path, required=True, help="folder for ca.pem, the server's certificate and application.json")
    add("--host", default="127.0.0.1", help="address of the API (default: %(default)s)")
    add("--port", type=int, default=0, help="port of the API, 0 = any free one (default)")
    add("--control-port", type=int, default=0, help="port of the control page on 127.0.0.1, 0 = any free one (default)")
    add("--name", action="append", metavar="NAME", help="host name or address in the certificate, repeatable")
    add("--users", type=Path, metavar="FILE.json", help="users instead of the default cast: a list of objects")
    add(
        "--application",
        choices=KINDS,
        default=KINDS[0],
        help="kind of the application announced (default: %(default)s)",
    )
    add("--unknown-user", choices=list(Status), default=Status.NOT_ENROLLED, help="what an unknown name counts as")
    add(
        "--push-expires",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds a push or call waits (default: %(default)s)",
    )
    add("--poll-hold", type=float, default=POLL_HOLD_S, metavar="S", help="seconds a poll without news waits")
    add("--lockout-after", type=int, default=10, metavar="N", help="failures in a row that lock an account, 0 = never")
    add("--ready-fd", type=int, metavar="N", help="descriptor for the line that says: ready (default: stdout)")
    return parser


def _simulator(options: argparse.Namespace) -> Simulator:
    options.dir.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        push_expires_s=options.push_expires,
        call_expires_s=options.push_expires,
        unknown_user=Status(options.unknown_user),
        lockout_after=options.lockout_after,
    )
    applications = _applications(options.dir / _FILE)
    return Simulator(
        options.dir,
        people=read_people(options.users.read_bytes()) if options.users else default_cast(),
        settings=settings,
        applications=sorted(applications, key=lambda each: each.kind != options.application),
        names=options.name or DEFAULT_NAMES,
        host=options.host,
        port=options.port,
        control_port=options.control_port,
        poll_hold_s=options.poll_hold,
    )


async def _serve(simulator: Simulator, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await simulator.start()
    housekeeping = asyncio.create_task(_give_memory_back(simulator))
    try:
        application_file = options.dir / _FILE
        write_private(application_file, _application_file_content(simulator))
        _announce(simulator, application_file, options.ready_fd)
        await stop.wait()
    finally:
        housekeeping.cancel()
        await simulator.stop()


async def _give_memory_back(simulator: Simulator) -> None:
    """Return freed memory to the system after many connections.

    uvloop gives each TLS connection 256 KiB, of which it touches a few pages; freed and given out again at other
    places, they come to be touched all over. Measured: after ten rounds of 4,000 connections 720 MB were held, of which
    this returns all but 95.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    n_seen = 0
    while malloc_trim is not None:
        await asyncio.sleep(_HOUSEKEEPING_PERIOD_S)
        if simulator.n_accepted - n_seen >= _HOUSEKEEPING_CONNECTIONS:
            n_seen = simulator.n_accepted
            malloc_trim(0)


def _announce(simulator: Simulator, application_file: Path, descriptor: int | None) -> None:
    line = json.dumps(
        {
            "api_host": simulator.api_host,
            "control": simulator.control_url,
            "ca": str(simulator.ca_file.absolute()),
            "ikey": simulator.ikey,
            "application_file": str(application_file.absolute()),
            "pid": os.getpid(),
        }
    )
    if descriptor is None:
        print(line, flush=True)
        return
    with open(descriptor, "w") as file:  # noqa: PTH123 -- a descriptor, not a path
        file.write(line + "\n")


def _application_file_content(simulator: Simulator) -> bytes:
    first = simulator.applications[simulator.ikey]
    content = {
        "api_host": simulator.api_host,
        "ca": str(simulator.ca_file.absolute()),
        **first._asdict(),
        "applications": [each._asdict() for each in simulator.applications.values()],
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def _applications(file: Path) -> list[Application]:
    """One application of each kind: those of an earlier run in this folder, or new ones."""
    if file.exists():
        return [Application(**each) for each in json.loads(file.read_bytes())["applications"]]
    return [new_application(kind) for kind in KINDS]


if __name__ == "__main__":
    sys.exit(main())
