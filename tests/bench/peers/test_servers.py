"""The small servers in Python: what they answer would be believed by a NAS."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.peers import aiohttp_server, floor, pending
from bench.peers.driver import log_in, request, verdict
from bench.peers.stage import Stage, python_peer
from bench.processes import SimulatorProcess
from gateway.radius.dictionary import Code

pytestmark = pytest.mark.integration

ALONE, FULL = ("aiohttp_server", (aiohttp_server.AUTH_ALONE,)), ("aiohttp_server", (aiohttp_server.PREAUTH_FIRST,))


@pytest.fixture
def duo(tmp_path: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(
        tmp_path / "duo", "--verify", "1", "--approval", "constant:0.2", module="bench.lean_duo"
    ) as simulator:
        yield simulator


def duo_client() -> tuple[str, tuple[str, ...]]:
    pytest.importorskip("duo_client", reason="duo-client is not installed: pip install '.[bench]'")
    return "duo_client_server", ()


def ask(port: int, octets: bytes) -> Code:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(20)
        udp.connect(("127.0.0.1", port))
        udp.send(octets)
        first = udp.recv(4096)
        udp.send(octets)
        assert udp.recv(4096) == first, "a retransmission gets the same octets"
    return verdict(first, octets[4:20])


@pytest.mark.parametrize(("kind", "n_calls"), [(ALONE, 1), (FULL, 2)])
def test_aiohttp(tmp_path: Path, duo: SimulatorProcess, kind: Any, n_calls: int) -> None:
    with python_peer(Stage(tmp_path, duo), *kind) as serving:
        assert log_in(serving.port, 100, 8, longest_s=30.0).n_logins == 100
        assert ask(serving.port, request(1, 300)) is Code.ACCESS_ACCEPT
        assert ask(serving.port, request(2, 301, b"654321")) is Code.ACCESS_REJECT
    counts = duo.get("/api/counts")
    assert counts["n_calls"] == counts["verified"] == 102 * n_calls
    assert counts["wrongly_signed"] == 0


def test_duo_client(tmp_path: Path, duo: SimulatorProcess) -> None:
    with python_peer(Stage(tmp_path, duo), *duo_client()) as serving:
        assert log_in(serving.port, 40, 8, longest_s=30.0).n_logins == 40
        assert ask(serving.port, request(2, 301, b"654321")) is Code.ACCESS_REJECT
    assert duo.get("/api/counts")["wrongly_signed"] == 0


def test_floor(tmp_path: Path, duo: SimulatorProcess) -> None:
    with python_peer(Stage(tmp_path, duo), "floor") as serving:
        burst = log_in(serving.port, 300, 100, longest_s=30.0, authenticator=floor.AUTHENTICATOR)
    assert burst.n_logins == 300
    counts = duo.get("/api/counts")
    assert counts["calls"] == {"auth": 300}
    assert counts["accepted"] == floor.N_CONNECTIONS


@pytest.mark.parametrize("kind", [ALONE, duo_client])
def test_pushes_are_held(tmp_path: Path, duo: SimulatorProcess, kind: Any) -> None:
    module, options = kind() if callable(kind) else kind
    with python_peer(Stage(tmp_path, duo, pending.PUSH), module, options) as serving:
        assert pending.pushes_held(serving.port, 20) == 20
    counts = duo.get("/api/counts")
    assert (counts["pushes"], counts["overlaps"]) == (20, 0)


def test_packets_of_strangers_are_dropped(tmp_path: Path, duo: SimulatorProcess) -> None:
    with python_peer(Stage(tmp_path, duo), *ALONE) as serving, socket.socket(type=socket.SOCK_DGRAM) as udp:
        octets = request(1, 1)
        udp.connect(("127.0.0.1", serving.port))
        udp.send(octets[:-1])
        udp.send(octets[:24] + bytes(16) + octets[40:])
        assert ask(serving.port, octets) is Code.ACCESS_ACCEPT
    assert duo.get("/api/counts")["n_calls"] == 1
