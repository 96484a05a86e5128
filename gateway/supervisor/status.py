"""The gateway as it is now: facts and readings into the object that `status.json` shows, and that into text.

Both are pure. The object is plain JSON, and its histograms hold all that a page of metrics needs.
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.ipc.console_channel import (
    UNSERVED_AFTER_S,
    unserved_state,
)
from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import (
    BOUNDS_S,
    CALL_KINDS,
    COALESCED,
    CONNECTION_STATES,
    RETRANSMISSION,
    WORKER_COUNTERS,
    WORKER_GAUGES,
    WORKER_LOSSES,
    Key,
    Measure,
)
from gateway.statistics.reading import (
    Histogram,
    RowReading,
    Totals,
)
from gateway.supervisor.form import Form
from gateway.supervisor.procfs import ProcessUsage
from gateway.unavailable import Trouble
from gateway.words.reasons import OUTCOME_OF, Outcome, Reason

Status = dict[str, Any]
_Columns = dict[str, Callable[[Status], str]]

_WIDTH = 100
_FOR_WANT_OF_A_SIGNATURE = (
    DiscardReason.MESSAGE_AUTHENTICATOR_MISSING,
    DiscardReason.PROXY_STATE_UNAUTHENTICATED,
    DiscardReason.EAP_UNAUTHENTICATED,
)


class GatewayFacts(NamedTuple):
    """What is known of the whole; instants are monotonic nanoseconds."""

    version: str
    pid: int
    generation: int
    started_at_ns: int
    now_ns: int
    hot_path: Form


class WorkerFacts(NamedTuple):
    """One worker's place: `pid` is 0 while it is empty, `reading` is its row.

    Nobody has served its users for `unserved_s`; 0 while somebody does.
    """

    slot: int
    generation: int
    state: str
    pid: int
    restarts: int
    usage: ProcessUsage
    reading: RowReading
    unserved_s: float = 0.0


class ServerFacts(NamedTuple):
    """One server section, the addresses that it listens on, and whether it takes signed requests alone."""

    section: str
    listen: tuple[str, ...]
    requires_signature: bool = False


class ApplicationFacts(NamedTuple):
    """One Duo application; `name` is what the board calls it, `hint` what an administrator should look at."""

    name: str
    api_host: str
    ikey: str
    failmode: str
    state: str
    is_failmode_active: bool
    since_ns: int
    hint: str


class LogFacts(NamedTuple):
    """One log: how many of its lines were lost since the start, and to which processes it is lost now, and why."""

    name: str
    n_lost: int
    lost_to: tuple[str, ...] = ()
    trouble: str = ""


def build_status(
    gateway: GatewayFacts,
    workers: Iterable[WorkerFacts],
    servers: Sequence[ServerFacts],
    applications: Sequence[ApplicationFacts],
    totals: Totals,
    logs: Sequence[LogFacts] = (),
) -> Status:
    """Return the object of `status.json`; `totals` are those of all rows and of all boards before."""
    return {
        "version": gateway.version,
        "pid": gateway.pid,
        "uptime_s": _seconds(gateway.now_ns - gateway.started_at_ns),
        "generation": gateway.generation,
        "hot_path": gateway.hot_path._asdict(),
        "workers": [_worker(worker, gateway.now_ns) for worker in workers],
        "servers": [_server(server, totals) for server in servers],
        "applications": [_application(application, totals, gateway.now_ns) for application in applications],
        "logs": [
            {"log": log.name, "lines_lost": log.n_lost, "lost_to": list(log.lost_to), "trouble": log.trouble}
            for log in logs
        ],
        "histograms": {
            "bounds_s": list(BOUNDS_S),
            "servers": {server.section: _server_histograms(server.section, totals) for server in servers},
            "applications": {known.name: _call_histograms(known.name, totals) for known in applications},
        },
    }


def _worker(worker: WorkerFacts, now_ns: int) -> Status:
    signs, totals = worker.reading
    is_begun = worker.pid != 0 and signs.pid == worker.pid  # else the signs is the predecessor's
    return {
        "slot": worker.slot,
        "pid": worker.pid,
        "state": worker.state,
        "generation": worker.generation,
        "restarts": worker.restarts,
        "unserved_s": max(worker.unserved_s, 0.0),
        "requests": _sum(totals.counters, Measure.REQUESTS),
        "pending": _sum(totals.gauges, Measure.PENDING) if is_begun else 0,
        "uptime_s": _seconds(now_ns - signs.started_at_ns) if is_begun else 0.0,
        "cpu_s": worker.usage.cpu_s,
        "rss_bytes": worker.usage.rss_bytes,
        "loop_lag_ms": signs.lag_ns / 1e6 if is_begun else 0.0,
        "loop_lag_max_ms": signs.lag_max_ns / 1e6 if is_begun else 0.0,
        **{measure.value: totals.counters[(measure,)] for measure in WORKER_COUNTERS},
        **{measure.value: totals.gauges[(measure,)] for measure in WORKER_GAUGES},
    }


def _server(server: ServerFacts, totals: Totals) -> Status:
    counters, section = totals.counters, server.section
    reasons = _counts(counters, Measure.VERDICTS, section, Reason)
    discards = _counts(counters, Measure.DISCARDS, section, DiscardReason)
    n_unsigned = counters[Measure.UNSIGNED, section] + sum(discards[reason] for reason in _FOR_WANT_OF_A_SIGNATURE)
    replies = Counter[Outcome]()
    for reason, outcome in OUTCOME_OF.items():
        replies[outcome] += reasons[reason]
    return {
        "section": section,
        "listen": list(server.listen),
        "requests": counters[Measure.REQUESTS, section],
        "unsigned": n_unsigned,
        "advice": _advice(server, counters[Measure.REQUESTS, section], n_unsigned),
        "accepts": replies[Outcome.ACCEPT],
        "rejects": replies[Outcome.REJECT],
        "challenges": replies[Outcome.CHALLENGE],
        "duplicates": counters[Measure.DUPLICATES, section, RETRANSMISSION],
        "coalesced": counters[Measure.DUPLICATES, section, COALESCED],
        "pending": totals.gauges[Measure.PENDING, section],
        "discards": _shown(discards, DiscardReason.UNKNOWN_CLIENT),
        "reasons": _shown(reasons, Reason.DUO_ALLOWED),
        "latency_ms": _quantiles(totals.histogram(Measure.LOGIN_SECONDS, section)),
        "gateway_ms": _quantiles(totals.histogram(Measure.GATEWAY_SECONDS, section)),
    }


def _advice(server: ServerFacts, n_requests: int, n_unsigned: int) -> str:
    """Return whether the section's clients can be held to sign, so far."""
    if server.requires_signature or not n_requests:
        return ""
    if n_unsigned:
        return f"{n_unsigned} requests without Message-Authenticator: the log names their clients, once a day"
    return "all requests are signed so far: require_message_authenticator=yes can be set"


