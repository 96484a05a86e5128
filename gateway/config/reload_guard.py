"""Whether a reload would take away so much that the file is rather cut off than meant so. Pure.

What has another name now does not go: a section whose settings stand under another name, a client whose addresses ask
elsewhere. Where there is one section alone, or one client, it may be replaced; where there are two sections, one may go
with all its clients.
"""

from msgspec.structs import replace

from gateway.config.changes import Changes, client_name
from gateway.config.changes_told import named
from gateway.config.settings import Settings

FEW_SECTIONS = 2
"""Up to so many, the clients of one that goes are not counted again."""


def refusal(before: Settings, after: Settings, changes: Changes) -> str:
    """Return why a reload is refused, if more would go than `reload_guard` of the settings before lets go; else ''."""
    percent = before.gateway.reload_guard
    sections = _lost_sections(before, after, changes)
    few = sections if len(before.servers) <= FEW_SECTIONS else []
    clients = [name for section, name in _lost_clients(before, after, changes) if section not in few]
    kinds = (("sections", sections, changes.sections.before), ("clients", clients, changes.clients.before))
    lost = [
        f"{len(names):,} of {n_before:,} {kind} would go: {named(names, len(names))}"
        for kind, names, n_before in kinds
        if n_before > 1 and len(names) * 100 > percent * n_before
    ]
    if not percent or not lost:
        return ""
    return (
        f"{'; '.join(lost)}; that is more than reload_guard={percent} percent; if it is meant: radgate reload --force"
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
