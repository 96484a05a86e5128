"""A scripted Duo, and a client that asks it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from gateway.duo.client import Application, DuoClient
from gateway.duo.observer import CallObserver
from gateway.duoapi.calls import Answer, Call
from gateway.https.pools import HttpsPools
from gateway.unavailable import Unavailable
from tests.https.authority import Authority
from tests.https.peer import Peer, Script, Visit, answer, run, tls_peer

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
        user_agent="radgate",
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