def _application(application: ApplicationFacts, totals: Totals, now_ns: int) -> Status:
    name = application.name
    troubles = _counts(totals.counters, Measure.TROUBLES, name, Trouble)
    return {
        "application": name,
        "api_host": application.api_host,
        "ikey": application.ikey,
        "state": application.state,
        "state_for_s": _seconds(now_ns - application.since_ns),
        "failmode": application.failmode,
        "failmode_active": application.is_failmode_active,
        "hint": application.hint,
        "connections": {state: totals.gauges[Measure.CONNECTIONS, name, state] for state in CONNECTION_STATES},
        "calls": {kind: totals.histogram(Measure.CALL_SECONDS, name, kind).n_observed for kind in CALL_KINDS.values()},
        "errors": sum(troubles.values()),
        "errors_by_kind": _shown(troubles),
    }


def _server_histograms(section: str, totals: Totals) -> Status:
    return {
        "login": _histogram(totals.histogram(Measure.LOGIN_SECONDS, section)),
        "gateway": _histogram(totals.histogram(Measure.GATEWAY_SECONDS, section)),
    }


def _call_histograms(application: str, totals: Totals) -> Status:
    return {kind: _histogram(totals.histogram(Measure.CALL_SECONDS, application, kind)) for kind in CALL_KINDS.values()}


def _histogram(histogram: Histogram) -> Status:
    """Counts of all up to each bound, and of all: one more than there are bounds, for JSON knows no infinity."""
    return {"counts": histogram.cumulative, "sum_s": histogram.sum_us / 1e6}


def _quantiles(histogram: Histogram) -> Status:
    return {"p50": histogram.quantile(0.5) * 1e3, "p99": histogram.quantile(0.99) * 1e3}


