"""The relays themselves, between a client and an echo."""

import asyncio
import random
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.chaos.figures import play
from tests.chaos.relay import Address, Mood, TcpRelay, UdpRelay, Weather

PATIENCE_S = 30


class Echo(asyncio.DatagramProtocol):
    """Sends datagrams back, and remembers where they came from."""

    def __init__(self) -> None:
        self.sources: list[Address] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.sources.append(addr)
        self._transport.sendto(data, addr)


class Client:
    """A NAS of few words."""

    def __init__(self, server: Address) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(("127.0.0.3", 0))
        self._server = server

    def send(self, octets: bytes) -> None:
        self._socket.sendto(octets, self._server)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(self._socket, 4096)

    def close(self) -> None:
        self._socket.close()


def with_echo(scenario: Callable[[UdpRelay, Echo], Coroutine[Any, Any, None]], weather: Weather) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        transport, echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        relay = UdpRelay(transport.get_extra_info("sockname"), random.Random(1), weather)
        await scenario(relay, echo)
        relay.close()
        transport.close()

    play(run())


def test_each_source_has_a_port_of_its_own_upstream() -> None:
    async def scenario(relay: UdpRelay, echo: Echo) -> None:
        clients = [Client(relay.address) for _ in range(3)]
        for number, client in enumerate(clients):
            client.send(b"%d" % number)
            client.send(b"%d" % number)
            assert [await client.receive(), await client.receive()] == [b"%d" % number] * 2
            client.close()
        assert len(echo.sources) == 6
        assert len(set(echo.sources)) == 3
        assert {host for host, _ in echo.sources} == {"127.0.0.3"}

    with_echo(scenario, Weather())


def test_datagrams_are_lost() -> None:
    async def scenario(relay: UdpRelay, echo: Echo) -> None:
        client = Client(relay.address)
        for _ in range(50):
            client.send(b"lost")
        async with asyncio.timeout(PATIENCE_S):
            while relay.n_lost < 50:
                await _turn()
        relay.weather = Weather()
        client.send(b"not lost")
        assert await client.receive() == b"not lost"
        assert len(echo.sources) == 1
        client.close()

    with_echo(scenario, Weather(loss=1.0))


async def _turn() -> None:
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)


def test_datagrams_are_doubled() -> None:
    async def scenario(relay: UdpRelay, echo: Echo) -> None:
        client = Client(relay.address)
        client.send(b"twice, and twice again")
        assert len([await client.receive() for _ in range(4)]) == 4
        assert len(echo.sources) == 2
        assert relay.n_doubled == 3
        client.close()

    with_echo(scenario, Weather(duplication=1.0))


def test_late_datagrams_are_overtaken() -> None:
    async def scenario(relay: UdpRelay, _echo: Echo) -> None:
        client = Client(relay.address)
        for number in range(100):
            client.send(b"%d" % number)
        arrived = [int(await client.receive()) for _ in range(100)]
        assert sorted(arrived) == list(range(100)) != arrived
        assert relay.n_delayed > 0
        client.close()

    with_echo(scenario, Weather(lateness=0.5, delay_s=0.05))


def with_tcp_echo(scenario: Callable[[TcpRelay, Address], Coroutine[Any, Any, None]]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(4096):
            writer.write(octets)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        relay = TcpRelay(server.sockets[0].getsockname(), random.Random(1))
        address = await relay.start()
        await scenario(relay, address)
        await relay.close()
        server.close()
        await server.wait_closed()

    play(run())


async def say(address: Address, octets: bytes) -> bytes:
    """Send octets on a new connection and return as many."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(octets)
            return await reader.readexactly(len(octets))
        finally:
            writer.close()


@pytest.mark.parametrize("mood", [Mood.CLEAR, Mood.SLOW])
def test_octets_arrive_whole_if_slowly(mood: Mood) -> None:
    async def scenario(relay: TcpRelay, address: Address) -> None:
        relay.become(mood)
        octets = bytes(range(256)) * 4
        assert await say(address, octets) == octets

    with_tcp_echo(scenario)


def test_what_a_black_hole_held_is_delivered_afterwards() -> None:
    async def scenario(relay: TcpRelay, address: Address) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"before ")
        assert await reader.readexactly(7) == b"before "
        relay.become(Mood.BLACK_HOLE)
        writer.write(b"meanwhile")
        await _turn()
        relay.become(Mood.CLEAR)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.readexactly(9) == b"meanwhile"
        writer.close()

    with_tcp_echo(scenario)


def test_open_and_new_connections_are_reset() -> None:
    async def scenario(relay: TcpRelay, address: Address) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"hello")
        await reader.readexactly(5)
        relay.become(Mood.RESETTING)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await say(address, b"hello")
        assert relay.n_reset == 2
        relay.become(Mood.CLEAR)
        assert await say(address, b"hello") == b"hello"

    with_tcp_echo(scenario)


def test_some_connections_are_cut_and_others_are_not() -> None:
    async def scenario(relay: TcpRelay, address: Address) -> None:
        relay.become(Mood.CUTTING)
        n_whole = 0
        for _ in range(200):
            try:
                n_whole += await say(address, b"hello") == b"hello"
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
        assert 0 < relay.n_reset < 200
        assert 0 < n_whole < 200

    with_tcp_echo(scenario)
