"""Connections that somebody on the way has forgotten without a word, and a Duo that is merely slow."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.duo.observer import CallObserver
from gateway.duoapi.calls import Check, Ping
from gateway.http1.response import Response
from gateway.https.plan import PoolLimits
from gateway.https.pool import HttpsPool
from gateway.unavailable import Trouble, Unavailable
from tests.duo.scripted import ask as ask_duo
from tests.duo.scripted import client_of
from tests.https.authority import Authority
from tests.https.calls import FixedResolver, Sent, ask, ask_in_vain, pool_behind, unused_port
from tests.https.peer import (
    Peer,
    Visit,
    answer,
    in_loop,
    serve,
    tls_peer,
    turn_until,
)


class Firewall:
    """A polite script, and whoever forgets its connections."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.n_requests = 0
        self.is_held = False

    async def __call__(self, visit: Visit) -> None:
        self.visits.append(visit)
        while True:
            await visit.request()
            self.n_requests += 1
            await turn_until(lambda: not self.is_held)
            visit.send(answer())

    def forget(self, visits: Iterable[Visit] | None = None) -> None:
        """Forget all connections that there are, or some; new ones work."""
        for visit in self.visits if visits is None else visits:
            visit.forget()

    async def open(self, pool: HttpsPool, n_connections: int) -> None:
        """Have so many connections opened, which idle then."""
        self.is_held = True
        sent = [Sent(pool) for _ in range(n_connections)]
        await turn_until(lambda: self.n_requests == n_connections)
        self.is_held = False
        for each in sent:
            await each.outcome
        assert pool.counts.idle == n_connections


@asynccontextmanager
async def idle_behind_firewall(
    authority: Authority, server_file: str, n_connections: int, **settings: Any
) -> AsyncIterator[tuple[Firewall, Peer, HttpsPool]]:
    """A pool with so many idle connections, which a firewall may forget."""
    firewall = Firewall()
    async with pool_behind(firewall, authority, server_file, **settings) as (peer, pool):
        await firewall.open(pool, n_connections)
        yield firewall, peer, pool


@in_loop
async def test_a_call_on_a_forgotten_connection_is_asked_anew_on_a_new_one(
    authority: Authority, server_file: str
) -> None:
    async with idle_behind_firewall(authority, server_file, 1) as (firewall, peer, pool):
        firewall.forget()
        sent = Sent(pool)
        assert isinstance(await sent.outcome, Response)
        assert sent.n_times_asked_anew == 1
        assert sent.exchange.second is None
        assert peer.n_visits == 2
        assert pool.counts == (1, 0, 0, 0)
        assert len(pool._connections) == 1


@in_loop
async def test_idle_connections_as_old_as_the_forgotten_one_go_with_it(authority: Authority, server_file: str) -> None:
    async with idle_behind_firewall(authority, server_file, 9) as (firewall, peer, pool):
        firewall.forget()
        assert isinstance(await ask(pool), Response)
        assert pool.counts == (1, 0, 0, 0)
        assert isinstance(await ask(pool, is_repeatable=False), Response)
        assert peer.n_visits == 10


@in_loop
async def test_idle_connections_that_were_heard_of_since_stay(authority: Authority, server_file: str) -> None:
    async with idle_behind_firewall(authority, server_file, 2) as (firewall, peer, pool):
        firewall.forget(firewall.visits[1:])
        on_forgotten, on_the_other = Sent(pool), Sent(pool)
        assert isinstance(await on_the_other.outcome, Response)
        assert isinstance(await on_forgotten.outcome, Response)
        assert on_the_other.n_times_asked_anew == 0
        assert peer.n_visits == 3
        assert pool.counts == (2, 0, 0, 0)


