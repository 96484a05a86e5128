"""A pool of connections to a scripted peer, and calls on it."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from gateway.https.exchange import (
    Exchange,
    ExchangeOutcome,
    Recipient,
)
from gateway.https.opening import (
    Endpoint,
    Proxy,
)
from gateway.https.plan import PoolLimits
from gateway.https.pool import HttpsPool
from gateway.https.resolver import (
    Address,
    Resolver,
)
from gateway.https.tls import TrustStore
from gateway.unavailable import Unavailable
from tests.https.authority import Authority
from tests.https.peer import (
    Peer,
    Script,
    tls_peer,
)

GET = b"GET / HTTP/1.1\r\nHost: duo.test\r\n\r\n"


class FixedResolver(Resolver):
    """Knows the addresses beforehand."""

    def __init__(self, *ports: int) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self.ports = ports

    async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
        return [Address(socket.AF_INET, ("127.0.0.1", port)) for port in self.ports]


@contextlib.contextmanager
def pool_to(
    port: int,
    authority: Authority,
    *,
    host: str = "duo.test",
    proxy: Proxy | None = None,
    connect_timeout_s: float = 30.0,
    limits: PoolLimits | None = None,
    ports: tuple[int, ...] = (),
    fresh_within_s: float = 60.0,
) -> Iterator[HttpsPool]:
    """A pool; its times are long where a test does not say otherwise, for a busy machine is no dead peer."""
    endpoint = Endpoint(host, port, proxy, TrustStore(authority.ca_file), connect_timeout_s)
    resolver = FixedResolver(*(ports or (proxy.port if proxy else port,)))
    pool = HttpsPool(endpoint, resolver, limits, fresh_within_s)
    try:
        yield pool
    finally:
        pool.close()


@contextlib.asynccontextmanager
async def pool_behind(
    script: Script, authority: Authority, server_file: str | None, **settings: Any
) -> AsyncIterator[tuple[Peer, HttpsPool]]:
    """A peer that does what a script says, and a pool of connections to it; `settings` are those of `pool_to`."""
    async with tls_peer(script, server_file) as peer:
        with pool_to(peer.port, authority, **settings) as pool:
            yield peer, pool


class Sent(Recipient):
    """An exchange that a test has sent and may wait for."""

    def __init__(
        self,
        pool: HttpsPool,
        *,
        is_repeatable: bool = True,
        is_question: bool = False,
        waits_for_person: bool = False,
        timeout_s: float = 50.0,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[ExchangeOutcome] = loop.create_future()
        self.n_times_asked_anew = 0
        self.exchange = Exchange(
            GET,
            loop.time() + timeout_s,
            self,
            is_repeatable=is_repeatable,
            is_question=is_question,
            waits_for_person=waits_for_person,
        )
        pool.send(self.exchange, time.monotonic())

    def responded(self, outcome: ExchangeOutcome, now: float) -> None:
        self.outcome.set_result(outcome)

    def asked_anew(self, now: float) -> None:
        self.n_times_asked_anew += 1


async def ask(
    pool: HttpsPool, *, is_repeatable: bool = True, is_question: bool = False, timeout_s: float = 50.0
) -> ExchangeOutcome:
    return await Sent(pool, is_repeatable=is_repeatable, is_question=is_question, timeout_s=timeout_s).outcome


async def ask_in_vain(pool: HttpsPool, *, is_repeatable: bool = True, timeout_s: float = 50.0) -> Unavailable:
    outcome = await ask(pool, is_repeatable=is_repeatable, timeout_s=timeout_s)
    assert isinstance(outcome, Unavailable)
    return outcome


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
