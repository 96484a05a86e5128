"""Parts of the object of `status.json`, each an object of the same kind: one directory's, or what is not well. Pure.

What is wrong with the gateway as a whole (its workers, logs, hosts) is in every part: it concerns each directory.
"""

import difflib
from collections.abc import Callable

from gateway.cli.alerts import console_alerts, fleet_alerts, reload_alerts, slot_alerts, version_alerts
from gateway.cli.sections import full_name, name_of
from gateway.cli.terminal import printable
from gateway.supervisor.control_client import ControlError
from gateway.supervisor.status import Status

N_NEAREST = 3

_Has = Callable[[Status], bool]


class NoSuchServer(ControlError):  # noqa: N818 -- reads as what it says
    """The running gateway has no server section of this name."""


def of_server(status: Status, wanted: str) -> Status:
    """Return the directory of this name, its section or what people call it, in any letter case.

    Raises:
        NoSuchServer: there is none; the text has the nearest names.
    """
    names = {name.casefold(): server for server in status["servers"] for name in (server["section"], name_of(server))}
    found = names.get(wanted.casefold())
    if found is None:
        near = difflib.get_close_matches(wanted.casefold(), names, N_NEAREST, cutoff=0.0)
        told = dict.fromkeys(full_name(names[name]) for name in near)
        choice = f"the nearest: {', '.join(told)}" if told else "it has none"
        raise NoSuchServer(printable(f"the running gateway has no server section {wanted!r}; {choice}"))
    section = found["section"]

    def is_its_own(each: Status) -> bool:
        return section in each["sections"]

    return _part(status, lambda server: server is found, is_its_own, is_its_own)


def troubled(status: Status) -> Status:
    """Return what is not well: empty lists where all is."""
    rejecting = {
        section for client in status.get("clients", ()) if client["state"] == "down" for section in client["sections"]
    }

    def is_troubled(server: Status) -> bool:
        return server["section"] in rejecting or _is_server_troubled(server)

    return _part(status, is_troubled, _is_application_troubled, _is_first_factor_troubled)


def is_well(part: Status) -> bool:
    """Whether nothing is troubled in what `troubled` returned."""
    lists = any(part[name] for name in ("workers", "servers", "applications", "clients", "logs"))
    return not (lists or "fleet" in part or reload_alerts(part) or version_alerts(part) or console_alerts(part))


def _part(status: Status, has_server: _Has, has_application: _Has, has_first_factor: _Has) -> Status:
    servers = [server for server in status["servers"] if has_server(server)]
    applications = [application for application in status["applications"] if has_application(application)]
    clients = [client for client in status.get("clients", ()) if has_first_factor(client)]
    hosts = {application["api_host"] for application in applications}
    part = {
        **status,
        "workers": [worker for worker in status["workers"] if _is_worker_troubled(worker, status)],
        "servers": servers,
        "applications": applications,
        "duo_hosts": [host for host in status.get("duo_hosts", ()) if host["api_host"] in hosts],
        "clients": clients,
        "logs": [log for log in status["logs"] if log["trouble"]],
        "histograms": _histograms(
            status["histograms"],
            {server["section"] for server in servers},
            {application["application"] for application in applications},
            {client["section"] for client in clients},
        ),
    }
    if "fleet" in part and not fleet_alerts(status):
        del part["fleet"]
    return part


def _histograms(histograms: Status, sections: set[str], applications: set[str], clients: set[str]) -> Status:
    kept = {"servers": sections, "applications": applications, "clients": clients}
    shown = {kind: histograms.get(kind, {}) for kind in kept}  # a gateway of an older version has no clients
    return {
        **histograms,
        **{kind: {name: each for name, each in found.items() if name in kept[kind]} for kind, found in shown.items()},
    }


def _is_worker_troubled(worker: Status, status: Status) -> bool:
    alone = {**status, "installed_version": "", "workers": [worker]}
    return bool(slot_alerts(alone) or version_alerts(alone))


def _is_server_troubled(server: Status) -> bool:
    """Whether it refuses more people than it lets in. What could be set otherwise is no trouble."""
    n_sent = server["reasons"].get("sms_sent", 0)  # rejects by which people go on
    return bool(server["rejects"] - n_sent > server["accepts"])


def _is_application_troubled(application: Status) -> bool:
    return application["state"] != "healthy" or application["failmode_active"] or bool(application["hint"])


def _is_first_factor_troubled(client: Status) -> bool:
    return client["state"] in ("degraded", "down")
