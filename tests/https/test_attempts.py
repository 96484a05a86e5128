"""Servers with several addresses, some of which are slow, silent or not there."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from gateway.http1.response import Response
from gateway.https import race
from gateway.https.opening import Endpoint, Proxy, open_tls
from gateway.https.resolver import Resolver
from gateway.https.sockets import TlsSocket
from gateway.https.tls import TrustStore
from gateway.unavailable import Trouble, Unavailable
from tests.https.authority import Authority
from tests.https.calls import FixedResolver, ask, ask_in_vain, pool_to, unused_port
from tests.https.far_away import far_away
from tests.https.peer import (
    Visit,
    black_hole,
    full_port,
    in_loop,
    proxy_script,
    serve,
    tls_peer,
    turn_until,
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "ATTEMPT_DELAY_S", 0.01)


def endpoint_of(authority: Authority, within_s: float = 30.0, proxy: Proxy | None = None) -> Endpoint:
    return Endpoint("duo.test", 443, proxy, TrustStore(authority.ca_file), within_s)


def close(opened: TlsSocket) -> int:
    """Close a connection, and return the port to which it led."""
    port: int = opened.socket.getpeername()[1]
    opened.socket.close()
    return port


@in_loop
async def test_an_attempt_is_not_given_up_because_others_have_begun(authority: Authority, server_file: str) -> None:
    """On a long way a share of the time is too short at each of many addresses."""
    async with far_away(server_file, 4) as (_, ports):
        opened = await open_tls(endpoint_of(authority, 5.0), FixedResolver(*ports))
        assert close(opened) == ports[0]


@in_loop
async def test_where_one_succeeds_the_others_are_closed(authority: Authority, server_file: str) -> None:
    async with far_away(server_file, 4) as (far, ports):
        close(await open_tls(endpoint_of(authority), FixedResolver(*ports)))
        await turn_until(lambda: far.n_left == 3)


@in_loop
async def test_where_nobody_waits_any_more_all_are_closed(authority: Authority, server_file: str) -> None:
    async with far_away(server_file, 9) as (far, ports):
        opening = asyncio.ensure_future(open_tls(endpoint_of(authority), FixedResolver(*ports[1:4])))
        await turn_until(lambda: far._n_to_come == 6)
        opening.cancel()
        await turn_until(lambda: far.n_left == 3)


@pytest.mark.parametrize("hole", [black_hole, full_port], ids=["says nothing", "drops packets"])
@in_loop
async def test_silence_at_one_address_keeps_no_other_from_its_turn(
    authority: Authority, server_file: str, hole: Callable[[], AbstractContextManager[int]]
) -> None:
    async with tls_peer(serve, server_file) as peer:
        with hole() as silent, pool_to(443, authority, ports=(silent, peer.port)) as pool:
            assert isinstance(await ask(pool, is_repeatable=False), Response)


@in_loop
async def test_an_address_that_was_overtaken_is_tried_last_from_then_on(authority: Authority, server_file: str) -> None:
    """Else each connection would take the delay longer."""
    async with tls_peer(serve, server_file) as peer:
        with black_hole() as silent:
            resolver = FixedResolver(silent, peer.port)
            close(await open_tls(endpoint_of(authority), resolver))
            assert await ports_of(resolver) == [peer.port, silent]


@in_loop
async def test_addresses_that_failed_are_tried_last_and_those_that_lost_stay(
    authority: Authority, server_file: str
) -> None:
    async with far_away(server_file, 3) as (_, ports):
        refusing = unused_port()
        resolver = FixedResolver(refusing, *ports)
        close(await open_tls(endpoint_of(authority), resolver))
        assert await ports_of(resolver) == [*ports, refusing]


async def ports_of(resolver: Resolver) -> list[int]:
    return [address.sockaddr[1] for address in await resolver.addresses("duo.test", 443)]


@in_loop
async def test_proxies_race_as_well(authority: Authority, server_file: str) -> None:
    async with tls_peer(serve, server_file) as peer:
        script = proxy_script(peer.port, b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with tls_peer(script, None) as proxy, tls_peer(Visit.until_client_leaves, None) as silent:
            resolver = FixedResolver(silent.port, proxy.port)
            opened = await open_tls(endpoint_of(authority, proxy=Proxy("proxy.test", 3128)), resolver)
            assert close(opened) == proxy.port


@in_loop
async def test_where_all_fail_what_says_most_is_told_and_where_it_was_tried(authority: Authority) -> None:
    async def hang_up(visit: Visit) -> None:
        visit.close()

    async with tls_peer(hang_up, None) as broken:
        refusing = unused_port()
        with pool_to(443, authority, ports=(broken.port, refusing)) as pool:
            failure = await ask_in_vain(pool)
    assert failure.trouble is Trouble.TLS
    assert failure.detail.startswith(f"duo.test at 127.0.0.1:{broken.port} closed the connection")
    assert failure.detail.endswith(f"(tried: 127.0.0.1:{broken.port}, 127.0.0.1:{refusing})")


@in_loop
async def test_silence_everywhere_ends_with_the_time_that_there_is(authority: Authority) -> None:
    with black_hole() as silent, full_port() as full:
        resolver = FixedResolver(silent, full)
        with pytest.raises(Unavailable, match=r"^no connection to duo.test at .* within 0\.\d s \(tried: ") as caught:
            await open_tls(endpoint_of(authority, 0.5), resolver)
        assert caught.value.trouble is Trouble.TIMEOUT
        assert len(resolver._failed_at) == 2
