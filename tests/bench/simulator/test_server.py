"""The simulated Duo over real TLS. Where a test must see that somebody waits, it lets the loop run until it is so."""

import asyncio
import contextlib
import ssl
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.simulator.cloud import Event, Settings
from bench.simulator.people import phone, user_id
from bench.simulator.server import Simulator
from bench.simulator.signature import Application
from tests.bench.simulator.api_client import ApiClient, client_of, simulator_and_client
from tests.bench.simulator.scene import QUICK, begin_push, play, until


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
