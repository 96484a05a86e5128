"""The object of `status.json` as text for people, at most 100 columns wide. Pure."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from gateway.cli.alerts import (
    console_alerts,
    fail_mode_alert,
    first_factor_alerts,
    fleet_alerts,
    log_alerts,
    reload_alerts,
    slot_alerts,
    version_alerts,
)
from gateway.cli.amounts import decimal, short, span
from gateway.cli.hosts import host_state, sharing
from gateway.cli.sections import name_of
from gateway.cli.terminal import printable
from gateway.statistics.layout import COALESCED, RETRANSMISSION, WORKER_GAUGES, WORKER_LOSSES, Measure
from gateway.supervisor.form import Form
from gateway.supervisor.status import Status

_Columns = dict[str, Callable[[Status], str]]

_WIDTH = 100

_WORKER_COLUMNS: _Columns = {
    "slot": lambda worker: str(worker["slot"]),
    "state": lambda worker: worker["state"],
    "gen": lambda worker: str(worker["generation"]),
    "pid": lambda worker: str(worker["pid"]),
    "up": lambda worker: span(worker["uptime_s"]),
    "restarts": lambda worker: short(worker["restarts"]),
    "requests": lambda worker: short(worker["requests"]),
    "pending": lambda worker: short(worker["pending"]),
    "cpu s": lambda worker: decimal(worker["cpu_s"]),
    "MB": lambda worker: decimal(worker["rss_bytes"] / 1e6),
    "lag ms": lambda worker: decimal(worker["loop_lag_ms"]),
    "max ms": lambda worker: decimal(worker["loop_lag_max_ms"]),
}
_SERVER_COLUMNS: _Columns = {
    "server": lambda server: _cut(name_of(server), 28),
    "requests": lambda server: short(server["requests"]),
    "per s": lambda server: decimal(server["rate"]),
    "accepts": lambda server: short(server["accepts"]),
    "rejects": lambda server: short(server["rejects"]),
    "pending": lambda server: short(server["pending"]),
    "p50 ms": lambda server: decimal(server["latency_ms"]["p50"]),
    "p99 ms": lambda server: decimal(server["latency_ms"]["p99"]),
}
_APPLICATION_COLUMNS: _Columns = {
    "application": lambda application: _cut(application["ikey"], 20),
    "at": lambda application: _cut(application["api_host"], 28),
    "state": lambda application: _cut(application["state"], 12),
    "failmode": lambda application: application["failmode"],
    "errors": lambda application: short(application["errors"]),
}
_DUO_HOST_COLUMNS: _Columns = {
    "connections to": lambda host: _cut(host["api_host"], 40),
    "applications": lambda host: short(host["applications"]),
    "idle": lambda host: short(host["connections"]["idle"]),
    "busy": lambda host: short(host["connections"]["busy"]),
}
_FIRST_FACTOR_COLUMNS: _Columns = {
    "first factor": lambda host: _cut(host["client"], 20),
    "at": lambda host: _cut(host["host"], 28),
    "state": lambda host: host["state"],
    "questions": lambda host: short(host["questions"]),
    "errors": lambda host: short(host["errors"]),
    "p50 ms": lambda host: decimal(host["latency_ms"]["p50"]),
    "p99 ms": lambda host: decimal(host["latency_ms"]["p99"]),
}
_HOST_COLUMNS: _Columns = {
    "host": lambda host: _cut(host["name"], 24) + (" (this)" if host["self"] else ""),
    "state": lambda host: host_state(host),
    "version": lambda host: _cut(host["version"], 14),
    "up": lambda host: span(host["uptime_s"]),
    "workers": lambda host: f"{host['n_ready']}/{host['n_workers']}",
    "pending": lambda host: short(host["pending"]),
    "logins": lambda host: short(sum(host["reasons"].values())),
}


def render_status(status: Status, whole: Status | None = None) -> str:
    """Return a status as text for people, at most 100 columns wide: first what needs them.

    Rates are those since the gateway started.

    Args:
        status: what is shown.
        whole: of which that is a part; None if it is the whole.
    """
    servers = [{**server, "rate": _rate(server, status)} for server in status["servers"]]
    blocks = [
        [_headline(whole or status), *_first_lines(status, whole or status)],
        _table(status["workers"], _WORKER_COLUMNS, 2, _worker_details),
        _table(servers, _SERVER_COLUMNS, 1, _server_details),
        _table(status["applications"], _APPLICATION_COLUMNS, 4, _application_details),
        _table(status.get("duo_hosts", ()), _DUO_HOST_COLUMNS, 1, lambda _: []),
        _table(_first_factor_hosts(status), _FIRST_FACTOR_COLUMNS, 3, _first_factor_details),
        _fleet(status),
        [*([] if whole else _wrapped(f"Hot path {Form(**status['hot_path'])}", "")), *_lost_lines(status)],
    ]
    lines = [line for block in blocks if block for line in ("", *block)]
    return "".join(f"{printable(line)}\n" for line in lines[1:])


def _lost_lines(status: Status) -> list[str]:
    lost = _counted("log lines lost", {log["log"]: log["lines_lost"] for log in status["logs"]})
    return [line.strip() for line in lost]


def _headline(status: Status) -> str:
    n_pending = sum(server["pending"] for server in status["servers"])
    return (
        f"radgate {status['version']}, pid {status['pid']}, generation {status['generation']}, "
        f"up {span(status['uptime_s'])}, pending logins: {short(n_pending)}"
    )


def _first_lines(status: Status, whole: Status) -> list[str]:
    """Return what needs somebody, or that nothing does: of a part that is not said while something else does."""
    quiet = [] if _alerts(whole) else ["All workers are ready, and no application is in fail mode."]
    return _alerts(status) or quiet


def _alerts(status: Status) -> list[str]:
    lines = []
    for application in status["applications"]:
        if alert := fail_mode_alert(application, status):
            lines += _wrapped(alert, "")
        elif application["state"] != "healthy":
            lasting = span(application["state_for_s"])
            lines += _wrapped(f"{application['ikey']} is {application['state']} for {lasting}: why stands below", "")
    others = first_factor_alerts(status) + slot_alerts(status) + fleet_alerts(status)
    others += reload_alerts(status) + version_alerts(status)
    others += log_alerts(status) + console_alerts(status)
    lines += [line for alert in others for line in _wrapped(alert, "")]
    return lines


def _rate(server: Status, status: Status) -> float:
    elapsed_s = status["uptime_s"]
    return server["requests"] / elapsed_s if elapsed_s > 0 else 0.0


def _worker_details(worker: Status) -> list[str]:
    return _counted("lost", {kind: worker[kind] for kind in (*WORKER_LOSSES, Measure.OVERFLOWED, *WORKER_GAUGES)})


def _server_details(server: Status) -> list[str]:
    return [
        *_wrapped(_where(server)),
        *_wrapped(server["advice"]),
        *_counted("reasons", server["reasons"]),
        *_counted("discards", server["discards"]),
        *_counted("duplicates", {RETRANSMISSION: server["duplicates"], COALESCED: server["coalesced"]}),
    ]


def _where(server: Status) -> str:
    """Return where a section listens, which way it goes while Duo is away, and its own name if it is called otherwise.

    A gateway of an older version does not tell of its fail mode.
    """
    section = "" if name_of(server) == server["section"] else f"[{server['section']}] "
    fail_mode = f", failmode={server['failmode']}" if "failmode" in server else ""
    return f"{section}listens on {', '.join(server['listen'])}{fail_mode}"


def _application_details(application: Status) -> list[str]:
    return [
        *_wrapped(application["hint"]),
        *_counted("calls", application["calls"]),
        *_counted("errors", application["errors_by_kind"]),
    ]


def _first_factor_hosts(status: Status) -> list[Status]:
    """Return the hosts of all first factors; a gateway of an older version does not tell of them."""
    return [{**host, "client": each["section"]} for each in status.get("clients", ()) for host in each["hosts"]]


def _first_factor_details(host: Status) -> list[str]:
    """Return what it has answered; a gateway of an older version does not tell of what it was not believed."""
    return [*_counted("outcomes", host["outcomes"]), *_counted("not believed", host.get("discards", {}))]


def _fleet(status: Status) -> list[str]:
    fleet = status.get("fleet")
    if fleet is None:
        return []
    hosts = _table(fleet["hosts"], _HOST_COLUMNS, 3, _host_details)
    return [*hosts, *_wrapped(sharing(fleet), ""), *_counted("claims", fleet["claims"])]


def _host_details(host: Status) -> list[str]:
    duo = ", ".join(f"{each['key']} {each['state']}" for each in host["applications"])
    return [*_wrapped(f"duo: {duo}" if duo else ""), *_counted("reasons", host["reasons"])]


def _table(
    items: Iterable[Status], columns: _Columns, n_left: int, details: Callable[[Status], list[str]]
) -> list[str]:
    """Return aligned lines, the first `n_left` columns to the left, with the details of each item below it.

    Without items there is no table.
    """
    items = list(items)
    if not items:
        return []
    rows = [tuple(columns), *(tuple(cell(item) for cell in columns.values()) for item in items)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = ["  ".join(_aligned(row, widths, n_left)).rstrip() for row in rows]
    return [head, *(line for row, item in zip(lines, items, strict=True) for line in (row, *details(item)))]


def _aligned(row: Sequence[str], widths: Sequence[int], n_left: int) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if number < n_left else cell.rjust(width)


def _counted(title: str, counts: Mapping[str, int]) -> list[str]:
    named = ", ".join(f"{name} {short(count)}" for name, count in counts.items() if count)
    return _wrapped(f"{title}: {named}") if named else []


def _wrapped(text: str, indent: str = "    ") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
