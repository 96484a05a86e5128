"""Calls that Duo refuses for their date."""

import asyncio

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, AuthStatus, Call, Check, Factor, Preauth, PreauthAnswer, Time
from gateway.unavailable import Trouble, Unavailable
from tests.duo.scripted import (
    MISDATED,
    NOW,
    WRONG_TYPE,
    ClockedDuo,
    Clocks,
    Result,
    ask,
    ask_scripted,
    client_behind,
    date_of,
    path_of,
)
from tests.https.authority import Authority
from tests.https.peer import Script, Visit, answer, in_loop, turn_until


@pytest.mark.parametrize("call", [Auth("jdoe", Factor.PUSH), Preauth("jdoe"), AuthStatus("tx-1")])
@pytest.mark.parametrize("error_s", [3600, -86_400])
@in_loop
async def test_a_call_refused_for_its_date_is_asked_again_by_duos_clock(
    authority: Authority, server_file: str, call: Call, error_s: int
) -> None:
    duo, corrections = ClockedDuo(NOW + error_s), list[float]()
    async with client_behind(duo, authority, server_file, on_clock_corrected=corrections.append) as (_, client):
        assert isinstance(await ask(client, call), AuthAnswer | PreauthAnswer)
        first, ping, second = duo.requests
        assert path_of(first) == path_of(second)
        assert (date_of(first), date_of(second)) == (int(NOW), int(NOW) + error_s)
        assert ping.startswith("GET /auth/v2/ping HTTP/1.1\r\n")
        assert "Authorization" not in ping
        assert corrections == [client.clock_offset_s] == [pytest.approx(error_s, abs=0.6)]
        await ask(client, call)  # dated right from now on
        assert len(duo.requests) == 4


@in_loop
async def test_many_calls_refused_at_once_share_one_ping(authority: Authority, server_file: str) -> None:
    duo = ClockedDuo(NOW + 3600)
    async with client_behind(duo, authority, server_file) as (_, client):
        results = await asyncio.gather(*(ask(client, Preauth(f"user{number}")) for number in range(50)))
        assert results == [PreauthAnswer("allow", "Welcome")] * 50
        assert client.n_pending == 0
    assert duo.paths.count("/auth/v2/ping") == 1
    assert len(duo.requests) == 101


@in_loop
async def test_v1_asks_the_ping_of_v2_for_the_time(authority: Authority, server_file: str) -> None:
    duo = ClockedDuo(NOW + 3600)
    async with client_behind(duo, authority, server_file, api_version="1") as (_, client):
        assert isinstance(await ask(client, Preauth("jdoe")), PreauthAnswer)
    assert duo.paths == ["/rest/v1/preauth", "/auth/v2/ping", "/rest/v1/preauth"]


def test_a_ping_says_nothing_about_the_version_that_an_application_may_use(
    authority: Authority, server_file: str
) -> None:
    word = answer('{"stat":"OK","response":"valid"}')
    time = answer(f'{{"stat":"OK","response":{{"time":{int(NOW)}}}}}')
    requests, results, client = ask_scripted(authority, server_file, [Check()], MISDATED, time, WRONG_TYPE, word)
    assert results == [Time(None)]
    assert [path_of(request) for request in requests] == [
        "/auth/v2/check",
        "/auth/v2/ping",
        "/auth/v2/check",
        "/rest/v1/check",
    ]
    assert client.api_version == "1"


def assert_clock_trouble(result: Result) -> None:
    assert isinstance(result, Unavailable)
    assert result.trouble is Trouble.CLOCK
    assert result.detail == "Duo answered 40105 Bad request timestamp; check this machine's clock"


@in_loop
async def test_a_date_by_duos_clock_that_duo_refuses_is_a_trouble_of_the_clock(
    authority: Authority, server_file: str
) -> None:
    duo = ClockedDuo(NOW + 3600, told=int(NOW) - 3600)
    async with client_behind(duo, authority, server_file) as (_, client):
        assert_clock_trouble(await ask(client, Preauth("jdoe")))
        assert duo.paths == ["/auth/v2/preauth", "/auth/v2/ping", "/auth/v2/preauth"]


@pytest.mark.parametrize("told", [0, -1, 7_258_118_400, 10**12, 10**30, '"noon"'])
@in_loop
async def test_where_duo_tells_no_time_the_refusal_stands(authority: Authority, server_file: str, told: object) -> None:
    duo, corrections = ClockedDuo(NOW + 3600, told), list[float]()
    async with client_behind(duo, authority, server_file, on_clock_corrected=corrections.append) as (_, client):
        results = await asyncio.gather(*(ask(client, Preauth("jdoe")) for _ in range(3)))
        for result in results:
            assert_clock_trouble(result)
        assert corrections == []
        assert client.n_pending == 0


def test_a_ping_refused_for_its_date_is_asked_no_ping(authority: Authority, server_file: str) -> None:
    requests, results, _ = ask_scripted(authority, server_file, [Preauth("jdoe")], MISDATED)
    assert_clock_trouble(results[0])
    assert len(requests) == 2


def slow_ping(pinged: asyncio.Event, may_answer: asyncio.Event) -> Script:
    """Refuse all dates but the check's; let whoever asks for the time wait, and tell none."""

    async def script(visit: Visit) -> None:
        while True:
            match path_of(await visit.request()):
                case "/auth/v2/ping":
                    pinged.set()
                    await may_answer.wait()
                    visit.send(answer('{"stat":"OK","response":{"time":0}}'))
                case "/auth/v2/check":
                    visit.send(answer())
                case _:
                    visit.send(MISDATED)

    return script


@in_loop
async def test_a_call_waits_for_duos_time_no_longer_than_for_its_answer(authority: Authority, server_file: str) -> None:
    clocks = Clocks()
    async with client_behind(slow_ping(asyncio.Event(), asyncio.Event()), authority, server_file, clocks=clocks) as (
        _peer,
        client,
    ):
        await ask(client, Check())  # there is a connection now
        clocks.boot += 1.0
        assert_clock_trouble(await ask(client, AuthStatus("tx-1", patience_s=1.0)))
        assert client.n_pending == 1  # the ping


@in_loop
async def test_a_call_cancelled_while_duos_time_is_asked_is_never_answered(
    authority: Authority, server_file: str
) -> None:
    pinged, may_answer, results = asyncio.Event(), asyncio.Event(), list[Result]()
    async with client_behind(slow_ping(pinged, may_answer), authority, server_file) as (_, client):
        cancelled = client.ask(Preauth("jdoe"), results.append)
        await pinged.wait()
        cancelled.cancel()
        may_answer.set()
        await turn_until(lambda: client.n_pending == 0)
        assert results == []
