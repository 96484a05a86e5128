"""Connections that are lost: which requests are sent again, and which are not."""

import os
import socket

from gateway.http1.response import Response
from gateway.unavailable import Trouble
from tests.https.authority import Authority
from tests.https.calls import ask, ask_in_vain, pool_behind
from tests.https.peer import (
    Visit,
    answer,
    in_loop,
    serve,
    turn_until,
)


@in_loop
async def test_idle_connection_closed_by_the_peer_is_noticed_before_use(authority: Authority, server_file: str) -> None:
    async def one_call_each(visit: Visit) -> None:
        await visit.request()
        visit.send(answer())
        visit.close()
        await visit.until_client_leaves()

    async with pool_behind(one_call_each, authority, server_file) as (peer, pool):
        assert isinstance(await ask(pool), Response)
        await turn_until(lambda: pool.counts.idle == 0)
        assert isinstance(await ask(pool, is_repeatable=False), Response)
        assert peer.n_visits == 2


@in_loop
async def test_connection_closed_a_moment_ago_is_noticed_by_a_call_that_must_not_be_repeated(
    authority: Authority, server_file: str
) -> None:
    """The loop has not come to the end of the connection yet: the call looks for itself."""
    visits: list[Visit] = []

    async def remember(visit: Visit) -> None:
        visits.append(visit)
        await serve(visit)

    async with pool_behind(remember, authority, server_file) as (peer, pool):
        await ask(pool)
        with socket.socket(fileno=os.dup(visits[0].writer.get_extra_info("socket").fileno())) as theirs:
            theirs.shutdown(socket.SHUT_RDWR)
        assert isinstance(await ask(pool, is_repeatable=False), Response)
        assert peer.n_visits == 2


async def _answers_once_then_resets(visit: Visit) -> None:
    """The first connection dies of its second request, as one does that the server has just given up."""
    await visit.request()
    visit.send(answer())
    if visit.number == 1:
        await visit.request()
        visit.reset()
    else:
        await serve(visit)


@in_loop
async def test_lost_repeatable_request_is_sent_again_once_on_a_new_connection(
    authority: Authority, server_file: str
) -> None:
    async with pool_behind(_answers_once_then_resets, authority, server_file) as (peer, pool):
        assert isinstance(await ask(pool), Response)
        assert isinstance(await ask(pool), Response)
        assert peer.n_visits == 2


@in_loop
async def test_lost_unrepeatable_request_is_not_sent_again(authority: Authority, server_file: str) -> None:
    """A push must not be sent twice."""
    async with pool_behind(_answers_once_then_resets, authority, server_file) as (peer, pool):
        assert isinstance(await ask(pool), Response)
        trouble = await ask_in_vain(pool, is_repeatable=False)
        assert trouble.trouble is Trouble.CLOSED
        assert trouble.may_have_acted
        assert peer.n_visits == 1


@in_loop
async def test_unrepeatable_request_does_not_take_a_connection_that_has_idled(
    authority: Authority, server_file: str
) -> None:
    async with pool_behind(serve, authority, server_file, fresh_within_s=-1.0) as (peer, pool):
        await ask(pool)
        await ask(pool, is_repeatable=False)
        assert peer.n_visits == 2


@in_loop
async def test_request_lost_twice_fails(authority: Authority, server_file: str) -> None:
    async def hang_up(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    async with pool_behind(hang_up, authority, server_file) as (peer, pool):
        trouble = await ask_in_vain(pool)
        assert trouble.trouble is Trouble.CLOSED
        assert not trouble.may_have_acted
        assert peer.n_visits == 2


@in_loop
async def test_answer_that_ends_with_the_connection(authority: Authority, server_file: str) -> None:
    async def until_close(visit: Visit) -> None:
        await visit.request()
        visit.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
        visit.close()

    async with pool_behind(until_close, authority, server_file) as (_, pool):
        outcome = await ask(pool)
        assert isinstance(outcome, Response)
        assert outcome.body == b"all of it"


@in_loop
async def test_octets_after_an_answer_end_the_connection(authority: Authority, server_file: str) -> None:
    """What nobody asked for must not be taken for the answer to the next request."""

    async def answer_twice(visit: Visit) -> None:
        await visit.request()
        visit.send(answer("one") + answer("two"))
        await visit.until_client_leaves()

    async with pool_behind(answer_twice, authority, server_file) as (peer, pool):
        for _ in range(2):
            outcome = await ask(pool)
            assert isinstance(outcome, Response)
            assert outcome.body == b"one"
        assert peer.n_visits == 2


@in_loop
async def test_garbage_is_a_bad_answer_and_not_asked_again(authority: Authority, server_file: str) -> None:
    async def babble(visit: Visit) -> None:
        await visit.request()
        visit.send(b"SSH-2.0-OpenSSH\r\n")
        await visit.until_client_leaves()

    async with pool_behind(babble, authority, server_file) as (peer, pool):
        assert (await ask_in_vain(pool)).trouble is Trouble.BAD_ANSWER
        assert peer.n_visits == 1
