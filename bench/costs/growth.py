"""Does a login cost more with many clients, many sections, many pushes pending, or after many others?

Two gateways, one worker each, a plain one and one with more of something, are given the same passcode logins by turns
on the same core: what the machine's mood does, it does to both. The figure is the ratio of their CPU per login.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.observe import ask_gateway
from bench.peers.driver import log_in, request
from bench.peers.runs import burst
from bench.peers.stage import Serving
from bench.processes import GatewayConfig, OneWorker, SimulatorProcess, gateway_config
from bench.spread import Spread, tell_pair

WINDOW = 32
WARM_UP = 1_000
N_LOGINS = 2_000
RUNS_FOR_ONE = 3  # a ratio wants more runs than a figure
A_PORT = 250  # pushes of one port of the NAS: fewer than there are Identifiers
OPENING_S = 60.0
PUSH = b"push"
FIRST_PUSHED = 500_000  # the number of the first user who is pushed: nobody who logs in meanwhile


class Size(NamedTuple):
    """How much of everything a gateway has."""

    n_sections: int = 1
    n_clients: int = 1
    n_pending: int = 0
    n_before: int = 0
    """Logins that it has had."""


CASES = {
    "10,000 clients instead of 1": Size(n_clients=10_000),
    "200 sections, 10,000 clients": Size(n_sections=200, n_clients=10_000),
    "19,000 pushes pending": Size(n_pending=19_000),
    "540,000 logins before": Size(n_before=540_000),
}


def show(folder: Path, n_runs: int) -> list[Spread]:
    """Measure, print, and return all ratios."""
    ratios = []
    for number, (what, size) in enumerate(CASES.items()):
        (own := folder / str(number)).mkdir()
        ratios.append(tell_pair(what, *measure(own, size, N_LOGINS, RUNS_FOR_ONE * n_runs)))
    return ratios


def measure(folder: Path, size: Size, n_logins: int, n_runs: int) -> tuple[list[float], list[float]]:
    """Return CPU microseconds per login of a plain gateway and of one of this size, one of each for a run."""
    with SimulatorProcess(folder / "duo", "--approval", "constant:inf", module="bench.lean_duo") as duo:
        plain, grown = (
            gateway_config(
                folder / name,
                duo,
                clients=clients_of(of_size),
                gateway={"workers": 1, "max_pending": 1_000_000},
                preauth="needed",
                failmode="secure",
            )
            for name, of_size in (("plain", Size()), ("grown", size))
        )
        with OneWorker(plain.path) as one, OneWorker(grown.path) as other:
            pair = Serving(plain.port, (one.worker,)), Serving(grown.port, (other.worker,))
            for serving in pair:
                log_in(serving.port, WARM_UP, WINDOW)
            if size.n_before:
                log_in(grown.port, size.n_before, WINDOW)
            with pushes_pending(grown, size.n_pending):
                rounds = [[burst(serving, WINDOW, n_logins).cpu_us for serving in pair] for _ in range(n_runs)]
            duo.post("/api/pending", {"decision": "timeout"})  # a gateway that is to end waits for what is pending
    return [each[0] for each in rounds], [each[1] for each in rounds]


def clients_of(size: Size) -> list[list[str]]:
    """Return the RADIUS clients of each section; the last one, in the last section, is the NAS of the bench."""
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(size.n_clients - 1)] + ["127.0.0.1"]
    share = -(-len(addresses) // size.n_sections)
    return [addresses[first : first + share] for first in range(0, len(addresses), share)]


@contextmanager
def pushes_pending(gateway: GatewayConfig, n_pushes: int) -> Iterator[None]:
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


def _pending(gateway: GatewayConfig) -> int:
    """Return how many long polls have a connection of their own."""
    (application,) = ask_gateway(gateway.run_dir, "status")["status"]["applications"]
    return int(application["connections"]["busy"])
