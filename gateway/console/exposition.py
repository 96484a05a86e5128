"""A status as Prometheus's text: the names are the contract with dashboards and alert rules. Pure.

A full page has every series from the start, with 0: `increase()` sees no first event of one that was not there. A brief
one, of many sections, has what has been counted, and from the start only what alerts wait for; its histograms are those
of all sections together, and of the calls to each host.

A console that is started anew may be of newer code than its supervisor, whose status then lacks what is new.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from gateway.console.prometheus_text import Labels, Samples, counter, gauge, histogram
from gateway.engine.replies import LABELS
from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import ACCEPTED, ANSWERS, COALESCED, HOST_OUTCOMES, REJECTED, RETRANSMISSION
from gateway.unavailable import Trouble
from gateway.words.first_factors import TROUBLES_OF, ReplyDiscard
from gateway.words.reasons import OUTCOME_OF, Reason

ALL: Final = "all"
"""In the place of a section: all of them together. No section has that name."""

_BRIEF_REASONS: Final = frozenset({Reason.DUO_ALLOWED, Reason.DUO_DENIED, Reason.DUO_FRAUD})
_BRIEF_DISCARDS: Final = frozenset({DiscardReason.OVERLOAD})
_BRIEF_TROUBLES: Final = frozenset({Trouble.CERTIFICATE})

_RADIUS: Final = "radius_client"
_OUTCOMES_OF: Final = {
    _RADIUS: {*ANSWERS, *(trouble.value for trouble in TROUBLES_OF[_RADIUS])},
    "ad_client": {ACCEPTED, REJECTED, *(trouble.value for trouble in TROUBLES_OF["ad_client"])},
}
"""Of each kind of first factor: what can become of a question to one of its hosts."""

_QUIET: Final = "duo_only"  # the mode that never challenges
_Status = dict[str, Any]
_Lines = Iterator[str]
_Host = tuple[str, tuple[str, str], dict[str, Any]]
"""Of a first factor: its kind, the labels of the host, and what the status says of it."""
_Durations = tuple[Sequence[int], float]
"""Of a histogram: how many up to each bound, and the sum in seconds."""


def exposition(status: _Status, is_brief: bool = False) -> bytes:
    """Return the whole text."""
    return "".join(_lines(status, is_brief)).encode()


def _lines(status: _Status, is_brief: bool) -> _Lines:
    yield from _of_gateway(status)
    yield from _of_servers(status, is_brief)
    yield from _of_applications(status, is_brief)
    yield from _of_first_factors(status, is_brief)
    yield from _of_workers(status)
    if "fleet" in status:
        yield from _of_fleet(status)


def _of_gateway(status: _Status) -> _Lines:
    yield from _of_versions(status)
    yield from _of_configuration(status)
    yield from _gauge("uptime_seconds", "Since the supervisor started.", [], [((), status["uptime_s"])])
    restarts = [((), status["console"]["restarts"])]
    yield from _counter("console_restarts", "Consoles that exited on their own since the start.", [], restarts)
    until = [((each["certificate"], each["host"]), each["valid_until"]) for each in status.get("certificates", ())]
    text = "Until when a certificate is valid, in Unix seconds."
    yield from _gauge("certificate_valid_until_seconds", text, ["certificate", "host"], until)
    yield from _of_logs(status["logs"])


def _of_versions(status: _Status) -> _Lines:
    children = (*status["workers"], status["console"])
    running = dict.fromkeys([status["version"], *(child.get("version", "") for child in children)])
    text = "Always 1; the label is a version that some process runs."
    yield from _gauge("build_info", text, ["version"], [((version,), 1) for version in running if version])
    installed = [((version,), 1) for version in (status.get("installed_version"),) if version]
    yield from _gauge("installed_info", "Always 1; the label is the version that is installed.", ["version"], installed)


def _of_configuration(status: _Status) -> _Lines:
    yield from _gauge("generation", "Reloads since the start, and 1.", [], [((), status["generation"])])
    last = status.get("last_reload")
    outcome = [((), int(last["ok"]))] if last is not None else []
    text = "1 if the last reload took place, 0 if it was refused; nothing before the first."
    yield from _gauge("last_reload_successful", text, [], outcome)
    ended = [((), last["at"])] if last is not None and "at" in last else []
    text = "When the last reload took place or was refused, in Unix seconds; nothing before the first."
    yield from _gauge("last_reload_timestamp_seconds", text, [], ended)
    yield from _gauge("sections", "Server sections.", [], [((), len(status["servers"]))])
    n_clients = sum(server.get("n_clients", 0) for server in status["servers"])
    yield from _gauge("clients", "RADIUS clients of all sections: radius_ip_N.", [], [((), n_clients)])
    most = [((), status["max_pending"])]
    yield from _gauge("max_pending", "Logins that may be pending, all workers together.", [], most)


def _of_logs(logs: list[_Status]) -> _Lines:
    """Tell of each log that there is from the start, with 0, as of replies."""
    lost = [((log["log"],), log["lines_lost"]) for log in logs]
    yield from _counter("log_lines_lost", "Lines that could not be written, by log.", ["log"], lost)
    troubled = [((log["log"],), int(bool(log["trouble"]))) for log in logs]
    yield from _gauge("log_lost", "1 while a process cannot write or open the log.", ["log"], troubled)


def _of_servers(status: _Status, is_brief: bool) -> _Lines:
    servers = _Servers(status["servers"])
    requests = [(labels, server["requests"]) for labels, server in servers]
    yield from _counter("requests", "Access-Requests of known clients.", servers.names, requests)
    yield from _replies(servers, _BRIEF_REASONS if is_brief else frozenset(Reason))
    yield from _discards(servers, _BRIEF_DISCARDS if is_brief else frozenset(DiscardReason))
    yield from _duplicates(servers, is_brief)
    pending = [(labels, server["pending"]) for labels, server in servers]
    yield from _gauge("pending", "Logins under way.", servers.names, pending)
    yield from _challenges(servers)
    yield from _rotations(servers)
    yield from _login_histogram("login", "From request to decision, people included.", servers, status, is_brief)
    yield from _login_histogram("gateway", "The gateway's own share of a login.", servers, status, is_brief)


class _Servers:
    """The server sections, each with the values of its labels.

    Attributes:
        names: of the labels; `name` is one of them only if a section has a name of its own.
    """

    def __init__(self, servers: list[_Status]) -> None:
        is_named = any(map(_own_name, servers))
        self.names = ["server", "name"] if is_named else ["server"]
        self._found = [(self.labels(server["section"], _own_name(server)), server) for server in servers]

    def __iter__(self) -> Iterator[tuple[Labels, _Status]]:
        return iter(self._found)

    def labels(self, section: str, name: str = "") -> Labels:
        """Return the values of the labels."""
        return (section, name)[: len(self.names)]


def _own_name(server: _Status) -> str:
    """Return what people call a section; empty if they call it by its own name."""
    name: str = server.get("name", "")
    return "" if name == server["section"] else name


def _replies(servers: _Servers, always: Collection[Reason]) -> _Lines:
    samples = (
        ((*labels, LABELS[outcome], reason.value), n)
        for labels, server in servers
        for reason, outcome in OUTCOME_OF.items()
        if (n := server["reasons"].get(reason.value, 0)) or reason in always
    )
    return _counter(
        "replies", "Logins that have ended, by reply and reason.", [*servers.names, "reply", "reason"], samples
    )


def _discards(servers: _Servers, always: Collection[DiscardReason]) -> _Lines:
    samples = (
        ((*labels, reason.value), n)
        for labels, server in servers
        for reason in DiscardReason
        if (n := server["discards"].get(reason.value, 0)) or reason in always
    )
    return _counter("discards", "Datagrams that were not answered, by reason.", [*servers.names, "reason"], samples)


def _duplicates(servers: _Servers, is_brief: bool) -> _Lines:
    samples = (
        ((*labels, kind), server[key])
        for labels, server in servers
        for kind, key in ((RETRANSMISSION, "duplicates"), (COALESCED, "coalesced"))
        if server[key] or not is_brief
    )
    text = "Requests answered or joined without asking Duo again, by kind."
    return _counter("duplicates", text, [*servers.names, "kind"], samples)


def _challenges(servers: _Servers) -> _Lines:
    """Tell how often people were asked for more: of sections that can ask."""
    samples = [(labels, server["challenges"]) for labels, server in servers if server.get("mode", _QUIET) != _QUIET]
    if samples:
        yield from _counter("challenges", "Access-Challenges, each with its own line.", servers.names, samples)


def _rotations(servers: _Servers) -> _Lines:
    """Tell how far clients are with the change of their secrets: of sections where one has two."""
    found = [(labels, server["rotation"]) for labels, server in servers if "rotation" in server]
    if not found:
        return
    packets = [((*labels, secret), count) for labels, each in found for secret, count in each["packets"].items()]
    text = "Packets of clients that have two secrets, by the one that they were sent with, since the reload."
    yield from _counter("rotation_packets", text, [*servers.names, "secret"], packets)
    clients = [((*labels, secret), each[f"used_{secret}"]) for labels, each in found for secret in ("present", "next")]
    text = "Clients that have two secrets, by those that they have used since the reload."
    yield from _gauge("rotation_clients", text, [*servers.names, "secret"], clients)
    ages = [(labels, each["last_present"][0]["ago_s"]) for labels, each in found if each["last_present"]]
    yield from _gauge(
        "rotation_present_age_seconds", "Since a client used its present secret last.", servers.names, ages
    )


def _login_histogram(kind: str, text: str, servers: _Servers, status: _Status, is_brief: bool) -> _Lines:
    by_section = {section: shown[kind] for section, shown in status["histograms"]["servers"].items()}
    samples: Iterable[tuple[Labels, _Durations]] = (
        (labels, _durations(by_section[server["section"]])) for labels, server in servers
    )
    if is_brief:
        samples = [(servers.labels(ALL), _together(by_section.values()))] if by_section else []
    return _histogram(f"{kind}_seconds", text, servers.names, samples, status)


def _of_applications(status: _Status, is_brief: bool) -> _Lines:
    applications = status["applications"]
    yield from _calls(status, is_brief)
    yield from _errors(applications, _BRIEF_TROUBLES if is_brief else frozenset(Trouble))
    connections = (
        ((host["api_host"], state), count)
        for host in status.get("duo_hosts", ())
        for state, count in host["connections"].items()
    )
    text = "Connections to Duo's host, which its applications share, all workers together."
    yield from _gauge("duo_connections", text, ["application", "state"], connections)
    keys = [((each["application"],), each["next_key_workers"]) for each in applications if "next_key_workers" in each]
    if keys:
        yield from _gauge("duo_next_key_workers", "Workers that sign with skey_next.", ["application"], keys)
    active = [((known["application"],), int(known["failmode_active"])) for known in applications]
    text = "1 while Duo is known to be away and failmode decides."
    yield from _gauge("failmode_active", text, ["application"], active)


def _calls(status: _Status, is_brief: bool) -> _Lines:
    samples: Iterable[tuple[Labels, _Durations]] = (
        ((name, call), _durations(shown))
        for name, calls in status["histograms"]["applications"].items()
        for call, shown in calls.items()
    )
    text = "Calls to Duo, long polls included, until their answer or failure."
    return _histogram(
        "duo_call_seconds", text, ["application", "call"], _calls_by_host(status) if is_brief else samples, status
    )


def _calls_by_host(status: _Status) -> Iterator[tuple[Labels, _Durations]]:
    """Yield the calls that there have been, of all applications at a host together."""
    found: dict[Labels, list[_Status]] = {}
    host_of = {known["application"]: known["api_host"] for known in status["applications"]}
    for name, calls in status["histograms"]["applications"].items():
        for call, shown in calls.items():
            if shown["counts"][-1]:
                found.setdefault((host_of[name], call), []).append(shown)
    return ((labels, _together(shown)) for labels, shown in found.items())


def _errors(applications: list[_Status], always: Collection[Trouble]) -> _Lines:
    samples = (
        ((known["application"], trouble.value), n)
        for known in applications
        for trouble in Trouble
        if (n := known["errors_by_kind"].get(trouble.value, 0)) or trouble in always
    )
    text = "Calls to Duo that ended without an answer, by kind of trouble."
    return _counter("duo_errors", text, ["application", "kind"], samples)


def _of_first_factors(status: _Status, is_brief: bool) -> _Lines:
    """Tell of first factors where there are any: a supervisor of older code, too, has none."""
    clients = status.get("clients")
    if not clients:
        return
    hosts = [
        (client["kind"], (client["section"], host["host"]), host) for client in clients for host in client["hosts"]
    ]
    up = ((labels, int(host["state"] != "down")) for _, labels, host in hosts)
    text = "0 if a host has not answered the last time that it was asked."
    yield from _gauge("first_factor_up", text, ["client", "host"], up)
    yield from _questions(hosts, is_brief)
    yield from _reply_discards(hosts, is_brief)
    took = status["histograms"]["clients"]
    seconds = [((client["section"],), _durations(took[client["section"]])) for client in clients]
    text = "Questions to a first factor, until an answer or until no host of it has given one."
    yield from _histogram("first_factor_seconds", text, ["client"], seconds, status)


def _questions(hosts: list[_Host], is_brief: bool) -> _Lines:
    samples = (
        ((*labels, outcome), n)
        for kind, labels, host in hosts
        for outcome in HOST_OUTCOMES
        if (n := host["outcomes"].get(outcome, 0)) or (outcome in _OUTCOMES_OF[kind] and not is_brief)
    )
    text = "Questions to a host, by its answer, or why there was none."
    return _counter("first_factor_questions", text, ["client", "host", "outcome"], samples)


def _reply_discards(hosts: list[_Host], is_brief: bool) -> _Lines:
    samples = [
        ((*labels, reason.value), n)
        for kind, labels, host in hosts
        for reason in ReplyDiscard
        if (n := host.get("discards", {}).get(reason.value, 0)) or (kind == _RADIUS and not is_brief)
    ]
    if samples:
        text = "Replies of a home server that were not believed, by reason."
        yield from _counter("first_factor_discards", text, ["client", "host", "reason"], samples)


def _of_workers(status: _Status) -> _Lines:
    serving = [worker for worker in status["workers"] if worker["generation"] == status["generation"]]
    slots = status.get("slots", serving)  # an older supervisor counts anew with each generation

    def by_slot(key: str, factor: float = 1.0) -> Samples:
        return [((str(worker["slot"]),), worker[key] * factor) for worker in serving]

    def kept(key: str) -> Samples:
        return [((str(slot["slot"]),), slot[key]) for slot in slots]

    up = [((str(worker["slot"]),), int(worker["state"] == "ready")) for worker in serving]
    yield from _gauge("worker_up", "1 while the slot's worker serves.", ["slot"], up)
    unserved = by_slot("unserved_s")
    yield from _gauge("worker_unserved_seconds", "For how long nobody has served the slot's users.", ["slot"], unserved)
    restarts = by_slot("restarts")
    yield from _counter("worker_restarts", "Workers that died here unasked since the reload.", ["slot"], restarts)
    yield from _counter("worker_cpu_seconds", "CPU of the slot's present worker.", ["slot"], by_slot("cpu_s"))
    yield from _gauge("worker_resident_bytes", "Memory of the slot's worker.", ["slot"], by_slot("rss_bytes"))
    lag = by_slot("loop_lag_max_ms", 1e-3)
    yield from _gauge(
        "worker_loop_lag_seconds", "Greatest lag of its event loop in the last minute or two.", ["slot"], lag
    )
    yield from _counter("datagrams", "Datagrams received.", ["slot"], kept("datagrams"))
    yield from _counter("unsent", "Replies that the kernel did not take.", ["slot"], kept("unsent"))
    text = "Records of a predecessor that were of no use to its successor."
    yield from _counter("journal_skipped", text, ["slot"], kept("journal_skipped"))
    overflowed = kept("overflowed")
    yield from _counter("receive_overflows", "Datagrams lost in full socket buffers.", ["slot"], overflowed)


def _of_fleet(status: _Status) -> _Lines:
    fleet = status["fleet"]
    claims = [((outcome,), count) for outcome, count in fleet["claims"].items()]
    yield from _counter("fleet_claims", "Logins that were claimed, by what became of it.", ["outcome"], claims)
    waited = [((), _durations(status["histograms"]["fleet"]))]
    yield from _histogram("fleet_engine_seconds", "For how long a login waited for its claim.", [], waited, status)
    n_alive = sum(host["state"] not in ("silent", "unknown") for host in fleet["hosts"])
    yield from _gauge("fleet_hosts", "Hosts of the fleet that live, this one included.", [], [((), n_alive)])
    yield from _gauge("fleet_up", "1 while all workers share logins with other hosts.", [], [((), int(fleet["up"]))])


def _counter(name: str, text: str, names: list[str], samples: Samples) -> _Lines:
    return counter(f"radgate_{name}", text, names, samples)


def _gauge(name: str, text: str, names: list[str], samples: Samples) -> _Lines:
    return gauge(f"radgate_{name}", text, names, samples)


def _histogram(
    name: str, text: str, names: list[str], samples: Iterable[tuple[Labels, _Durations]], status: _Status
) -> _Lines:
    bounds = status["histograms"]["bounds_s"]
    return histogram(f"radgate_{name}", text, names, bounds, ((values, *durations) for values, durations in samples))


def _durations(shown: _Status) -> _Durations:
    return shown["counts"], shown["sum_s"]


def _together(shown: Collection[_Status]) -> _Durations:
    """Return several histograms as one."""
    counts = [sum(at_bound) for at_bound in zip(*(each["counts"] for each in shown), strict=True)]
    return counts, sum(each["sum_s"] for each in shown)
