"""The octets of one connection, between two ends of a socket: what comes, and what is known to have left."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from gateway.firstfactor.directory.connection import MAX_UNSENT, DirectoryConnection
from gateway.firstfactor.directory.opening import Opened
from gateway.https.sockets import TlsSocket
from tests.https.authority import Authority
from tests.https.peer import in_loop, turn_until


class Owner:
    def __init__(self) -> None:
        self.octets = b""
        self.lost: list[tuple[str, bool]] = []

    def received(self, number: int, octets: bytes) -> None:
        assert number == 7
        self.octets += octets

    def connection_lost(self, number: int, text: str, is_unsent: bool) -> None:
        assert number == 7
        self.lost.append((text, is_unsent))


def opened_for(owner: Owner, opened: Opened) -> DirectoryConnection:
    return DirectoryConnection(7, opened, owner.received, owner.connection_lost, asyncio.get_running_loop())


@contextmanager
def connected() -> Iterator[tuple[DirectoryConnection, socket.socket, Owner]]:
    """A connection, its other end, and its owner."""
    own, other = socket.socketpair()
    own.setblocking(False)
    owner = Owner()
    connection = opened_for(owner, Opened(own, None, b""))
    with other:
        try:
            yield connection, other, owner
        finally:
            connection.close()


@in_loop
async def test_octets_go_both_ways() -> None:
    with connected() as (connection, other, owner):
        connection.send(b"asked", looks=False)
        assert other.recv(100) == b"asked"
        other.send(b"answered")
        await turn_until(lambda: owner.octets == b"answered")
        connection.send(b"asked again", looks=True)
        assert other.recv(100) == b"asked again"
        other.close()
        await turn_until(lambda: bool(owner.lost))
        assert owner.lost == [("closed the connection", False)]
        connection.send(b"nobody is there", looks=False)


@in_loop
async def test_a_reset_is_not_hidden_by_what_comes_before_it() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    with listening, socket.create_connection(listening.getsockname()) as own:
        own.setblocking(False)
        other, _ = listening.accept()
        owner = Owner()
        opened_for(owner, Opened(own, None, b""))
        other.send(b"answered")
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        await turn_until(lambda: bool(owner.lost))
        assert owner.octets in (b"answered", b"")  # the kernel may have dropped it


@pytest.mark.parametrize("what", [b"", b"a notice"])
def test_nothing_leaves_on_an_idle_connection_on_which_something_has_come(what: bytes) -> None:
    @in_loop
    async def run() -> None:
        with connected() as (connection, other, owner):
            if what:
                other.send(what)
            else:
                other.shutdown(socket.SHUT_WR)
            connection.send(b"secret", looks=True)  # before the loop has come to it
            assert owner.lost == [("closed the connection", True)]
            with suppress(ConnectionResetError):
                assert other.recv(100) == b""

    run()


@in_loop
async def test_what_the_kernel_did_not_take_has_not_left() -> None:
    with connected() as (connection, other, owner):
        other.close()
        connection.send(b"secret", looks=False)
        ((_, is_unsent),) = owner.lost
        assert is_unsent


@in_loop
async def test_what_does_not_fit_leaves_later() -> None:
    octets = bytes(range(256)) * 3000
    with connected() as (connection, other, owner):
        connection.send(octets, looks=False)
        connection.send(b"end", looks=False)
        received = b""
        loop = asyncio.get_running_loop()
        other.setblocking(False)
        while len(received) < len(octets) + 3:
            received += await loop.sock_recv(other, 65_536)
        assert received == octets + b"end"
        assert not owner.lost


@in_loop
async def test_who_does_not_read_is_left() -> None:
    with connected() as (connection, _, owner):
        connection.send(bytes(2 * MAX_UNSENT), looks=False)
        assert owner.lost == [("does not read what it is sent", False)]


@in_loop
async def test_a_flood_does_not_keep_the_loop() -> None:
    with connected() as (_, other, owner):
        other.setblocking(False)
        sent = 0
        for _ in range(100):
            try:
                sent += other.send(bytes(65_536))
            except BlockingIOError:
                await asyncio.sleep(0)
        await turn_until(lambda: len(owner.octets) == sent)


def _handshaken(authority: Authority, own: socket.socket) -> tuple[TlsSocket, ssl.SSLObject]:
    """Return both ends of TLS, which share their buffers."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(authority.server_file("127.0.0.1"))
    client_context = ssl.create_default_context(cafile=authority.ca_file)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    is_done = False
    while not is_done:
        is_done = True
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                is_done = False
    return TlsSocket(own, client, to_client, to_server), server


def test_within_tls(authority: Authority) -> None:
    @in_loop
    async def run() -> None:
        own, other = socket.socketpair()
        own.setblocking(False)
        tls, server = _handshaken(authority, own)
        incoming, outgoing = tls.incoming, tls.outgoing
        owner = Owner()
        connection = opened_for(owner, Opened(own, tls, b""))
        connection.send(b"asked", looks=False)
        outgoing.write(other.recv(65_536))
        assert server.read(100) == b"asked"
        server.write(b"answered" * 5000)
        other.sendall(incoming.read())
        await turn_until(lambda: owner.octets == b"answered" * 5000)
        other.sendall(b"\x17\x03\x03\x00\x05junk!")
        await turn_until(lambda: bool(owner.lost))
        assert owner.lost[0][0].startswith("TLS failed")
        other.close()

    run()
