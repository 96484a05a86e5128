"""The whole examination, all at once: whoever is slow keeps nobody else waiting."""

import asyncio
from collections.abc import Callable

from gateway.checks.directories import directory_findings
from gateway.checks.directory_hosts import examine_directory
from gateway.checks.duo import applications_of, examine_application
from gateway.checks.findings import Finding, Severity
from gateway.checks.first_factors import examine_first_factors
from gateway.checks.host import HOST, RunningGateway, host_findings
from gateway.checks.sections import section_findings
from gateway.checks.store import examine_store
from gateway.config.settings import AdClient, Settings
from gateway.supervisor.control_client import ControlError, NotRunning, ask

_ASK_TIMEOUT_S = 5.0

OnProgress = Callable[[int, int], None]


async def examine(settings: Settings, on_progress: OnProgress) -> list[Finding]:
    """Return all findings, by subject in the order of the file.

    Args:
        settings: of a file without errors.
        on_progress: hears how many of how many applications have been asked.
    """
    found: list[Finding] = []
    clients = {client.section: client for client in settings.clients}
    for server in settings.servers:
        found += section_findings(server, clients.get(server.client or ""))
    for client in settings.clients:
        if isinstance(client, AdClient):
            found += directory_findings(client)
    running = None
    try:
        running = await asyncio.to_thread(_running_gateway, settings.gateway.run_dir)
    except ControlError as error:
        found.append(Finding(HOST, "running gateway", Severity.NOTE, f"what it holds is not known: {error}"))
    found += host_findings(settings, running)
    store = asyncio.create_task(examine_store(settings.fleet)) if settings.fleet is not None else None
    homes = asyncio.create_task(examine_first_factors(settings.clients))
    directories = asyncio.create_task(_examine_directories(settings))
    found += await _examine_applications(settings, on_progress)
    found += await homes
    found += await directories
    if store is not None:
        found += await store
    return found


async def _examine_directories(settings: Settings) -> list[Finding]:
    asked = [client for client in settings.clients if isinstance(client, AdClient)]
    found = await asyncio.gather(*map(examine_directory, asked))
    return [finding for findings in found for finding in findings]


async def _examine_applications(settings: Settings, on_progress: OnProgress) -> list[Finding]:
    applications = applications_of(server.application for server in settings.servers)
    tasks = [asyncio.create_task(examine_application(each)) for each in applications]
    on_progress(0, len(tasks))
    for n_done, done in enumerate(asyncio.as_completed(tasks), 1):
        await done
        on_progress(n_done, len(tasks))
    return [finding for task in tasks for finding in task.result()]


def _running_gateway(run_dir: str) -> RunningGateway | None:
    """Return what runs with this `run_dir`, if anything does.

    Raises:
        ControlError: there may be something, which does not tell us.
    """
    try:
        status = ask(run_dir, "status", _ASK_TIMEOUT_S)["status"]
    except NotRunning:
        return None
    listening = frozenset(each for server in status["servers"] for each in server["listen"])
    return RunningGateway(status["pid"], listening, status.get("console", {}).get("url", ""))
