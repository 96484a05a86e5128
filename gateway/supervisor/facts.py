"""What the status page needs to know, gathered from the running gateway."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from gateway import __version__
from gateway.config.listening import listening_addresses
from gateway.config.schema import without_number
from gateway.config.settings import (
    AD_CLIENT,
    DUO_ONLY_CLIENT,
    RADIUS_CLIENT,
    AdClient,
    DuoOnlyClient,
    Settings,
    StatusServer,
)
from gateway.engine.rules import RequireMessageAuthenticator
from gateway.failmode.breaker import Standing
from gateway.ipc.plan import (
    application_key,
    log_plan,
)
from gateway.logs.losses import Losses
from gateway.statistics.layout import (
    LOGS,
    Measure,
)
from gateway.statistics.reading import Totals
from gateway.supervisor.crew import Crew
from gateway.supervisor.first_factors import FirstFactorFacts
from gateway.supervisor.form import hot_path
from gateway.supervisor.installed import installed_version
from gateway.supervisor.log_watch import Troubles, describe_trouble, log_troubles
from gateway.supervisor.procfs import process_usage
from gateway.supervisor.status import (
    ApplicationFacts,
    GatewayFacts,
    LogFacts,
    ServerFacts,
    Status,
    WorkerFacts,
    build_status,
)


def gateway_status(
    crew: Crew,
    former: Sequence[Crew],
    standing: Callable[[str], Standing],
    totals: Totals,
    losses: Losses,
    started_at: float,
) -> Status:
    """Return `status.json` of a gateway whose `crew` serves, while `former` ones finish what they have begun.

    Args:
        crew: its workers are those that are shown, empty slots included.
        former: of these the workers that are still there.
        standing: how an application is, by its key.
        totals: all that was ever counted.
        losses: lines that the supervisor could not write.
        started_at: the gateway, in monotonic seconds.
    """
    now_ns = time.monotonic_ns()
    settings = crew.plan.settings
    return build_status(
        GatewayFacts(
            __version__,
            os.getpid(),
            crew.number,
            int(started_at * 1e9),
            now_ns,
            hot_path(),
            installed_version(),
            settings.path,
        ),
        chain(_workers(crew), (worker for each in former for worker in _workers(each) if worker.pid)),
        _servers(settings, crew, started_at),
        _applications(settings, standing, started_at),
        totals,
        _logs(log_plan(settings.log).names, log_troubles((crew, *former), losses), totals, losses),
        _first_factors(settings),
    )


def _logs(names: list[str], troubles: Troubles, totals: Totals, losses: Losses) -> list[LogFacts]:
    """Return what is known of each log, and of former ones of which lines were lost."""
    lost = {name: totals.counters[Measure.LOG_LINES_LOST, name] + losses.n_lines[name] for name in LOGS}
    return [
        LogFacts(name, n_lost, tuple(troubles.get(name, {})), describe_trouble(troubles.get(name, {})))
        for name, n_lost in lost.items()
        if name in names or n_lost
    ]


def _workers(crew: Crew) -> Iterator[WorkerFacts]:
    now = time.monotonic()
    for slot in crew.slots:
        pid = slot.worker.pid if slot.worker is not None else 0
        process = crew.process(slot)
        yield WorkerFacts(
            slot.number,
            crew.number,
            slot.state.value,
            pid,
            slot.life.restarts,
            process_usage(pid),
            crew.board.read(slot.number),
            crew.unserved_s(slot, now),
            process.version if process is not None else "",
        )


def _servers(settings: Settings, crew: Crew, started_at: float) -> list[ServerFacts]:
    addresses, uses = listening_addresses(settings), crew.secret_uses()
    since_ns = int(max(crew.on_duty_since, started_at) * 1e9)
    return [
        ServerFacts(
            server.section,
            tuple(str(address) for address in addresses if server in address.servers),
            server.require_message_authenticator is RequireMessageAuthenticator.YES,
            {client: use for (section, client), use in uses.items() if section == server.section},
            since_ns,
            len(server.clients),
            name=server.shown_name,
            mode=without_number(server.section).removeprefix("radius_server_"),
            client=server.client or DUO_ONLY_CLIENT,
            fail_mode=server.fail_mode.value,
        )
        for server in settings.servers
    ]


def _applications(settings: Settings, standing: Callable[[str], Standing], started_at: float) -> list[ApplicationFacts]:
    fail_modes: dict[str, dict[str, None]] = {}
    sections: dict[str, list[str]] = {}
    for server in settings.servers:
        fail_modes.setdefault(application_key(server.application), {})[server.fail_mode.value] = None
        sections.setdefault(application_key(server.application), []).append(server.section)
    found = {}
    for server in settings.servers:
        application, key = server.application, application_key(server.application)
        known = standing(key)
        found[key] = ApplicationFacts(
            name=key,
            api_host=f"{application.api_host}:{application.api_port}",
            ikey=application.ikey,
            fail_mode=", ".join(fail_modes[key]),
            state=known.state.value,
            is_fail_mode_active=known.state.is_fail_mode_active,
            since_ns=int(max(known.entered_at, started_at) * 1e9),
            hint="; ".join(filter(None, (known.account, known.hint))),
            has_next_key=application.next_secret_key is not None,
            sections=tuple(sections[key]),
        )
    return list(found.values())


def _first_factors(settings: Settings) -> list[FirstFactorFacts]:
    """Return those that are asked: nobody is at a `[duo_only_client]`."""
    return [
        FirstFactorFacts(
            client.section,
            AD_CLIENT if isinstance(client, AdClient) else RADIUS_CLIENT,
            client.host_names,
            tuple(server.section for server in settings.servers if server.client == client.section),
            isinstance(client, AdClient) or client.status_server is StatusServer.YES,
        )
        for client in settings.clients
        if not isinstance(client, DuoOnlyClient)
    ]
