"""Whether a reload would take away so much that the file is rather cut off than meant so. Pure.

What has another name now does not go: a section whose settings stand under another name, a client whose addresses ask
elsewhere. Where there is one section alone, or one client, it may be replaced; where there are two sections, one may go
with all its clients.
"""

from typing import NamedTuple

from msgspec.structs import replace

from gateway.config.changes import Changes, client_name
from gateway.config.changes_told import named
from gateway.config.settings import Settings

FEW_SECTIONS = 2
"""Up to so many, the clients of one that goes are not counted again."""


class _Loss(NamedTuple):
    """Which of one kind would go, of so many."""

    kind: str
    names: list[str]
    n_before: int

    def is_beyond(self, percent: int) -> bool:
        return self.n_before > 1 and len(self.names) * 100 > percent * self.n_before

    def __str__(self) -> str:
        return f"{len(self.names):,} of {self.n_before:,} {self.kind} would go"


def refusal(before: Settings, after: Settings, changes: Changes) -> str:
    """Return why a reload is refused, if more would go than `reload_guard` of the settings before lets go; else ''."""
    percent = before.gateway.reload_guard
    lost = [loss for loss in _losses(before, after, changes) if loss.is_beyond(percent)]
    if not percent or not lost:
        return ""
    names = [*map(changes.called, lost[0].names)]
    more = f"more than reload_guard={percent} percent; if it is meant: radgate reload --force"
    return f"{' and '.join(map(str, lost))} ({named(names, len(names))}), {more}"


def _losses(before: Settings, after: Settings, changes: Changes) -> tuple[_Loss, _Loss]:
    sections, clients = _lost_sections(before, after, changes), _lost_clients(before, after, changes)
    counted_already = sections if len(before.servers) <= FEW_SECTIONS else []
    names = [name for section, name in clients if section not in counted_already]
    return (
        _Loss("sections", sections, changes.sections.before),
        _Loss("clients", names, changes.clients.before),
    )


def _lost_sections(before: Settings, after: Settings, changes: Changes) -> list[str]:
    removed = frozenset(changes.sections.removed)
    added = frozenset(changes.sections.added)
    stays = {replace(server, section="") for server in after.servers if server.section in added}
    return [
        server.section
        for server in before.servers
        if server.section in removed and replace(server, section="") not in stays
    ]


def _lost_clients(before: Settings, after: Settings, changes: Changes) -> list[tuple[str, str]]:
    removed = frozenset(changes.clients.removed)
    stays = {network for server in after.servers for client in server.clients for network in client.networks}
    return [
        (server.section, name)
        for server in before.servers
        for client in server.clients
        if (name := client_name(server, client)) in removed and stays.isdisjoint(client.networks)
    ]
