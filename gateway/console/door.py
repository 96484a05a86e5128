"""Lets connections in: so many at once, each for so many seconds, whatever comes over them.

Each connection carries one request. The page asks anew every second, so that nothing needs to stay open, and a bound on
the whole connection bounds handshake, header, handler and answer alike. When all places are taken, the oldest visitor
goes: those who ask properly are done within milliseconds.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from functools import partial

MAX_CONNECTIONS = 64
VISIT_S = 15.0
RELIEF_S = 0.1  # before another try when no descriptor is left


class Door:
    """Accepts connections for a protocol factory, with TLS if there is a context."""

    def __init__(
        self,
        serve: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext | None = None,
        n_places: int = MAX_CONNECTIONS,
    ) -> None:
        self._serve = serve
        self._context = context
        self._n_places = n_places
        self._loop = asyncio.get_running_loop()
        self._inside: dict[socket.socket, asyncio.TimerHandle] = {}
        self._beginnings: set[asyncio.Task[None]] = set()

    async def open(self, listening: socket.socket) -> None:
        """Let visitors in until cancelled."""
        listening.setblocking(False)
        while True:
            try:
                connection, _ = await self._loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(RELIEF_S)
                continue
            self._let_in(connection)
            beginning = self._loop.create_task(self._begin(connection))
            self._beginnings.add(beginning)
            beginning.add_done_callback(partial(self._begun, connection))

    def _let_in(self, connection: socket.socket) -> None:
        """Give a connection a place, and the oldest one's if there is none."""
        for gone in [each for each in self._inside if each.fileno() < 0]:
            self._inside.pop(gone).cancel()
        if len(self._inside) >= self._n_places:
            self._end(next(iter(self._inside)))
        self._inside[connection] = self._loop.call_later(VISIT_S, self._end, connection)

    async def _begin(self, connection: socket.socket) -> None:
        timeout_s = VISIT_S if self._context is not None else None
        try:
            await self._loop.connect_accepted_socket(
                self._serve, connection, ssl=self._context, ssl_handshake_timeout=timeout_s
            )
        except OSError:  # no TLS, or a visitor who has left; ssl's errors are such
            connection.close()

    def _begun(self, connection: socket.socket, beginning: asyncio.Task[None]) -> None:
        self._beginnings.discard(beginning)
        if beginning.cancelled():  # nobody else has it yet
            connection.close()

    def _end(self, connection: socket.socket) -> None:
        """Hang up, however far it has come: what reads or writes there finds that out."""
        self._inside.pop(connection).cancel()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