def _counts(counters: Mapping[Key, int], measure: Measure, name: str, kinds: Iterable[StrEnum]) -> dict[str, int]:
    return {kind.value: counters[measure, name, kind] for kind in kinds}


def _shown(counts: Mapping[str, int], *always: str) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count or name in always}


def _sum(counts: Mapping[Key, int], measure: Measure) -> int:
    return sum(count for key, count in counts.items() if key[0] == measure)


def _seconds(duration_ns: int) -> float:
    return max(duration_ns, 0) / 1e9


# The text.

_FAILMODE_EFFECTS = {"safe": "logins are accepted without Duo", "secure": "logins are rejected"}

_WORKER_COLUMNS: _Columns = {
    "slot": lambda worker: str(worker["slot"]),
    "state": lambda worker: worker["state"],
    "gen": lambda worker: str(worker["generation"]),
    "pid": lambda worker: str(worker["pid"]),
    "up": lambda worker: _span(worker["uptime_s"]),
    "restarts": lambda worker: _short(worker["restarts"]),
    "requests": lambda worker: _short(worker["requests"]),
    "pending": lambda worker: _short(worker["pending"]),
    "cpu s": lambda worker: _decimal(worker["cpu_s"]),
    "MB": lambda worker: _decimal(worker["rss_bytes"] / 1e6),
    "lag ms": lambda worker: _decimal(worker["loop_lag_ms"]),
    "max ms": lambda worker: _decimal(worker["loop_lag_max_ms"]),
}
_SERVER_COLUMNS: _Columns = {
    "server": lambda server: _cut(server["section"], 28),
    "requests": lambda server: _short(server["requests"]),
    "per s": lambda server: _decimal(server["rate"]),
    "accepts": lambda server: _short(server["accepts"]),
    "rejects": lambda server: _short(server["rejects"]),
    "pending": lambda server: _short(server["pending"]),
    "p50 ms": lambda server: _decimal(server["latency_ms"]["p50"]),
    "p99 ms": lambda server: _decimal(server["latency_ms"]["p99"]),
}
_APPLICATION_COLUMNS: _Columns = {
    "application": lambda application: _cut(application["ikey"], 20),
    "at": lambda application: _cut(application["api_host"], 28),
    "state": lambda application: _cut(application["state"], 12),
    "failmode": lambda application: application["failmode"],
    "idle": lambda application: _short(application["connections"]["idle"]),
    "busy": lambda application: _short(application["connections"]["busy"]),
    "errors": lambda application: _short(application["errors"]),
}


def render_status(status: Status, before: Status | None = None) -> str:
    """Return a status as text for people, at most 100 columns wide: first what needs them.

    Rates are those since `before`, an older status, or else since the gateway started.
    """
    servers = [{**server, "rate": _rate(server, status, before)} for server in status["servers"]]
    lines = [
        _headline(status),
        *_alerts(status),
        "",
        *_table(status["workers"], _WORKER_COLUMNS, 2, _worker_details),
        "",
        *_table(servers, _SERVER_COLUMNS, 1, _server_details),
        "",
        *_table(status["applications"], _APPLICATION_COLUMNS, 4, _application_details),
        "",
        *_wrapped(f"Hot path {Form(**status['hot_path'])}", ""),
        *_lost_lines(status),
    ]
    return "".join(f"{_printable(line)}\n" for line in lines)


def _lost_lines(status: Status) -> list[str]:
    lost = _counted("log lines lost", {log["log"]: log["lines_lost"] for log in status["logs"]})
    return [line.strip() for line in lost]


def _headline(status: Status) -> str:
    n_pending = sum(server["pending"] for server in status["servers"])
    return (
        f"radgate {status['version']}, pid {status['pid']}, generation {status['generation']}, "
        f"up {_span(status['uptime_s'])}, pending logins: {_short(n_pending)}"
    )


def _alerts(status: Status) -> list[str]:
    lines = []
    for application in status["applications"]:
        lasting = _span(application["state_for_s"])
        if application["failmode_active"]:
            effect = _FAILMODE_EFFECTS.get(application["failmode"], f"failmode is {application['failmode']}")
            lines += _wrapped(f"FAIL MODE of {application['ikey']} for {lasting}: {effect}", "")
        elif application["state"] != "healthy":
            lines += _wrapped(f"{application['ikey']} is {application['state']} for {lasting}: why stands below", "")
    others = slot_alerts(status) + reload_alerts(status) + log_alerts(status)
    lines += [line for alert in others for line in _wrapped(alert, "")]
    return lines or ["All workers are ready, and no application is in fail mode."]


