"""Which addresses to listen on, and which sections each of them serves: the same list in supervisor and workers."""

import socket
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from gateway.brackets import with_port
from gateway.config.settings import ServerSettings, Settings
from gateway.words.english import counted

MOST_LISTED = 3  # addresses, or runs of ports, that a line of text names

_EVERY_ADDRESS = {int(socket.AF_INET): "0.0.0.0", int(socket.AF_INET6): "::"}  # noqa: S104 -- Duo's default


class ListeningAddress(NamedTuple):
    """One UDP address; `servers` are the sections whose clients are known there."""

    family: int
    host: str
    port: int
    servers: tuple[ServerSettings, ...]

    def __str__(self) -> str:
        return with_port(self.host, self.port)


def listening_addresses(settings: Settings) -> list[ListeningAddress]:
    """Return the addresses in the order of the file; the index of each is the listener's number everywhere.

    A section without `interface` listens on every address of the families that its `radius_ip_N` belong to. The kernel
    hands a datagram to the socket that is bound to its address rather than to the one for all, so that such a section
    is served on the addresses that others name, too.
    """
    found: dict[tuple[int, str, int], list[ServerSettings]] = {}
    for server in settings.servers:
        for family, host in local_hosts(server):
            found.setdefault((family, host, server.port), []).append(server)
    for (family, host, port), servers in found.items():
        everywhere = found.get((family, _EVERY_ADDRESS[family], port), [])
        servers.extend(server for server in everywhere if host != _EVERY_ADDRESS[family] and server not in servers)
    return [ListeningAddress(family, host, port, tuple(servers)) for (family, host, port), servers in found.items()]


def in_words(addresses: Sequence[ListeningAddress], protocol: str = "") -> str:
    """Return up to three addresses, `protocol` in front of each; of more their number and their ports.

    Successive ports of a host are told as one run: `200 ports (0.0.0.0:22000 to 22199)`.
    """
    if len(addresses) <= MOST_LISTED:
        return ", ".join(f"{protocol}{address}" for address in addresses)
    runs = list(_runs(addresses))
    told = [f"{run[0]} to {run[-1].port}" if len(run) > 1 else str(run[0]) for run in runs[:MOST_LISTED]]
    if n_left := sum(map(len, runs[MOST_LISTED:])):
        told.append(f"and {n_left:,} more")
    noun = "ports" if len({address.host for address in addresses}) == 1 else "addresses"
    return f"{len(addresses):,} {noun} ({', '.join(told)})"


def served_in_words(settings: Settings, protocol: str = "") -> str:
    """Return the addresses, as `in_words` does; where they are too many to be listed, how many sections they serve."""
    addresses = listening_addresses(settings)
    where = in_words(addresses, protocol)
    if len(addresses) <= MOST_LISTED:
        return where
    return f"{counted(len(settings.servers), 'server section')} on {where}"


def _runs(addresses: Iterable[ListeningAddress]) -> Iterator[list[ListeningAddress]]:
    """Yield addresses of one host and successive ports: hosts in the order of the file, ports in theirs."""
    by_host: dict[str, list[ListeningAddress]] = {}
    for address in addresses:
        by_host.setdefault(address.host, []).append(address)
    for found in by_host.values():
        run: list[ListeningAddress] = []
        for address in sorted(found, key=lambda each: each.port):
            if run and address.port != run[-1].port + 1:
                yield run
                run = []
            run.append(address)
        yield run


def local_hosts(server: ServerSettings) -> list[tuple[int, str]]:
    """Return the family and the address of each socket that a section needs."""
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
