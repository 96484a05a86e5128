"""The gateway as it is now: facts and readings into the object that `status.json` shows. Pure.

The object is plain JSON, and its histograms hold all that a page of metrics needs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import (
    BOUNDS_S,
    CALL_KINDS,
    COALESCED,
    CONNECTION_STATES,
    FLEET_OUTCOMES,
    FLEET_SHARING,
    RETRANSMISSION,
    SLOT_COUNTERS,
    WORKER_COUNTERS,
    WORKER_GAUGES,
    Key,
    Measure,
)
from gateway.statistics.reading import Histogram, RowReading, SecretUse, Totals
from gateway.supervisor.first_factors import FirstFactorFacts, first_factor_status
from gateway.supervisor.form import Form
from gateway.supervisor.procfs import ProcessUsage
from gateway.supervisor.rotations import rotation_advice, rotation_status
from gateway.unavailable import Trouble
from gateway.words.english import counted
from gateway.words.reasons import OUTCOME_OF, Outcome, Reason

Status = dict[str, Any]

_FOR_WANT_OF_A_SIGNATURE = (
    DiscardReason.MESSAGE_AUTHENTICATOR_MISSING,
    DiscardReason.PROXY_STATE_UNAUTHENTICATED,
    DiscardReason.EAP_UNAUTHENTICATED,
)


class GatewayFacts(NamedTuple):
    """What is known of the whole; instants are monotonic nanoseconds.

    `version` is the supervisor's, `installed_version` what the next process runs, empty if that is not known; `config`
    is the path of its file.
    """

    version: str
    pid: int
    generation: int
    started_at_ns: int
    now_ns: int
    hot_path: Form
    installed_version: str = ""
    config: str = ""


class WorkerFacts(NamedTuple):
    """One slot: `pid` is 0 while it is empty, `reading` is its row.

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
    version: str = ""


class ServerFacts(NamedTuple):
    """One server section: where it listens, whether it takes signed requests alone, how many clients it has, its name.

    `mode` is its kind, as its name has it; `client` the section of its first factor.
    `rotations` are its clients that have two secrets, by name, and what has been seen of them `since_ns`.
    """

    section: str
    listen: tuple[str, ...]
    requires_signature: bool = False
    rotations: Mapping[str, SecretUse] = {}
    since_ns: int = 0
    n_clients: int = 0
    name: str = ""
    mode: str = "duo_only"
    client: str = "duo_only_client"
    fail_mode: str = "safe"


class ApplicationFacts(NamedTuple):
    """One Duo application; `name` is what the board calls it, `hint` what an administrator should look at.

    `has_next_key`: whether it has two secret keys; `sections` are the server sections whose logins it decides.
    """

    name: str
    api_host: str
    ikey: str
    fail_mode: str
    state: str
    is_fail_mode_active: bool
    since_ns: int
    hint: str
    has_next_key: bool = False
    sections: tuple[str, ...] = ()


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
    first_factors: Sequence[FirstFactorFacts] = (),
) -> Status:
    """Return the object of `status.json`; `totals` are those of all rows and of all boards before."""
    workers = list(workers)
    rows = [worker.reading.totals.gauges for worker in workers]
    return {
        "version": gateway.version,
        "installed_version": gateway.installed_version,
        "pid": gateway.pid,
        "config": gateway.config,
        "uptime_s": _seconds(gateway.now_ns - gateway.started_at_ns),
        "generation": gateway.generation,
        "hot_path": gateway.hot_path._asdict(),
        "workers": [_worker(worker, gateway, totals) for worker in workers],
        "slots": [_slot(worker.slot, totals) for worker in workers if worker.generation == gateway.generation],
        "servers": [_server(server, totals, gateway.now_ns) for server in servers],
        "applications": [_application(application, totals, gateway.now_ns) for application in applications],
        "duo_hosts": _duo_hosts(applications, totals),
        "clients": [first_factor_status(facts, totals, rows, gateway.now_ns) for facts in first_factors],
        "logs": [
            {"log": log.name, "lines_lost": log.n_lost, "lost_to": list(log.lost_to), "trouble": log.trouble}
            for log in logs
        ],
        "histograms": _histograms(servers, applications, first_factors, totals),
    }


