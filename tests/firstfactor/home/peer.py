"""A home server of a test: a UDP socket that answers by script."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gateway.firstfactor.home.addresses import HostPort
from gateway.firstfactor.home.client import HomeClient
from gateway.firstfactor.home.server import HomeServer, Limits
from gateway.radius.dictionary import Code
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

SECRET = b"theHomeServersSecret"
Script = Callable[[Packet], Code | None]


def accept(_: Packet) -> Code:
    return Code.ACCESS_ACCEPT


def be_silent(_: Packet) -> None:
    """Answer nothing."""


class Peer:
    """One that listens, and the packets that have come."""

    def __init__(self, script: Script = accept, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.udp.bind((host, port))
        self.script = script
        self.packets: list[Packet] = []
        self.sources: list[Any] = []
        self.home = HostPort(host, self.udp.getsockname()[1])
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.udp.fileno(), self._read)

    def _read(self) -> None:
        datagram, source = self.udp.recvfrom(4096)
        packet = decode_packet(datagram)
        self.packets.append(packet)
        self.sources.append(source)
        code = self.script(packet)
        if code is not None:
            self.udp.sendto(encode_reply(code, packet, SharedSecret(SECRET)), source)

    def close(self) -> None:
        if self.udp.fileno() >= 0:
            self._loop.remove_reader(self.udp.fileno())
            self.udp.close()


@contextmanager
def peers(*scripts: Script, host: str = "127.0.0.1") -> Iterator[list[Peer]]:
    """Some that listen, each by its script."""
    found = [Peer(script, host) for script in scripts]
    try:
        yield found
    finally:
        for peer in found:
            peer.close()


@contextmanager
def client_of(homes: Sequence[HostPort], limits: Limits = Limits(), **how: Any) -> Iterator[HomeClient]:  # noqa: B008
    """A client of home servers that need not be there."""
    servers = [
        HomeServer(number, f"{home.host}:{home.port}", SharedSecret(SECRET)) for number, home in enumerate(homes)
    ]
    client = HomeClient(servers, homes, limits, **how)
    client.start()
    try:
        yield client
    finally:
        client.close()
