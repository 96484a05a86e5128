"""TCP connections, and TLS handshakes on them, for whoever opens some; what may fail is told in plain words."""

import asyncio
import errno
import os
import socket
import ssl
from typing import Final, NamedTuple

from gateway.https.resolver import Address
from gateway.unavailable import Trouble, Unavailable

READ_SIZE: Final = 16_384  # octets: the most that a TLS record holds (RFC 8446 section 5.1)


class TlsSocket(NamedTuple):
    """A connected socket with an established TLS session between two memory buffers."""

    socket: socket.socket
    tls: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO


def new_socket(address: Address) -> socket.socket:
    """Return a TCP socket for an address, not connected yet.

    Raises:
        Unavailable: there is none to be had.
    """
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:  # too many open files, or no such family
        is_ours = error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
        trouble = Trouble.BUSY if is_ours else Trouble.CONNECT
        raise Unavailable(trouble, f"cannot open a socket: {error.strerror}") from error
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A long poll may wait for a minute: the kernel looks whether the other side is still there, within half of one.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    return sock


async def connect(sock: socket.socket, address: Address) -> None:
    """Connect a new socket.

    Raises:
        Unavailable: nobody is there, or there is no way.
    """
    try:
        await connect_at_once(sock, address)
    except ConnectionRefusedError as error:
        raise Unavailable(Trouble.CONNECT, f"connection refused by {address}") from error
    except OSError as error:
        raise Unavailable(Trouble.CONNECT, f"cannot connect to {address}: {error.strerror or error}") from error


async def connect_at_once(sock: socket.socket, address: Address) -> None:
    """Connect a new socket without a look-up: uvloop's own `sock_connect` asks for the address's address, in one of the
    few threads that wait for DNS.

    Raises:
        OSError: why not.
    """
    code = sock.connect_ex(address.sockaddr)
    if code == errno.EINPROGRESS:
        await _writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, _tell, ready)
    try:
        await ready
    finally:
        loop.remove_writer(sock)


def _tell(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def shake_hands(
    sock: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None = None
) -> TlsSocket:
    """Begin TLS on a connected socket with a server of this name. The server is told what it is refused for.

    Raises:
        OSError: it failed; mostly `ssl.SSLError`.
        ValueError: a host name that TLS cannot carry.
    """
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=host, session=session)
        while not _is_done(tls):
            await loop.sock_sendall(sock, outgoing.read())
            received = await loop.sock_recv(sock, READ_SIZE)
            if received:
                incoming.write(received)
            else:
                incoming.write_eof()
        if outgoing.pending:
            await loop.sock_sendall(sock, outgoing.read())
    except (OSError, ValueError):
        _send_alert(sock, outgoing)
        raise
    return TlsSocket(sock, tls, incoming, outgoing)


def _is_done(tls: ssl.SSLObject) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _send_alert(sock: socket.socket, outgoing: ssl.MemoryBIO) -> None:
    """Tell the server why, as TLS wishes; it may be gone."""
    if outgoing.pending:
        try:
            sock.send(outgoing.read())
        except OSError:
            pass
