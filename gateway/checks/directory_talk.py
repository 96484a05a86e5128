"""One conversation with a host of a directory: a question, and then its answer."""

import asyncio
import ssl
from typing import Final

from gateway.firstfactor.directory.opening import Opened
from gateway.firstfactor.directory.search import Wanted
from gateway.firstfactor.directory.session import Bound, Ended, GoOn, Heard, Searched, Searching, Session
from gateway.https.sockets import READ_SIZE
from gateway.ldap.responses import Entry, Result

_CLOSED: Final = Ended("closed the connection before it answered")


class Talk:
    """What is asked and heard on a connection.

    Attributes:
        session: which makes the octets of what is asked.
        channel_bindings: what NTLM says of the connection.
        password: of whoever binds, which no text of the directory's may show; None for nobody.
    """

    def __init__(self, opened: Opened, password: bytes | None) -> None:
        self.session = Session()
        self.channel_bindings = opened.channel_bindings
        self.password = password
        self._opened = opened
        self._heard: list[Heard] = []

    async def bind(self, octets: bytes) -> Result | Ended:
        """Return what a bind comes to that begins with these octets of the session's."""
        await self._send(octets)
        while True:
            heard = await self._next()
            if isinstance(heard, GoOn):
                await self._send(heard.octets)
            elif isinstance(heard, Bound):
                return heard.result
            elif isinstance(heard, Ended):
                return heard

    async def search(self, wanted: Wanted, time_limit_s: int) -> tuple[Result | Ended, list[Entry]]:
        """Return how a search has ended, and the first few entries that it has found."""
        searching = Searching()
        await self._send(self.session.search(searching, wanted, time_limit_s))
        while True:
            heard = await self._next()
            if isinstance(heard, Searched):
                return heard.result, searching.entries
            if isinstance(heard, Ended):
                return heard, []

    def close(self) -> None:
        """Close the connection."""
        self._opened.socket.close()

    async def _next(self) -> Heard:
        while not self._heard:
            octets = await self._read()
            if not octets:
                return _CLOSED
            self._heard += self.session.received(octets)
        return self._heard.pop(0)

    async def _send(self, octets: bytes) -> None:
        tls = self._opened.tls
        try:
            if tls is not None:
                tls.tls.write(octets)
                octets = tls.outgoing.read()
            await asyncio.get_running_loop().sock_sendall(self._opened.socket, octets)
        except OSError as error:
            self._heard.append(Ended(error.strerror or str(error)))

    async def _read(self) -> bytes:
        """Return octets that have come; none after the end."""
        tls = self._opened.tls
        while True:
            if tls is not None:
                try:
                    return tls.tls.read(READ_SIZE)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    return b""
            try:
                received = await asyncio.get_running_loop().sock_recv(self._opened.socket, READ_SIZE)
            except OSError:
                return b""
            if tls is None or not received:
                return received
            tls.incoming.write(received)
