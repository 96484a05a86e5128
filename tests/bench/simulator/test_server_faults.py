"""What the simulated Duo does wrong when it is told to: on sockets."""

import asyncio
import socket
import ssl
import time
from email.utils import formatdate
from pathlib import Path

import aiohttp
import pytest

from bench.simulator.faults import Fault, FaultKind
from bench.simulator.listener import Door
from bench.simulator.server import Simulator
from tests.bench.simulator.api_client import ApiClient
from tests.bench.simulator.scene import begin_push, play, until


def test_refused_connections_and_recovery_on_the_same_port(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        await client.get("/auth/v2/check")
        address = simulator.api_host
        simulator.set_fault(Fault(FaultKind.REFUSE))
        await until(lambda: simulator.n_connections == 0)
        with pytest.raises(aiohttp.ClientConnectorError) as refusal:
            await client.get("/auth/v2/check")
        assert isinstance(refusal.value.os_error, ConnectionRefusedError)
        simulator.clear_faults()
        assert (await client.get("/auth/v2/check")).status == 200
        assert simulator.api_host == address

    play(tmp_path, scenario)


def test_a_handshake_under_way_is_cut_when_connections_are_refused(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, _client: ApiClient) -> None:
        host, _, port = simulator.api_host.rpartition(":")
        trusted = ssl.create_default_context(cafile=str(simulator.ca_file))
        with socket.create_connection((host, int(port))) as plain:
            plain.setblocking(False)
            await until(lambda: len(simulator._listener._handshakes) == 1)
            simulator.set_fault(Fault(FaultKind.REFUSE))
            with pytest.raises(OSError):
                await asyncio.open_connection(sock=plain, ssl=trusted, server_hostname=host)

    play(tmp_path, scenario)


def test_refusal_ends_with_its_time(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.REFUSE, for_s=0.01))
        assert simulator.door is Door.REFUSING
        await until(lambda: simulator.door is Door.SERVING)
        assert (await client.get("/auth/v2/check")).status == 200

    play(tmp_path, scenario)


def test_whole_black_hole_accepts_tcp_and_says_nothing(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.BLACK_HOLE))
        host, _, port = simulator.api_host.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))  # TCP alone is answered
        call = asyncio.create_task(client.get("/auth/v2/check"))
        done, _ = await asyncio.wait([call], timeout=0.05)
        assert not done
        assert simulator.referee.n_calls == {}
        simulator.clear_faults()
        assert (await call).status == 200
        writer.close()

    play(tmp_path, scenario)


def test_black_hole_for_one_endpoint_and_one_call(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.BLACK_HOLE, endpoint="preauth", calls=1))
        held = asyncio.create_task(client.post("/auth/v2/preauth", username="alice"))
        await until(lambda: simulator.referee.n_calls["/auth/v2/preauth"] == 1)
        assert (await client.post("/auth/v2/preauth", username="alice")).status == 200
        assert (await client.get("/auth/v2/check")).status == 200
        assert not held.done()
        simulator.clear_faults()
        with pytest.raises(aiohttp.ClientConnectionError):
            await held

    play(tmp_path, scenario)


def test_slow_answer_comes_in_the_end(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.SLOW, delay_s=0.05, calls=1))
        begin = simulator.now()
        assert (await client.get("/auth/v2/check")).status == 200
        assert simulator.now() - begin >= 0.05

    play(tmp_path, scenario)


@pytest.mark.parametrize("skew_s", [3600.0, -301.5])
def test_skewed_clock_is_told_and_judges_dates(tmp_path: Path, skew_s: float) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.CLOCK_SKEW, skew_s=skew_s))
        refusal = await client.post("/auth/v2/auth", username="trent", factor="push", device="auto", **{"async": "1"})
        assert (refusal.status, refusal.response["code"]) == (401, 40105)
        assert simulator.referee.count("trent", "push") == 0
        duo_time = (await client.get("/auth/v2/ping")).response["time"]
        assert abs(duo_time - skew_s - time.time()) < 30
        headers = client.headers("GET", "/auth/v2/check", {}, date=formatdate(duo_time))
        async with client.session.get(client.url("/auth/v2/check"), headers=headers) as response:
            assert response.status == 200
            assert (await response.json())["response"]["time"] >= duo_time

    play(tmp_path, scenario)


