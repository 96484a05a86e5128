"""A status as Prometheus's text: the names are the contract with dashboards and alert rules. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.engine.replies import LABELS
from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import COALESCED, RETRANSMISSION
from gateway.unavailable import Trouble
from gateway.words.reasons import OUTCOME_OF

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_Status = dict[str, Any]


def exposition(status: _Status) -> bytes:
    """Return the whole text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StatusCollector(status))
    return generate_latest(registry)


class _StatusCollector(Collector):
    """Hands one status to the library."""

    def __init__(self, status: _Status) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        yield from _of_gateway(self._status)
        yield from _of_servers(self._status)
        yield from _of_applications(self._status)
        yield from _of_workers(self._status)
        if "fleet" in self._status:
            yield from _of_fleet(self._status)


def _of_gateway(status: _Status) -> Iterator[Metric]:
    yield _gauge("build_info", "Always 1; the version is the label.", ["version"], [((status["version"],), 1)])
    yield _gauge("uptime_seconds", "Since the supervisor started.", [], [((), status["uptime_s"])])
    yield _gauge("generation", "Reloads since the start, and 1.", [], [((), status["generation"])])
    yield _gauge("max_pending", "Logins that may be pending, all workers together.", [], [((), status["max_pending"])])

    # A log that there is stands here from the start, with 0, as replies do.
    logs = status["logs"]
    lost = [((log["log"],), log["lines_lost"]) for log in logs]
    yield _counter("log_lines_lost", "Lines that could not be written, by log.", ["log"], lost)
    troubled = [((log["log"],), int(bool(log["trouble"]))) for log in logs]
    yield _gauge("log_lost", "1 while a process cannot write or open the log.", ["log"], troubled)


def _of_servers(status: _Status) -> Iterator[Metric]:
    servers = status["servers"]
    requests = [((server["section"],), server["requests"]) for server in servers]
    yield _counter("requests", "Access-Requests of known clients.", ["server"], requests)
    yield _replies(servers)
    yield _discards(servers)
    yield _duplicates(servers)
    pending = [((server["section"],), server["pending"]) for server in servers]
    yield _gauge("pending", "Logins under way.", ["server"], pending)
    yield _login_histogram("login", "From request to decision, people included.", status)
    yield _login_histogram("gateway", "The gateway's own share of a login.", status)


def _replies(servers: list[_Status]) -> Metric:
    """Count every reason from the start, with 0: increase() sees no first event of a series that was not there."""
    samples = (
        ((server["section"], LABELS[outcome], reason.value), server["reasons"].get(reason.value, 0))
        for server in servers
        for reason, outcome in OUTCOME_OF.items()
    )
    return _counter("replies", "Logins that have ended, by reply and reason.", ["server", "reply", "reason"], samples)


def _discards(servers: list[_Status]) -> Metric:
    samples = (
        ((server["section"], reason.value), server["discards"].get(reason.value, 0))
        for server in servers
        for reason in DiscardReason
    )
    return _counter("discards", "Datagrams that were not answered, by reason.", ["server", "reason"], samples)


def _duplicates(servers: list[_Status]) -> Metric:
    samples = (
        ((server["section"], kind), server[key])
        for server in servers
        for kind, key in ((RETRANSMISSION, "duplicates"), (COALESCED, "coalesced"))
    )
    text = "Requests answered or joined without asking Duo again, by kind."
    return _counter("duplicates", text, ["server", "kind"], samples)


def _login_histogram(kind: str, text: str, status: _Status) -> Metric:
    samples = (((name,), section[kind]) for name, section in status["histograms"]["servers"].items())
    return _histogram(f"{kind}_seconds", text, ["server"], samples, status)


def _of_applications(status: _Status) -> Iterator[Metric]:
    applications = status["applications"]
    yield _calls(status)
    yield _errors(applications)
    connections = (
        ((host["api_host"], state), count)
        for host in status["duo_hosts"]
        for state, count in host["connections"].items()
    )
    text = "Connections to Duo's host, which its applications share, all workers together."
    yield _gauge("duo_connections", text, ["application", "state"], connections)
    active = [((known["application"],), int(known["failmode_active"])) for known in applications]
    text = "1 while Duo is known to be away and failmode decides."
    yield _gauge("failmode_active", text, ["application"], active)


