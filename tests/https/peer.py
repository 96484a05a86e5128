"""Scripted peers on port 0: a server, with or without TLS, that does with each connection what a test says."""

import asyncio
import ctypes
import functools
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar

import uvloop

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h

PATIENCE_S = 60.0  # a test that hangs fails; none waits so long otherwise


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a test's coroutine on the loop that the gateway uses."""

    async def bounded() -> Result:
        return await asyncio.wait_for(coroutine, PATIENCE_S)

    return uvloop.run(bounded())


def in_loop(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """Let a test be a coroutine."""

    @functools.wraps(test)
    def run_test(*arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        run(test(*arguments, **named))

    return run_test


async def turn_until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds; what it looks at has nothing to await."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


def answer(body: str = '{"stat":"OK","response":{"time":1}}', status: str = "200 OK", *headers: str) -> bytes:
    """The octets of an ordinary answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


class Visit:
    """One connection that a client has made to a peer; `number` counts from 1."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def request(self) -> str:
        """Head and body of the next request; raises `IncompleteReadError` when the client has gone."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        for line in head.split("\r\n"):
            if line.startswith("Content-Length: "):
                return head + (await self.reader.readexactly(int(line[16:]))).decode()
        return head

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Drop the connection without the least courtesy."""
        self.writer.transport.abort()

    def forget(self) -> None:
        """Let what the client sends from now on vanish on its way, unacknowledged, as behind a firewall that has lost
        its table: a socket filter that accepts nothing drops each segment before TCP sees it.
        """
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0 octets
        program = struct.pack("HP", 1, ctypes.addressof(nothing))
        with socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno())) as sock:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)

    async def until_client_leaves(self) -> None:
        await self.reader.read()

    async def hand_on(self, host: str, port: int) -> None:
        """Be a proxy: carry octets both ways until either end closes."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(_pump(self.reader, writer), _pump(reader, self.writer))
        finally:
            writer.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while octets := await source.read(65_536):
        sink.write(octets)
    sink.close()


Script = Callable[[Visit], Awaitable[None]]


class Peer:
    """What a test sees of a running peer."""

    def __init__(self, server: asyncio.Server) -> None:
        self.port: int = server.sockets[0].getsockname()[1]
        self.n_visits = 0
        self.requests: list[str] = []


@asynccontextmanager
async def tls_peer(script: Script, server_file: str | None) -> AsyncIterator[Peer]:
    """Run `script` for each connection; without a certificate, without TLS."""
    context = None
    if server_file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_file)
    tasks: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.n_visits += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await script(Visit(peer.n_visits, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=context, backlog=1024)
    peer = Peer(server)
    try:
        yield peer
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def serve(visit: Visit) -> None:
    """The polite script: answers whatever is asked."""
    while True:
        await visit.request()
        visit.send(answer())


def proxy_script(target_port: int, answer_octets: bytes) -> Script:
    """A proxy that answers so to who asks for a tunnel."""

    async def tunnel(visit: Visit) -> None:
        request = await visit.request()
        assert request.startswith("CONNECT duo.test:443 HTTP/1.1\r\nHost: duo.test:443\r\n")
        visit.send(answer_octets)
        if b" 200 " not in answer_octets:
            await visit.until_client_leaves()
            return
        await visit.hand_on("127.0.0.1", target_port)

    return tunnel


class Silent:
    """A script that hears the first request and says nothing.

    Attributes:
        heard: set by a request.
    """

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def __call__(self, visit: Visit) -> None:
        await visit.request()
        self.heard.set()
        await visit.until_client_leaves()


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops who knocks, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as sock, socket.create_connection(sock.getsockname()):
        yield sock.getsockname()[1]
