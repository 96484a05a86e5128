"""Measure what a claim costs a worker, from the call to its answer: `python -m tests.fleet.measure_store`.

CPU of this process alone, with one claim under way and with many, by a Unix socket, by TCP and within TLS. Compile
first (`make compiled`) to measure what is deployed. One at a time, each answer wakes this process: that is most of it.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from gateway.fleet import connection
from gateway.fleet.connection import Call
from gateway.fleet.scripts import CLAIM
from tests.fleet.redis_server import redis_server
from tests.fleet.stage import Stage, on_stage
from tests.https.authority import Authority
from tests.https.peer import run

KEYS = [b"rg:l:" + os.urandom(16).hex().encode() for _ in range(1000)]
ARGUMENTS = (b"0123456789abcdef:0123456789abcdef", b"90000", os.urandom(200), b"", b"0")
N_UNDER_WAY = (1, 64, 512)
N_CLAIMS = 20_000
N_ROUNDS = 3


async def claim(stage: Stage, n_under_way: int, n_claims: int) -> tuple[float, float]:
    """Return microseconds of CPU and of time that a claim takes."""
    done = asyncio.get_running_loop().create_future()
    n_asked = n_answered = 0

    def ask() -> None:
        nonlocal n_asked
        stage.store.run(CLAIM, KEYS[n_asked % len(KEYS)], ARGUMENTS, Call(answered))
        n_asked += 1

    def answered(_answer: object) -> None:
        nonlocal n_answered
        n_answered += 1
        if n_asked < n_claims:
            ask()
        elif n_answered == n_claims:
            done.set_result(None)

    cpu, now = time.process_time(), time.perf_counter()
    for _ in range(n_under_way):
        ask()
    await done
    return (time.process_time() - cpu) / n_claims * 1e6, (time.perf_counter() - now) / n_claims * 1e6


async def measure(name: str, address: str, ca_file: str | None = None) -> None:
    """Print the best of a few rounds."""
    async with on_stage(address, ca_file=ca_file) as stage:
        await stage.until_connected()
        for n in N_UNDER_WAY:
            cpu_us, wall_us = min([await claim(stage, n, N_CLAIMS) for _ in range(N_ROUNDS)])
            sys.stdout.write(f"{name:12} {n:4} under way  {cpu_us:6.1f} us of CPU a claim, {wall_us:6.1f} us of time\n")


def main() -> None:
    """Measure all ways."""
    sys.stdout.write("compiled\n" if connection.__file__.endswith(".so") else "interpreted\n")
    with redis_server() as server:
        run(measure("Unix socket", f"unix://{server.path}"))
        run(measure("TCP", f"redis://127.0.0.1:{server.port}"))
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        file = authority.server_file("127.0.0.1")
        files = ["--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", authority.ca_file]
        with redis_server(*files, "--tls-auth-clients", "no") as server:
            run(measure("TLS", f"rediss://127.0.0.1:{server.port}", authority.ca_file))


if __name__ == "__main__":
    main()