def _histograms(
    servers: Sequence[ServerFacts],
    applications: Sequence[ApplicationFacts],
    first_factors: Sequence[FirstFactorFacts],
    totals: Totals,
) -> Status:
    return {
        "bounds_s": list(BOUNDS_S),
        "servers": {server.section: _server_histograms(server.section, totals) for server in servers},
        "applications": {known.name: _call_histograms(known.name, totals) for known in applications},
        "clients": {
            facts.section: _histogram(totals.histogram(Measure.FIRST_FACTOR_SECONDS, facts.section))
            for facts in first_factors
        },
        "fleet": _histogram(totals.histogram(Measure.FLEET_ENGINE_SECONDS)),
    }


def fleet_counts(totals: Totals) -> Status:
    """Return what has been counted of logins that were claimed among hosts."""
    return {
        "claims": {outcome: totals.counters[Measure.FLEET_CLAIMS, outcome] for outcome in FLEET_OUTCOMES},
        "engine_ms": _quantiles(totals.histogram(Measure.FLEET_ENGINE_SECONDS)),
    }


def _worker(worker: WorkerFacts, gateway: GatewayFacts, of_all: Totals) -> Status:
    """Return what it says of itself, and of `of_all` what was lost in the sockets of its slot: the present one's."""
    (signs, totals), now_ns = worker.reading, gateway.now_ns
    is_present = worker.generation == gateway.generation
    is_begun = worker.pid != 0 and signs.pid == worker.pid  # else the signs are the predecessor's
    return {
        "slot": worker.slot,
        "version": worker.version,
        "pid": worker.pid,
        "state": worker.state,
        "generation": worker.generation,
        "restarts": worker.restarts,
        "unserved_s": max(worker.unserved_s, 0.0),
        "requests": _sum(totals.counters, Measure.REQUESTS) + _sum(totals.counters, Measure.TRIED),
        "pending": _sum(totals.gauges, Measure.PENDING) if is_begun else 0,
        "uptime_s": _seconds(now_ns - signs.started_at_ns) if is_begun else 0.0,
        "cpu_s": worker.usage.cpu_s,
        "rss_bytes": worker.usage.rss_bytes,
        "loop_lag_ms": signs.lag_ns / 1e6 if is_begun else 0.0,
        "loop_lag_max_ms": signs.lag_max_ns / 1e6 if is_begun else 0.0,
        "sharing": _sharing(totals.gauges[(Measure.FLEET_SHARING,)]) if is_begun else "",
        **{measure.value: totals.counters[(measure,)] for measure in WORKER_COUNTERS},
        **{measure.value: totals.gauges[(measure,)] for measure in WORKER_GAUGES},
        Measure.OVERFLOWED.value: of_all.counters[Measure.OVERFLOWED, str(worker.slot)] if is_present else 0,
    }


def _sharing(number: int) -> str:
    """Return whether a worker shares its logins, or why not; empty where it has not said."""
    return FLEET_SHARING[number - 1] if number else ""


def _slot(slot: int, totals: Totals) -> Status:
    """Return what all workers of a slot have counted, of whatever generation."""
    return {"slot": slot, **{measure.value: totals.counters[measure, str(slot)] for measure in SLOT_COUNTERS}}


