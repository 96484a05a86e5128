"""One kept-alive TLS connection, carrying one exchange after another.

The socket is read on readiness, and TLS runs between two memory buffers (`ssl.MemoryBIO`). Measured against
uvloop's own TLS transport, on one core, malloc thresholds set, a 230-octet POST and a 460-octet answer, `httptools`
included: 8 connections 15 µs of CPU an exchange either way; 2,000 connections 18 against 29 µs, and 30 against 46
KB of memory for each. Besides, only so does the pool learn exactly whether the kernel took an octet of a request,
which decides whether it may be sent again, and only so can it look at a connection right before using it.
"""

import asyncio
import socket
import ssl
import struct
from typing import Any, Final

from gateway.http1.response import Response, ResponseError, ResponseFault, ResponseReader
from gateway.https.doubts import is_unheard
from gateway.https.exchange import Connection, Exchange
from gateway.https.sockets import READ_SIZE, TlsSocket
from gateway.unavailable import Trouble, Unavailable

_READS_A_TURN: Final = 32
_BUFFER: Final = bytearray(65_536)  # for all connections: nothing stays in it
_VIEW: Final = memoryview(_BUFFER)
_TCP_INFO: Final = struct.Struct("=24xI40xI")  # tcpi_unacked, tcpi_rtt in microseconds: linux/tcp.h


class ConnectionOwner:
    """Who hears what becomes of a connection."""

    __slots__ = ()

    def connection_answered(self, connection: "HttpsConnection", exchange: Exchange, response: Response) -> None:
        """The exchange has its answer; the connection is free if `response.is_reusable`, else closed."""
        raise NotImplementedError

    def connection_lost(
        self, connection: "HttpsConnection", exchange: Exchange | None, trouble: Unavailable, may_have_acted: bool
    ) -> None:
        """The connection is closed, with an exchange that has no answer, or idle."""
        raise NotImplementedError


