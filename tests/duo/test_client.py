"""The client against a scripted Duo: signatures, judgement of answers, what is asked again."""

import asyncio
import contextlib
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import pytest

from gateway.duo.client import (
    Application,
    CallObserver,
    DuoClient,
    PendingCall,
)
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
from gateway.https.pools import HttpsPools
from gateway.unavailable import Trouble, Unavailable
from tests.https.authority import Authority
from tests.https.peer import (
    Peer,
    Script,
    Silent,
    Visit,
    answer,
    in_loop,
    run,
    tls_peer,
    turn_until,
)

IKEY = "DIXXXXXXXXXXXXXXXXXX"
SKEY = b"deadbeef" * 5
NOW = 1741083330.5

Result = Answer | Unavailable

ALLOW = answer('{"stat":"OK","response":{"result":"allow","status":"allow","status_msg":"Welcome"}}')
WRONG_TYPE = answer('{"stat":"FAIL","code":40301,"message":"Access forbidden"}', "403 Forbidden")
MISDATED = answer('{"stat":"FAIL","code":40105,"message":"Bad request timestamp"}', "401 Unauthorized")


def fail(code: int, message: str, status: str, *headers: str) -> bytes:
    return answer(f'{{"stat":"FAIL","code":{code},"message":"{message}"}}', status, *headers)


class Clocks:
    """This machine's clocks, which stand still unless a test sets them."""

    def __init__(self) -> None:
        self.wall = NOW
        self.boot = 1_000.0


@contextlib.contextmanager
def client_of(
    port: int,
    authority: Authority,
    *,
    draw: float = 0.0,
    clocks: Clocks | None = None,
    observer: CallObserver | None = None,
    on_clock_corrected: Callable[[float], None] | None = None,
    on_key_changed: Callable[[bool], None] | None = None,
    **settings: Any,
) -> Iterator[DuoClient]:
    pools = HttpsPools()
    application = Application(IKEY, SKEY, **settings)
    set_clocks = clocks or Clocks()
    pool = pools.pool(
        "127.0.0.1", port, ca_certs_file=authority.ca_file, connect_timeout_s=application.connect_timeout_s
    )
    client = DuoClient(
        pool,
        application,
        wall_clock=lambda: set_clocks.wall,
        boot_clock=lambda: set_clocks.boot,
        draw=lambda: draw,
        observer=observer,
        on_clock_corrected=on_clock_corrected,
        on_key_changed=on_key_changed,
    )
    try:
        yield client
    finally:
        client.close()
        pools.close()


@contextlib.asynccontextmanager
async def client_behind(
    script: Script, authority: Authority, server_file: str, **settings: Any
) -> AsyncIterator[tuple[Peer, DuoClient]]:
    """A Duo that does what a script says, and a client that asks it; `settings` are those of `client_of`."""
    async with tls_peer(script, server_file) as peer:
        with client_of(peer.port, authority, **settings) as client:
            yield peer, client


async def ask(client: DuoClient, call: Call) -> Answer | Unavailable:
    result: asyncio.Future[Answer | Unavailable] = asyncio.get_running_loop().create_future()
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
) -> tuple[list[str], list[Answer | Unavailable], DuoClient]:
    """Return the requests, the results and the client of asking `calls` one after the other."""

    async def scenario() -> tuple[list[str], list[Answer | Unavailable], DuoClient]:
        requests: list[str] = []
        async with client_behind(scripted(requests, *answers), authority, server_file, **settings) as (_, client):
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


# Dates.


def date_of(request: str) -> float:
    (date,) = [line[6:] for line in request.split("\r\n") if line.startswith("Date: ")]
    return parsedate_to_datetime(date).timestamp()


def path_of(request: str) -> str:
    return request.split(" ")[1].partition("?")[0]


class ClockedDuo:
    """Judges dates by its own clock, as Duo does, and tells the time."""

    def __init__(self, now: float, told: object = None) -> None:
        self.now = now
        self.told = int(now) if told is None else told
        self.answer = ALLOW
        self.requests: list[str] = []

    @property
    def paths(self) -> list[str]:
        return [path_of(request) for request in self.requests]

    async def __call__(self, visit: Visit) -> None:
        while True:
            request = await visit.request()
            self.requests.append(request)
            if path_of(request) == "/auth/v2/ping":
                visit.send(answer(f'{{"stat":"OK","response":{{"time":{self.told}}}}}'))
            elif abs(date_of(request) - self.now) > 300:
                visit.send(MISDATED)
            else:
                visit.send(self.answer)


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