def _calls(status: _Status) -> Metric:
    samples = (
        ((name, call), histogram)
        for name, calls in status["histograms"]["applications"].items()
        for call, histogram in calls.items()
    )
    text = "Calls to Duo, long polls included, until their answer or failure."
    return _histogram("duo_call_seconds", text, ["application", "call"], samples, status)


def _errors(applications: list[_Status]) -> Metric:
    samples = (
        ((known["application"], trouble.value), known["errors_by_kind"].get(trouble.value, 0))
        for known in applications
        for trouble in Trouble
    )
    text = "Calls to Duo that ended without an answer, by kind of trouble."
    return _counter("duo_errors", text, ["application", "kind"], samples)


def _of_workers(status: _Status) -> Iterator[Metric]:
    serving = [worker for worker in status["workers"] if worker["generation"] == status["generation"]]

    def by_slot(key: str, factor: float = 1.0) -> list[tuple[tuple[str, ...], float]]:
        return [((str(worker["slot"]),), worker[key] * factor) for worker in serving]

    up = [((str(worker["slot"]),), int(worker["state"] == "ready")) for worker in serving]
    yield _gauge("worker_up", "1 while the slot's worker serves.", ["slot"], up)
    unserved = by_slot("unserved_s")
    yield _gauge("worker_unserved_seconds", "For how long nobody has served the slot's users.", ["slot"], unserved)
    restarts = by_slot("restarts")
    yield _counter("worker_restarts", "Workers that died here unasked since the reload.", ["slot"], restarts)
    yield _counter("worker_cpu_seconds", "CPU of the slot's present worker.", ["slot"], by_slot("cpu_s"))
    yield _gauge("worker_resident_bytes", "Memory of the slot's worker.", ["slot"], by_slot("rss_bytes"))
    lag = by_slot("loop_lag_max_ms", 1e-3)
    yield _gauge("worker_loop_lag_seconds", "Greatest lag of its event loop in the last minute or two.", ["slot"], lag)
    yield _counter("datagrams", "Datagrams received.", ["slot"], by_slot("datagrams"))
    yield _counter("unsent", "Replies that the kernel did not take.", ["slot"], by_slot("unsent"))
    skipped = by_slot("journal_skipped")
    text = "Records of a predecessor that were of no use to its successor."
    yield _counter("journal_skipped", text, ["slot"], skipped)
    overflowed = by_slot("overflowed")
    yield _counter("receive_overflows", "Datagrams lost in full socket buffers.", ["slot"], overflowed)


def _of_fleet(status: _Status) -> Iterator[Metric]:
    fleet = status["fleet"]
    claims = [((outcome,), count) for outcome, count in fleet["claims"].items()]
    yield _counter("fleet_claims", "Logins that were claimed, by what became of it.", ["outcome"], claims)
    waited = [((), status["histograms"]["fleet"])]
    yield _histogram("fleet_engine_seconds", "For how long a login waited for its claim.", [], waited, status)
    n_alive = sum(host["state"] not in ("silent", "unknown") for host in fleet["hosts"])
    yield _gauge("fleet_hosts", "Hosts of the fleet that live, this one included.", [], [((), n_alive)])
    yield _gauge("fleet_up", "1 while logins are shared with other hosts.", [], [((), int(fleet["up"]))])


_Samples = Iterable[tuple[tuple[str, ...], float]]


def _counter(name: str, text: str, labels: list[str], samples: _Samples) -> Metric:
    family = CounterMetricFamily(f"radgate_{name}", text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _gauge(name: str, text: str, labels: list[str], samples: _Samples) -> Metric:
    family = GaugeMetricFamily(f"radgate_{name}", text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _histogram(
    name: str, text: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], _Status]], status: _Status
) -> Metric:
    family = HistogramMetricFamily(f"radgate_{name}", text, labels=labels)
    bounds = [*(f"{bound:g}" for bound in status["histograms"]["bounds_s"]), "+Inf"]
    for values, histogram in samples:
        buckets = list(zip(bounds, histogram["counts"], strict=True))
        family.add_metric(values, buckets, histogram["sum_s"])
    return family
