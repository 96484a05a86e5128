"""The client against a scripted Duo: signatures, judgement of answers, what is asked again."""

import asyncio
from base64 import b64encode
from email.utils import formatdate

import pytest

from gateway.duo.client import Application
from gateway.duoapi.calls import (
    Answer,
    Auth,
    AuthAnswer,
    AuthStatus,
    Call,
    Check,
    Factor,
    Ping,
    Preauth,
    PreauthAnswer,
    Refusal,
    Time,
)
from gateway.duoapi.signing import Signer
from gateway.unavailable import Trouble, Unavailable
from tests.duo.scripted import (
    ALLOW,
    IKEY,
    NOW,
    SKEY,
    WRONG_TYPE,
    ClockedDuo,
    Clocks,
    ask,
    ask_scripted,
    client_behind,
    date_of,
    fail,
    path_of,
    scripted,
)
from tests.https.authority import Authority
from tests.https.peer import Silent, Visit, answer, in_loop, turn_until


def test_signed_post(authority: Authority, server_file: str) -> None:
    requests, results, client = ask_scripted(authority, server_file, [Preauth("j doe", "203.0.113.7")], ALLOW)
    assert results == [PreauthAnswer("allow", "Welcome")]
    head, body = requests[0].split("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "POST /auth/v2/preauth HTTP/1.1"
    assert body == "ipaddr=203.0.113.7&username=j%20doe"
    date = formatdate(int(NOW))
    assert f"Date: {date}" in lines
    authorization = (
        Signer(IKEY, SKEY, "127.0.0.1").authorization(date, "POST", "/auth/v2/preauth", body.encode()).decode()
    )
    assert f"Authorization: {authorization}" in lines
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
    _, results, _ = ask_scripted(authority, server_file, [Auth("jdoe", Factor.PUSH)], refusal)
    assert results == [Refusal(400, 40002, "Invalid request parameters")]


def test_wrong_keys_are_a_trouble_of_configuration(authority: Authority, server_file: str) -> None:
    refusal = fail(40103, "Invalid signature in request credentials", "401 Unauthorized")
    _, results, _ = ask_scripted(authority, server_file, [Check()], refusal)
    (trouble,) = results
    assert isinstance(trouble, Unavailable)
    assert trouble.trouble is Trouble.CONFIGURATION
    assert trouble.detail == "Duo answered 40103 Invalid signature in request credentials; check skey"


def test_wrong_application_type_changes_over_to_v1_for_good(authority: Authority, server_file: str) -> None:
    word = answer('{"stat":"OK","response":"valid"}')
    v1_allow = answer('{"stat":"OK","response":{"result":"allow","status":"Welcome"}}')
    requests, results, client = ask_scripted(
        authority, server_file, [Check(), Preauth("jdoe")], WRONG_TYPE, word, v1_allow
    )
    assert results == [Time(None), PreauthAnswer("allow", "Welcome")]
    assert [request.split(" ")[1] for request in requests] == ["/auth/v2/check", "/rest/v1/check", "/rest/v1/preauth"]
    assert client.api_version == "1"


@in_loop
async def test_a_call_that_was_refused_after_another_one_changed_over_is_asked_in_v1(
    authority: Authority, server_file: str
) -> None:
    has_changed_over = asyncio.Event()
    paths: list[str] = []

    async def late_to_refuse(visit: Visit) -> None:
        while True:
            path = path_of(await visit.request())
            paths.append(path)
            if path == "/auth/v2/preauth":
                await has_changed_over.wait()
            visit.send(
                WRONG_TYPE if path.startswith("/auth/v2") else answer('{"stat":"OK","response":{"result":"allow"}}')
            )

    async with client_behind(late_to_refuse, authority, server_file) as (_, client):
        preauth = asyncio.create_task(ask(client, Preauth("jdoe")))
        await turn_until(lambda: paths == ["/auth/v2/preauth"])
        assert await ask(client, Auth("other", Factor.PASSCODE, passcode="123456")) == AuthAnswer("allow")
        has_changed_over.set()
        assert await preauth == PreauthAnswer("allow")
        assert sorted(paths) == ["/auth/v2/auth", "/auth/v2/preauth", "/rest/v1/auth", "/rest/v1/preauth"]


def test_application_that_neither_version_accepts_is_a_trouble_of_configuration(
    authority: Authority, server_file: str
) -> None:
    requests, results, client = ask_scripted(authority, server_file, [Check(), Check()], WRONG_TYPE)
    assert [result.trouble for result in results if isinstance(result, Unavailable)] == [Trouble.CONFIGURATION] * 2
    assert len(requests) == 4
    assert client.api_version == "2"


def test_once_v2_has_worked_it_stays(authority: Authority, server_file: str) -> None:
    """Later 40301s have another cause, and pushes are under way that v1 knows nothing of."""
    time = answer('{"stat":"OK","response":{"time":1700000000}}')
    requests, results, client = ask_scripted(
        authority, server_file, [Check(), Preauth("jdoe"), Check()], time, WRONG_TYPE, time
    )
    assert isinstance(results[1], Unavailable)
    assert results[1].trouble is Trouble.CONFIGURATION
    assert "RADIUS or Auth API" in results[1].detail
    assert all(request.split(" ")[1].startswith("/auth/v2/") for request in requests)
    assert (len(requests), client.api_version) == (3, "2")


@pytest.mark.parametrize(
    "foreign", [answer("<html>blocked</html>", "403 Forbidden"), answer("", "404 Not Found")], ids=["page", "empty"]
)
def test_what_somebody_in_between_says_does_not_settle_the_version(
    authority: Authority, server_file: str, foreign: bytes
) -> None:
    valid = answer('{"stat":"OK","response":"valid"}')
    _, results, client = ask_scripted(authority, server_file, [Check(), Check()], foreign, WRONG_TYPE, valid)
    assert isinstance(results[1], Time)
    assert client.api_version == "1"


@pytest.mark.parametrize(
    "odd",
    [
        answer("<html>", "504 Gateway Timeout"),
        answer("", "502 Bad Gateway"),
        answer('{"stat":"OK","response":{"txid":12}}'),
        answer(""),
    ],
    ids=["504", "502", "odd JSON", "empty"],
)
@pytest.mark.parametrize(
    ("call", "may_have_acted"),
    [
        (Auth("jdoe", Factor.PUSH), True),
        (Auth("jdoe", Factor.PASSCODE, passcode="123456"), False),
        (Preauth("jdoe"), False),
    ],
    ids=["push", "passcode", "preauth"],
)
def test_a_push_whose_answer_is_none_of_duos_may_be_out(
    authority: Authority, server_file: str, odd: bytes, call: Auth | Preauth, may_have_acted: bool
) -> None:
    _, (result,), _ = ask_scripted(authority, server_file, [call], odd)
    assert isinstance(result, Unavailable)
    assert result.may_have_acted is may_have_acted


def test_a_push_that_duo_refuses_for_its_rate_is_not_out(authority: Authority, server_file: str) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 3600")
    _, (result,), _ = ask_scripted(authority, server_file, [Auth("jdoe", Factor.PUSH)], limit, api_timeout_s=1.0)
    assert isinstance(result, Unavailable)
    assert result.may_have_acted is False


@pytest.mark.parametrize(
    ("call", "n_requests"), [(Auth("jdoe", Factor.PASSCODE, passcode="123456"), 2), (Auth("jdoe", Factor.PUSH), 1)]
)
@in_loop
async def test_a_lost_passcode_is_asked_again_and_a_lost_push_is_not(
    authority: Authority, server_file: str, call: Auth, n_requests: int
) -> None:
    requests: list[str] = []

    async def hangs_up(visit: Visit) -> None:
        requests.append(await visit.request())

    async with client_behind(hangs_up, authority, server_file) as (_, client):
        assert isinstance(await ask(client, call), Unavailable)
    assert len(requests) == n_requests


def test_fixed_version_never_changes(authority: Authority, server_file: str) -> None:
    requests, results, _ = ask_scripted(authority, server_file, [Check()], WRONG_TYPE, api_version="2")
    assert isinstance(results[0], Unavailable)
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
    assert isinstance(results[0], Unavailable)
    assert results[0].trouble is Trouble.RATE_LIMIT
    assert len(requests) == 4


@pytest.mark.parametrize("headers", [(), ("Retry-After: 30",), ("Retry-After: soon",)])
def test_rate_limit_whose_wait_does_not_fit_ends_at_once(
    authority: Authority, server_file: str, headers: tuple[str, ...]
) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", *headers)
    requests, results, _ = ask_scripted(authority, server_file, [Check()], limit, api_timeout_s=5.0, draw=9.0)
    assert isinstance(results[0], Unavailable)
    assert len(requests) == 1


def test_captive_portal_and_server_error(authority: Authority, server_file: str) -> None:
    portal = answer("<html>Please log in</html>", "302 Found", "Location: https://portal.test/")
    _, results, _ = ask_scripted(
        authority, server_file, [Check(), Check()], portal, answer("oops", "503 Service Unavailable")
    )
    assert [str(result) for result in results] == [
        "HTTP 302, a redirect, which Duo never sends",
        "Duo answered HTTP 503",
    ]


@in_loop
async def test_api_timeout_bounds_a_brief_call(authority: Authority, server_file: str) -> None:
    async with client_behind(Visit.until_client_leaves, authority, server_file, api_timeout_s=0.2) as (_, client):
        trouble = await ask(client, Auth("jdoe", Factor.PUSH))
        assert isinstance(trouble, Unavailable)
        assert trouble.trouble is Trouble.TIMEOUT


@in_loop
async def test_start_checks_in_the_background(authority: Authority, server_file: str) -> None:
    requests: list[str] = []
    async with client_behind(scripted(requests, answer()), authority, server_file) as (_, client):
        checked: asyncio.Future[Answer | Unavailable] = asyncio.get_running_loop().create_future()
        client.start(checked.set_result)
        assert await checked == Time(1)


@in_loop
async def test_cancelled_and_closed_calls_are_never_answered(authority: Authority, server_file: str) -> None:
    duo = Silent()
    async with client_behind(duo, authority, server_file) as (_, client):
        results: list[Answer | Unavailable] = []
        client.ask(Check(), results.append).cancel()
        client.ask(AuthStatus("tx-1"), results.append)
        await duo.heard.wait()
        client.close()
        assert client.n_pending == 0
        assert results == []


@in_loop
async def test_a_jump_of_the_wall_clock_changes_no_date(authority: Authority, server_file: str) -> None:
    clocks, requests = Clocks(), list[str]()
    async with client_behind(scripted(requests, ALLOW), authority, server_file, clocks=clocks) as (_, client):
        await ask(client, Preauth("jdoe"))
        clocks.wall += 3600.0
        clocks.boot += 10.0
        await ask(client, Preauth("jdoe"))
        assert client.clock_offset_s == pytest.approx(-3590.0)
    assert [date_of(request) for request in requests] == [int(NOW), int(NOW) + 10]


DATED = f"Date: {formatdate(NOW + 200.0, usegmt=True)}"
WORD = '{"stat":"OK","response":"valid"}'


@pytest.mark.parametrize(
    ("octets", "call", "is_told"),
    [
        pytest.param(answer(WORD, "200 OK", DATED), Check(), True, id="v1 has nothing else"),
        pytest.param(fail(40002, "Invalid", "400 Bad Request", DATED), Preauth("jdoe"), True, id="a refusal"),
        pytest.param(answer(WORD), Check(), False, id="no date"),
        pytest.param(answer(WORD, "200 OK", "Date: soon"), Check(), False, id="none that can be read"),
        pytest.param(answer("<html>", "404 Not Found", DATED), Preauth("jdoe"), False, id="not in Duo's words"),
        pytest.param(answer("oops", "502 Bad Gateway", DATED), Preauth("jdoe"), False, id="no answer of Duo's"),
        pytest.param(
            answer('{"stat":"OK","response":{"result":"allow","status":"x"}}', "200 OK", DATED),
            AuthStatus("tx-1"),
            False,
            id="a long poll",
        ),
    ],
)
@in_loop
async def test_the_date_of_an_answer_of_duos_tells_the_time_until_duo_does(
    authority: Authority, server_file: str, octets: bytes, call: Call, is_told: bool
) -> None:
    time = answer('{"stat":"OK","response":{"time":1741084000}}')
    answers = scripted([], octets, time, answer(WORD, "200 OK", DATED))
    async with client_behind(answers, authority, server_file, api_version="1") as (_, client):
        assert client.duo_time is None
        await ask(client, call)
        assert client.duo_time == (pytest.approx(NOW + 200.0, abs=1.0) if is_told else None)
        await ask(client, Ping())
        await ask(client, Check())
        assert client.duo_time == pytest.approx(1741084000, abs=1.0)


@in_loop
async def test_an_answered_check_corrects_the_clock_too(authority: Authority, server_file: str) -> None:
    duo, corrections = ClockedDuo(NOW + 200), list[float]()
    duo.answer = answer(f'{{"stat":"OK","response":{{"time":{duo.told}}}}}')
    async with client_behind(duo, authority, server_file, on_clock_corrected=corrections.append) as (_, client):
        await ask(client, Check())
        await ask(client, Check())
    assert [date_of(request) for request in duo.requests] == [int(NOW), int(NOW) + 200]
    assert corrections == [pytest.approx(200.0, abs=0.6)]


@in_loop
async def test_a_small_correction_is_made_without_a_word(authority: Authority, server_file: str) -> None:
    duo, corrections = ClockedDuo(NOW + 29), list[float]()
    async with client_behind(duo, authority, server_file, on_clock_corrected=corrections.append) as (_, client):
        await ask(client, Ping())
        assert client.clock_offset_s == pytest.approx(29.0, abs=0.6)
    assert corrections == []


def test_secret_key_is_not_shown() -> None:
    assert "deadbeef" not in repr(Application(IKEY, SKEY))
    assert b64encode(SKEY).decode() not in str(Application(IKEY, SKEY))