# What an observer hears.


class Diary(CallObserver):
    """An observer that keeps what it hears, in the words of a test."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.asked_at: dict[object, float] = {}

    def asked(self, call: Call, token: object, now: float) -> None:
        self.asked_at[token] = now
        self.lines.append(f"asked {type(call).__name__}")

    def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
        assert self.asked_at.pop(token) == pytest.approx(now - seconds)
        self.lines.append(f"answered {type(call).__name__}")

    def failed(self, call: Call, token: object, trouble: Trouble, detail: str, seconds: float, now: float) -> None:
        assert detail
        assert self.asked_at.pop(token) == pytest.approx(now - seconds)
        self.lines.append(f"failed {type(call).__name__} {trouble}")

    def postponed(self, call: Call, token: object, now: float) -> None:
        assert now >= self.asked_at[token]
        self.lines.append("postponed")

    def forgotten(self, token: object) -> None:
        del self.asked_at[token]
        self.lines.append("forgotten")


@pytest.mark.parametrize(
    ("octets", "line"),
    [
        (ALLOW, "answered Preauth"),
        (fail(40002, "Invalid request parameters", "400 Bad Request"), "answered Preauth"),
        (fail(40103, "Invalid signature", "401 Unauthorized"), "failed Preauth configuration"),
        (fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 60"), "failed Preauth rate_limit"),
        (answer("No", "403 Forbidden"), "forgotten"),  # a firewall: nobody can tell whether Duo is there
        (answer("oops", "503 Service Unavailable"), "failed Preauth http_status"),
    ],
)
def test_an_observer_hears_what_became_of_a_call(
    authority: Authority, server_file: str, octets: bytes, line: str
) -> None:
    diary = Diary()
    ask_scripted(authority, server_file, [Preauth("jdoe")], octets, observer=diary)
    assert diary.lines == ["asked Preauth", line]


def test_an_observer_hears_of_a_call_that_duo_wants_later(authority: Authority, server_file: str) -> None:
    diary = Diary()
    later = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")
    ask_scripted(authority, server_file, [Preauth("jdoe")], later, ALLOW, observer=diary)
    assert diary.lines == ["asked Preauth", "postponed", "answered Preauth"]


@in_loop
async def test_an_observer_hears_of_a_ping_for_the_time_and_once_of_the_call(
    authority: Authority, server_file: str
) -> None:
    diary = Diary()
    async with client_behind(ClockedDuo(NOW + 3600), authority, server_file, observer=diary) as (_, client):
        await ask(client, Preauth("jdoe"))
    assert diary.lines == ["asked Preauth", "asked Ping", "answered Ping", "answered Preauth"]


@in_loop
async def test_an_observer_hears_once_of_a_call_that_nobody_wants_any_more(
    authority: Authority, server_file: str
) -> None:
    diary = Diary()
    async with client_behind(scripted([], ALLOW), authority, server_file, observer=diary) as (_, client):
        pending = client.ask(Check(), lambda _: None)
        pending.cancel()
        pending.cancel()
        client.ask(Check(), lambda _: None)
        client.close()
    assert diary.lines == ["asked Check", "forgotten", "asked Check", "forgotten"]


@in_loop
async def test_a_mistake_of_an_observer_leaves_no_call_without_an_end(authority: Authority, server_file: str) -> None:
    class Clumsy(Diary):
        def answered(self, call: Call, token: object, seconds: float, now: float) -> None:
            raise ZeroDivisionError

    mistakes: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    async with client_behind(scripted([], ALLOW), authority, server_file, observer=Clumsy()) as (_, client):
        assert isinstance(await ask(client, Preauth("jdoe")), PreauthAnswer)
    assert [type(mistake["exception"]) for mistake in mistakes] == [ZeroDivisionError]


async def ask_timed(client: DuoClient, call: Call) -> tuple[float, float]:
    """Return how long the call was on the wire, as known when its answer is told, and how long it took."""
    told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    pending = client.ask(call, lambda _: told.set_result(pending.wire_s))
    wire_s = await told
    return wire_s, time.monotonic() - pending.asked_at


@in_loop
async def test_time_on_the_wire_is_known_when_the_answer_is_told(authority: Authority, server_file: str) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")

    async with client_behind(scripted([], ALLOW, limit, ALLOW), authority, server_file) as (_, client):
        for _ in range(2):  # the second one is asked twice
            wire_s, took_s = await ask_timed(client, Preauth("jdoe"))
            assert 0.0 < wire_s <= took_s


async def ask_shares(client: DuoClient, call: Call) -> tuple[PendingCall, float, float]:
    """Return the call, how much of its time was Duo's, as known when its answer is told, and how long it took."""
    told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    pending = client.ask(call, lambda _: told.set_result(time.monotonic()))
    ended_at = await told
    return pending, pending.took_s(ended_at), ended_at - pending.asked_at