class HttpsConnection(Connection):
    """Writes the requests and reads the answers of one connection."""

    __slots__ = (
        "_exchange",
        "_incoming",
        "_is_open",
        "_loop",
        "_n_sent",
        "_name",
        "_outgoing",
        "_owner",
        "_read",
        "_reader",
        "_socket",
        "_tls",
        "_unsent",
        "_write",
    )

    def __init__(self, opened: TlsSocket, name: str, owner: ConnectionOwner, loop: asyncio.AbstractEventLoop) -> None:
        """Take over an opened connection; `name` is the server's, for texts."""
        self._socket = opened.socket
        self._tls = opened.tls
        below: Any = getattr(opened.tls, "_sslobj", opened.tls)  # in C; what lies over it is Python and hands all on
        self._read, self._write = below.read, below.write
        self._incoming = opened.incoming
        self._outgoing = opened.outgoing
        self._name = name
        self._owner = owner
        self._loop = loop
        self._reader = ResponseReader()
        self._exchange: Exchange | None = None
        self._n_sent = 0
        self._unsent = b""
        self._is_open = True
        loop.add_reader(self._socket, self._on_readable)

    def begin(self, exchange: Exchange) -> None:
        """Write the request. What follows is told to the owner, if the connection is dead at once."""
        self._exchange = exchange
        self._n_sent = 0
        try:
            self._write(exchange.octets)
        except ssl.SSLError as error:
            self._lose(f"TLS with {self._name} failed: {error.reason}")
            return
        self._send(self._outgoing.read())

    def is_open_now(self) -> bool:
        """Look whether the other side has closed this idle connection, also if the loop has not come to it yet."""
        self._on_readable()
        return self._is_open

    @property
    def exchange(self) -> Exchange | None:
        """What it carries."""
        return self._exchange

    def is_unheard(self, now: float) -> bool:
        """Whether nobody seems to be there any more who acknowledges what was written; costs 1 µs."""
        exchange = self._exchange
        if exchange is None:
            return False
        information = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        n_unacknowledged, round_trip_us = _TCP_INFO.unpack(information)
        return is_unheard(n_unacknowledged, round_trip_us / 1e6, now - exchange.began_at)

    @property
    def session(self) -> ssl.SSLSession | None:
        """What lets the next connection resume this one's TLS session, once an answer has come; costs 150 µs.

        None where this one was resumed itself: a chain of them would never verify a certificate again.
        """
        return None if self._tls.session_reused else self._tls.session

    def close(self) -> None:
        """Close without telling the owner. The other side is told by TLS, as a courtesy, if the socket takes it."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._socket)
        if self._unsent:
            self._loop.remove_writer(self._socket)
        try:
            self._tls.unwrap()
        except (ssl.SSLError, ValueError):
            pass
        try:
            self._socket.send(self._outgoing.read())
        except OSError:
            pass
        self._socket.close()
        self._exchange = None

    def _send(self, octets: bytes) -> None:
        try:
            n_sent = self._socket.send(octets)
        except BlockingIOError:
            n_sent = 0
        except OSError as error:
            self._lose(f"cannot write to {self._name}: {error.strerror}")
            return
        self._n_sent += n_sent
        if n_sent < len(octets):
            if not self._unsent:
                self._loop.add_writer(self._socket, self._on_writable)
            self._unsent = octets[n_sent:]
        elif self._unsent:
            self._loop.remove_writer(self._socket)
            self._unsent = b""

    def _on_writable(self) -> None:
        self._send(self._unsent)

    def _on_readable(self) -> None:
        """Read until the answer is whole or nothing is left: uvloop calls the reader of a failed socket only once.

        (libuv stops polling a descriptor that reports an error, uvloop then runs its reader a last time.) An answer
        mostly comes in one piece, so that this costs no further system call.
        """
        exchange = self._exchange
        for _ in range(_READS_A_TURN):
            if not self._receive() or self._exchange is not exchange:
                return
        # A peer that sends without end must not keep the loop from others and from its deadlines.
        self._loop.call_soon(self._read_on, exchange)

    def _read_on(self, exchange: Exchange | None) -> None:
        if exchange is not None and self._exchange is exchange:
            self._on_readable()

    def _receive(self) -> bool:
        """Take what the socket has; return whether there may be more."""
        try:
            size = self._socket.recv_into(_BUFFER)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._lose(f"connection to {self._name} lost: {error.strerror}")
            return False
        if size:
            self._incoming.write(_VIEW[:size])
        else:
            self._incoming.write_eof()
        self._decrypt()
        return size > 0 and self._is_open

    def _decrypt(self) -> None:
        """Turn what came into an answer, or into the end of the connection."""
        try:
            response = self._read_tls()
        except ResponseError as error:
            self._lose(f"{self._name}: {error.fault.value}", Trouble.BAD_ANSWER)
        except ssl.SSLEOFError:
            self._end()
        except ssl.SSLError as error:
            self._lose(f"TLS with {self._name} failed: {error.reason}", Trouble.TLS)
        else:
            if response is not None:
                self._answer(response)

    def _read_tls(self) -> Response | None:
        """Read all that has come: an answer is given out only when nothing is left that could be taken for the next."""
        response = None
        while True:
            try:
                octets: bytes = self._read(READ_SIZE)
            except ssl.SSLWantReadError:
                break
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                octets = b""
            if not octets and response is None:
                raise ssl.SSLEOFError
            if response is not None:
                response.is_reusable = False
                return response
            if self._exchange is None:
                raise ResponseError(ResponseFault.NOT_ASKED)
            response = self._reader.feed(octets)
            if not self._incoming.pending:  # one record at most was open, and READ_SIZE takes all of one
                break
        # TLS 1.3 answers a key update, before the next request at the latest: that would take it along.
        if response is None and self._outgoing.pending:
            self._send(self._unsent + self._outgoing.read())
        return response

    def _answer(self, response: Response) -> None:
        exchange = self._exchange
        if exchange is None:  # lost in between
            return
        self._exchange = None
        if self._unsent:  # answered before the request was whole
            response.is_reusable = False
        if not response.is_reusable:
            self.close()
        self._owner.connection_answered(self, exchange, response)

    def _end(self) -> None:
        """The other side has closed: that may end an answer's body."""
        try:
            response = self._reader.feed_eof()
        except ResponseError:
            self._lose(f"{self._name} closed the connection before its answer was whole")
        else:
            self._answer(response)

    def _lose(self, detail: str, trouble: Trouble = Trouble.CLOSED) -> None:
        exchange = self._exchange
        self.close()
        self._owner.connection_lost(self, exchange, Unavailable(trouble, detail), self._n_sent > 0)
