"""Settings into parts: the only place where the worker's parts meet the configuration."""

import secrets
from collections.abc import Mapping

from gateway.config.listening import ListeningAddress
from gateway.config.login_client import (
    login_client_secret,
    login_client_source,
)
from gateway.config.settings import DUO_ONLY_CLIENT, ServerSettings, Settings
from gateway.engine.challenges.memory import ChallengeMemory
from gateway.engine.digests import Digests
from gateway.engine.engine import Engine
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.nas import Nas, NasTable, Section
from gateway.engine.rotation import Rotation
from gateway.engine.rules import FailMode, rules_of
from gateway.engine.sharing import FleetNames
from gateway.ipc.plan import application_key, pending_share
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import SecretUses, SectionCounters, unnoted
from gateway.worker.modes import build_mode
from gateway.worker.reports import EventSection

FLEET = "fleet"  # the name under which the worker holds whoever asks it; no application's, which has a colon
_MAX_REPLIES = 100_000  # replies kept for retransmissions, oldest out first


def build_engine(
    settings: Settings,
    tables: list[NasTable],
    digests: Digests,
    n_workers: int,
    n_buckets: int = 1,
    names: FleetNames | None = None,
) -> Engine:
    """Return the engine of one of `n_workers` workers: each takes its share of `max_pending`."""
    return Engine(
        tables,
        digests,
        max_pending=pending_share(settings, n_workers),
        duplicate_window_s=settings.gateway.duplicate_window_s,
        max_replies=_MAX_REPLIES,
        n_buckets=n_buckets,
        names=names,
    )


def fleet_names(settings: Settings, instance: str) -> FleetNames | None:
    """Return what this worker's logins are called among hosts; None where there is no fleet."""
    if settings.fleet is None:
        return None
    from gateway.fleet.access import open_sealer  # which a host by itself starts sooner without

    return FleetNames(open_sealer(settings.fleet).digest_key, f"{instance}:{secrets.token_hex(4)}")


def build_section(
    server: ServerSettings,
    settings: Settings,
    memory: ChallengeMemory,
    key: bytes,
    generation: int = 0,
    counters: SectionCounters | None = None,
    *,
    has_fleet: bool = False,
) -> Section:
    """Return a server section as the engine knows it. Logins that nobody may join are no business of other hosts.

    `key` is that of digests, the same in all workers.
    """
    rules = rules_of(server)
    is_fail_open, fleet = rules.fail_mode is FailMode.SAFE, FLEET if has_fleet and rules.coalesce else ""
    policy = LoginPolicy(application_key(server.application), is_fail_open, fleet)
    mode = build_mode(server, settings, policy, rules, memory, key)
    return Section(server.section, mode, rules, generation=generation, counters=counters, shown_name=server.name)


def event_sections(settings: Settings) -> dict[str, EventSection]:
    """Return what `authevents.log` says of each server section, by name."""
    return {
        server.section: EventSection(server.application.ikey, server.client or DUO_ONLY_CLIENT, server.name)
        for server in settings.servers
    }


def build_table(
    settings: Settings,
    address: ListeningAddress,
    sections: dict[str, Section],
    secret_uses: Mapping[tuple[str, ...], SecretUses] = {},
) -> NasTable:
    """Return who is known at a listening address: the clients of its sections, and `radgate login`.

    `secret_uses` count who uses which of two secrets, by section and client; what they lack is not counted.
    """
    entries: dict[str, Nas] = {}
    for server in address.servers:
        section = sections[server.section]
        for client in server.clients:
            nas = Nas(
                f"{client.name} of [{server.section}]",
                section,
                SharedSecret(client.shared_secret.octets),
                signature_position=client.message_authenticator_in_replies,
            )
            if client.next_secret is not None:
                uses = secret_uses.get((server.section, client.name)) or unnoted()
                Rotation(nas, SharedSecret(client.next_secret.octets), uses)
            entries.update(dict.fromkeys(client.networks, nas))
    for server in address.servers:
        source = login_client_source(settings, server, address)
        network = f"{source}/{128 if ':' in source else 32}"
        secret = SharedSecret(login_client_secret(server))
        entries.setdefault(network, Nas("radgate login", sections[server.section], secret, is_login_client=True))
    return NasTable(entries.items())
