"""Opening a connection to a host of a directory: TCP, then TLS, at once or after StartTLS.

A domain's name leads to all its controllers: they race, and who has us first wins (`gateway.https.race`).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.certificates import openssl_reason
from gateway.firstfactor.directory.outcomes import said_of
from gateway.https.attempts import Attempts
from gateway.https.resolver import Address, Resolver
from gateway.https.sockets import READ_SIZE, TlsSocket, connect, new_socket, shake_hands
from gateway.ldap.ber import SEQUENCE, BerError, size_of_element
from gateway.ldap.ntlm.channel_bindings import tls_server_end_point
from gateway.ldap.requests import start_tls
from gateway.ldap.responses import ExtendedDone, read_message
from gateway.ldap.results import SUCCESS
from gateway.unavailable import Trouble, Unavailable

UNACKNOWLEDGED_MS: Final = 5_000  # what a living kernel has not acknowledged by then was sent to nobody
MAX_ANSWER: Final = 65_536  # octets, to StartTLS

_START_TLS_ID: Final = 1
_HOSTNAME_MISMATCH: Final = 62  # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH: x509_vfy.h
_ADDRESS_MISMATCH: Final = 64
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10


class Way(StrEnum):
    """How TLS begins; the value is that of the key `transport`."""

    CLEAR = "clear"
    STARTTLS = "starttls"
    LDAPS = "ldaps"


class Endpoint(NamedTuple):
    """A host and the way to it.

    Attributes:
        context: for TLS; None with `Way.CLEAR` alone.
    """

    host: str
    port: int
    way: Way
    context: ssl.SSLContext | None


class Opened(NamedTuple):
    """A connection.

    Attributes:
        tls: over the socket; None without.
        channel_bindings: what NTLM says of it; empty without.
    """

    socket: socket.socket
    tls: TlsSocket | None
    channel_bindings: bytes


async def open_ldap(endpoint: Endpoint, resolver: Resolver, timeout_s: float) -> Opened:
    """Return a connection, its certificate verified if it has TLS.

    Raises:
        Unavailable: no address would have us in time; what says most of why.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    addresses = resolver.known(endpoint.host, endpoint.port)
    if addresses is None:
        addresses = await _look_up(endpoint, resolver, timeout_s)
    if not addresses:
        raise Unavailable(Trouble.DNS, f"cannot resolve {endpoint.host}: no addresses")

    async def open_at(address: Address, came_further: Callable[[], None]) -> Opened:
        return await _open_at(address, endpoint, deadline, came_further)

    return await Attempts(resolver, endpoint.host, endpoint.port, open_at).first(addresses, deadline)


async def _look_up(endpoint: Endpoint, resolver: Resolver, timeout_s: float) -> list[Address]:
    try:
        async with asyncio.timeout(timeout_s):
            return await resolver.addresses(endpoint.host, endpoint.port)
    except TimeoutError as error:
        raise Unavailable(Trouble.DNS, f"cannot resolve {endpoint.host}: no answer in {timeout_s:.1f} s") from error


async def _open_at(address: Address, endpoint: Endpoint, deadline: float, came_further: Callable[[], None]) -> Opened:
    """Open at one address by the deadline; whatever fails closes the socket."""
    sock = new_socket(address)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    step = "connection to"
    trouble = Trouble.CONNECT
    try:
        async with asyncio.timeout_at(deadline):
            await connect(sock, address)
            came_further()
            if endpoint.context is None:
                return Opened(sock, None, b"")
            step, trouble = "TLS with", Trouble.TLS
            if endpoint.way is Way.STARTTLS:
                await _start_tls(sock, address)
                came_further()
            return await _begin_tls(sock, endpoint, endpoint.context, address)
    except TimeoutError as error:
        sock.close()
        raise Unavailable(trouble, f"no {step} {address} in time") from error
    except BaseException:
        sock.close()
        raise


async def _start_tls(sock: socket.socket, address: Address) -> None:
    """Ask for TLS. Nothing may come with the answer that TLS would not protect."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(sock, start_tls(_START_TLS_ID))
        octets = await _read_answer(sock, address)
        answer = read_message(octets)
    except BerError as error:
        raise Unavailable(Trouble.BAD_ANSWER, f"{address} does not speak LDAP: {error}") from error
    except OSError as error:
        raise Unavailable(Trouble.CLOSED, f"{address}: {error.strerror or error}") from error
    if not isinstance(answer, ExtendedDone) or answer.message_id != _START_TLS_ID:
        raise Unavailable(Trouble.BAD_ANSWER, f"{address} does not answer to StartTLS")
    if answer.result.code != SUCCESS:
        said = said_of(answer.result, None)
        text = f"{address} refuses StartTLS ({said}); does it have a certificate? See transport"
        raise Unavailable(Trouble.TLS, text)


async def _read_answer(sock: socket.socket, address: Address) -> bytes:
    loop = asyncio.get_running_loop()
    octets = b""
    while True:
        received = await loop.sock_recv(sock, READ_SIZE)
        if not received:
            raise Unavailable(Trouble.CLOSED, f"{address} closed the connection instead of beginning TLS")
        octets += received
        if octets[0] != SEQUENCE:
            raise BerError("what is no LDAP message")
        size = size_of_element(octets, 0)
        if len(octets) > MAX_ANSWER or (size and len(octets) > size):
            raise Unavailable(Trouble.BAD_ANSWER, f"{address} says more than it was asked before TLS")
        if size == len(octets):
            return octets


async def _begin_tls(sock: socket.socket, endpoint: Endpoint, context: ssl.SSLContext, address: Address) -> Opened:
    try:
        opened = await shake_hands(sock, context, endpoint.host)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _tls_trouble(error, endpoint, address) from error
    certificate = opened.tls.getpeercert(binary_form=True)
    return Opened(sock, opened, tls_server_end_point(certificate) if certificate else b"")


def _tls_trouble(error: Exception, endpoint: Endpoint, address: Address) -> Unavailable:
    """Return what a failed handshake means, and what to write instead."""
    match error:
        case ssl.SSLCertVerificationError():
            return Unavailable(Trouble.CERTIFICATE, _certificate_text(error, endpoint, address))
        case ssl.SSLZeroReturnError() | ssl.SSLEOFError() | ConnectionError():
            why = f"{address} closed the connection during the TLS handshake"
        case ssl.SSLError():
            why = f"TLS handshake with {address} failed: {openssl_reason(error)}"
        case OSError():
            why = f"TLS handshake with {address} failed: {error.strerror or error}"
        case _:
            why = f"TLS handshake with {address} failed: {error}"
    is_elsewhere = endpoint.way is Way.LDAPS and endpoint.port == _CLEAR_PORT
    return Unavailable(Trouble.TLS, f"{why}; ldaps is at port 636" if is_elsewhere else why)


_CLEAR_PORT: Final = 389


def _certificate_text(error: ssl.SSLCertVerificationError, endpoint: Endpoint, address: Address) -> str:
    reason = (error.verify_message or openssl_reason(error)).removesuffix(".")  # some of OpenSSL's are sentences
    if error.verify_code in (_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH):
        remedy = "write the name in its certificate as host=, or ssl_verify_hostname=false"
    elif error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        remedy = "see this machine's clock, and renew the certificate"
    else:
        remedy = "ssl_ca_certs_file must hold the certificate of who has issued it, or its own"
    return f"the certificate of {endpoint.host} at {address} is not believed: {reason}; {remedy}"