@in_loop
async def test_calls_that_wait_on_forgotten_connections_are_all_asked_anew(
    authority: Authority, server_file: str
) -> None:
    """Wherever the network loses connections, calls are under way on them."""
    async with idle_behind_firewall(authority, server_file, 5) as (firewall, _, pool):
        firewall.forget()
        for sent in [Sent(pool) for _ in range(5)]:
            assert isinstance(await sent.outcome, Response)
        await turn_until(lambda: pool.counts.opening == 0)
        assert pool.counts == (len(pool._connections), 0, 0, 0)
        assert len(pool._connections) in range(1, 6)


@in_loop
async def test_a_call_that_must_not_be_repeated_says_that_it_may_have_been_heard(
    authority: Authority, server_file: str
) -> None:
    async with idle_behind_firewall(authority, server_file, 1) as (firewall, peer, pool):
        firewall.forget()
        trouble = await ask_in_vain(pool, is_repeatable=False, timeout_s=1.0)
        assert trouble.trouble is Trouble.TIMEOUT
        assert trouble.may_have_acted
        assert peer.n_visits == 1


@in_loop
async def test_a_long_poll_sent_on_a_forgotten_connection_is_asked_anew(authority: Authority, server_file: str) -> None:
    async with idle_behind_firewall(authority, server_file, 1, limits=PoolLimits(spare=0)) as (firewall, peer, pool):
        firewall.forget()
        assert isinstance(await Sent(pool, waits_for_person=True).outcome, Response)
        assert peer.n_visits == 2


async def _silent_after_one_answer(visit: Visit) -> None:
    """The first connection: whoever takes its octets acknowledges them, and hands them to nobody."""
    await visit.request()
    visit.send(answer())
    if visit.number == 1:
        await visit.until_client_leaves()
    await serve(visit)


@in_loop
async def test_behind_a_proxy_a_scout_finds_out(authority: Authority, server_file: str) -> None:
    async with pool_behind(_silent_after_one_answer, authority, server_file) as (peer, pool):
        await ask(pool)
        sent = Sent(pool, is_question=True)
        assert isinstance(await sent.outcome, Response)
        assert peer.n_visits == 2
        assert sent.n_times_asked_anew == 0  # nothing was known yet: Duo might have been slow
        assert pool.counts == (1, 0, 0, 0)


@in_loop
async def test_behind_a_proxy_what_changes_something_is_asked_twice_after_half_of_its_time(
    authority: Authority, server_file: str
) -> None:
    async with pool_behind(_silent_after_one_answer, authority, server_file) as (peer, pool):
        await ask(pool)
        assert isinstance(await ask(pool, timeout_s=2.0), Response)
        assert peer.n_visits == 2


@pytest.mark.parametrize("slow_number", [1, 2])
@in_loop
async def test_the_first_answer_of_two_counts(authority: Authority, server_file: str, slow_number: int) -> None:
    """A Duo that is slow loses nothing: its answer is taken, on whichever connection it comes."""
    is_asked_twice = asyncio.Event()

    async def answer_one(visit: Visit) -> None:
        await visit.request()
        if visit.number == 1:
            await is_asked_twice.wait()
        else:
            is_asked_twice.set()
        if visit.number == slow_number:
            await visit.until_client_leaves()
        visit.send(answer(f"{visit.number}"))
        await visit.until_client_leaves()

    async with pool_behind(answer_one, authority, server_file) as (peer, pool):
        outcome = await ask(pool, is_question=True)
        assert isinstance(outcome, Response)
        assert outcome.body == f"{3 - slow_number}".encode()
        assert peer.n_visits == 2
        assert pool.counts == (1, 0, 0, 0)
        assert len(pool._connections) == 1


@pytest.mark.parametrize("lost_number", [1, 2])
@in_loop
async def test_a_call_asked_twice_survives_the_loss_of_either_connection(
    authority: Authority, server_file: str, lost_number: int
) -> None:
    is_asked_twice = asyncio.Event()

    async def lose_one(visit: Visit) -> None:
        await visit.request()
        if visit.number == 1:
            await is_asked_twice.wait()
        else:
            is_asked_twice.set()
        if visit.number == lost_number:
            visit.reset()
            return
        await turn_until(lambda: pool.counts.busy == 1)
        visit.send(answer())
        await visit.until_client_leaves()

    async with pool_behind(lose_one, authority, server_file) as (peer, pool):
        assert isinstance(await ask(pool, is_question=True), Response)
        assert peer.n_visits == 2
        assert pool.counts == (1, 0, 0, 0)


