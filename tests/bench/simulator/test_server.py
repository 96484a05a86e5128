"""The simulated Duo over real TLS. Where a test must see that somebody waits, it lets the loop run until it is so."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.simulator.cloud import Event, Settings
from bench.simulator.faults import Fault, FaultKind
from bench.simulator.listener import Door
from bench.simulator.people import Answer, Person, phone, user_id
from bench.simulator.server import Simulator, new_application
from bench.simulator.signature import Application
from tests.bench.simulator.api_client import ApiClient, client_of, simulator_and_client

Scenario = Callable[[Simulator, ApiClient], Awaitable[None]]

QUICK = (
    Person("alice", devices=(phone("alice"),), passcodes=("123456",), answer_after_s=0.0),
    Person("trent", devices=(phone("trent"),), answer=Answer.PERSON),
    Person("heidi"),
    Person("ユーザー", devices=(phone("ユーザー"),), passcodes=("123456",)),
    Person("dave", devices=(phone("dave"), phone("dave", 2, ("push", "phone"))), answer=Answer.PERSON),
)


def play(folder: Path, scenario: Scenario, *, poll_hold_s: float = 20.0) -> None:
    """Run a scenario against a simulator of its own."""

    async def run() -> None:
        async with simulator_and_client(folder, people=QUICK, poll_hold_s=poll_hold_s) as (simulator, client):
            await scenario(simulator, client)

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- gives way to the loop, waits for no time
            await asyncio.sleep(0)


async def begin_push(client: ApiClient, username: str = "trent") -> str:
    answer = await client.post("/auth/v2/auth", username=username, factor="push", device="auto", **{"async": "1"})
    return str(answer.response["txid"])


async def begin_poll(simulator: Simulator, client: ApiClient) -> "asyncio.Task[Any]":
    """Begin a push, and a long poll for what becomes of it, which the simulator holds when this returns."""
    txid = await begin_push(client)
    await client.get("/auth/v2/auth_status", txid=txid)
    poll = asyncio.create_task(client.get("/auth/v2/auth_status", txid=txid))
    await until(lambda: simulator.n_polls == 1)
    return poll


# API v2


def test_ping_needs_no_signature(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        async with client.session.get(client.url("/auth/v2/ping")) as response:
            content = await response.json()
        assert response.status == 200
        assert content["stat"] == "OK"
        assert isinstance(content["response"]["time"], int)

    play(tmp_path, scenario)


@pytest.mark.parametrize("digest", ["sha1", "sha512"])
def test_check_with_either_digest(tmp_path: Path, digest: str) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        headers = client.headers("GET", "/auth/v2/check", {}, digest=digest)
        async with client.session.get(client.url("/auth/v2/check"), headers=headers) as response:
            assert response.status == 200

    play(tmp_path, scenario)


def test_x_duo_date_comes_before_date(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        headers = client.headers("GET", "/auth/v2/check", {})
        headers |= {"X-Duo-Date": headers["Date"], "Date": formatdate(0)}
        async with client.session.get(client.url("/auth/v2/check"), headers=headers) as response:
            assert response.status == 200

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Authorization": None}, 401, 40101),
        ({"Authorization": "Basic RElPVEhFUjphYmM="}, 401, 40102),
        ({"Date": formatdate(1)}, 401, 40105),
        ({"Date": "soon"}, 401, 40104),
    ],
)
def test_credentials_that_duo_refuses(tmp_path: Path, change: dict[str, str | None], status: int, code: int) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        headers = {**client.headers("GET", "/auth/v2/check", {}), **change}
        sent = {name: value for name, value in headers.items() if value is not None}
        async with client.session.get(client.url("/auth/v2/check"), headers=sent) as response:
            content = await response.json()
        assert (response.status, content["stat"], content["code"]) == (status, "FAIL", code)

    play(tmp_path, scenario)


def test_wrong_secret_key_is_told_apart_from_a_wrong_integration_key(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, _client: ApiClient) -> None:
        async with client_of(simulator, Application(simulator.ikey, "x" * 40)) as stranger:
            answer = await stranger.get("/auth/v2/check")
        assert (answer.status, answer.response["code"]) == (401, 40103)

    play(tmp_path, scenario)


def test_unknown_path_and_wrong_method(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        assert (await client.get("/auth/v9/ping")).response["code"] == 40401
        assert (await client.post("/auth/v2/ping")).response["code"] == 40501
        assert simulator.referee.n_calls["(unknown path)"] == 1

    play(tmp_path, scenario)


def test_preauth_lists_devices(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/auth/v2/preauth", username="dave", ipaddr="203.0.113.7")
        assert answer.response["result"] == "auth"
        assert [each["device"] for each in answer.response["devices"]] == [
            phone("dave").device,
            phone("dave", 2).device,
        ]
        assert answer.response["devices"][1]["capabilities"] == ["push", "phone"]

    play(tmp_path, scenario)


def test_preauth_by_user_id(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        assert (await client.post("/auth/v2/preauth", user_id=user_id("alice"))).response["result"] == "auth"
        assert (await client.post("/auth/v2/preauth")).response["code"] == 40001
        both = await client.post("/auth/v2/preauth", username="alice", user_id=user_id("alice"))
        assert both.response["code"] == 40002

    play(tmp_path, scenario)


def test_enrolment_names_the_portal(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/auth/v2/preauth", username="heidi")
        assert answer.response["result"] == "enroll"
        assert answer.response["enroll_portal_url"].startswith("https://")

    play(tmp_path, scenario)


def test_unicode_user_with_passcode(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/auth/v2/auth", username="ユーザー", factor="passcode", passcode="123456")
        assert answer.response == {"result": "allow", "status": "allow", "status_msg": "Success. Logging you in..."}

    play(tmp_path, scenario)


def test_synchronous_auth_waits_for_the_verdict(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        calling = asyncio.create_task(client.post("/auth/v2/auth", username="dave", factor="phone", device="auto"))
        await until(lambda: simulator.n_polls == 1)
        (txid,) = simulator.cloud.pending
        simulator.decide(txid, Event.PICK_UP)
        simulator.decide(txid, Event.DENY)
        assert (await calling).response["status"] == "deny"

    play(tmp_path, scenario)


def test_long_poll_tells_news_at_once_and_then_waits_for_more(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client)
        first = await client.get("/auth/v2/auth_status", txid=txid)
        assert (first.response["result"], first.response["status"]) == ("waiting", "pushed")
        second = asyncio.create_task(client.get("/auth/v2/auth_status", txid=txid))
        await until(lambda: simulator.n_polls == 1)
        simulator.decide(txid, Event.APPROVE)
        assert (await second).response["result"] == "allow"
        again = await client.get("/auth/v2/auth_status", txid=txid)
        assert again.response["result"] == "allow"

    play(tmp_path, scenario)


def test_long_poll_without_news_says_waiting_again(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client)
        answers = [await client.get("/auth/v2/auth_status", txid=txid) for _ in range(3)]
        assert [each.response["status"] for each in answers] == ["pushed"] * 3

    play(tmp_path, scenario, poll_hold_s=0.01)


def test_approval_by_habit_ends_the_poll(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client, "alice")
        results = [(await client.get("/auth/v2/auth_status", txid=txid)).response["result"] for _ in range(2)]
        assert results[-1] == "allow"

    play(tmp_path, scenario)


def test_client_that_leaves_a_poll_is_forgotten(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        poll = await begin_poll(simulator, client)
        poll.cancel()
        await until(lambda: simulator.n_polls == 0)
        await until(lambda: simulator.n_connections <= 1)

    play(tmp_path, scenario)


def test_unknown_transaction(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.get("/auth/v2/auth_status", txid="none")
        assert (answer.status, answer.response["code"], answer.response["message_detail"]) == (400, 40002, "txid")

    play(tmp_path, scenario)


def test_asynchronous_passcode_has_its_verdict_ready(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        begun = await client.post(
            "/auth/v2/auth", username="alice", factor="passcode", passcode="000000", **{"async": "1"}
        )
        answer = await client.get("/auth/v2/auth_status", txid=begun.response["txid"])
        assert answer.response["status_msg"] == "Incorrect passcode. Please try again."

    play(tmp_path, scenario)


def test_expired_push(tmp_path: Path) -> None:
    async def run() -> None:
        settings = Settings(push_expires_s=0.01)
        async with simulator_and_client(tmp_path, people=QUICK, settings=settings) as (_, client):
            answer = await client.post("/auth/v2/auth", username="trent", factor="push", device="auto")
            assert answer.response == {"result": "deny", "status": "timeout", "status_msg": "Login timed out."}

    asyncio.run(run())


# API v1


def test_v1_ping_and_check(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        assert (await client.get("/rest/v1/ping")).response == "pong"
        assert (await client.get("/rest/v1/check")).response == "valid"

    play(tmp_path, scenario)


def test_v1_preauth_lists_factor_words(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/rest/v1/preauth", user="dave")
        assert answer.response["result"] == "auth"
        assert answer.response["factors"] == {
            "default": "push1",
            "1": "push1",
            "2": "push2",
            "3": "phone1",
            "4": "phone2",
            "5": "sms1",
        }

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("parameters", "factor", "ordinal"),
    [
        ({"factor": "auto", "auto": "push2"}, "push", 2),
        ({"factor": "auto", "auto": "phone"}, "phone", 1),
        ({"factor": "auto", "auto": "auto"}, "push", 1),
        ({"factor": "push", "phone": "phone2"}, "push", 2),
        ({"factor": "phone", "phone": "2"}, "phone", 2),
        ({"factor": "push"}, "push", 1),
    ],
)
def test_v1_devices_go_by_ordinal(tmp_path: Path, parameters: dict[str, str], factor: str, ordinal: int) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/rest/v1/auth", user="dave", **parameters, **{"async": "1"})
        transaction = simulator.cloud.pending[answer.response["txid"]]
        assert transaction.factor == factor
        assert transaction.device is not None
        assert transaction.device.device == phone("dave", ordinal).device

    play(tmp_path, scenario)


@pytest.mark.parametrize("parameters", [{"factor": "passcode", "code": "123456"}, {"factor": "auto", "auto": "123456"}])
def test_v1_passcodes(tmp_path: Path, parameters: dict[str, str]) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/rest/v1/auth", user="alice", **parameters)
        assert answer.response == {"result": "allow", "status": "Success. Logging you in..."}

    play(tmp_path, scenario)


def test_v1_status_has_no_result_while_undecided(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        begun = await client.post("/rest/v1/auth", user="trent", factor="auto", auto="push", **{"async": "1"})
        txid = begun.response["txid"]
        first = await client.get("/rest/v1/status", txid=txid)
        assert first.response == {"status": "Pushed a login request to your device..."}
        simulator.decide(txid, Event.FRAUD)
        assert (await client.get("/rest/v1/status", txid=txid)).response["result"] == "deny"

    play(tmp_path, scenario)


@pytest.mark.parametrize("word", ["push7", "sms2"])
def test_v1_phone_that_is_not_there_or_cannot(tmp_path: Path, word: str) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        answer = await client.post("/rest/v1/auth", user="dave", factor="auto", auto=word)
        assert answer.response["code"] == 40002

    play(tmp_path, scenario)


def test_radius_application_is_kept_from_v2(tmp_path: Path) -> None:
    async def run() -> None:
        application = new_application("radius_v1")
        async with simulator_and_client(tmp_path, applications=[application]) as (_, client):
            refused = await client.get("/auth/v2/check")
            assert (refused.status, refused.response["code"]) == (403, 40301)
            assert refused.response["message_detail"] == "Wrong integration type for this API."
            assert (await client.get("/rest/v1/check")).stat == "OK"

    asyncio.run(run())


# The referee


def test_referee_counts_pushes_and_keeps_no_secret(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client)
        await client.post("/rest/v1/auth", user="alice", factor="auto", auto="918273", ipaddr="203.0.113.7")
        await client.post("/auth/v2/auth", username="alice", factor="465768", device="auto", passcode="132435")
        referee = simulator.referee
        assert referee.count("trent", "push") == 1
        assert referee.txids("trent", "push") == [txid]
        assert referee.n_calls == {"/auth/v2/auth": 2, "/rest/v1/auth": 1}
        assert [(each.username, each.outcome) for each in referee.calls] == [
            ("trent", "txid"),
            ("alice", "deny"),
            ("alice", "40002"),
        ]
        kept = f"{referee.calls} {referee.started}"
        assert not any(secret in kept for secret in ("918273", "465768", "132435", simulator.skey))

    play(tmp_path, scenario)


# Faults


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


def test_client_that_does_not_trust_the_authority_is_turned_away(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(client.url("/auth/v2/ping"))
        assert (await client.get("/auth/v2/check")).status == 200

    play(tmp_path, scenario)


def test_reset_ends_polls_and_forgets_counts(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        poll = await begin_poll(simulator, client)
        simulator.reset()
        assert (await poll).response["status"] == "timeout"
        assert simulator.referee.count("trent", "push") == 0

    play(tmp_path, scenario)


def test_stop_cuts_polls(tmp_path: Path) -> None:
    async def run() -> None:
        async with simulator_and_client(tmp_path, people=QUICK) as (simulator, client):
            poll = await begin_poll(simulator, client)
            await simulator.stop()
            with contextlib.suppress(aiohttp.ClientError):
                await poll
            assert simulator.n_polls == 0

    asyncio.run(run())
