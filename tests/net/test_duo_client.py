"""The client against a scripted Duo: signatures, judgement of answers, what is asked again."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from gateway.duoapi.calls import (
    Answer,
    Auth,
    AuthAnswer,
    AuthStatus,
    Call,
    Check,
    DuoUnavailable,
    Factor,
    Ping,
    Preauth,
    PreauthAnswer,
    Refusal,
    Time,
    Trouble,
)
from gateway.duoapi.signing import Signer
from gateway.net.duo_client import Application, DuoClient
from gateway.net.https_pool import HttpsPools
from tests.net.authority import Authority
from tests.net.peer import Script, Visit, answer, run, tls_peer

IKEY = "DIXXXXXXXXXXXXXXXXXX"
SKEY = b"deadbeef" * 5
NOW = 1741083330.5

ALLOW = answer('{"stat":"OK","response":{"result":"allow","status":"allow","status_msg":"Welcome"}}')
WRONG_TYPE = answer('{"stat":"FAIL","code":40301,"message":"Access forbidden"}', "403 Forbidden")


def fail(code: int, message: str, status: str, *headers: str) -> bytes:
    return answer(f'{{"stat":"FAIL","code":{code},"message":"{message}"}}', status, *headers)


@contextlib.contextmanager
def client_of(port: int, authority: Authority, *, draw: float = 0.0, **settings: Any) -> Iterator[DuoClient]:
    pools = HttpsPools()
    application = Application(IKEY, SKEY, **settings)
    pool = pools.pool(
        "127.0.0.1", port, ca_certs_file=authority.ca_file, connect_timeout_s=application.connect_timeout_s
    )
    client = DuoClient(pool, application, wall_clock=lambda: NOW, draw=lambda: draw)
    try:
        yield client
    finally:
        client.close()
        pools.close()


async def ask(client: DuoClient, call: Call) -> Answer | DuoUnavailable:
    result: asyncio.Future[Answer | DuoUnavailable] = asyncio.get_running_loop().create_future()
    client.ask(call, result.set_result)
    return await result


def scripted(requests: list[str], *answers: bytes) -> Script:
    """Answer the n-th request, on whatever connection, with the n-th answer, the last one for ever."""

    async def script(visit: Visit) -> None:
        while True:
            requests.append(await visit.request())
            visit.send(answers[min(len(requests), len(answers)) - 1])

    return script


def ask_scripted(
    authority: Authority, server_file: str, calls: list[Call], *answers: bytes, **settings: Any
) -> tuple[list[str], list[Answer | DuoUnavailable], DuoClient]:
    """Return the requests, the results and the client of asking `calls` one after the other."""

    async def scenario() -> tuple[list[str], list[Answer | DuoUnavailable], DuoClient]:
        requests: list[str] = []
        async with tls_peer(scripted(requests, *answers), server_file) as peer:
            with client_of(peer.port, authority, **settings) as client:
                return requests, [await ask(client, call) for call in calls], client

    return run(scenario())


def test_signed_post(authority: Authority, server_file: str) -> None:
    requests, results, client = ask_scripted(authority, server_file, [Preauth("j doe", "203.0.113.7")], ALLOW)
    assert results == [PreauthAnswer("allow", "Welcome")]
    head, body = requests[0].split("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "POST /auth/v2/preauth HTTP/1.1"
    assert body == "ipaddr=203.0.113.7&username=j%20doe"
    date = formatdate(int(NOW))
    assert f"Date: {date}" in lines
    authorization = Signer(IKEY, SKEY, "127.0.0.1").authorization(date, "POST", "/auth/v2/preauth", body)
    assert f"Authorization: {authorization}" in lines
    assert client.n_asked == {"Preauth": 1}
    assert client.n_pending == 0


def test_ping_is_not_signed(authority: Authority, server_file: str) -> None:
    requests, results, _ = ask_scripted(authority, server_file, [Ping()], answer())
    assert results == [Time(1)]
    assert "Authorization" not in requests[0]


def test_get_carries_its_parameters_as_query(authority: Authority, server_file: str) -> None:
    requests, results, _ = ask_scripted(authority, server_file, [AuthStatus("tx-1")], ALLOW)
    assert requests[0].startswith("GET /auth/v2/auth_status?txid=tx-1 HTTP/1.1\r\n")
    assert results == [AuthAnswer("allow", "allow", "Welcome")]


def test_refusal_of_the_users_input_is_an_answer(authority: Authority, server_file: str) -> None:
    refusal = fail(40002, "Invalid request parameters", "400 Bad Request")
    _, results, client = ask_scripted(authority, server_file, [Auth("jdoe", Factor.PUSH)], refusal)
    assert results == [Refusal(400, 40002, "Invalid request parameters")]
    assert not client.n_troubles


def test_wrong_keys_are_a_trouble_of_configuration(authority: Authority, server_file: str) -> None:
    refusal = fail(40103, "Invalid signature in request credentials", "401 Unauthorized")
    _, results, client = ask_scripted(authority, server_file, [Check()], refusal)
    (trouble,) = results
    assert isinstance(trouble, DuoUnavailable)
    assert trouble.trouble is Trouble.CONFIGURATION
    assert trouble.detail == "Duo answered 40103 Invalid signature in request credentials; check skey"
    assert client.n_troubles == {Trouble.CONFIGURATION: 1}


def test_wrong_application_type_changes_over_to_v1_for_good(authority: Authority, server_file: str) -> None:
    word = answer('{"stat":"OK","response":"valid"}')
    v1_allow = answer('{"stat":"OK","response":{"result":"allow","status":"Welcome"}}')
    requests, results, client = ask_scripted(
        authority, server_file, [Check(), Preauth("jdoe")], WRONG_TYPE, word, v1_allow
    )
    assert results == [Time(None), PreauthAnswer("allow", "Welcome")]
    assert [request.split(" ")[1] for request in requests] == ["/auth/v2/check", "/rest/v1/check", "/rest/v1/preauth"]
    assert client.api_version == "1"


def test_application_that_neither_version_accepts_is_a_trouble_of_configuration(
    authority: Authority, server_file: str
) -> None:
    requests, results, client = ask_scripted(authority, server_file, [Check(), Check()], WRONG_TYPE)
    assert [result.trouble for result in results if isinstance(result, DuoUnavailable)] == [Trouble.CONFIGURATION] * 2
    assert len(requests) == 4
    assert client.api_version == "2"


def test_once_v2_has_worked_it_stays(authority: Authority, server_file: str) -> None:
    """Later 40301s have another cause, and pushes are under way that v1 knows nothing of."""
    time = answer('{"stat":"OK","response":{"time":1700000000}}')
    requests, results, client = ask_scripted(
        authority, server_file, [Check(), Preauth("jdoe"), Check()], time, WRONG_TYPE, time
    )
    assert isinstance(results[1], DuoUnavailable)
    assert results[1].trouble is Trouble.CONFIGURATION
    assert all(request.split(" ")[1].startswith("/auth/v2/") for request in requests)
    assert (len(requests), client.api_version) == (3, "2")


@pytest.mark.parametrize(
    ("call", "n_requests"), [(Auth("jdoe", Factor.PASSCODE, passcode="123456"), 2), (Auth("jdoe", Factor.PUSH), 1)]
)
def test_a_lost_passcode_is_asked_again_and_a_lost_push_is_not(
    authority: Authority, server_file: str, call: Auth, n_requests: int
) -> None:
    async def scenario() -> list[str]:
        requests: list[str] = []

        async def hangs_up(visit: Visit) -> None:
            requests.append(await visit.request())

        async with tls_peer(hangs_up, server_file) as peer:
            with client_of(peer.port, authority) as client:
                assert isinstance(await ask(client, call), DuoUnavailable)
        return requests

    assert len(run(scenario())) == n_requests


def test_fixed_version_never_changes(authority: Authority, server_file: str) -> None:
    requests, results, _ = ask_scripted(authority, server_file, [Check()], WRONG_TYPE, api_version="2")
    assert isinstance(results[0], DuoUnavailable)
    assert len(requests) == 1


def test_v1_from_the_start(authority: Authority, server_file: str) -> None:
    requests, _, _ = ask_scripted(authority, server_file, [Check()], WRONG_TYPE, api_version="1")
    assert requests[0].startswith("GET /rest/v1/check ")


def test_rate_limited_call_is_asked_again_after_the_wait_it_was_told(authority: Authority, server_file: str) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")
    requests, results, _ = ask_scripted(authority, server_file, [Auth("jdoe", Factor.SMS)], limit, limit, ALLOW)
    assert results == [AuthAnswer("allow", "allow", "Welcome")]
    assert len(requests) == 3


def test_rate_limit_ends_after_three_waits(authority: Authority, server_file: str) -> None:
    date = formatdate(NOW - 5, usegmt=True)
    limit = fail(42901, "Too many requests", "429 Too Many Requests", f"Retry-After: {date}")
    requests, results, _ = ask_scripted(authority, server_file, [Check()], limit)
    assert isinstance(results[0], DuoUnavailable)
    assert results[0].trouble is Trouble.RATE_LIMIT
    assert len(requests) == 4


@pytest.mark.parametrize("headers", [(), ("Retry-After: 30",), ("Retry-After: soon",)])
def test_rate_limit_whose_wait_does_not_fit_ends_at_once(
    authority: Authority, server_file: str, headers: tuple[str, ...]
) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", *headers)
    requests, results, _ = ask_scripted(authority, server_file, [Check()], limit, api_timeout_s=5.0, draw=9.0)
    assert isinstance(results[0], DuoUnavailable)
    assert len(requests) == 1


def test_captive_portal_and_server_error(authority: Authority, server_file: str) -> None:
    portal = answer("<html>Please log in</html>", "302 Found", "Location: https://portal.test/")
    _, results, client = ask_scripted(
        authority, server_file, [Check(), Check()], portal, answer("oops", "503 Service Unavailable")
    )
    assert client.n_troubles == {Trouble.BAD_ANSWER: 1, Trouble.HTTP_STATUS: 1}
    assert [str(result) for result in results] == [
        "HTTP 302, a redirect, which Duo never sends",
        "Duo answered HTTP 503",
    ]


def test_api_timeout_bounds_a_brief_call(authority: Authority, server_file: str) -> None:
    async def say_nothing(visit: Visit) -> None:
        await visit.until_client_leaves()

    async def scenario() -> None:
        async with tls_peer(say_nothing, server_file) as peer:
            with client_of(peer.port, authority, api_timeout_s=0.2) as client:
                trouble = await ask(client, Auth("jdoe", Factor.PUSH))
                assert isinstance(trouble, DuoUnavailable)
                assert trouble.trouble is Trouble.TIMEOUT

    run(scenario())


def test_start_checks_in_the_background(authority: Authority, server_file: str) -> None:
    async def scenario() -> None:
        requests: list[str] = []
        async with tls_peer(scripted(requests, answer()), server_file) as peer:
            with client_of(peer.port, authority) as client:
                checked: asyncio.Future[Answer | DuoUnavailable] = asyncio.get_running_loop().create_future()
                client.start(checked.set_result)
                assert await checked == Time(1)

    run(scenario())


def test_cancelled_and_closed_calls_are_never_answered(authority: Authority, server_file: str) -> None:
    async def scenario() -> None:
        asked = asyncio.Event()

        async def say_nothing(visit: Visit) -> None:
            await visit.request()
            asked.set()
            await visit.until_client_leaves()

        async with tls_peer(say_nothing, server_file) as peer:
            with client_of(peer.port, authority) as client:
                results: list[Answer | DuoUnavailable] = []
                client.ask(Check(), results.append).cancel()
                client.ask(AuthStatus("tx-1"), results.append)
                await asked.wait()
                client.close()
                assert client.n_pending == 0
                assert results == []

    run(scenario())


def test_applications_with_the_same_way_to_duo_share_a_pool(authority: Authority) -> None:
    async def scenario() -> None:
        pools = HttpsPools()
        first = pools.pool("api-x.test", ca_certs_file=authority.ca_file)
        assert pools.pool("API-x.test", ca_certs_file=authority.ca_file) is first
        assert pools.pool("api-x.test", 8443, ca_certs_file=authority.ca_file) is not first
        assert pools.pool("api-x.test", ca_certs_file=authority.ca_file, connect_timeout_s=1.0) is not first
        assert len(list(pools)) == 3
        pools.close()

    run(scenario())


def test_shipped_and_system_trust_stores_load_and_others_are_named() -> None:
    async def scenario() -> None:
        pools = HttpsPools()
        pools.pool("api-x.test")
        pools.pool("api-x.test", ca_certs_file="system")
        with pytest.raises(ValueError, match=r"no trusted roots in /nowhere\.pem: No such file"):
            pools.pool("api-x.test", ca_certs_file="/nowhere.pem")
        with pytest.raises(ValueError, match="no trusted roots in"):
            pools.pool("api-x.test", ca_certs_file=__file__)

    run(scenario())


def test_secret_key_is_not_shown() -> None:
    assert "deadbeef" not in repr(Application(IKEY, SKEY))
    assert b64encode(SKEY).decode() not in str(Application(IKEY, SKEY))
