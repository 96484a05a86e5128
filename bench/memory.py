"""`python -m bench.memory`: what an answered request costs a worker until it is forgotten, in octets of its memory.

Distinct requests that are rejected at once (an empty password, nothing to ask Duo) fill the duplicate cache of one
worker; its resident memory is read before and after.
"""

import argparse
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figures import SECRET, write_config
from bench.processes import GatewayProcess, SimulatorProcess
from gateway.radius.client import encode_access_request
from gateway.radius.shared_secret import SharedSecret

WINDOW = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=100_000, help="requests to remember (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="radgate-bench-") as name:
        folder = Path(name)
        with SimulatorProcess(folder / "duo", module="bench.lean_duo") as simulator:
            config = write_config(folder, simulator, workers=1, preauth="needed")
            text = config.read_text()
            config.write_text(text.replace("[gateway]", "reject_delay_s=0\n[gateway]\nduplicate_window_s=300"))
            port = int(text.partition("port=")[2].split()[0])
            with GatewayProcess(config) as gateway:
                (worker,) = gateway.worker_pids()
                ask(port, 5_000)
                before = resident(worker)
                ask(port, options.entries)
                grown = resident(worker) - before
    print(f"{options.entries} answered requests in the duplicate cache: {grown / options.entries:.0f} octets each")
    return 0


def resident(pid: int) -> int:
    """Return a process's resident memory in octets."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    return int(rollup[rollup.index("Rss:") + 1]) * 1024


def ask(port: int, n_requests: int) -> None:
    """Send distinct requests, some at a time, and wait for every answer; each 256 come from a port of their own."""
    shared_secret = SharedSecret(SECRET.encode())
    for first in range(0, n_requests, WINDOW):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(10)
            udp.connect(("127.0.0.1", port))
            count = min(WINDOW, n_requests - first)
            for identifier in range(count):
                user = b"user%d" % (first + identifier)
                udp.send(encode_access_request(identifier, os.urandom(16), shared_secret, user, b""))
            for _ in range(count):
                udp.recv(4096)


if __name__ == "__main__":
    sys.exit(main())
