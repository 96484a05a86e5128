"""The simulated Duo's older API, on sockets."""

import asyncio
import re
from pathlib import Path

import pytest

from bench.simulator.cloud import Event
from bench.simulator.people import phone
from bench.simulator.server import Simulator, new_application
from tests.bench.simulator.api_client import ApiClient, simulator_and_client
from tests.bench.simulator.scene import play


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
        assert re.search(r"^2\. Duo Push to XXX-XXX-\d{4}$", answer.response["prompt"], re.MULTILINE)

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
