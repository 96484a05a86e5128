"""What no section can see on its own: clients and applications of several sections that contradict each other, and home
servers that are this gateway.
"""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from gateway.config.listening import local_hosts
from gateway.config.nesting import nested
from gateway.config.problems import Place, Problem
from gateway.config.scope import Scope
from gateway.config.secret_keys import NEXT_SKEY, SKEY
from gateway.config.settings import ClientSettings, FirstFactor, HomeServerSettings, RadiusClient, ServerSettings
from gateway.config.values import Network, is_loopback


class ServedSection(NamedTuple):
    """A server section's settings, and the scope that still knows its lines."""

    settings: ServerSettings
    scope: Scope


class ClientSection(NamedTuple):
    """A client section's settings, and the scope that still knows its lines."""

    settings: FirstFactor
    scope: Scope


class _Claim(NamedTuple):
    """A network, and the client and section that it belongs to."""

    network: Network
    client: ClientSettings
    served: ServedSection

    def __str__(self) -> str:
        return f"[{self.served.settings.section}] {self.client.name} ({self.network})"


def overlap_problems(served: list[ServedSection]) -> Iterator[Problem]:
    """Yield one problem for every two sections on one port and interface that have the same RADIUS client."""
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
            yield Problem(entry.section, entry.key, text, entry.place)
        elif application.next_secret_key != first.application.next_secret_key:
            entry = (scope.entries(*NEXT_SKEY.all) or scope.entries(*SKEY.all))[0]
            text = f"[{first.section}] has the same application but another skey_next, or one of the two has none"
            yield Problem(entry.section, entry.key, f"{text}; write the same in both", entry.place)


def loop_problems(clients: list[ClientSection], served: list[ServedSection]) -> Iterator[Problem]:
    """Yield a problem for every home server at whose address a section of ours listens: it would ask itself."""
    for settings, scope in clients:
        if isinstance(settings, RadiusClient):
            for home in settings.homes:
                yield from _loops(home, scope, served)


def _loops(home: HomeServerSettings, scope: Scope, served: list[ServedSection]) -> Iterator[Problem]:
    owner = next((each.settings.section for each in served if _listens_at(each.settings, home)), None)
    if owner is None:
        return
    entry = scope.entries(home.key)[0]
    text = f"{home.name} is where [{owner}] of this file listens: the gateway would ask itself"
    yield Problem(entry.section, entry.key, f"{text}; write the server that checks passwords, or its port", entry.place)


def _listens_at(server: ServerSettings, home: HomeServerSettings) -> bool:
    """Whether a section listens at an address, as far as the file tells: what is not this machine's own is no loop."""
    if server.port != home.port:
        return False
    for _, local in local_hosts(server):
        if local == home.host or (is_loopback(home.host) and (home.host == "localhost" or _covers(local, home.host))):
            return True
    return False


def _covers(local: str, host: str) -> bool:
    """Whether `local` is every address of the family of `host`."""
    there = ip_address(local)
    return there.is_unspecified and there.version == ip_address(host).version


def _port_problems(sections: list[ServedSection]) -> Iterator[Problem]:
    reported = set()
    for claim, around in nested(_claims(sections), lambda each: each.network):
        for other in around:
            pair = frozenset({claim.served.settings.section, other.served.settings.section})
            if len(pair) == 2 and pair not in reported and _share_interface(claim.served, other.served):
                reported.add(pair)
                yield _overlap(claim, other)


def _claims(sections: list[ServedSection]) -> Iterator[_Claim]:
    for served in sections:
        for client in served.settings.clients:
            for text in client.networks:
                yield _Claim(ip_network(text), client, served)


def _share_interface(one: ServedSection, other: ServedSection) -> bool:
    """Whether one datagram could be meant for both."""
    interfaces = {one.settings.interface, other.settings.interface}
    if len(interfaces) == 1 or interfaces & {None, "::"}:
        return True
    return "0.0.0.0" in interfaces and all(ip_address(text).version == 4 for text in interfaces if text)  # noqa: S104


def _overlap(one: _Claim, other: _Claim) -> Problem:
    earlier, later = sorted((one, other), key=_place)
    port = later.served.settings.port
    text = f"{later} overlaps {earlier}, both on port {port}; write another port in one section, or remove one of them"
    entry = later.served.scope.entries(later.client.name)[0]
    return Problem(entry.section, entry.key, text, entry.place)


def _place(claim: _Claim) -> Place:
    return claim.served.scope.entries(claim.client.name)[0].place