@in_loop
async def test_all_of_a_long_poll_is_duos_time(authority: Authority, server_file: str) -> None:
    async with client_behind(scripted([], ALLOW), authority, server_file) as (_, client):
        _, duo_s, took_s = await ask_shares(client, AuthStatus("tx"))
        assert duo_s == took_s


@in_loop
async def test_of_a_brief_call_the_wire_and_the_opening_of_its_connection_are_duos_time(
    authority: Authority, server_file: str
) -> None:
    async with client_behind(scripted([], ALLOW, ALLOW), authority, server_file) as (_, client):
        first, first_s, took_s = await ask_shares(client, Preauth("jdoe"))
        assert first.wire_s < first.wire_s + first.held_s == first_s <= took_s
        second, second_s, _ = await ask_shares(client, Preauth("jdoe"))
        assert second.held_s == 0.0
        assert second_s == second.wire_s


@in_loop
async def test_the_time_after_which_duo_wants_to_be_asked_again_is_duos(authority: Authority, server_file: str) -> None:
    limit = fail(42901, "Too many requests", "429 Too Many Requests", "Retry-After: 0")

    async with client_behind(scripted([], ALLOW, limit, ALLOW), authority, server_file) as (_, client):
        await ask(client, Preauth("jdoe"))
        pending, duo_s, took_s = await ask_shares(client, Preauth("jdoe"))
        assert 0.0 < pending.wire_s < duo_s <= took_s


@in_loop
async def test_the_time_in_which_duos_clock_is_asked_is_duos(authority: Authority, server_file: str) -> None:
    duo = ClockedDuo(NOW)
    async with client_behind(duo, authority, server_file) as (_, client):
        await ask(client, Preauth("jdoe"))
        duo.now = duo.told = int(NOW) + 3600
        pending, duo_s, took_s = await ask_shares(client, Preauth("jdoe"))
        assert 0.0 < pending.wire_s < duo_s <= took_s


@in_loop
async def test_a_call_that_found_no_connection_was_never_on_the_wire(authority: Authority) -> None:
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        with client_of(bound.getsockname()[1], authority) as client:
            pending, duo_s, _ = await ask_shares(client, Preauth("jdoe"))
            assert pending.wire_s == 0.0
            assert duo_s == pending.held_s > 0.0


@in_loop
async def test_applications_with_the_same_way_to_duo_share_a_pool(authority: Authority) -> None:
    pools = HttpsPools()
    first = pools.pool("api-x.test", ca_certs_file=authority.ca_file)
    assert pools.pool("API-x.test", ca_certs_file=authority.ca_file) is first
    assert pools.pool("api-x.test", 8443, ca_certs_file=authority.ca_file) is not first
    assert pools.pool("api-x.test", ca_certs_file=authority.ca_file, connect_timeout_s=1.0) is not first
    assert len(list(pools)) == 3
    pools.close()


@in_loop
async def test_shipped_and_system_trust_stores_load_and_others_are_named() -> None:
    pools = HttpsPools()
    pools.pool("api-x.test")
    pools.pool("api-x.test", ca_certs_file="system")
    with pytest.raises(ValueError, match=r"no trusted roots in /nowhere\.pem: No such file"):
        pools.pool("api-x.test", ca_certs_file="/nowhere.pem")
    with pytest.raises(ValueError, match="no trusted roots in"):
        pools.pool("api-x.test", ca_certs_file=__file__)


def test_secret_key_is_not_shown() -> None:
    assert "deadbeef" not in repr(Application(IKEY, SKEY))
    assert b64encode(SKEY).decode() not in str(Application(IKEY, SKEY))
