"""`python -m bench.lean_duo`: the simulated Duo for load, as a process.

When it serves, one line of JSON on stdout says where: api_host, control, ca, ikey and the file that holds the secret
key. It runs until SIGTERM or SIGINT.
"""

import argparse
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import descriptors
from bench.lean_duo.control import Control
from bench.lean_duo.distribution import Distribution, read_distribution
from bench.lean_duo.faults import Fault, read_faults
from bench.lean_duo.loop import AWAKE_S, Loop
from bench.lean_duo.server import LeanDuo, Options
from bench.simulator.certificates import DEFAULT_NAMES, Certificates, certificates_in, write_private
from bench.simulator.signature import Application

APPLICATION = Application("DILEANLEANLEANLEANXX", "lean" * 10)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit status is 0, 2 for wrong arguments or 3 for a port that is taken."""
    options = _parser().parse_args(arguments)
    descriptors.allow_all()
    options.dir.mkdir(parents=True, exist_ok=True)
    certificates = certificates_in(options.dir, DEFAULT_NAMES)
    gc.disable()  # nothing here goes in circles, and looking through 20,000 connections would keep all waiting
    loop = Loop(options.awake)
    try:
        duo = LeanDuo(certificates, _duo_options(options), loop)
    except OSError as error:
        print(f"lean_duo: port {options.port}: {error.strerror}", file=sys.stderr)
        return 3
    control = Control(duo, loop)
    _stop_on_signals(loop)
    duo.add_faults(options.faults)
    _announce(options.dir, certificates, duo, control)
    loop.run()
    control.close()
    duo.close()
    loop.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.lean_duo", description="A simulated Duo for load.")
    add = parser.add_argument
    add("--dir", type=Path, required=True, help="folder for certificates and application.json")
    add("--port", type=int, default=0, help="port of the API on 127.0.0.1, 0 = any free one (default)")
    add(
        "--approval",
        type=_distribution,
        default="constant:0.3",
        metavar="DELAY",
        help="how long people take to answer a push: constant:S, uniform:LEAST,MOST or lognormal:MEDIAN,SIGMA,CAP, in"
        " seconds; constant:inf waits for the control port (default: %(default)s)",
    )
    add("--faults", type=_faults, default=(), metavar="FILE.json", help="what goes wrong, and when; see faults.py")
    add("--push-expires", type=float, default=60.0, metavar="S", help="seconds a push waits (default: %(default)s)")
    add("--poll-hold", type=float, default=20.0, metavar="S", help="seconds a poll without news waits (%(default)s)")
    add("--verify", type=int, default=0, metavar="N", help="verify the signature of every N-th call (default: of none)")
    add("--seed", type=int, default=1, help="of approvals and faults (default: %(default)s)")
    add(
        "--awake",
        type=float,
        default=AWAKE_S,
        metavar="S",
        help="seconds of quiet before it sleeps; 0 where no core can be spared (default: %(default)s)",
    )
    return parser


def _duo_options(options: argparse.Namespace) -> Options:
    return Options(
        APPLICATION,
        options.approval,
        push_expires_s=options.push_expires,
        poll_hold_s=options.poll_hold,
        verify_every=options.verify,
        port=options.port,
        seed=options.seed,
    )


def _distribution(text: str) -> Distribution:
    try:
        return read_distribution(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _faults(name: str) -> tuple[Fault, ...]:
    try:
        return read_faults(Path(name).read_bytes())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from None


def _stop_on_signals(loop: Loop) -> None:
    reader, writer = socket.socketpair()
    for each in (reader, writer):
        each.setblocking(False)
    loop.watch(reader.fileno(), lambda _events: loop.stop())
    signal.set_wakeup_fd(writer.detach())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    reader.detach()


def _announce(folder: Path, certificates: Certificates, duo: LeanDuo, control: Control) -> None:
    application_file = folder / "application.json"
    write_private(application_file, json.dumps({"applications": [APPLICATION._asdict()]}).encode())
    announced = {
        "api_host": duo.api_host,
        "control": control.url,
        "ca": str(certificates.ca_file),
        "ikey": APPLICATION.ikey,
        "application_file": str(application_file),
        "pid": os.getpid(),
    }
    print(json.dumps(announced), flush=True)


if __name__ == "__main__":
    sys.exit(main())
