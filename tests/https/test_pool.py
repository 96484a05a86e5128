"""The pool against scripted TLS peers."""

import asyncio
import time
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.http1.response import Response
from gateway.https.exchange import (
    Exchange,
)
from gateway.https.plan import PoolLimits
from gateway.https.pool import HttpsPool
from gateway.unavailable import Trouble, Unavailable
from tests.compiled import only_interpreted
from tests.https.authority import Authority
from tests.https.calls import GET, Sent, ask, ask_in_vain, pool_behind, pool_to
from tests.https.peer import (
    Silent,
    Visit,
    answer,
    black_hole,
    in_loop,
    serve,
    tls_peer,
    turn_until,
)


@in_loop
async def test_one_connection_carries_call_after_call(authority: Authority, server_file: str) -> None:
    async with pool_behind(serve, authority, server_file) as (peer, pool):
        for _ in range(5):
            outcome = await ask(pool, is_repeatable=False)
            assert isinstance(outcome, Response)
            assert outcome.http_status == 200
        assert peer.n_visits == 1
        assert pool.counts == (1, 0, 0, 0)


class HeldAnswers:
    """A script that answers when told to, so that as many connections are opened as there are calls."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.reused: list[bool] = []
        """For each connection in turn, whether it resumed the TLS session of an earlier one."""

    async def __call__(self, visit: Visit) -> None:
        self.reused.append(visit.writer.get_extra_info("ssl_object").session_reused)
        while True:
            await visit.request()
            await self.may_answer.wait()
            visit.send(answer())

    async def ask_at_once(self, pool: HttpsPool, n_calls: int) -> None:
        self.may_answer.clear()
        sent = [Sent(pool) for _ in range(n_calls)]
        await turn_until(lambda: pool.counts.busy == n_calls)
        self.may_answer.set()
        for each in sent:
            assert isinstance(await each.outcome, Response)


@in_loop
async def test_a_further_connection_resumes_the_tls_session_of_an_earlier_one(
    authority: Authority, server_file: str
) -> None:
    script = HeldAnswers()
    async with pool_behind(script, authority, server_file) as (_, pool):
        await script.ask_at_once(pool, 1)
        await script.ask_at_once(pool, 3)
    assert script.reused == [False, True, True]


@in_loop
async def test_after_a_while_the_certificate_is_verified_again(authority: Authority, server_file: str) -> None:
    """No session of a resumed connection is handed on, else none would ever be."""
    script = HeldAnswers()
    async with pool_behind(script, authority, server_file) as (_, pool):
        await script.ask_at_once(pool, 1)
        await script.ask_at_once(pool, 2)
        assert [connection.session is None for connection in pool._connections].count(True) == 1
        pool._session_until = 0.0
        await script.ask_at_once(pool, 3)
    assert script.reused == [False, True, False]


@in_loop
async def test_a_handshake_tells_how_long_certificates_are_valid(authority: Authority, server_file: str) -> None:
    async with pool_behind(serve, authority, server_file) as (_, pool):
        assert pool.validity is None
        await Sent(pool).outcome
        assert pool.validity == (end_of(server_file), end_of(authority.ca_file))


def end_of(file: str) -> float:
    """Until when the first certificate of a file is valid, in Unix seconds."""
    return x509.load_pem_x509_certificate(Path(file).read_bytes()).not_valid_after_utc.timestamp()


@in_loop
async def test_a_session_is_dropped_when_a_connection_cannot_be_opened(authority: Authority, server_file: str) -> None:
    async with pool_behind(serve, authority, server_file) as (_, pool):
        await Sent(pool).outcome
        assert pool._session is not None
        pool._opening_failed(pool._plan.warm(2)[0], Unavailable(Trouble.TLS, "no"))
        assert pool._session is None


@only_interpreted
def test_time_on_the_wire_is_summed_over_connections() -> None:
    nobody: Any = None
    exchange = Exchange(GET, 20.0, nobody, is_repeatable=True)
    connection: Any = object()
    for began_at, ended_at in ((1.0, 1.5), (10.0, 12.0)):
        exchange.began(connection, began_at)
        exchange.ended(ended_at)
    assert exchange.wire_s == 2.5
    assert exchange.connection is None


@in_loop
async def test_time_on_the_wire_begins_when_there_is_a_connection(authority: Authority, server_file: str) -> None:
    async with pool_behind(serve, authority, server_file) as (_, pool):
        sent = Sent(pool)
        await sent.outcome
        assert sent.exchange.began_at > sent.exchange.asked_at
        assert 0.0 < sent.exchange.wire_s <= time.monotonic() - sent.exchange.began_at


@in_loop
async def test_time_on_the_wire_of_a_call_without_answer(authority: Authority, server_file: str) -> None:
    async def answer_once(visit: Visit) -> None:
        await visit.request()
        visit.send(answer())
        await visit.until_client_leaves()

    async with pool_behind(answer_once, authority, server_file) as (_, pool):
        await ask(pool)
        sent = Sent(pool, timeout_s=0.1)
        assert isinstance(await sent.outcome, Unavailable)
        assert sent.exchange.connection is None
        assert sent.exchange.wire_s > 0.0


@in_loop
async def test_call_waiting_for_a_connection_ends_at_its_deadline(authority: Authority) -> None:
    with black_hole() as port, pool_to(port, authority) as pool:
        trouble = await ask_in_vain(pool, timeout_s=0.01)
        assert trouble.trouble is Trouble.TIMEOUT
        assert trouble.detail == f"no connection to duo.test:{port} within 0.0 s"
        assert pool.counts.waiting == 0


@in_loop
async def test_call_without_answer_ends_at_its_deadline(authority: Authority, server_file: str) -> None:
    async with pool_behind(Visit.until_client_leaves, authority, server_file) as (peer, pool):
        trouble = await ask_in_vain(pool, timeout_s=1.0)
        assert trouble.trouble is Trouble.TIMEOUT
        assert trouble.detail == f"no answer from duo.test:{peer.port} within 1.0 s"
        assert pool.counts == (0, 0, 0, 0)


@in_loop
async def test_chunked_answer_and_answer_that_closes(authority: Authority, server_file: str) -> None:
    async def chunks_then_close(visit: Visit) -> None:
        await visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        visit.send(b"2\r\nde\r\n0\r\n\r\n")
        await visit.request()
        visit.send(answer("bye", "200 OK", "Connection: close"))
        await visit.until_client_leaves()

    async with pool_behind(chunks_then_close, authority, server_file) as (peer, pool):
        first, second = await ask(pool), await ask(pool)
        assert isinstance(first, Response)
        assert isinstance(second, Response)
        assert (first.body, second.body) == (b"abcde", b"bye")
        assert pool.counts == (0, 0, 0, 0)
        assert peer.n_visits == 1


@in_loop
async def test_brief_calls_go_on_beside_500_pending_long_polls(authority: Authority, server_file: str) -> None:
    released = asyncio.Event()

    async def poll_or_serve(visit: Visit) -> None:
        while True:
            await visit.request()
            asked.append(visit.number)
            if len(asked) <= 500:
                await released.wait()
            visit.send(answer())

    asked: list[int] = []  # by the number of the visit
    async with tls_peer(poll_or_serve, server_file) as peer:
        limits = PoolLimits(max_brief=2, max_patient=500, polls_a_tick=500)
        with pool_to(peer.port, authority, limits=limits) as pool:
            polls = [Sent(pool, waits_for_person=True) for _ in range(500)]
            await turn_until(lambda: len(asked) >= 500)
            assert pool.counts == (0, 500, 0, 0)
            brief = await asyncio.gather(*(ask(pool, is_repeatable=False) for _ in range(20)))
            assert all(isinstance(outcome, Response) for outcome in brief)
            assert peer.n_visits in (501, 502)
            refused = await Sent(pool, waits_for_person=True).outcome
            assert isinstance(refused, Unavailable)
            assert refused.trouble is Trouble.BUSY
            released.set()
            outcomes = await asyncio.gather(*(poll.outcome for poll in polls))
            assert all(isinstance(outcome, Response) for outcome in outcomes)
            await turn_until(lambda: pool.counts.opening == 0)  # a second one for brief calls, where it is late
            assert pool.counts == (len(pool._connections), 0, 0, 0)


@in_loop
async def test_cancelled_call_is_not_answered_and_frees_its_connection(authority: Authority, server_file: str) -> None:
    duo = Silent()
    async with pool_behind(duo, authority, server_file, limits=PoolLimits(max_brief=1)) as (_, pool):
        on_the_wire, waiting = Sent(pool), Sent(pool)
        await duo.heard.wait()
        waiting.exchange.cancel()
        on_the_wire.exchange.cancel()
        assert pool.counts == (0, 0, 0, 0)
        assert not on_the_wire.outcome.done()
        assert not waiting.outcome.done()


@in_loop
async def test_idle_connections_are_closed_in_time(authority: Authority, server_file: str) -> None:
    async with pool_behind(serve, authority, server_file, limits=PoolLimits(idle_timeout_s=0.0)) as (_, pool):
        await ask(pool)
        await turn_until(lambda: pool.counts.idle == 0)
