"""Connecting: without a look-up, and what is left of an attempt that ends."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from gateway.https.resolver import Address
from gateway.https.sockets import connect, new_socket
from gateway.unavailable import Trouble, Unavailable
from tests.https.peer import run


class LoopWithoutDns(uvloop.Loop):
    """It waits for ever for an address, as one does whose threads all wait for DNS."""

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        await self.create_future()


@contextmanager
def opened(host: str) -> Iterator[tuple[socket.socket, Address]]:
    """A listening socket, and where it is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=0) as listening:
        yield listening, Address(family, listening.getsockname())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_no_look_up_is_needed_for_an_address(host: str) -> None:
    async def connected() -> bool:
        with opened(host) as (_, address), new_socket(address) as sock:
            await asyncio.wait_for(connect(sock, address), 30)
            assert not asyncio.get_running_loop().remove_writer(sock)
            return bool(sock.getpeername() == address.sockaddr)

    with asyncio.Runner(loop_factory=LoopWithoutDns) as runner:
        assert runner.run(connected())


def test_who_is_not_there_refuses() -> None:
    async def refused() -> None:
        with opened("127.0.0.1") as (listening, address), new_socket(address) as sock:
            listening.close()
            with pytest.raises(Unavailable, match=f"connection refused by {address}") as caught:
                await connect(sock, address)
            assert caught.value.trouble is Trouble.CONNECT

    run(refused())


def test_an_attempt_that_is_given_up_watches_its_socket_no_more() -> None:
    async def given_up() -> None:
        with (
            opened("127.0.0.1") as (_, address),
            socket.create_connection(address.sockaddr),
            new_socket(address) as sock,
        ):
            attempt = asyncio.ensure_future(connect(sock, address))
            await asyncio.sleep(0)
            assert not attempt.done()
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
            assert not asyncio.get_running_loop().remove_writer(sock)

    run(given_up())
