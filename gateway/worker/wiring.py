"""Settings into parts: the only place where the worker's parts meet the configuration."""

import math
import os
from pathlib import Path

from gateway.config.listening import ListeningAddress
from gateway.config.operator import operator_secret, operator_source
from gateway.config.settings import (
    Accounting,
    ApplicationSettings,
    FailMode,
    LogFormat,
    LogSettings,
    Preauth,
    RequireMessageAuthenticator,
    ServerSettings,
    Settings,
    UnrecognisedFactor,
)
from gateway.engine.core import Engine
from gateway.engine.digests import Digests
from gateway.engine.login import LoginPolicy
from gateway.engine.modes.duo_only import DuoOnly
from gateway.engine.modes.mode import Mode
from gateway.engine.nas import Nas, NasTable, Section
from gateway.engine.statistics import BoardPlan, SectionCounters
from gateway.logs.files import Rotation
from gateway.logs.setup import LogPlan
from gateway.radius.address import AddressAttribute
from gateway.radius.shared_secret import SharedSecret

_MAX_ANSWERED = 100_000  # answers kept for retransmissions, oldest out first

_REQUIRE_SIGNATURE = {
    RequireMessageAuthenticator.YES: True,
    RequireMessageAuthenticator.NO: False,
    RequireMessageAuthenticator.AUTO: None,
}


def application_key(application: ApplicationSettings) -> str:
    """Return what tells applications apart: where they are and who they are."""
    return f"{application.api_host}:{application.api_port}/{application.ikey}"


def log_plan(log: LogSettings) -> LogPlan:
    """Return the log settings in plain values."""
    return LogPlan(
        Path(log.directory),
        log.stdout,
        log.debug,
        log.format is LogFormat.JSON,
        log.auth_events,
        Rotation(log.max_size, log.max_files),
        log.syslog_facility if log.syslog else "",
    )


def worker_count(settings: Settings) -> int:
    """Return the number of workers: as configured, or one for each core that we may use."""
    return settings.gateway.workers or len(os.sched_getaffinity(0))


def pending_share(settings: Settings, n_workers: int) -> int:
    """Return how many logins may be pending in each of `n_workers` workers."""
    return math.ceil(settings.gateway.max_pending / n_workers)


def build_engine(
    settings: Settings, tables: list[NasTable], digests: Digests, n_workers: int, n_buckets: int = 1
) -> Engine:
    """Return the engine of one of `n_workers` workers: each takes its share of `max_pending`."""
    return Engine(
        tables,
        digests,
        max_pending=pending_share(settings, n_workers),
        duplicate_window_s=settings.gateway.duplicate_window_s,
        max_answered=_MAX_ANSWERED,
        n_buckets=n_buckets,
    )


def board_plan(settings: Settings, n_workers: int) -> BoardPlan:
    """Return what is counted of these settings: the same in supervisor and workers."""
    applications = dict.fromkeys(application_key(server.application) for server in settings.servers)
    return BoardPlan(n_workers, tuple(server.section for server in settings.servers), tuple(applications))


def build_section(server: ServerSettings, generation: int = 0, counters: SectionCounters | None = None) -> Section:
    """Return the rules of one server section."""
    return Section(
        server.section,
        _build_mode(server),
        require_signature=_REQUIRE_SIGNATURE[server.require_message_authenticator],
        limit_proxy_state=server.limit_proxy_state,
        reject_delay_s=server.reject_delay_s,
        response_deadline_s=server.response_deadline_s,
        coalesce=server.coalesce,
        max_pending_per_user=server.max_pending_per_user,
        answers_status=server.status_server,
        acknowledges_accounting=server.accounting is Accounting.ACKNOWLEDGE,
        probe_usernames=server.probe_usernames,
        generation=generation,
        counters=counters,
    )


def _build_mode(server: ServerSettings) -> Mode:
    attribute = server.client_ip_attr
    return DuoOnly(
        LoginPolicy(application_key(server.application), fail_open=server.fail_mode is FailMode.SAFE),
        automatic=server.unrecognised_factor is UnrecognisedFactor.AUTO,
        preauth_always=server.preauth is Preauth.ALWAYS,
        exempt=server.exempt_usernames,
        charset=server.pw_codec,
        client_address=AddressAttribute(attribute.vendor, attribute.kind, attribute.data_type),
    )


def build_table(settings: Settings, address: ListeningAddress, sections: dict[str, Section]) -> NasTable:
    """Return who is known at a listening address: the clients of its sections, and `radgate login`."""
    entries: dict[str, Nas] = {}
    for server in address.servers:
        section = sections[server.section]
        for client in server.clients:
            nas = Nas(
                f"{client.name} of [{server.section}]",
                section,
                SharedSecret(client.shared_secret.octets),
                signature_place=client.message_authenticator_in_replies,
            )
            entries.update(dict.fromkeys(client.networks, nas))
    for server in address.servers:
        source = operator_source(settings, server, address)
        network = f"{source}/{128 if ':' in source else 32}"
        secret = SharedSecret(operator_secret(server))
        entries.setdefault(network, Nas("radgate login", sections[server.section], secret, is_operator=True))
    return NasTable(entries.items())
