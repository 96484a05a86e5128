"""Asks each home server of a `[radius_client]` whether it lives, with a Status-Server (RFC 5997): no login is tried."""

import asyncio
import os
import socket
from collections.abc import Iterable
from typing import Final

from gateway.checks.findings import Finding, Severity
from gateway.config.settings import FirstFactor, HomeServerSettings, RadiusClient, StatusServer
from gateway.firstfactor.home.addresses import Found, HostPort, as_address, nas_attribute, own_nas_attribute
from gateway.firstfactor.home.replies import ALIVE, OF_ANOTHER_SECRET, doubt
from gateway.firstfactor.home.requests import encode_probe
from gateway.radius.dictionary import AUTHENTICATOR_SIZE
from gateway.radius.discards import DecodeError
from gateway.radius.packet import decode_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble
from gateway.words.first_factors import HOME_SERVER_TROUBLES, REPLY_DISCARDS, ReplyDiscard

_OTHER_SECRET: Final = "its answers are signed with another secret"
N_TRIES: Final = 3
TRY_S: Final = 1.5
DNS_TIMEOUT_S: Final = 5.0

_NO_STATUS_SERVER: Final = (
    "try radgate login; if that works, it knows no Status-Server, as Microsoft's NPS does not: write status_server=no"
)


async def examine_first_factors(clients: Iterable[FirstFactor]) -> list[Finding]:
    """Return what each home server has answered, within some 10 s at most."""
    asked = [client for client in clients if isinstance(client, RadiusClient)]
    found = await asyncio.gather(*(_examine(client, home) for client in asked for home in client.homes))
    return [finding for findings in found for finding in findings]


async def _examine(client: RadiusClient, home: HomeServerSettings) -> list[Finding]:
    subject = f"home server {home.name} of [{client.section}]"
    found, findings = await _locate(subject, home)
    if found is None:
        return findings
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    trouble = await _ask(found, home, client)
    if trouble is None:
        text = f"it answers, and has the same secret, {(loop.time() - began_at) * 1000:.0f} ms"
        return [*findings, Finding(subject, "status-server", Severity.OK, text)]
    return [*findings, _finding(subject, trouble, client.status_server)]


async def _locate(subject: str, home: HomeServerSettings) -> tuple[Found | None, list[Finding]]:
    """Return where a home server is, and what there is to say of its name, if it has one."""
    found = as_address(HostPort(home.host, home.port))
    if found is not None:
        return found, []
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(DNS_TIMEOUT_S):
            addresses = await loop.getaddrinfo(home.host, home.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # TimeoutError is one, too
        happens, remedy = HOME_SERVER_TROUBLES[Trouble.DNS]
        why = (isinstance(error, OSError) and error.strerror) or str(error) or "no answer in time"
        return None, [Finding(subject, "dns", Severity.UNREACHABLE, f"{happens}: {why}", remedy)]
    family, _, _, _, sockaddr = addresses[0]
    shown = ", ".join(dict.fromkeys(str(each[4][0]) for each in addresses))
    return Found(family, sockaddr), [Finding(subject, "dns", Severity.OK, f"{home.host} is {shown}")]


def _finding(subject: str, trouble: Trouble, status_server: StatusServer) -> Finding:
    happens, remedy = HOME_SERVER_TROUBLES[trouble]
    if trouble is Trouble.BAD_ANSWER:
        remedy = REPLY_DISCARDS[ReplyDiscard.RESPONSE_AUTHENTICATOR_WRONG].remedy
        return Finding(subject, "status-server", Severity.PROBLEM, _OTHER_SECRET, remedy)
    if trouble is Trouble.TIMEOUT and status_server is StatusServer.NO:
        text = "it does not answer a Status-Server, as status_server=no says; whether it answers logins is not known"
        return Finding(subject, "status-server", Severity.NOTE, text, "try radgate login")
    if trouble is Trouble.TIMEOUT:
        text = "it does not answer a Status-Server; whether it answers logins is not known"
        return Finding(subject, "status-server", Severity.WARNING, text, f"{_NO_STATUS_SERVER}; else {remedy}")
    return Finding(subject, "status-server", Severity.UNREACHABLE, happens, remedy)


async def _ask(found: Found, home: HomeServerSettings, client: RadiusClient) -> Trouble | None:
    """Return why a home server does not answer as it should; None if it does."""
    own = nas_attribute(client.nas_ip) if client.nas_ip else own_nas_attribute(found)
    asked = _StatusServer(SharedSecret(home.shared_secret.octets), own)
    with socket.socket(found.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as udp:
        try:
            udp.connect(found.sockaddr)
        except OSError:  # there is no way to that address
            return Trouble.CONNECT
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: asked, sock=udp)
        try:
            return None if await _is_answered(asked, transport) else asked.trouble
        finally:
            transport.close()


async def _is_answered(asked: "_StatusServer", transport: asyncio.DatagramTransport) -> bool:
    """Send it until a right answer has come, as often as it is sent at most."""
    for _ in range(N_TRIES):
        transport.sendto(asked.octets)
        await asyncio.wait((asked.answered,), timeout=TRY_S)
        if asked.answered.done():
            return True
    return False


class _StatusServer(asyncio.DatagramProtocol):
    """A Status-Server on its way, and what has come of it.

    Attributes:
        octets: the request, as it is sent.
        answered: whether a right answer has come. Replies of another secret may be somebody else's: it is waited for.
        trouble: what is wrong if none comes.
    """

    def __init__(self, shared_secret: SharedSecret, own: bytes) -> None:
        self._shared_secret = shared_secret
        self._authenticator = os.urandom(AUTHENTICATOR_SIZE)
        self.octets = encode_probe(0, self._authenticator, shared_secret, own)
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.trouble = Trouble.TIMEOUT

    def datagram_received(self, datagram: bytes, _source: object) -> None:
        """Take a reply."""
        try:
            reason = doubt(decode_reply(datagram), ALIVE, self._authenticator, self._shared_secret, False)
        except DecodeError:
            return
        if reason in OF_ANOTHER_SECRET:
            self.trouble = Trouble.BAD_ANSWER
        elif reason is None and not self.answered.done():
            self.answered.set_result(None)

    def error_received(self, _error: Exception) -> None:
        """Hear that nobody listens: it may be starting, and the tries go on."""
        self.trouble = Trouble.CONNECT
