"""What no section can see on its own: clients and applications of several sections that contradict each other."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from gateway.config.problems import Problem
from gateway.config.scope import Scope
from gateway.config.secret_keys import SKEY
from gateway.config.settings import ClientSettings, ServerSettings


class ServedSection(NamedTuple):
    """A server section's settings, and the scope that still knows its lines."""

    settings: ServerSettings
    scope: Scope


class _Network(NamedTuple):
    """A network and the client that it belongs to; the first fields put a network after all that contain it."""

    version: int
    first: int
    negative_last: int
    text: str
    client: ClientSettings
    served: ServedSection

    def contains(self, other: "_Network") -> bool:
        """Whether a network that comes later in the order lies within this one."""
        return self.version == other.version and self.negative_last <= other.negative_last

    def __str__(self) -> str:
        return f"[{self.served.settings.section}] {self.client.name} ({self.text})"


def overlap_problems(served: list[ServedSection]) -> Iterator[Problem]:
    """Yield one problem for every two sections on one port and interface that have the same RADIUS client.

    Networks contain each other or are apart. So one walk in order of their first address will do, with a stack of
    the networks around the present one: the cost grows with n log n, and the stack is as deep as networks are nested.
    """
    by_port = defaultdict(list)
    for section in served:
        by_port[section.settings.port].append(section)
    for sections in by_port.values():
        if len(sections) > 1:
            yield from _port_problems(sections)


def application_problems(served: list[ServedSection]) -> Iterator[Problem]:
    """Yield a problem for every section that gives a Duo application another skey than an earlier section did."""
    known: dict[tuple[str, str], ServerSettings] = {}
    for settings, scope in served:
        application = settings.application
        if not application.secret_key.octets:
            continue
        first = known.setdefault((application.api_host, application.ikey), settings)
        if application.secret_key != first.application.secret_key:
            entry = scope.entries(*SKEY.all)[0]
            text = f"[{first.section}] has the same api_host and ikey but another skey; write the same skey in both"
            yield Problem(entry.section, entry.key, text, entry.line)


def _port_problems(sections: list[ServedSection]) -> Iterator[Problem]:
    around: list[_Network] = []
    reported = set()
    for network in sorted(_networks(sections), key=lambda network: network[:3]):
        while around and not around[-1].contains(network):
            around.pop()
        for other in around:
            pair = frozenset({network.served.settings.section, other.served.settings.section})
            if len(pair) == 2 and pair not in reported and _share_interface(network.served, other.served):
                reported.add(pair)
                yield _overlap(network, other)
        around.append(network)


def _networks(sections: list[ServedSection]) -> Iterator[_Network]:
    for served in sections:
        for client in served.settings.clients:
            for text in client.networks:
                parsed = ip_network(text)
                first, last = int(parsed.network_address), int(parsed.broadcast_address)
                yield _Network(parsed.version, first, -last, text, client, served)


def _share_interface(one: ServedSection, other: ServedSection) -> bool:
    """Whether one datagram could be meant for both."""
    interfaces = {one.settings.interface, other.settings.interface}
    if len(interfaces) == 1 or interfaces & {None, "::"}:
        return True
    return "0.0.0.0" in interfaces and all(ip_address(text).version == 4 for text in interfaces if text)  # noqa: S104


def _overlap(network: _Network, other: _Network) -> Problem:
    earlier, later = sorted((network, other), key=_line)
    port = later.served.settings.port
    text = f"{later} overlaps {earlier}, both on port {port}; write another port in one section, or remove one of them"
    entry = later.served.scope.entries(later.client.name)[0]
    return Problem(entry.section, entry.key, text, entry.line)


def _line(network: _Network) -> int:
    return network.served.scope.entries(network.client.name)[0].line
