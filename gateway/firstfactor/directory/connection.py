"""The octets of one connection, within TLS or clear. The socket is read on readiness, as `https.connection` does it."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

from gateway.firstfactor.directory.opening import Opened
from gateway.https.sockets import READ_SIZE

OnOctets = Callable[[int, bytes], None]
"""Is told the connection's number and what has come."""
OnLost = Callable[[int, str, bool], None]
"""Is told its number, why it is closed, and whether before anything of what was to be sent last had left."""

MAX_UNSENT: Final = 1 << 20  # octets that the socket has not taken

_READS_A_TURN: Final = 32
_BUFFER: Final = bytearray(65_536)  # for all connections: nothing stays in it
_VIEW: Final = memoryview(_BUFFER)


class DirectoryConnection:
    """Writes and reads."""

    __slots__ = (
        "_incoming", "_is_open", "_loop", "_number", "_on_lost", "_on_octets", "_outgoing", "_read", "_socket", "_tls",
        "_unsent", "_write",
    )  # fmt: skip

    def __init__(
        self, number: int, opened: Opened, on_octets: OnOctets, on_lost: OnLost, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Take over an opened connection; `number` is what its owner knows it by."""
        self._number = number
        self._socket = opened.socket
        self._on_octets = on_octets
        self._on_lost = on_lost
        self._loop = loop
        self._unsent = b""
        self._is_open = True
        self._tls: ssl.SSLObject | None = None
        if opened.tls is not None:
            self._tls = opened.tls.tls
            below: Any = getattr(opened.tls.tls, "_sslobj", opened.tls.tls)  # in C; what lies over it is Python
            self._read, self._write = below.read, below.write
            self._incoming, self._outgoing = opened.tls.incoming, opened.tls.outgoing
        loop.add_reader(self._socket, self._on_readable)

    def send(self, octets: bytes, *, looks: bool) -> None:
        """Write octets; if `looks`, only if nothing has come on this idle connection, not even its end: else its owner
        hears that nothing has left.
        """
        if looks and not self._is_quiet():
            self._lose("closed the connection", is_unsent=True)
        if self._is_open:
            self._write_out(octets)

    def _is_quiet(self) -> bool:
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        """Close without telling the owner. The other side is told by TLS, as a courtesy, if the socket takes it."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._socket)
        if self._unsent:
            self._loop.remove_writer(self._socket)
        if self._tls is not None:
            try:
                self._tls.unwrap()
            except (ssl.SSLError, ValueError):
                pass
            try:
                self._socket.send(self._outgoing.read())
            except OSError:
                pass
        self._socket.close()

    def _write_out(self, octets: bytes) -> None:
        if self._tls is not None:
            try:
                self._write(octets)
            except ssl.SSLError as error:
                self._lose(f"TLS failed: {error.reason}")
                return
            octets = self._outgoing.read()
        self._put(self._unsent + octets if self._unsent else octets)

    def _put(self, octets: bytes) -> None:
        try:
            n_sent = self._socket.send(octets)
        except (BlockingIOError, InterruptedError):
            n_sent = 0
        except OSError as error:
            self._lose(f"cannot be written to: {error.strerror}", is_unsent=not self._unsent)
            return
        rest = octets[n_sent:]
        if len(rest) > MAX_UNSENT:
            self._lose("does not read what it is sent")
        elif rest and not self._unsent:
            self._loop.add_writer(self._socket, self._on_writable)
        elif self._unsent and not rest:
            self._loop.remove_writer(self._socket)
        self._unsent = rest

    def _on_writable(self) -> None:
        self._put(self._unsent)

    def _on_readable(self) -> None:
        """Read until nothing is left. uvloop calls the reader of a failed socket only once more: what comes before a
        reset must not hide it.
        """
        for _ in range(_READS_A_TURN):
            if not self._is_open or not self._receive():
                return
        # A peer that sends without end must not keep the loop from others and from its deadlines.
        if self._is_open:
            self._loop.call_soon(self._on_readable)

    def _receive(self) -> bool:
        """Take what the socket has; return whether there may be more."""
        try:
            size = self._socket.recv_into(_BUFFER)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._lose(f"lost the connection: {error.strerror}")
            return False
        if self._tls is not None:
            if size:
                self._incoming.write(_VIEW[:size])
            else:
                self._incoming.write_eof()
            self._decrypt()
        elif size:
            self._on_octets(self._number, bytes(_VIEW[:size]))
        else:
            self._lose("closed the connection")
        return size > 0

    def _decrypt(self) -> None:
        """Hand on what TLS held; after its end the connection is over."""
        parts: list[bytes] = []
        end = ""
        try:
            while part := self._read(READ_SIZE):
                parts.append(part)
            end = "closed the connection"
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            end = "closed the connection"
        except ssl.SSLError as error:
            end = f"TLS failed: {error.reason}"
        if parts:
            self._on_octets(self._number, parts[0] if len(parts) == 1 else b"".join(parts))
        if not self._is_open:
            return
        if end:
            self._lose(end)
        elif self._outgoing.pending:  # an answer of TLS's own: to a key update
            self._put(self._unsent + self._outgoing.read())

    def _lose(self, text: str, *, is_unsent: bool = False) -> None:
        if self._is_open:
            self.close()
            self._on_lost(self._number, text, is_unsent)
