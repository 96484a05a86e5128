"""Opening a connection: TCP, through a proxy if there is one, then TLS, at whichever address has us first.

A TCP, proxy or TLS failure moves on to the next address (a load balancer may fail on one address alone), and so does
silence, without giving up the one that may be slow (`gateway.https.race`).
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.brackets import bracketed, with_port
from gateway.http1.connect import ConnectAnswer, ConnectError, connect_request, read_connect_answer
from gateway.https.attempts import Attempts
from gateway.https.resolver import Address, Resolver
from gateway.https.sockets import READ_SIZE, TlsSocket, connect, new_socket, shake_hands
from gateway.https.tls import TrustStore, tls_trouble
from gateway.unavailable import Trouble, Unavailable

PROXY_AUTHENTICATION_REQUIRED = 407


class Proxy(NamedTuple):
    """An HTTP proxy that opens tunnels (CONNECT)."""

    host: str
    port: int


class Endpoint(NamedTuple):
    """A TLS server and the way to it."""

    host: str
    port: int
    proxy: Proxy | None
    trust: TrustStore
    connect_timeout_s: float

    @property
    def url(self) -> str:
        """Its address with the port, whichever that is."""
        return f"https://{with_port(self.host, self.port)}"

    def __str__(self) -> str:
        return bracketed(self.host) if self.port == 443 else with_port(self.host, self.port)


async def open_tls(endpoint: Endpoint, resolver: Resolver, session: ssl.SSLSession | None = None) -> TlsSocket:
    """Return a connection to `endpoint`, its certificate verified.

    With the `session` of an earlier connection to it the server may spare both sides the certificate, which was
    verified then: a quarter of what a handshake costs us (0.7 instead of 0.95 ms).

    Raises:
        Unavailable: no address would have us in time; what says most of why.
    """
    deadline = asyncio.get_running_loop().time() + endpoint.connect_timeout_s
    host, port = endpoint.proxy or (endpoint.host, endpoint.port)
    addresses = await find_addresses(endpoint, resolver, endpoint.connect_timeout_s)
    if not addresses:
        raise Unavailable(Trouble.DNS, f"cannot resolve {host}: no addresses")

    async def open_at(address: Address, came_further: Callable[[], None]) -> TlsSocket:
        return await _open_at(address, endpoint, session, deadline, came_further)

    return await Attempts(resolver, host, port, open_at).first(addresses, deadline)


async def find_addresses(endpoint: Endpoint, resolver: Resolver, timeout_s: float) -> list[Address]:
    """Return where to connect to: the proxy if there is one.

    Raises:
        Unavailable: it has no address, or DNS does not answer in time.
    """
    host, port = endpoint.proxy or (endpoint.host, endpoint.port)
    with _blaming_proxy(endpoint, host):
        try:
            async with asyncio.timeout(timeout_s):
                return await resolver.addresses(host, port)
        except TimeoutError as error:
            raise Unavailable(Trouble.DNS, f"cannot resolve {host}: no answer within {timeout_s:.1f} s") from error


@contextlib.contextmanager
def _blaming_proxy(endpoint: Endpoint, proxy: object) -> Iterator[None]:
    """Where there is a proxy, it is what cannot be reached: its failures are none of the host's name, port or route."""
    try:
        yield
    except Unavailable as failure:
        if endpoint.proxy is None or failure.trouble is Trouble.BUSY:
            raise
        raise Unavailable(Trouble.PROXY, f"proxy {proxy}: {failure.detail}") from failure


async def _open_at(
    address: Address,
    endpoint: Endpoint,
    session: ssl.SSLSession | None,
    deadline: float,
    came_further: Callable[[], None],
) -> TlsSocket:
    """Open at one address by the deadline; whatever fails closes the socket."""
    left_s = max(0.0, deadline - asyncio.get_running_loop().time())
    sock = new_socket(address)
    trouble = Trouble.CONNECT if endpoint.proxy is None else Trouble.PROXY  # until there is a way
    try:
        async with asyncio.timeout(left_s):
            with _blaming_proxy(endpoint, address):
                await connect(sock, address)
            came_further()
            if endpoint.proxy is not None:
                await _open_tunnel(sock, endpoint, address)
                came_further()
            trouble = Trouble.TIMEOUT
            return await _shake_hands(sock, endpoint, session, address)
    except TimeoutError as error:
        sock.close()
        text = f"no connection to {_peer(endpoint, address)} within {left_s:.1f} s"
        raise Unavailable(trouble, text) from error
    except BaseException:
        sock.close()
        raise


async def _open_tunnel(sock: socket.socket, endpoint: Endpoint, address: Address) -> None:
    try:
        answer = await _ask_proxy(sock, endpoint)
    except ConnectError as error:
        raise Unavailable(Trouble.PROXY, f"proxy {address}: {error}") from error
    except OSError as error:
        raise Unavailable(Trouble.PROXY, f"proxy {address}: {error.strerror or error}") from error
    if answer is None:
        raise Unavailable(Trouble.PROXY, f"proxy {address} closed the connection instead of answering")
    said = f"{answer.http_status} {answer.reason}".rstrip()
    if answer.http_status == PROXY_AUTHENTICATION_REQUIRED:
        text = f"asks for a user name and password ({said}), which radgate does not send"
        raise Unavailable(Trouble.PROXY, f"proxy {address} {text}: let it pass {endpoint.host} without")
    if answer.http_status // 100 != 2:
        text = f"refused a tunnel to {endpoint.host}:{endpoint.port}: {said}"
        raise Unavailable(Trouble.PROXY, f"proxy {address} {text}")


async def _ask_proxy(sock: socket.socket, endpoint: Endpoint) -> ConnectAnswer | None:
    """Ask for a tunnel; return the answer, None if the proxy closes the connection before that is whole."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, connect_request(endpoint.host, endpoint.port))
    octets, answer = b"", None
    while answer is None:
        received = await loop.sock_recv(sock, READ_SIZE)
        if not received:
            return None
        octets += received
        answer = read_connect_answer(octets)
    return answer


async def _shake_hands(
    sock: socket.socket, endpoint: Endpoint, session: ssl.SSLSession | None, address: Address
) -> TlsSocket:
    try:
        return await shake_hands(sock, endpoint.trust.context, endpoint.host, session)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise tls_trouble(error, _peer(endpoint, address), endpoint.trust) from error


def _peer(endpoint: Endpoint, address: Address) -> str:
    via = " through proxy" if endpoint.proxy is not None else " at"
    return f"{endpoint}{via} {address}"
