"""Ways that do not lead to a peer: wrong certificates, nobody there, proxies that fail."""

import asyncio
import socket

import pytest

from gateway.http1.response import Response
from gateway.https.opening import (
    Endpoint,
    Proxy,
    open_tls,
)
from gateway.https.resolver import (
    Address,
    Resolver,
)
from gateway.https.tls import TrustStore
from gateway.unavailable import Trouble, Unavailable
from tests.https.authority import Authority
from tests.https.calls import ask, ask_in_vain, pool_behind, pool_to, unused_port
from tests.https.peer import (
    Visit,
    black_hole,
    full_port,
    in_loop,
    proxy_script,
    serve,
    tls_peer,
)

PATIENCE_S = 1.0  # a name is looked up in it, too, beside other tests


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


@in_loop
async def test_connecting_to_a_black_hole_ends(authority: Authority) -> None:
    with black_hole() as port, pool_to(port, authority, connect_timeout_s=PATIENCE_S) as pool:
        trouble = await ask_in_vain(pool, is_repeatable=False)
        assert trouble.trouble is Trouble.TIMEOUT
        assert f"127.0.0.1:{port}" in trouble.detail


@in_loop
async def test_a_port_that_nobody_answers_at_is_trouble_of_connecting(authority: Authority) -> None:
    with full_port() as port, pool_to(port, authority, connect_timeout_s=PATIENCE_S) as pool:
        trouble = await ask_in_vain(pool, is_repeatable=False)
        assert trouble.trouble is Trouble.CONNECT
        assert trouble.detail.startswith(f"no connection to duo.test:{port} at 127.0.0.1:{port} within ")


@pytest.mark.parametrize("address_fails_at", ["tcp", "tls"])
@in_loop
async def test_the_next_address_is_tried(authority: Authority, server_file: str, address_fails_at: str) -> None:
    async def hang_up(visit: Visit) -> None:
        visit.close()

    async with tls_peer(serve, server_file) as peer, tls_peer(hang_up, None) as broken:
        bad = unused_port() if address_fails_at == "tcp" else broken.port
        with pool_to(443, authority, ports=(bad, peer.port)) as pool:
            assert isinstance(await ask(pool, is_repeatable=False), Response)


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
        with pool_to(443, authority, proxy=Proxy("127.0.0.1", silent.port), connect_timeout_s=PATIENCE_S) as pool:
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