@in_loop
async def test_a_call_asked_twice_may_be_cancelled_or_fail(authority: Authority, server_file: str) -> None:
    async with pool_behind(Visit.until_client_leaves, authority, server_file) as (peer, pool):
        sent = Sent(pool, is_question=True)
        await turn_until(lambda: pool.counts.busy == 2)
        sent.exchange.cancel()
        assert pool.counts == (0, 0, 0, 0)
        assert not sent.outcome.done()
        trouble = await ask_in_vain(pool, timeout_s=0.8)
        assert trouble.detail == f"no answer from duo.test:{peer.port} within 0.8 s"
        assert not trouble.may_have_acted
        assert pool.counts == (0, 0, 0, 0)
        assert not pool._connections


@in_loop
async def test_where_no_new_connection_can_be_opened_the_old_one_is_waited_for(
    authority: Authority, server_file: str
) -> None:
    async with idle_behind_firewall(authority, server_file, 1) as (firewall, peer, pool):
        firewall.is_held = True
        sent = Sent(pool, is_question=True)
        await turn_until(lambda: sent.exchange.connection is not None)
        pool._resolver = FixedResolver(unused_port())
        await turn_until(lambda: sent.exchange.is_retry)
        await turn_until(lambda: sent.exchange.second is None)
        firewall.is_held = False
        assert isinstance(await sent.outcome, Response)
        assert peer.n_visits == 1


@in_loop
async def test_idle_connections_are_dropped_at_will(authority: Authority, server_file: str) -> None:
    async with idle_behind_firewall(authority, server_file, 3) as (_, peer, pool):
        pool.drop_idle()
        assert pool.counts == (0, 0, 0, 0)
        assert isinstance(await ask(pool), Response)
        assert peer.n_visits == 4


@in_loop
async def test_a_connection_that_has_idled_too_long_is_not_used_though_nobody_has_closed_it_yet(
    authority: Authority, server_file: str
) -> None:
    async with pool_behind(serve, authority, server_file, limits=PoolLimits(idle_timeout_s=-1.0)) as (peer, pool):
        await ask(pool)
        await ask(pool)
        assert peer.n_visits == 2


class Notes(CallObserver):
    """An observer that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def asked(self, *_: object) -> None:
        self.heard.append("asked")

    def answered(self, *_: object) -> None:
        self.heard.append("answered")

    def failed(self, *_: object) -> None:
        self.heard.append("failed")

    def postponed(self, *_: object) -> None:
        self.heard.append("postponed")

    def forgotten(self, *_: object) -> None:
        self.heard.append("forgotten")


@in_loop
async def test_a_call_that_is_asked_anew_counts_as_asked_just_now(authority: Authority, server_file: str) -> None:
    """The wait for a dead connection is no wait for Duo."""
    firewall = Firewall()
    async with tls_peer(firewall, server_file) as peer:
        notes = Notes()
        with client_of(peer.port, authority, observer=notes) as client:
            await ask_duo(client, Ping())
            firewall.forget()
            notes.heard.clear()
            assert not isinstance(await ask_duo(client, Ping()), Unavailable)
            assert notes.heard == ["asked", "forgotten", "asked", "answered"]


@in_loop
async def test_with_a_short_time_there_is_still_a_second_chance(authority: Authority, server_file: str) -> None:
    firewall = Firewall()
    async with tls_peer(firewall, server_file) as peer:
        with client_of(peer.port, authority, api_timeout_s=2.0) as client:
            await ask_duo(client, Ping())
            firewall.forget()
            assert not isinstance(await ask_duo(client, Check()), Unavailable)
            assert peer.n_visits == 2
