"""`python -m bench.peers.floor SETTINGS`: the least that Python can do for a login that asks Duo once.

A datagram in, a ready-made POST over a kept-alive TLS connection, its answer found by Content-Length, a ready-made
reply out. Nothing is decoded, checked, signed or remembered: not a gateway, but what any gateway in Python costs at
least. Sockets are read on readiness and TLS runs between two memory buffers (`ssl.MemoryBIO`); uvloop's own TLS and UDP
transports were no cheaper.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import deque

import uvloop

from bench.peers.radius_server import Address, Settings, announce, open_udp, read_settings
from gateway.radius.client import encode_access_request
from gateway.radius.dictionary import AUTHENTICATOR_SIZE, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

AUTHENTICATOR = bytes(range(AUTHENTICATOR_SIZE))  # of every request: the replies are made for it beforehand
N_CONNECTIONS = 128
_BODY = b"factor=passcode&passcode=123456&username=u000000"
_BUFFER = bytearray(65_536)
_VIEW = memoryview(_BUFFER)

Waiting = tuple[bytes, Address]  # the reply, and where it goes


class Floor:
    """Ready octets in both directions, and the connections that are idle, the last used first."""

    def __init__(self, settings: Settings, udp: socket.socket) -> None:
        self._replies = _ready_replies(SharedSecret(settings.shared_secret.encode()))
        self._receive, self._send = udp.recvfrom, udp.sendto
        self._queue: deque[Waiting] = deque()
        request, context = _ready_request(settings.api_host), ssl.create_default_context(cafile=settings.ca)
        self._idle = [Connection(settings, context, request, self) for _ in range(N_CONNECTIONS)]

    def drain(self) -> None:
        """Take what the socket has."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                datagram, address = self._receive(4096)
                waiting = self._replies[datagram[1]], address
                if self._idle:
                    self._idle.pop().ask(waiting)
                else:
                    self._queue.append(waiting)

    def answered(self, connection: "Connection", waiting: Waiting) -> None:
        """Reply, and find the connection something to do."""
        self._send(*waiting)
        if self._queue:
            connection.ask(self._queue.popleft())
        else:
            self._idle.append(connection)


class Connection:
    """One exchange after another."""

    def __init__(self, settings: Settings, context: ssl.SSLContext, request: bytes, owner: Floor) -> None:
        self._socket = socket.create_connection((settings.host, settings.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=settings.host)
        self._shake_hands()
        self._socket.setblocking(False)
        self._request = request
        self._owner = owner
        self._received = b""
        self._waiting: Waiting = b"", ("", 0)
        asyncio.get_running_loop().add_reader(self._socket, self._on_readable)

    def ask(self, waiting: Waiting) -> None:
        """Send the request that is sent for everybody."""
        self._waiting = waiting
        self._tls.write(self._request)
        self._socket.send(self._outgoing.read())

    def _on_readable(self) -> None:
        self._incoming.write(_VIEW[: self._socket.recv_into(_BUFFER)])
        try:
            received = self._received + self._tls.read(65_536)
        except ssl.SSLWantReadError:  # a session ticket
            return
        self._received = b"" if _is_whole(received) else received
        if not self._received:
            self._owner.answered(self, self._waiting)

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._socket.sendall(self._outgoing.read())
                self._incoming.write(self._socket.recv(65_536))
        self._socket.sendall(self._outgoing.read())


def _is_whole(response: bytes) -> bool:
    """Whether the body is as long as the head says."""
    end = response.find(b"\r\n\r\n")
    start = response.find(b"Content-Length: ") + 16
    return end >= 0 and len(response) >= end + 4 + int(response[start : response.find(b"\r", start)])


def _ready_request(api_host: str) -> bytes:
    head = f"POST /auth/v2/auth HTTP/1.1\r\nHost: {api_host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY


def _ready_replies(shared_secret: SharedSecret) -> list[bytes]:
    """Return an Access-Accept for each Identifier, right for requests with our `AUTHENTICATOR`."""
    requests = [encode_access_request(each, AUTHENTICATOR, shared_secret, b"u", b"p") for each in range(256)]
    return [encode_reply(Code.ACCESS_ACCEPT, decode_packet(each), shared_secret, "Success.") for each in requests]


async def serve(settings: Settings) -> None:
    """Serve until the process is ended."""
    udp = open_udp()
    udp.setblocking(False)
    asyncio.get_running_loop().add_reader(udp, Floor(settings, udp).drain)
    announce(udp)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(read_settings()))
