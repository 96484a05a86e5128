"""The pool against scripted TLS peers."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from gateway.http1.response import Response
from gateway.https.exchange import (
    Exchange,
)
from gateway.https.opening import (
    Endpoint,
    Proxy,
    open_tls,
)
from gateway.https.plan import PoolLimits
from gateway.https.pool import HttpsPool
from gateway.https.resolver import (
    Address,
    Resolver,
)
from gateway.https.tls import TrustStore
from gateway.unavailable import Trouble, Unavailable
from tests.compiled import only_interpreted
from tests.https.authority import Authority
from tests.https.calls import GET, Sent, ask, ask_in_vain, pool_behind, pool_to, unused_port
from tests.https.peer import (
    Script,
    Silent,
    Visit,
    answer,
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
async def test_certificate_for_another_host_is_refused(authority: Authority, server_file: str) -> None:
    async with pool_behind(serve, authority, server_file, host="other.test") as (_, pool):
        trouble = await ask_in_vain(pool)
        assert trouble.trouble is Trouble.CERTIFICATE
        assert "Hostname mismatch" in trouble.detail
        assert "somebody may be in between" in trouble.detail


@in_loop
async def test_certificate_of_an_unknown_authority_is_refused(
    authority: Authority, server_file: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "some other root")

    async with pool_behind(serve, stranger, server_file) as (_, pool):
        trouble = await ask_in_vain(pool)
        assert trouble.trouble is Trouble.CERTIFICATE
        assert f"the trusted roots are {stranger.ca_file}" in trouble.detail


@in_loop
async def test_expired_certificate_is_refused(authority: Authority) -> None:
    async with pool_behind(serve, authority, authority.server_file("duo.test", is_expired=True)) as (_, pool):
        trouble = await ask_in_vain(pool)
        assert trouble.trouble is Trouble.CERTIFICATE
        assert "certificate has expired; see this machine's clock" in trouble.detail


@in_loop
async def test_peer_without_tls_is_told_apart(authority: Authority) -> None:
    async def greet(visit: Visit) -> None:
        visit.send(b"220 mail.test ESMTP\r\n")
        await visit.until_client_leaves()

    async with pool_behind(greet, authority, None) as (_, pool):
        trouble = await ask_in_vain(pool)
        assert trouble.trouble is Trouble.TLS
        assert "wrong version number" in trouble.detail


@in_loop
async def test_refused_connection_is_named_with_its_address(authority: Authority) -> None:
    port = unused_port()
    with pool_to(port, authority) as pool:
        trouble = await ask_in_vain(pool, is_repeatable=False)
        assert (trouble.trouble, trouble.detail) == (Trouble.CONNECT, f"connection refused by 127.0.0.1:{port}")
        assert not trouble.may_have_acted


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


@in_loop
async def test_connecting_to_a_black_hole_ends(authority: Authority) -> None:
    with black_hole() as port, pool_to(port, authority, connect_timeout_s=0.1) as pool:
        trouble = await ask_in_vain(pool, is_repeatable=False)
        assert trouble.trouble is Trouble.TIMEOUT
        assert f"127.0.0.1:{port}" in trouble.detail


@contextlib.contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops who knocks, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as sock, socket.create_connection(sock.getsockname()):
        yield sock.getsockname()[1]


@in_loop
async def test_a_port_that_nobody_answers_at_is_trouble_of_connecting(authority: Authority) -> None:
    with full_port() as port, pool_to(port, authority, connect_timeout_s=0.01) as pool:
        trouble = await ask_in_vain(pool, is_repeatable=False)
        assert trouble.trouble is Trouble.CONNECT
        assert trouble.detail == f"no connection to duo.test:{port} at 127.0.0.1:{port} within 0.0 s"


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
        trouble = await ask_in_vain(pool, timeout_s=0.3)
        assert trouble.trouble is Trouble.TIMEOUT
        assert trouble.detail == f"no answer from duo.test:{peer.port} within 0.3 s"
        assert pool.counts == (0, 0, 0, 0)


@pytest.mark.parametrize("address_fails_at", ["tcp", "tls"])
@in_loop
async def test_the_next_address_is_tried(authority: Authority, server_file: str, address_fails_at: str) -> None:
    async def hang_up(visit: Visit) -> None:
        visit.close()

    async with tls_peer(serve, server_file) as peer, tls_peer(hang_up, None) as broken:
        bad = unused_port() if address_fails_at == "tcp" else broken.port
        with pool_to(443, authority, ports=(bad, peer.port)) as pool:
            assert isinstance(await ask(pool, is_repeatable=False), Response)


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


def proxy_script(target_port: int, answer_octets: bytes) -> Script:
    async def tunnel(visit: Visit) -> None:
        request = await visit.request()
        assert request.startswith("CONNECT duo.test:443 HTTP/1.1\r\nHost: duo.test:443\r\n")
        visit.send(answer_octets)
        if b" 200 " not in answer_octets:
            await visit.until_client_leaves()
            return
        await visit.hand_on("127.0.0.1", target_port)

    return tunnel


@pytest.mark.parametrize(
    ("octets", "detail"),
    [
        (b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n", None),
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\n\r\n",
            "(407 Proxy Authentication Required), which radgate does not send: let it pass duo.test without",
        ),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused a tunnel to duo.test:443: 403 Forbidden"),
        (b"SSH-2.0-OpenSSH\r\n", "not an HTTP proxy"),
    ],
)
@in_loop
async def test_http_proxy(authority: Authority, server_file: str, octets: bytes, detail: str | None) -> None:
    async with (
        tls_peer(serve, server_file) as peer,
        tls_peer(proxy_script(peer.port, octets), None) as proxy,
    ):
        with pool_to(443, authority, proxy=Proxy("127.0.0.1", proxy.port)) as pool:
            outcome = await ask(pool)
            if detail is None:
                assert isinstance(outcome, Response)
            else:
                assert isinstance(outcome, Unavailable)
                assert outcome.trouble is Trouble.PROXY
                assert detail in outcome.detail


@in_loop
async def test_a_proxy_that_is_down_is_named_and_nothing_of_duos(authority: Authority) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        port = bound.getsockname()[1]
        with pool_to(443, authority, proxy=Proxy("127.0.0.1", port)) as pool:
            failure = await ask_in_vain(pool)
    assert failure.trouble is Trouble.PROXY
    assert failure.detail == f"proxy 127.0.0.1:{port}: connection refused by 127.0.0.1:{port}"


@in_loop
async def test_a_proxy_that_hangs_is_named(authority: Authority) -> None:
    async with tls_peer(Visit.until_client_leaves, None) as silent:
        with pool_to(443, authority, proxy=Proxy("127.0.0.1", silent.port), connect_timeout_s=0.05) as pool:
            failure = await ask_in_vain(pool)
            waited = await ask_in_vain(pool, timeout_s=0.01)
    for each in (failure, waited):
        assert each.trouble is Trouble.PROXY
        assert f"through proxy 127.0.0.1:{silent.port}" in each.detail


@pytest.mark.parametrize("error", [OSError(-2, "Name or service not known"), None], ids=["unknown", "DNS hangs"])
@in_loop
async def test_a_proxy_without_an_address_is_named(authority: Authority, error: OSError | None) -> None:
    class Clueless(Resolver):
        async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
            del host, port
            if error is None:
                await asyncio.Event().wait()
            raise error or AssertionError

    loop = asyncio.get_running_loop()
    endpoint = Endpoint("duo.test", 443, Proxy("proxy.test", 3128), TrustStore(authority.ca_file), 0.05)
    with pytest.raises(Unavailable, match=r"^proxy proxy\.test: cannot resolve proxy\.test: ") as caught:
        await open_tls(endpoint, Clueless(loop.time))
    assert caught.value.trouble is Trouble.PROXY


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
