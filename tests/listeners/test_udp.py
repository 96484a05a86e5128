"""UDP sockets: every datagram is handed on, with the way back of the address that was asked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from gateway.engine.peer import Peer
from gateway.listeners.udp import (
    IP_PKTINFO,
    UdpListener,
    open_socket,
)

SO_RXQ_OVFL = 40  # asm-generic/socket.h


class Scene:
    """A listener on all addresses, and a client of it."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, Peer]] = []
        udp = open_socket(socket.AF_INET, "0.0.0.0", 0, shared=False)
        self.port = int(udp.getsockname()[1])
        self.listener = UdpListener(udp, 3, 5, self._take)
        self._udp = udp
        self._wanted = 0
        self._came = asyncio.Event()
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def _take(self, datagram: bytes, peer: Peer) -> None:
        self.received.append((datagram, peer))
        if len(self.received) == self._wanted:
            self._came.set()

    async def receive(self, *datagrams: bytes, host: str = "127.0.0.1") -> list[Peer]:
        """Send these and wait until all have been handed on."""
        self._wanted = len(self.received) + len(datagrams)
        self._came.clear()
        for datagram in datagrams:
            self.client.sendto(datagram, (host, self.port))
        await asyncio.wait_for(self._came.wait(), 10)
        came = self.received[self._wanted - len(datagrams) :]
        assert [datagram for datagram, _ in came] == list(datagrams)
        return [peer for _, peer in came]

    def close(self) -> None:
        self.client.close()
        self._udp.close()


def play(act: Callable[[Scene], Awaitable[None]]) -> None:
    async def scene() -> None:
        stage = Scene()
        loop = asyncio.get_running_loop()
        stage.listener.start(loop)
        try:
            await act(stage)
        finally:
            stage.listener.stop(loop)
            stage.close()

    asyncio.run(scene())


@pytest.mark.parametrize("sizes", [[1] * 20, [1, 1, 100, 1, 1, 1], [70, 1, 200]])
def test_everything_is_handed_on_whether_datagrams_come_alone_or_at_once(sizes):
    async def act(stage: Scene) -> None:
        for size in sizes:
            await stage.receive(*(bytes([number]) for number in range(size)))
        assert stage.listener.n_received == sum(sizes)

    play(act)


def test_a_reply_leaves_from_the_address_that_was_asked():
    """RFC 2865 section 3; the same port of a client may ask several of ours."""

    async def act(stage: Scene) -> None:
        stage.client.settimeout(20)
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.1"):
            (peer,) = await stage.receive(b"who?", host=host)
            stage.listener.send(b"me", peer)
            assert stage.client.recvfrom(100) == (b"me", (host, stage.port))

    play(act)


def test_a_peer_tells_where_a_datagram_came_from_and_to():
    async def act(stage: Scene) -> None:
        first, second = await stage.receive(b"one", b"two")
        assert first == second
        assert first.address == ("127.0.0.1", stage.client.getsockname()[1])
        assert (first.listener, first.bucket) == (3, 5)

    play(act)


def test_a_socket_of_an_older_version_tells_of_its_losses_and_the_way_back_is_found_all_the_same():
    """An upgrade keeps it, and that version let the kernel add its count to each datagram once one was lost."""

    async def act(stage: Scene) -> None:
        (peer,) = await stage.receive(b"who?")
        counted = (socket.SOL_SOCKET, SO_RXQ_OVFL, bytes([9, 0, 0, 0]))
        told = (socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + socket.inet_aton("127.0.0.1") * 2)
        assert stage.listener._peer(peer.address, [counted, told]).path == peer.path

    play(act)


def test_so_many_sources_are_remembered_at_most():
    async def act(stage: Scene) -> None:
        for port in range(2_000):
            stage.listener._peer(("192.0.2.1", port), [])
        assert len(stage.listener._peers) <= 1_024

    play(act)