def test_skew_within_the_tolerance_is_no_obstacle(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.CLOCK_SKEW, skew_s=200.0))
        assert (await client.get("/auth/v2/check")).status == 200

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(Fault(FaultKind.STATUS_500), 500, 50000), (Fault(FaultKind.RATE_LIMIT, retry_after_s=3), 429, 42901)],
)
def test_error_answers_start_nothing(tmp_path: Path, fault: Fault, status: int, code: int) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(fault)
        answer = await client.post("/auth/v2/auth", username="trent", factor="push", device="auto", **{"async": "1"})
        assert (answer.status, answer.response["code"]) == (status, code)
        assert answer.headers.get("Retry-After") == ("3" if status == 429 else None)
        assert simulator.referee.count("trent", "push") == 0

    play(tmp_path, scenario)


def test_a_fault_for_some_users_leaves_others_ping_and_check_alone(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.STATUS_500, user="lic"))
        assert (await client.post("/auth/v2/preauth", username="alice")).status == 500
        assert (await client.post("/auth/v2/preauth", username="bob")).status == 200
        assert (await client.get("/auth/v2/ping")).status == 200
        assert (await client.get("/auth/v2/check")).status == 200

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("kind", "content_type"), [(FaultKind.BROKEN_JSON, "application/json"), (FaultKind.CAPTIVE_PORTAL, "text/html")]
)
def test_answers_that_are_not_json(tmp_path: Path, kind: FaultKind, content_type: str) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(kind, calls=1))
        async with client.session.get(client.url("/auth/v2/ping")) as response:
            assert (response.status, response.content_type) == (200, content_type)
            with pytest.raises(ValueError):
                await response.json(content_type=None)
        assert (await client.get("/auth/v2/check")).status == 200

    play(tmp_path, scenario)


def test_reset_loses_the_answer_to_a_push_that_was_sent(tmp_path: Path) -> None:
    """The case in which a client that tries again pushes twice."""

    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.RESET, endpoint="auth", calls=1))
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await begin_push(client)
        assert simulator.referee.count("trent", "push") == 1

    play(tmp_path, scenario)


def test_dropped_request_starts_nothing(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.DROP, endpoint="auth", calls=1))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await begin_push(client)
        assert simulator.referee.count("trent", "push") == 0
        assert [each.outcome for each in simulator.referee.calls] == ["dropped"]

    play(tmp_path, scenario)


def test_connection_closed_after_the_answer(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.CLOSE_AFTER, calls=1))
        assert (await client.get("/auth/v2/check")).headers["Connection"] == "close"
        await until(lambda: simulator.n_connections == 0)

    play(tmp_path, scenario)


def test_idle_connection_is_cut_without_a_word(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.CLOSE_IDLE, delay_s=0.01, calls=1))
        answer = await client.get("/auth/v2/check")
        assert "Connection" not in answer.headers
        await until(lambda: simulator.n_connections == 0)

    play(tmp_path, scenario)


def test_answer_in_slow_pieces_is_whole(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.TRICKLE, delay_s=0.03))
        asked_at = simulator.now()
        assert (await client.post("/auth/v2/preauth", username="alice")).response["result"] == "auth"
        assert simulator.now() - asked_at >= 0.03

    play(tmp_path, scenario)


def test_chunked_answer(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        simulator.set_fault(Fault(FaultKind.CHUNKED))
        answer = await client.post("/auth/v2/preauth", username="ユーザー")
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.response["result"] == "auth"

    play(tmp_path, scenario)


# Life
