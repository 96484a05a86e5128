"""`python -m bench.growth`: does a login cost more with many clients, many sections, or many pushes pending?

Two gateways, one worker each, a plain one and one with more of something, are given the same passcode logins by turns
on the same core: what the machine's mood does, it does to both. The figure is the ratio of their CPU per login.
"""

import argparse
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.figures import allow_all_cores, cpu_s, pin_alone
from bench.observe import ask_gateway, workers_of
from bench.peers.driver import SECRET, log_in, request
from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port

WINDOW = 32
WARM_UP = 1_000
A_PORT = 250  # pushes of one port of the NAS: fewer than there are Identifiers
OPENING_S = 60.0
PUSH = b"push"
FIRST_PUSHED = 500_000  # the number of the first user who is pushed: nobody who logs in meanwhile

_MAIN = """\
[main]
http_ca_certs_file={ca}
log_dir={folder}/log
"""
_SECTION = """\
[radius_server_duo_only{number}]
ikey={ikey}
skey={skey}
api_host={api_host}
port={port}
preauth=needed
failmode=secure
"""
_CLIENT = """\
radius_ip_{number}={address}
radius_secret_{number}={secret}
"""
_GATEWAY = """\
[gateway]
workers=1
console=off
max_pending=1000000
run_dir={folder}/run
"""


class Size(NamedTuple):
    """How much of everything a gateway has."""

    n_sections: int = 1
    n_clients: int = 1
    n_pending: int = 0


class Grown(NamedTuple):
    """A gateway that serves."""

    port: int
    worker: int
    run_dir: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__.partition("\n")[0])
    parser.add_argument("--logins", type=int, default=2_000, help="logins in each run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=15, help="runs of each gateway (default: %(default)s)")
    parser.add_argument("--pending", type=int, default=19_000, help="pushes to hold (default: %(default)s)")
    options = parser.parse_args(arguments)
    cases = {
        "10,000 clients instead of 1": Size(n_clients=10_000),
        "200 sections, 10,000 clients": Size(n_sections=200, n_clients=10_000),
        f"{options.pending:,} pushes pending": Size(n_pending=options.pending),
    }
    allow_all_cores()
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for what, size in cases.items():
        with tempfile.TemporaryDirectory(prefix="radgate-bench-") as name:
            print(f"{what:<32} {_told(*measure(Path(name), size, options.logins, options.runs))}", flush=True)
    return 0


def measure(folder: Path, size: Size, n_logins: int, n_runs: int) -> tuple[list[float], list[float]]:
    """Return CPU microseconds per login of a plain gateway and of one of this size, one of each for a run."""
    with (
        SimulatorProcess(folder / "duo", "--approval", "constant:inf", module="bench.lean_duo") as duo,
        serving(folder / "plain", duo, Size()) as plain,
        serving(folder / "grown", duo, size) as grown,
    ):
        for gateway in (plain, grown):
            log_in(gateway.port, WARM_UP, WINDOW)
        with pushes_pending(grown, size.n_pending):
            costs: tuple[list[float], list[float]] = ([], [])
            for _ in range(n_runs):
                for gateway, figures in zip((plain, grown), costs, strict=True):
                    before = cpu_s(gateway.worker)
                    n_done = log_in(gateway.port, n_logins, WINDOW).n_logins
                    figures.append((cpu_s(gateway.worker) - before) / n_done * 1e6)
            return costs


@contextmanager
def serving(folder: Path, duo: SimulatorProcess, size: Size) -> Iterator[Grown]:
    """Run a gateway, its worker on the first core alone."""
    folder.mkdir()
    port = free_udp_port()
    config = duo.write_config(folder / "authproxy.cfg", _template(size), folder=folder, port=port)
    with GatewayProcess(config, preexec_fn=allow_all_cores) as gateway:
        (worker,) = workers_of(gateway.process.pid)
        pin_alone(worker)
        yield Grown(port, worker, folder / "run")


def _template(size: Size) -> str:
    """Return a configuration whose last client, in the last section, is the NAS of the bench."""
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(size.n_clients - 1)] + ["127.0.0.1"]
    share = -(-len(addresses) // size.n_sections)
    parts = [_MAIN]
    for section in range(size.n_sections):
        parts.append(_SECTION.replace("{number}", str(section + 1) if section else ""))
        for number, address in enumerate(addresses[section * share : (section + 1) * share], 1):
            parts.append(_CLIENT.format(number=number, address=address, secret=SECRET.decode()))
    return "".join([*parts, _GATEWAY])


@contextmanager
def pushes_pending(gateway: Grown, n_pushes: int) -> Iterator[None]:
    """Have so many pushes asked for, which nobody answers.

    Raises:
        SystemExit: they are not all pending within a minute: a gateway gives up on a push after 75 s.
    """
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(-(-n_pushes // A_PORT))]
    try:
        deadline = time.monotonic() + OPENING_S
        for place, udp in enumerate(sockets):
            udp.connect(("127.0.0.1", gateway.port))
            asked = min(n_pushes, (place + 1) * A_PORT)
            for number in range(place * A_PORT, asked):
                udp.send(request(number % A_PORT, FIRST_PUSHED + number, PUSH))
            while (n_pending := _pending(gateway)) < asked:
                if time.monotonic() > deadline:
                    raise SystemExit(f"only {n_pending} of {asked} pushes were pending in time; see ulimit -n")
        yield
        if _pending(gateway) < n_pushes:
            raise SystemExit("some pushes were over before the measuring was; measure less")
    finally:
        for udp in sockets:
            udp.close()


def _pending(gateway: Grown) -> int:
    """Return how many long polls have a connection of their own."""
    (application,) = ask_gateway(gateway.run_dir, "status")["status"]["applications"]
    return int(application["connections"]["busy"])


def _told(plain: list[float], grown: list[float]) -> str:
    ratios = sorted(b / a for a, b in zip(plain, grown, strict=True))
    quarter = len(ratios) // 4
    return (
        f"{statistics.median(plain):6.1f} µs a login, then {statistics.median(grown):6.1f} µs: "
        f"{statistics.median(ratios):.2f} times as much [{ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f}]"
    )


if __name__ == "__main__":
    sys.exit(main())
