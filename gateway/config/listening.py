"""Which addresses to listen on, and which sections each of them serves: the same list in supervisor and workers."""

import socket
from ipaddress import ip_address
from typing import NamedTuple

from gateway.config.settings import ServerSettings, Settings

_EVERY_ADDRESS = {int(socket.AF_INET): "0.0.0.0", int(socket.AF_INET6): "::"}  # noqa: S104 -- Duo's default


class ListeningAddress(NamedTuple):
    """One UDP address; `servers` are the sections whose clients are known there."""

    family: int
    host: str
    port: int
    servers: tuple[ServerSettings, ...]

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.family == socket.AF_INET6 else f"{self.host}:{self.port}"


def listening_addresses(settings: Settings) -> list[ListeningAddress]:
    """Return the addresses in the order of the file; the index of each is the listener's number everywhere.

    A section without `interface` listens on every address of the families that its `radius_ip_N` belong to. The kernel
    hands a datagram to the socket that is bound to its address rather than to the one for all, so that such a section
    is served on the addresses that others name, too.
    """
    found: dict[tuple[int, str, int], list[ServerSettings]] = {}
    for server in settings.servers:
        for family, host in _hosts(server):
            found.setdefault((family, host, server.port), []).append(server)
    for (family, host, port), servers in found.items():
        everywhere = found.get((family, _EVERY_ADDRESS[family], port), [])
        servers.extend(server for server in everywhere if host != _EVERY_ADDRESS[family] and server not in servers)
    return [ListeningAddress(family, host, port, tuple(servers)) for (family, host, port), servers in found.items()]


def _hosts(server: ServerSettings) -> list[tuple[int, str]]:
    if server.interface is not None:
        is_ipv6 = ip_address(server.interface).version == 6
        return [(int(socket.AF_INET6 if is_ipv6 else socket.AF_INET), server.interface)]
    networks = [network for client in server.clients for network in client.networks]
    hosts = []
    if any(":" not in network for network in networks):
        hosts.append((int(socket.AF_INET), _EVERY_ADDRESS[socket.AF_INET]))
    if any(":" in network for network in networks):
        hosts.append((int(socket.AF_INET6), _EVERY_ADDRESS[socket.AF_INET6]))
    return hosts
