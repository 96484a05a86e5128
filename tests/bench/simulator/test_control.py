"""The control page's JSON API and what guards it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from bench.simulator.people import Answer, Person, phone
from bench.simulator.server import Simulator
from tests.bench.simulator.api_client import ApiClient, simulator_and_client

Scenario = Callable[[Simulator, ApiClient], Awaitable[None]]


def play(folder: Path, scenario: Scenario) -> None:
    async def run() -> None:
        async with simulator_and_client(folder) as (simulator, client):
            await scenario(simulator, client)

    asyncio.run(run())


async def control(client: ApiClient, path: str, body: object = None, status: int = 200) -> Any:
    """What the control API answers; a body makes it a POST."""
    method = "GET" if body is None else "POST"
    async with client.session.request(method, client.simulator.control_url + path, json=body) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def begin_push(client: ApiClient, username: str) -> str:
    answer = await client.post("/auth/v2/auth", username=username, factor="push", device="auto", **{"async": "1"})
    return str(answer.response["txid"])


def test_pending_push_is_approved_on_the_page(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client, "trent")
        (pending,) = await control(client, "/api/pending")
        assert (pending["txid"], pending["username"], pending["factor"]) == (txid, "trent", "push")
        assert (await control(client, f"/api/pending/{txid}", {"decision": "approve"}))["result"] == "allow"
        assert (await client.get("/auth/v2/auth_status", txid=txid)).response["result"] == "allow"
        await control(client, f"/api/pending/{txid}", {"decision": "deny"}, status=404)

    play(tmp_path, scenario)


def test_all_pending_pushes_are_decided_at_once(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        txids = [await begin_push(client, "trent") for _ in range(3)]
        assert await control(client, "/api/pending", {"decision": "deny"}) == {"decided": 3}
        for txid in txids:
            assert (await client.get("/auth/v2/auth_status", txid=txid)).response["result"] == "deny"
        assert await control(client, "/api/pending", {"decision": "deny"}) == {"decided": 0}
        await control(client, "/api/pending", {"decision": "pick_up"}, status=400)

    play(tmp_path, scenario)


@pytest.mark.parametrize("body", [{"decision": "pick_up"}, {"decision": "perhaps"}, {}, {"decision": "deny", "x": 1}])
def test_decisions_that_there_are_not(tmp_path: Path, body: dict[str, object]) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client, "trent")
        assert "error" in await control(client, f"/api/pending/{txid}", body, status=400)

    play(tmp_path, scenario)


def test_users_are_read_changed_and_removed(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        users = {each["username"]: each for each in await control(client, "/api/users")}
        assert {"alice", "ユーザー", "josé"} <= users.keys()
        await control(client, "/api/users", {**users["alice"], "status": "disabled"})
        assert (await client.post("/auth/v2/preauth", username="alice")).response["result"] == "deny"
        new = msgspec.to_builtins(Person("victor", devices=(phone("victor"),), answer=Answer.PERSON))
        await control(client, "/api/users", new)
        assert (await client.post("/auth/v2/preauth", username="victor")).response["result"] == "auth"
        await control(client, "/api/users/remove", {"username": "victor"})
        await control(client, "/api/users/remove", {"username": "victor"}, status=404)
        await control(client, "/api/reset", {})
        assert (await client.post("/auth/v2/preauth", username="alice")).response["result"] == "auth"

    play(tmp_path, scenario)


def test_faults_are_set_and_cleared(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        (fault,) = await control(client, "/api/faults", {"kind": "status_500", "endpoint": "check", "calls": 5})
        assert (fault["kind"], fault["calls_left"]) == ("status_500", 5)
        assert (await client.get("/auth/v2/check")).status == 500
        assert (await control(client, "/api/faults"))[0]["calls_left"] == 4
        await control(client, "/api/faults", [{"kind": "drop", "endpoint": "auth"}, {"kind": "slow", "for_s": 60}])
        assert [each["kind"] for each in await control(client, "/api/faults")] == ["status_500", "drop", "slow"]
        await control(client, "/api/faults/clear", {})
        assert (await client.get("/auth/v2/check")).status == 200

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "body", [{"kind": "flood"}, {"kind": "refuse", "calls": 1}, {"kind": "slow", "dely_s": 1}, [[]]]
)
def test_faults_that_there_are_not(tmp_path: Path, body: object) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        assert "error" in await control(client, "/api/faults", body, status=400)

    play(tmp_path, scenario)


def test_counts_calls_and_state(tmp_path: Path) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        txid = await begin_push(client, "trent")
        counts = await control(client, "/api/counts")
        assert counts["users"] == {"trent": {"push": 1, "txids": {"push": [txid]}}}
        assert counts["calls"] == {"auth": 1}
        assert (counts["n_calls"], counts["pushes"], counts["pending"], counts["polls"]) == (1, 1, 1, 0)
        assert await control(client, "/api/pushes") == {"trent": 1}
        (call,) = await control(client, "/api/calls?limit=5")
        assert (call["path"], call["username"], call["txid"]) == ("/auth/v2/auth", "trent", txid)
        state = await control(client, "/api/state")
        assert state["service"]["api_host"] == simulator.api_host
        assert state["n_pending"] == 1
        assert simulator.skey not in str(state)

    play(tmp_path, scenario)


def test_who_waits_for_counts_is_answered_once_they_are_there(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        waiting = asyncio.create_task(control(client, "/api/wait?pending=2&auth=2"))
        assert (await control(client, "/api/wait?pending=1&within_s=0", status=408))["pending"] == 0
        for _ in range(2):
            assert not waiting.done()
            await begin_push(client, "trent")
        assert (await waiting)["pending"] == 2

    play(tmp_path, scenario)


@pytest.mark.parametrize("query", ["calls=1", "pendin=1", "pending=some", "within_s=soon", "within_s=nan"])
def test_what_nobody_can_wait_for(tmp_path: Path, query: str) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        assert "error" in await control(client, f"/api/wait?{query}", status=400)

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/", "text/html"), ("/static/page.js", "text/javascript"), ("/static/page.css", "text/css")],
)
def test_page_loads_nothing_but_itself(tmp_path: Path, path: str, content_type: str) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        async with client.session.get(simulator.control_url + path) as response:
            text = await response.text()
        assert (response.status, response.content_type) == (200, content_type)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert "https://" not in text
        assert "style=" not in text

    play(tmp_path, scenario)


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:80", "127.0.0.1.attacker.example:1"])
def test_foreign_host_names_are_refused(tmp_path: Path, host: str) -> None:
    """DNS rebinding: a foreign name that leads here must not open the page."""

    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        async with client.session.get(f"{simulator.control_url}/api/users", headers={"Host": host}) as response:
            assert response.status == 403

    play(tmp_path, scenario)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_what_a_foreign_form_can_send_changes_nothing(tmp_path: Path, content_type: str) -> None:
    async def scenario(simulator: Simulator, client: ApiClient) -> None:
        url = f"{simulator.control_url}/api/faults"
        headers = {"Content-Type": content_type}
        async with client.session.post(url, data=b'{"kind": "refuse"}', headers=headers) as response:
            assert response.status == 415
        assert simulator.faults.active(simulator.now()) == []

    play(tmp_path, scenario)


def test_no_page_where_none_is_wanted(tmp_path: Path) -> None:
    async def run() -> None:
        async with simulator_and_client(tmp_path, control_port=None) as (simulator, client):
            assert simulator.control_url == ""
            assert (await client.get("/auth/v2/check")).status == 200

    asyncio.run(run())


def test_taken_port_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with simulator_and_client(tmp_path) as (simulator, _):
            port = int(simulator.api_host.rpartition(":")[2])
            with pytest.raises(OSError, match="in use"):
                await Simulator(tmp_path, port=port, control_port=None).start()

    asyncio.run(run())


def test_page_survives_the_api_being_refused(tmp_path: Path) -> None:
    async def scenario(_simulator: Simulator, client: ApiClient) -> None:
        await control(client, "/api/faults", {"kind": "refuse"})
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get("/auth/v2/check")
        assert (await control(client, "/api/state"))["service"]["door"] == "refusing"

    play(tmp_path, scenario)
