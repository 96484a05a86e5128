"""What every process computes from the settings, and all must compute alike."""

import math
import os
from pathlib import Path

from gateway.config.settings import ApplicationSettings, DuoOnlyClient, LogFormat, LogSettings, Settings
from gateway.logs.files import LogRotation
from gateway.logs.setup import LogPlan
from gateway.statistics.layout import BoardPlan


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
        LogRotation(log.max_size, log.max_files),
        log.syslog_facility if log.syslog else "",
    )


def worker_count(settings: Settings) -> int:
    """Return the number of workers: as configured, or one for each core that we may use."""
    return settings.gateway.workers or len(os.sched_getaffinity(0))


def pending_share(settings: Settings, n_workers: int) -> int:
    """Return how many logins may be pending in each of `n_workers` workers."""
    return math.ceil(settings.gateway.max_pending / n_workers)


def board_plan(settings: Settings, n_workers: int) -> BoardPlan:
    """Return what is counted of these settings: the same in supervisor and workers."""
    applications = dict.fromkeys(application_key(server.application) for server in settings.servers)
    rotations = tuple(
        (server.section, client.name)
        for server in settings.servers
        for client in server.clients
        if client.next_secret is not None
    )
    asked = (client for client in settings.clients if not isinstance(client, DuoOnlyClient))
    hosts = ((client.section, name) for client in asked for name in client.host_names)
    sections = tuple(server.section for server in settings.servers)
    return BoardPlan(n_workers, sections, tuple(applications), rotations, tuple(hosts))
