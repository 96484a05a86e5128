"""Packets that one worker answers again, or throws away, by the second of its CPU, beside a bare echo.

Packets go out in bursts that fit into the socket's buffer; the next burst waits for the reply to the last packet of
the one before, so that none is lost and each is counted. The sender never sleeps.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.cores import cpu_s, take_first_core
from bench.costs.echo import RECEIVE_BUFFER
from bench.peers.driver import request
from bench.processes import OneWorker, Program, SimulatorProcess, gateway_config
from bench.spread import tell

BURST = 1_000
N_PACKETS = 100_000


def show(folder: Path, n_runs: int, n_packets: int = N_PACKETS) -> None:
    """Measure and print the bare echo, retransmissions and strangers, one beside the other."""
    login = request(1, 0)
    with (
        Program(["bench.costs.echo"], stream="stdout", preexec_fn=take_first_core) as echo,
        _talk("127.0.0.1", int(echo.wait_for("serving").split()[1])) as udp,
    ):
        echoed = [_rate(echo.process.pid, n_packets, lambda: _flood(udp, udp, login)) for _ in range(n_runs)]
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        config = gateway_config(folder / "gateway", duo, gateway={"workers": 1})
        with (
            OneWorker(config.path) as gateway,
            _talk("127.0.0.1", config.port) as known,
            _talk("127.0.0.9", config.port) as stranger,
        ):
            _last_reply(known, login)
            again = [_rate(gateway.worker, n_packets, lambda: _flood(known, known, login)) for _ in range(n_runs)]
            thrown_away = [
                _rate(gateway.worker, n_packets, lambda: _flood(stranger, known, login)) for _ in range(n_runs)
            ]
    for what, rates in (
        ("bare uvloop echo, by the second of its CPU", echoed),
        ("retransmissions answered with the same octets", again),
        ("packets of unknown clients discarded", thrown_away),
    ):
        tell(what, rates, "/s", remark=f"  {median(rates) / median(echoed):.2f} of the echo")


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
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    udp.bind((host, 0))
    udp.connect(("127.0.0.1", port))
    udp.setblocking(False)
    return udp
