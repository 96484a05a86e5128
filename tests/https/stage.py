"""A stage for the pool without sockets and without time: connections that are forgotten, and a Duo that answers."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from gateway.http1.response import Response
from gateway.https.connection import HttpsConnection
from gateway.https.doubts import is_unheard
from gateway.https.exchange import (
    Exchange,
    ExchangeOutcome,
    Recipient,
)
from gateway.https.opening import Endpoint
from gateway.https.plan import (
    Opening,
    PoolLimits,
)
from gateway.https.pool import HttpsPool
from gateway.unavailable import Trouble, Unavailable
from tests.compiled import IS_COMPILED

if IS_COMPILED:
    pytest.skip("a stage puts its own parts into the pool, which only interpreted code allows", allow_module_level=True)


class Timer:
    """What a loop hands out."""

    def __init__(self, what: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.what = what
        self.arguments = arguments
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """An event loop whose time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, what: Callable[..., object], *arguments: Any) -> Timer:
        timer = Timer(what, arguments)
        heapq.heappush(self._timers, (self.now + delay_s, next(self._numbers), timer))
        return timer

    def call_soon(self, what: Callable[..., object], *arguments: Any) -> Timer:
        return self.call_later(0.0, what, *arguments)

    def run_until(self, instant: float) -> None:
        while self._timers and self._timers[0][0] <= instant:
            self.now, _, timer = heapq.heappop(self._timers)
            if not timer.is_cancelled:
                timer.what(*timer.arguments)
        self.now = instant


class Network:
    """The way to Duo.

    Attributes:
        round_trip_s: there and back.
        is_proxied: whether somebody on the way acknowledges all octets.
        answer_s: what Duo takes for the next request.
        connections: all that were ever opened.
        is_reachable: whether a new connection can be opened.
        loses_requests: whether new connections carry nothing once they are open.
    """

    def __init__(self, loop: Loop, round_trip_s: float = 0.02, *, is_proxied: bool = False) -> None:
        self.loop = loop
        self.round_trip_s = round_trip_s
        self.is_proxied = is_proxied
        self.answer_s: Callable[[], float] = lambda: 0.1
        self.connections: list[Connection] = []
        self.is_reachable = True
        self.loses_requests = False

    @property
    def open_connections(self) -> list["Connection"]:
        return [connection for connection in self.connections if not connection.is_closed]

    def forget(self) -> None:
        """Lose all connections that there are; new ones work."""
        for connection in self.open_connections:
            connection.forgotten_at = min(connection.forgotten_at, self.loop.now)

    def carriers_of(self, asked: "Asked") -> list["Connection"]:
        """The connections that a call itself was written to, those of its second asking left out."""
        return [connection for connection in self.connections if asked.exchange in connection.carried]


class Connection(HttpsConnection):
    """In the place of `HttpsConnection`. Forgotten, it carries nothing any more; cut, it tells at the next request."""

    session = None
    exchange: Exchange | None = None

    def __init__(self, network: Network, pool: HttpsPool) -> None:
        self._network = network
        self._staged_loop = network.loop
        self._pool: Any = pool
        self.carried: list[Exchange] = []
        self.is_closed = self.is_cut = False
        self.forgotten_at = network.loop.now if network.loses_requests else float("inf")

    def begin(self, exchange: Exchange) -> None:
        assert not self.is_closed
        assert self.exchange is None
        self.exchange = exchange
        self.carried.append(exchange)
        trip_s = self._network.round_trip_s
        if self.is_cut:
            self._staged_loop.call_later(trip_s, self._reset, exchange)
        else:
            self._staged_loop.call_later(trip_s + self._network.answer_s(), self._answer_to, exchange)

    def is_open_now(self) -> bool:
        return not self.is_closed

    def is_unheard(self, now: float) -> bool:
        assert self.exchange is not None
        began_at, trip_s = self.exchange.began_at, self._network.round_trip_s
        is_acknowledged = self._network.is_proxied or self.forgotten_at > began_at + trip_s
        return is_unheard(0 if is_acknowledged else 1, trip_s, now - began_at)

    def close(self) -> None:
        self.is_closed = True
        self.exchange = None

    def _answer_to(self, exchange: Exchange) -> None:
        if self.is_cut:
            self._reset(exchange)
        elif self.exchange is exchange and self._staged_loop.now < self.forgotten_at:
            self.exchange = None
            self._pool.connection_answered(self, exchange, Response(200, b"", True))

    def _reset(self, exchange: Exchange) -> None:
        if self.exchange is exchange:
            self.close()
            trouble = Unavailable(Trouble.CLOSED, "reset")
            self._pool.connection_lost(self, exchange, trouble, may_have_acted=True)


class StagedPool(HttpsPool):
    """The pool, on a stage."""

    def __init__(self, network: Network, limits: PoolLimits | None = None) -> None:
        self._network = network
        loop: Any = network.loop
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(loop)
        try:
            nothing: Any = None
            endpoint = Endpoint("duo.test", 443, proxy=None, trust=nothing, connect_timeout_s=5.0)
            super().__init__(endpoint, nothing, limits)
        finally:
            asyncio._set_running_loop(before)
        self._now = loop.time

    def _start_opening(self, opening: Opening) -> None:
        self._network.loop.call_later(3 * self._network.round_trip_s, self._end_opening, opening)

    def _end_opening(self, opening: Opening) -> None:
        if self._network.is_reachable:
            connection: Any = Connection(self._network, self)
            self._network.connections.append(connection)
            self._take(connection)
        else:
            self._opening_failed(opening, Unavailable(Trouble.CONNECT, "refused"))
        self._open_more()


class Asked(Recipient):
    """A call of a test; it notes what becomes of it."""

    def __init__(
        self,
        pool: StagedPool,
        *,
        is_repeatable: bool = True,
        is_question: bool = True,
        waits_for_person: bool = False,
        timeout_s: float = 10.0,
        then: Callable[["Asked"], None] = lambda _: None,
    ) -> None:
        loop = pool._network.loop
        self._loop = loop
        self._then = then
        self.outcome: ExchangeOutcome | None = None
        self.asked_at = loop.now
        self.n_times_asked_anew = 0
        self.ended_at = 0.0
        self.exchange = Exchange(
            b"",
            loop.now + timeout_s,
            self,
            is_repeatable=is_repeatable,
            is_question=is_question,
            waits_for_person=waits_for_person,
        )
        pool.send(self.exchange, loop.now)

    def responded(self, outcome: ExchangeOutcome, now: float) -> None:
        assert self.outcome is None, "told twice"
        self.outcome = outcome
        assert now == self._loop.now
        self.ended_at = now
        self._then(self)

    def asked_anew(self, now: float) -> None:
        self.n_times_asked_anew += 1
