"""`python -m bench.floods`: packets a second that one worker answers again, or throws away, beside a bare echo.

Packets go out in bursts that fit into the socket's buffer; the next burst waits for the reply to the last packet of
the one before, so that none is lost and each is counted. The sender has the other core and never sleeps. Rates are
packets by the second of the server's CPU, user and system, as the scheduler counts it.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import uvloop

from bench.figures import SECRET, allow_all_cores, cpu_s, pin_alone, write_config
from bench.processes import GatewayProcess, SimulatorProcess
from gateway.radius.client import encode_access_request
from gateway.radius.shared_secret import SharedSecret

BURST = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.floods", description=__doc__.partition("\n")[0])
    parser.add_argument("--packets", type=int, default=100_000, help="packets in each run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each figure (default: %(default)s)")
    parser.add_argument("--echo", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.echo:
        uvloop.run(_echo())
        return 0
    with tempfile.TemporaryDirectory(prefix="radgate-bench-") as name:
        if len(os.sched_getaffinity(0)) > 1:
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        measure(Path(name), options.packets, options.runs)
    return 0


def measure(folder: Path, n_packets: int, n_runs: int) -> None:
    """Print packets per second of CPU for the bare echo, retransmissions and strangers, one beside the other."""
    with (
        SimulatorProcess(folder / "duo", module="bench.lean_duo") as simulator,
        GatewayProcess(
            write_config(folder, simulator, workers=1, preauth="always"), preexec_fn=allow_all_cores
        ) as gateway,
    ):
        port = int((folder / "authproxy-1-always.cfg").read_text().partition("port=")[2].split()[0])
        (worker,) = gateway.worker_pids()
        pin_alone(worker)
        login = encode_access_request(1, os.urandom(16), SharedSecret(SECRET.encode()), b"alice", b"123456")
        with _talk("127.0.0.1", port) as known, _talk("127.0.0.9", port) as stranger:
            _last_reply(known, login)
            again = [_rate(worker, n_packets, lambda: _flood(known, known, login)) for _ in range(n_runs)]
            thrown_away = [_rate(worker, n_packets, lambda: _flood(stranger, known, login)) for _ in range(n_runs)]
    echoed = measure_echo(n_packets, n_runs, login)
    for what, rates in (
        ("bare uvloop echo", echoed),
        ("retransmissions answered with the same octets", again),
        ("packets of unknown clients discarded", thrown_away),
    ):
        median = statistics.median(rates)
        share = median / statistics.median(echoed)
        print(f"{what:<48} {median:9.0f}/s  [{min(rates):.0f} to {max(rates):.0f}]  {share:.2f} of the echo")


def measure_echo(n_packets: int, n_runs: int, datagram: bytes) -> list[float]:
    """Return the rates of the least that uvloop can do with a datagram."""
    echo = subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.floods", "--echo"], stdout=subprocess.PIPE, preexec_fn=allow_all_cores
    )
    try:
        assert echo.stdout is not None  # noqa: S101 -- for the type checker: it is a pipe
        port = int(echo.stdout.readline())
        pin_alone(echo.pid)
        with _talk("127.0.0.1", port) as udp:
            return [_rate(echo.pid, n_packets, lambda: _flood(udp, udp, datagram)) for _ in range(n_runs)]
    finally:
        echo.terminate()
        echo.wait()


def _rate(pid: int, n_packets: int, flood: Callable[[], int]) -> float:
    before, sent = cpu_s(pid), 0
    while sent < n_packets:
        sent += flood()
    return sent / (cpu_s(pid) - before)


def _flood(sender: socket.socket, known: socket.socket, datagram: bytes) -> int:
    """Send a burst, then a packet that will be answered, and wait for that; return how many were sent."""
    for _ in range(BURST):
        sender.send(datagram)
    _last_reply(known, datagram, n_replies=BURST + 1 if sender is known else 1)
    return BURST + 1


def _last_reply(udp: socket.socket, datagram: bytes, n_replies: int = 1) -> None:
    udp.send(datagram)
    while n_replies:
        try:
            udp.recv(4096)
            n_replies -= 1
        except BlockingIOError:
            os.sched_yield()


def _talk(host: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
    udp.bind((host, 0))
    udp.connect(("127.0.0.1", port))
    udp.setblocking(False)
    return udp


async def _echo() -> None:
    loop = asyncio.get_running_loop()

    class Echo(asyncio.DatagramProtocol):
        transport: asyncio.DatagramTransport

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(data, addr)

    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
    udp.bind(("127.0.0.1", 0))
    await loop.create_datagram_endpoint(Echo, sock=udp)
    print(udp.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
