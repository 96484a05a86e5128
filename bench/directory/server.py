"""The directory on its sockets: in the clear, by StartTLS there, and over TLS on another port."""

import asyncio
import socket
import ssl
from collections import Counter
from enum import Enum
from typing import Any, Final

from bench.directory.entries import Directory
from bench.directory.session import Session

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1000


class Fault(Enum):
    """What can go wrong."""

    SILENT = "silent"
    """It takes connections, reads everything and says nothing."""
    REFUSE = "refuse"
    """It takes no connections, and has none any more."""
    CUT = "cut"
    """It closes a connection in the place of the answer to a bind, which it has done."""
    BUSY = "busy"
    """It does no bind, and says so."""
    NO_TLS = "no_tls"
    """It closes a connection in the place of TLS, and has none any more: a controller that has lost its certificate."""


_OF_LISTENING: Final = (Fault.REFUSE, Fault.NO_TLS)


class DirectoryServer:
    """A directory, and who speaks with it.

    Attributes:
        binds: how often whose password was asked about.
        n_searches, n_connections, n_secured: searches, connections since it began, and those with TLS.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        context: ssl.SSLContext | None = None,
        demands_tls: bool = False,
        delay_s: float = 0.0,
    ) -> None:
        """Prepare.

        Args:
            directory: what is in it.
            context: for TLS; without one there is none.
            demands_tls: a simple bind in the clear is refused.
            delay_s: how long each answer takes.
        """
        self.directory = directory
        self.context = context
        self.demands_tls = demands_tls
        self.delay_s = delay_s
        self.fault: Fault | None = None
        self.binds: Counter[str] = Counter()
        self.n_searches = self.n_connections = self.n_secured = 0
        self.connections: set[Connection] = set()
        self._places: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self._listeners: list[asyncio.AbstractServer] = []

    async def start(self, host: str = HOST, port: int = 0, tls_port: int = 0) -> None:
        """Listen; a port of 0 is one that the kernel chooses."""
        self._places.append((_place(host, port), None))
        if self.context is not None:
            self._places.append((_place(host, tls_port), self.context))
        await self._listen()

    @property
    def port(self) -> int:
        """Where it is asked in the clear, and with StartTLS."""
        return int(self._places[0][0].getsockname()[1])

    @property
    def tls_port(self) -> int:
        """Where it is asked over TLS; 0 where it is not."""
        return int(self._places[1][0].getsockname()[1]) if self._places[1:] else 0

    async def set_fault(self, fault: Fault | None) -> None:
        """Let one thing go wrong in the place of another, or nothing."""
        former, self.fault = self.fault, fault
        if fault in _OF_LISTENING or former in _OF_LISTENING:
            self._hang_up()
            if fault is not Fault.REFUSE:
                await self._listen()

    def close(self) -> None:
        """Stop."""
        self._hang_up()
        for place, _ in self._places:
            place.close()

    async def _listen(self) -> None:
        """Listen on sockets of their own: those that keep the ports never do."""
        loop = asyncio.get_running_loop()
        for place, context in self._places:
            host, port = place.getsockname()[:2]
            if context is not None and self.fault is Fault.NO_TLS:
                listener = await loop.create_server(_NoTls, sock=_place(host, port), backlog=_BACKLOG)
            else:
                listener = await loop.create_server(
                    lambda has_tls=context is not None: Connection(self, has_tls=has_tls),
                    sock=_place(host, port),
                    ssl=context,
                    backlog=_BACKLOG,
                )
            self._listeners.append(listener)

    def _hang_up(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for connection in list(self.connections):
            connection.abort()


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: DirectoryServer, *, has_tls: bool) -> None:
        self._server = server
        self._session = Session(server.directory, server.binds, is_safe=not server.demands_tls)
        self._session.has_tls = has_tls
        self._session.can_start_tls = server.context is not None and server.fault is not Fault.NO_TLS
        self._securing: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self._transport: asyncio.Transport = transport
        self._server.n_connections += 1
        self._server.n_secured += self._session.has_tls
        self._server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        del error
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Do what is asked, and answer it."""
        session, server = self._session, self._server
        n_binds, n_searches = session.n_binds, session.n_searches
        session.is_busy = server.fault is Fault.BUSY
        answer = session.received(data)
        server.n_searches += session.n_searches - n_searches
        if server.fault is Fault.CUT and session.n_binds > n_binds:
            self.abort()
        elif server.fault is not Fault.SILENT:
            self._say(answer)

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def _say(self, answer: bytes) -> None:
        if self._server.delay_s:
            asyncio.get_running_loop().call_later(self._server.delay_s, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        if self._session.starts_tls:
            self._transport.pause_reading()  # what comes next is for TLS
        if answer:
            self._transport.write(answer)
        if self._session.is_over:
            self._transport.close()
        elif self._session.starts_tls:
            self._securing = asyncio.get_running_loop().create_task(self._secure())

    async def _secure(self) -> None:
        self._session.secured()
        loop, context = asyncio.get_running_loop(), self._server.context
        if context is None:
            return
        try:
            transport = await loop.start_tls(self._transport, self, context, server_side=True)
        except OSError:
            self.abort()
        else:
            self._server.n_secured += 1
            self._transport = transport  # type: ignore[assignment]  # what TLS makes of a Transport is one


class _NoTls(asyncio.Protocol):
    """One client of a server that cannot begin TLS."""

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Close it in the place of an answer."""
        del data
        self._transport.close()


def _place(host: str, port: int) -> socket.socket:
    """Return a socket that is bound and does not listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        place.setblocking(False)
        place.bind((host, port))
    except BaseException:
        place.close()
        raise
    return place
