"""What an answered request costs a worker until it is forgotten, in octets of its memory.

Distinct requests that are rejected at once (an empty password, nothing to ask Duo) fill the duplicate cache of one
worker; its resident memory is read before and after.
"""

import socket
from pathlib import Path

from bench.cores import resident
from bench.peers.driver import request
from bench.processes import OneWorker, SimulatorProcess, gateway_config

WARM_UP = 5_000
N_REQUESTS = 100_000
WINDOW = 200


def show(folder: Path, _n_runs: int, n_requests: int = N_REQUESTS) -> None:
    """Measure once, for nothing of it is chance, and print."""
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        config = gateway_config(
            folder / "gateway",
            duo,
            gateway={"workers": 1, "duplicate_window_s": 300},
            preauth="needed",
            reject_delay_s=0,
        )
        with OneWorker(config.path) as gateway:
            ask(config.port, WARM_UP)
            before = resident(gateway.worker)
            ask(config.port, n_requests)
            grown = resident(gateway.worker) - before
    print(f"{n_requests} answered requests in the duplicate cache: {grown / n_requests:.0f} octets each", flush=True)


def ask(port: int, n_requests: int) -> None:
    """Send distinct requests, some at a time, and wait for every answer; each time from a port of their own."""
    for first in range(0, n_requests, WINDOW):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(10)
            udp.connect(("127.0.0.1", port))
            count = min(WINDOW, n_requests - first)
            for identifier in range(count):
                udp.send(request(identifier, first + identifier, b""))
            for _ in range(count):
                udp.recv(4096)