def slot_alerts(status: Status) -> list[str]:
    """Return whose users get no answer, and which workers are not ready yet."""
    workers = [worker for worker in status["workers"] if worker["generation"] == status["generation"]]
    unserved = [worker for worker in workers if worker["unserved_s"] > UNSERVED_AFTER_S]
    lines = [
        f"NOBODY SERVES slot {worker['slot']} ({unserved_state(worker['state'])}) for {_span(worker['unserved_s'])}: "
        "its users get no answer; authproxy.log says why"
        for worker in unserved
    ]
    unready = [
        f"worker {worker['slot']} ({worker['state']})"
        for worker in workers
        if worker["state"] != "ready" and worker not in unserved
    ]
    return [*lines, f"NOT READY: {', '.join(unready)}"] if unready else lines


def reload_alerts(status: Status) -> list[str]:
    """Return why the last reload was refused, if it was; a gateway of an older version does not tell."""
    last = status.get("last_reload")
    if not last or last["ok"]:
        return []
    told = f"RELOAD REFUSED {_span(last['age_s'])} ago; generation {status['generation']} serves on"
    return [f"{told}: {'; '.join(last['problems'])}"]


def log_alerts(status: Status) -> list[str]:
    """Return which logs are lost, to whom and why."""
    return [
        f"LOG LOST: {log['log']} ({log['trouble']}); lines lost so far: {_short(log['lines_lost'])}"
        for log in status["logs"]
        if log["trouble"]
    ]


def _rate(server: Status, status: Status, before: Status | None) -> float:
    """Requests a second; an older status of another gateway says nothing."""
    elapsed_s, n_requests = status["uptime_s"], server["requests"]
    if before is not None and before["pid"] == status["pid"]:
        elapsed_s -= before["uptime_s"]
        n_requests -= sum(old["requests"] for old in before["servers"] if old["section"] == server["section"])
    return max(n_requests / elapsed_s, 0.0) if elapsed_s > 0 else 0.0


def _worker_details(worker: Status) -> list[str]:
    return _counted("lost", {kind: worker[kind] for kind in (*WORKER_LOSSES, *WORKER_GAUGES)})


def _server_details(server: Status) -> list[str]:
    return [
        *_wrapped(f"listens on {', '.join(server['listen'])}"),
        *_wrapped(server["advice"]),
        *_counted("reasons", server["reasons"]),
        *_counted("discards", server["discards"]),
        *_counted("duplicates", {RETRANSMISSION: server["duplicates"], COALESCED: server["coalesced"]}),
    ]


def _application_details(application: Status) -> list[str]:
    return [
        *_wrapped(application["hint"]),
        *_counted("calls", application["calls"]),
        *_counted("errors", application["errors_by_kind"]),
    ]


def _table(
    items: Iterable[Status], columns: _Columns, n_left: int, details: Callable[[Status], list[str]]
) -> list[str]:
    """Return aligned lines, the first `n_left` columns to the left, with the details of each item below it."""
    items = list(items)
    rows = [tuple(columns), *(tuple(cell(item) for cell in columns.values()) for item in items)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = ["  ".join(_aligned(row, widths, n_left)).rstrip() for row in rows]
    return [head, *(line for row, item in zip(lines, items, strict=True) for line in (row, *details(item)))]


def _aligned(row: Sequence[str], widths: Sequence[int], n_left: int) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if number < n_left else cell.rjust(width)


def _counted(title: str, counts: Mapping[str, int]) -> list[str]:
    named = ", ".join(f"{name} {_short(count)}" for name, count in counts.items() if count)
    return _wrapped(f"{title}: {named}") if named else []


def _wrapped(text: str, indent: str = "    ") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _printable(text: str) -> str:
    """Return the text without what could drive a terminal: hints may quote peers."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _short(count: int) -> str:
    """Return a count in at most six letters."""
    if count < 100_000:
        return str(count)
    value, units = count / 1e3, iter("kMGTPEZY")
    unit = next(units)
    while value >= 999.95:
        value /= 1e3
        unit = next(units)
    return f"{value:.1f}{unit}"


def _decimal(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else _short(round(value))


def _span(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}d {hour:02}h" if days else f"{hour:02}:{minute:02}:{second:02}"