def _server(server: ServerFacts, totals: Totals, now_ns: int) -> Status:
    counters, section = totals.counters, server.section
    reasons = _counts(counters, Measure.VERDICTS, section, Reason)
    discards = _counts(counters, Measure.DISCARDS, section, DiscardReason)
    n_unsigned = counters[Measure.UNSIGNED, section] + sum(discards[reason] for reason in _FOR_WANT_OF_A_SIGNATURE)
    rotation = rotation_status(server.rotations, now_ns, server.since_ns) if server.rotations else None
    advice = _advice(server, counters[Measure.REQUESTS, section], n_unsigned)
    return {
        "section": section,
        "name": server.name or section,
        "mode": server.mode,
        "client": server.client,
        "failmode": server.fail_mode,
        "listen": list(server.listen),
        "n_clients": server.n_clients,
        "requests": counters[Measure.REQUESTS, section] + counters[Measure.TRIED, section],
        "unsigned": n_unsigned,
        "advice": "; ".join(filter(None, (rotation_advice(rotation) if rotation else "", advice))),
        **_answers(reasons),
        "duplicates": counters[Measure.DUPLICATES, section, RETRANSMISSION],
        "coalesced": counters[Measure.DUPLICATES, section, COALESCED],
        "pending": totals.gauges[Measure.PENDING, section],
        "discards": _shown(discards, DiscardReason.UNKNOWN_CLIENT),
        "reasons": _shown(reasons, Reason.DUO_ALLOWED),
        "latency_ms": _quantiles(totals.histogram(Measure.LOGIN_SECONDS, section)),
        "gateway_ms": _quantiles(totals.histogram(Measure.GATEWAY_SECONDS, section)),
        **({"rotation": rotation} if rotation else {}),
    }


def _answers(reasons: Mapping[str, int]) -> Status:
    """Return how many logins have ended in each way, of how many for each reason."""
    replies = Counter[Outcome]()
    for reason, outcome in OUTCOME_OF.items():
        replies[outcome] += reasons[reason]
    return {
        "accepts": replies[Outcome.ACCEPT],
        "rejects": replies[Outcome.REJECT],
        "challenges": replies[Outcome.CHALLENGE],
    }


def _advice(server: ServerFacts, n_requests: int, n_unsigned: int) -> str:
    """Return whether the section's clients can be held to sign, so far; what `radgate login` has tried is none."""
    if server.requires_signature or not n_requests:
        return ""
    if n_unsigned:
        return f"{n_unsigned} requests without Message-Authenticator: the log names their clients, once a day"
    return "all requests are signed so far: require_message_authenticator=yes can be set"


def _application(application: ApplicationFacts, totals: Totals, now_ns: int) -> Status:
    name = application.name
    troubles = _counts(totals.counters, Measure.TROUBLES, name, Trouble)
    n_next = totals.gauges[Measure.NEXT_KEY, name]
    return {
        "application": name,
        "api_host": application.api_host,
        "ikey": application.ikey,
        "sections": list(application.sections),
        "state": application.state,
        "state_for_s": _seconds(now_ns - application.since_ns),
        "failmode": application.fail_mode,
        "failmode_active": application.is_fail_mode_active,
        "hint": "; ".join(filter(None, (application.hint, _next_key_hint(n_next) if n_next else ""))),
        "connections": _connections([name], totals),
        "calls": {kind: totals.histogram(Measure.CALL_SECONDS, name, kind).n_observed for kind in CALL_KINDS.values()},
        "errors": sum(troubles.values()),
        "errors_by_kind": _shown(troubles),
        **({"next_key_workers": n_next} if application.has_next_key else {}),
    }


def _next_key_hint(n_workers: int) -> str:
    sign = "signs" if n_workers == 1 else "sign"
    return (
        f"Duo takes skey_next, with which {counted(n_workers, 'worker')} {sign}: make it the skey, and remove it there"
    )


def _duo_hosts(applications: Iterable[ApplicationFacts], totals: Totals) -> list[Status]:
    """Return the connections to each host, which its applications share."""
    names: dict[str, list[str]] = {}
    for application in applications:
        names.setdefault(application.api_host, []).append(application.name)
    return [
        {"api_host": host, "applications": len(found), "connections": _connections(found, totals)}
        for host, found in names.items()
    ]


def _connections(names: Iterable[str], totals: Totals) -> dict[str, int]:
    """Add up what these applications show: the first of those that share connections shows them, the others none."""
    return {
        state: sum(totals.gauges[Measure.CONNECTIONS, name, state] for name in names) for state in CONNECTION_STATES
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
