"""So many connections at once, each for so many seconds."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.console import door
from gateway.console.door import Door


class Echo(asyncio.Protocol):
    """Says what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]


class Front:
    """A door with visitors."""

    def __init__(self, n_places: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._opened = asyncio.get_running_loop().create_task(Door(Echo, None, n_places).open(self._listening))
        self._writers: list[asyncio.StreamWriter] = []

    async def visit(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self._listening.getsockname())
        self._writers.append(writer)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        return reader, writer

    def close(self) -> None:
        self._opened.cancel()
        self._listening.close()
        for writer in self._writers:
            writer.close()


def tell(story: Callable[[Front], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        front = Front(2)
        try:
            async with asyncio.timeout(30):
                await story(front)
        finally:
            front.close()
            await asyncio.sleep(0)

    asyncio.run(told())


async def has_ended(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(20):
            return await reader.read(1) == b""
    except ConnectionError:
        return True


def test_the_oldest_visitor_makes_room():
    async def story(front: Front) -> None:
        first, _ = await front.visit()
        second, writer = await front.visit()
        await front.visit()
        assert await has_ended(first)
        writer.write(b"!")
        assert await second.readexactly(1) == b"!"

    tell(story)


def test_those_who_leave_make_room_too():
    async def story(front: Front) -> None:
        stays, writer = await front.visit()
        for _ in range(5):
            reader, leaves = await front.visit()
            leaves.write_eof()
            assert await has_ended(reader)
        writer.write(b"!")
        assert await stays.readexactly(1) == b"!"

    tell(story)


def test_nobody_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(door, "VISIT_S", 0.05)

    async def story(front: Front) -> None:
        reader, _ = await front.visit()
        assert await has_ended(reader)

    tell(story)


class Ajar(Door):
    """A door at which a visit begins and comes no further."""

    def __init__(self) -> None:
        super().__init__(Echo)
        self.has_visitor = asyncio.Event()

    async def _begin(self, _connection: socket.socket) -> None:
        self.has_visitor.set()
        await asyncio.Event().wait()


def test_a_visitor_who_comes_at_the_end_is_hung_up_on():
    doors: list[Ajar] = []  # which keep the connection

    async def story() -> None:
        doors.append(Ajar())
        opened = asyncio.create_task(doors[0].open(listening))
        await doors[0].has_visitor.wait()
        opened.cancel()

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as visitor:
        visitor.connect(listening.getsockname())
        asyncio.run(story())
        visitor.setblocking(False)
        assert visitor.recv(1) == b""
