"""The object of `status.json`, and what people are shown of it."""

import json
from typing import Any

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Preauth
from gateway.radius.discards import DiscardReason
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import (
    BOUNDS_S,
    BoardPlan,
    Measure,
    row_layout,
)
from gateway.statistics.reading import (
    RowReading,
    Totals,
    merge,
    read_row,
)
from gateway.supervisor.form import Form
from gateway.supervisor.procfs import ProcessUsage
from gateway.supervisor.status import (
    ApplicationFacts,
    GatewayFacts,
    LogFacts,
    ServerFacts,
    WorkerFacts,
    build_status,
    render_status,
)
from gateway.unavailable import Trouble
from gateway.words.reasons import Reason

SECTION, QUIET = "radius_server_duo_only", "radius_server_duo_only2"
HOST, IKEY = "api-12345678.duosecurity.com", "DIXXXXXXXXXXXXXXXXXX"
NAME = f"{HOST}:443/{IKEY}"
PLAN = BoardPlan(1, (SECTION, QUIET), (NAME,))
LAYOUT = row_layout(PLAN)
S = 1_000_000_000
GATEWAY = GatewayFacts("1.2.3", 100, 2, 1_000 * S, 1_100 * S, Form(is_compiled=True))
SERVERS = [ServerFacts(SECTION, ("0.0.0.0:1812", "[::]:1812")), ServerFacts(QUIET, ("0.0.0.0:1645",))]
HEALTHY = ApplicationFacts(NAME, HOST, IKEY, "safe", "healthy", False, 1_001 * S, "")

CONTRACT: dict[str, Any] = {
    "version": "…",
    "pid": 1,
    "uptime_s": 1.0,
    "generation": 1,
    "workers": [
        {
            "slot": 0,
            "pid": 2,
            "state": "ready",
            "restarts": 0,
            "requests": 0,
            "pending": 0,
            "uptime_s": 1.0,
            "cpu_s": 0.1,
            "rss_bytes": 1,
            "loop_lag_ms": 0.0,
        }
    ],
    "servers": [
        {
            "section": "radius_server_duo_only",
            "listen": ["0.0.0.0:1812"],
            "requests": 0,
            "accepts": 0,
            "rejects": 0,
            "challenges": 0,
            "duplicates": 0,
            "coalesced": 0,
            "pending": 0,
            "discards": {"unknown_client": 0},
            "reasons": {"duo_allowed": 0},
            "latency_ms": {"p50": 0.0, "p99": 0.0},
        }
    ],
    "applications": [
        {
            "api_host": "…",
            "ikey": "DI…",
            "state": "healthy",
            "failmode": "safe",
            "failmode_active": False,
            "connections": {"idle": 0, "busy": 0},
            "calls": {"preauth": 0, "auth": 0, "auth_status": 0},
            "errors": 0,
        }
    ],
}


class Worker:
    """A worker that has begun, with a row of its own."""

    def __init__(self, pid: int = 11) -> None:
        self.pid = pid
        self.cells = [0] * LAYOUT.n_cells
        self.row = WorkerRow(self.cells, LAYOUT, PLAN)
        self.row.begin(pid, 1_010 * S)
        self.section = self.row.sections[SECTION]
        self.duo = self.row.applications[NAME]

    @property
    def reading(self) -> RowReading:
        return read_row(self.cells, LAYOUT)

    def facts(self, slot: int = 0, **changed: Any) -> WorkerFacts:
        facts = WorkerFacts(slot, 2, "ready", self.pid, 0, ProcessUsage(1.5, 45_000_000), self.reading)
        return facts._replace(**changed)


def status_of(*workers: WorkerFacts, application: ApplicationFacts = HEALTHY) -> dict[str, Any]:
    totals = workers[0].reading.totals
    for worker in workers[1:]:
        totals = merge(totals, worker.reading.totals)
    return build_status(GATEWAY, workers, SERVERS, [application], totals)


def lines_of(status: dict[str, Any]) -> list[str]:
    text = render_status(status)
    assert text.endswith("\n")
    return text.splitlines()


def assert_has_shape(value: object, shape: object) -> None:
    """Every key of the shape is there, with a value of the same type."""
    assert type(value) is type(shape)
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, part in shape.items():
            assert_has_shape(value[key], part)
    elif isinstance(shape, list) and isinstance(value, list):
        for item in value:
            assert_has_shape(item, shape[0])


# The object.


def test_every_promised_key_is_there_with_its_type():
    assert_has_shape(status_of(Worker().facts()), CONTRACT)


def test_it_is_plain_json():
    worker = Worker()
    worker.section.refused(Reason.NO_PASSWORD)
    worker.section.discarded(DiscardReason.OVERLOAD)
    worker.duo.troubled(Trouble.TLS)
    status = status_of(worker.facts())
    assert json.loads(json.dumps(status)) == status


def test_the_gateway_says_who_it_is_and_how_long_it_runs():
    status = status_of(Worker().facts())
    assert (status["version"], status["pid"], status["generation"], status["uptime_s"]) == ("1.2.3", 100, 2, 100.0)


def test_a_worker_shows_its_load_and_its_health():
    worker = Worker()
    for _ in range(3):
        worker.section.requested()
        worker.section.began()
    worker.row.sections[QUIET].requested()
    worker.row.beat(1_050 * S, 7_500_000)
    worker.row.beat(1_051 * S, 250_000)
    worker.row.count(Measure.DATAGRAMS, 9)
    worker.row.count(Measure.JOURNAL_SKIPPED)
    (shown,) = status_of(worker.facts(slot=3, restarts=2))["workers"]
    assert shown == {
        "slot": 3,
        "pid": 11,
        "state": "ready",
        "generation": 2,
        "restarts": 2,
        "unserved_s": 0.0,
        "requests": 4,
        "pending": 3,
        "uptime_s": 90.0,
        "cpu_s": 1.5,
        "rss_bytes": 45_000_000,
        "loop_lag_ms": 0.25,
        "loop_lag_max_ms": 7.5,
        "datagrams": 9,
        "unsent": 0,
        "overflowed": 0,
        "journal_skipped": 1,
        "journal_left_out": 0,
    }


@pytest.mark.parametrize("pid", [0, 12])
def test_signs_of_life_of_a_predecessor_are_not_those_of_its_successor(pid):
    worker = Worker(pid=11)
    worker.section.requested()
    worker.section.began()
    worker.row.beat(1_050 * S, 7_500_000)
    (shown,) = status_of(worker.facts(pid=pid, state="starting"))["workers"]
    assert (shown["requests"], shown["pending"]) == (1, 0)
    assert (shown["uptime_s"], shown["loop_lag_ms"], shown["loop_lag_max_ms"]) == (0.0, 0.0, 0.0)


def test_a_server_adds_up_what_all_workers_counted():
    one, other = Worker(11), Worker(12)
    for worker in (one, other):
        worker.section.requested()
        worker.section.unsigned()
        worker.section.retransmitted()
        worker.section.coalesced()
        worker.section.began()
        worker.section.discarded(DiscardReason.WRONG_SECRET)
    one.section.finished(Reason.DUO_ALLOWED, 0.2, 0.0002)
    other.section.finished(Reason.DUO_DENIED, 0.2, 0.0002)
    other.section.refused(Reason.NO_USER_NAME)
    other.section.began()
    busy, quiet = status_of(one.facts(), other.facts(slot=1))["servers"]
    assert busy == {
        "section": SECTION,
        "listen": ["0.0.0.0:1812", "[::]:1812"],
        "requests": 2,
        "unsigned": 2,
        "advice": "2 requests without Message-Authenticator: the log names their clients, once a day",
        "accepts": 1,
        "rejects": 2,
        "challenges": 0,
        "duplicates": 2,
        "coalesced": 2,
        "pending": 1,
        "discards": {"unknown_client": 0, "wrong_secret": 2},
        "reasons": {"duo_allowed": 1, "duo_denied": 1, "no_user_name": 1},
        "latency_ms": {"p50": pytest.approx(175.0), "p99": pytest.approx(248.5)},
        "gateway_ms": {"p50": pytest.approx(0.175), "p99": pytest.approx(0.2485)},
    }
    assert quiet["advice"] == ""
    assert quiet["discards"] == {"unknown_client": 0}
    assert quiet["reasons"] == {"duo_allowed": 0}


@pytest.mark.parametrize("reason", DiscardReason)
def test_where_all_requests_are_signed_they_can_be_required_to_be(reason):
    worker = Worker()
    worker.section.requested()
    (first, _) = status_of(worker.facts())["servers"]
    assert first["advice"] == "all requests are signed so far: require_message_authenticator=yes can be set"
    worker.section.discarded(reason)
    (first, _) = status_of(worker.facts())["servers"]
    assert first["unsigned"] == ("missing" in reason or "unauthenticated" in reason)


def test_where_signatures_are_required_there_is_nothing_to_advise():
    worker = Worker()
    worker.section.requested()
    facts = worker.facts()
    servers = [server._replace(requires_signature=True) for server in SERVERS]
    status = build_status(GATEWAY, [facts], servers, [HEALTHY], facts.reading.totals)
    assert [server["advice"] for server in status["servers"]] == ["", ""]


@pytest.mark.parametrize("reason", Reason)
def test_every_verdict_is_an_accept_or_a_reject(reason):
    worker = Worker()
    worker.section.refused(reason)
    server = status_of(worker.facts())["servers"][0]
    assert server["accepts"] + server["rejects"] == 1
    assert server["reasons"][reason] == 1


def test_an_application_shows_its_calls_and_troubles_and_how_long_its_state_lasts():
    worker = Worker()
    worker.duo.called(Preauth, 0.1)
    worker.duo.called(Auth, 0.1)
    worker.duo.called(AuthStatus, 20.0)
    worker.duo.called(AuthStatus, 20.0)
    worker.duo.troubled(Trouble.TIMEOUT)
    worker.duo.troubled(Trouble.DNS)
    worker.duo.connected(3, 4)
    application = HEALTHY._replace(state="open", is_failmode_active=True, since_ns=1_040 * S, hint="look at DNS")
    (shown,) = status_of(worker.facts(), application=application)["applications"]
    assert shown == {
        "application": NAME,
        "api_host": HOST,
        "ikey": IKEY,
        "state": "open",
        "state_for_s": 60.0,
        "failmode": "safe",
        "failmode_active": True,
        "hint": "look at DNS",
        "connections": {"idle": 3, "busy": 4},
        "calls": {"ping": 0, "check": 0, "preauth": 1, "auth": 1, "auth_status": 2},
        "errors": 2,
        "errors_by_kind": {"dns": 1, "timeout": 1},
    }


def test_histograms_are_cumulative_and_end_with_the_number_of_all():
    worker = Worker()
    worker.section.began()
    worker.section.finished(Reason.DUO_ALLOWED, 0.3, 0.00005)
    worker.duo.called(Auth, 100.0)
    histograms = status_of(worker.facts())["histograms"]
    n_bounds = len(BOUNDS_S)
    assert histograms["bounds_s"] == list(BOUNDS_S)
    assert set(histograms["servers"]) == {SECTION, QUIET}
    assert histograms["servers"][SECTION] == {
        "login": {"counts": [0] * 11 + [1] * (n_bounds - 10), "sum_s": 0.3},
        "gateway": {"counts": [1] * (n_bounds + 1), "sum_s": 0.00005},
    }
    calls = histograms["applications"][NAME]
    assert set(calls) == {"ping", "check", "preauth", "auth", "auth_status"}
    assert calls["auth"] == {"counts": [0] * n_bounds + [1], "sum_s": 100.0}
    assert calls["ping"] == {"counts": [0] * (n_bounds + 1), "sum_s": 0.0}


def test_what_retired_boards_counted_is_kept_and_what_is_configured_no_more_is_not_shown():
    retired, now = Worker(), Worker()
    retired.section.requested()
    retired.section.began()
    retired.duo.connected(5, 5)
    now.section.requested()
    totals = merge(retired.reading.totals.retired(), now.reading.totals)
    status = build_status(GATEWAY, [now.facts()], SERVERS[:1], [HEALTHY], totals)
    (server,) = status["servers"]
    assert (server["requests"], server["pending"]) == (2, 0)
    assert status["applications"][0]["connections"] == {"idle": 0, "busy": 0}


# The text.


def test_a_healthy_gateway_says_so_in_its_second_line():
    lines = lines_of(status_of(Worker().facts()))
    assert lines[0] == "radgate 1.2.3, pid 100, generation 2, up 00:01:40, pending logins: 0"
    assert lines[1] == "All workers are ready, and no application is in fail mode."


@pytest.mark.parametrize(
    ("failmode", "effect"),
    [("safe", "logins are accepted without Duo"), ("secure", "logins are rejected"), ("mixed", "failmode is mixed")],
)
def test_fail_mode_is_said_first_with_what_it_does_to_logins(failmode, effect):
    application = HEALTHY._replace(failmode=failmode, is_failmode_active=True, since_ns=1_040 * S)
    lines = lines_of(status_of(Worker().facts(), application=application))
    assert lines[1] == f"FAIL MODE of {IKEY} for 00:01:00: {effect}"


@pytest.mark.parametrize("state", ["suspect", "clock_skewed"])
def test_what_is_odd_about_duo_is_said_before_fail_mode_begins(state):
    application = HEALTHY._replace(state=state, since_ns=1_040 * S)
    assert lines_of(status_of(Worker().facts(), application=application))[1:3] == [
        f"{IKEY} is {state} for 00:01:00: why stands below",
        "",
    ]


def test_workers_that_are_not_ready_are_named_but_not_those_that_a_reload_lets_go():
    one, other, old = Worker(11), Worker(12), Worker(13)
    status = status_of(
        one.facts(),
        other.facts(slot=1, state="backoff", pid=0),
        old.facts(slot=1, state="draining", generation=1),
    )
    assert lines_of(status)[1] == "NOT READY: worker 1 (backoff)"


def test_a_slot_that_nobody_serves_for_long_is_said_as_such():
    one, other = Worker(11), Worker(12)
    status = status_of(
        one.facts(unserved_s=2.0, state="starting"), other.facts(slot=1, state="backoff", unserved_s=75.0)
    )
    assert [worker["unserved_s"] for worker in status["workers"]] == [2.0, 75.0]
    assert lines_of(status)[1:4] == [
        "NOBODY SERVES slot 1 (backoff) for 00:01:15: its users get no answer; authproxy.log says why",
        "NOT READY: worker 0 (starting)",
        "",
    ]


def test_a_lost_log_is_said_while_that_lasts_and_its_lost_lines_for_good():
    worker = Worker()
    logs = [LogFacts("authproxy.log", 7, ("worker 0",), "worker 0: Is a directory"), LogFacts("syslog", 0)]
    status = build_status(GATEWAY, [worker.facts()], SERVERS, [HEALTHY], worker.reading.totals, logs)
    assert status["logs"] == [
        {"log": "authproxy.log", "lines_lost": 7, "lost_to": ["worker 0"], "trouble": "worker 0: Is a directory"},
        {"log": "syslog", "lines_lost": 0, "lost_to": [], "trouble": ""},
    ]
    assert lines_of(status)[1] == "LOG LOST: authproxy.log (worker 0: Is a directory); lines lost so far: 7"
    status["logs"][0]["trouble"] = ""
    assert lines_of(status)[1] == "All workers are ready, and no application is in fail mode."
    assert lines_of(status)[-1] == "log lines lost: authproxy.log 7"


def test_a_refused_reload_is_said_with_its_reasons_until_another_one_succeeds():
    status = status_of(Worker().facts())
    status["last_reload"] = {"ok": False, "age_s": 75.0, "problems": ["/etc/x:7 [main] debug: wrong", "more"]}
    assert lines_of(status)[1:3] == [
        "RELOAD REFUSED 00:01:15 ago; generation 2 serves on: /etc/x:7 [main] debug: wrong; more",
        "",
    ]
    status["last_reload"]["ok"] = True
    assert lines_of(status)[1] == "All workers are ready, and no application is in fail mode."


def test_the_text_as_a_whole():
    worker = Worker()
    for _ in range(4):
        worker.section.requested()
        worker.section.began()
    for _ in range(3):
        worker.section.finished(Reason.DUO_ALLOWED, 0.2, 0.0002)
    worker.section.discarded(DiscardReason.UNKNOWN_CLIENT)
    worker.section.retransmitted()
    worker.row.gauge(Measure.OVERFLOWED, 12)
    worker.duo.called(Preauth, 0.1)
    worker.duo.troubled(Trouble.TLS)
    application = HEALTHY._replace(hint="Duo's certificate is not trusted; look at http_ca_certs_file")
    assert (
        render_status(status_of(worker.facts(), application=application))
        == """\
radgate 1.2.3, pid 100, generation 2, up 00:01:40, pending logins: 1
All workers are ready, and no application is in fail mode.

slot  state  gen  pid        up  restarts  requests  pending  cpu s    MB  lag ms  max ms
0     ready    2   11  00:01:30         0         4        1    1.5  45.0     0.0     0.0
    lost: overflowed 12

server                   requests  per s  accepts  rejects  pending  p50 ms  p99 ms
radius_server_duo_only          4    0.0        3        0        1   175.0   248.5
    listens on 0.0.0.0:1812, [::]:1812
    all requests are signed so far: require_message_authenticator=yes can be set
    reasons: duo_allowed 3
    discards: unknown_client 1
    duplicates: retransmission 1
radius_server_duo_only2         0    0.0        0        0        0     0.0     0.0
    listens on 0.0.0.0:1645

application           at                            state    failmode  idle  busy  errors
DIXXXXXXXXXXXXXXXXXX  api-12345678.duosecurity.com  healthy  safe         0     0       1
    Duo's certificate is not trusted; look at http_ca_certs_file
    calls: preauth 1
    errors: tls 1

Hot path compiled
"""
    )


def test_rates_are_those_since_an_older_status():
    worker = Worker()
    worker.section.requested()
    before = status_of(worker.facts())
    for _ in range(20):
        worker.section.requested()
    now = {**status_of(worker.facts()), "uptime_s": 102.0}
    assert rate_of(render_status(now, before)) == "10.0"
    assert rate_of(render_status(now)) == "0.2"
    assert rate_of(render_status(now, now)) == "0.0"


def test_an_older_status_of_another_gateway_says_nothing_about_rates():
    worker = Worker()
    for _ in range(200):
        worker.section.requested()
    now = status_of(worker.facts())
    assert rate_of(render_status(now, {**now, "pid": 99})) == "2.0"


def rate_of(text: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{SECTION} "))
    return line.split()[2]


def test_even_the_greatest_numbers_and_names_fit_into_100_columns():
    cells = [2**64 - 1] * LAYOUT.n_cells
    section, host = "radius_server_duo_only_of_the_directory_with_a_long_name", "duo." * 30 + "example"
    reading = read_row(cells, LAYOUT)
    totals = merge(reading.totals, reading.totals)
    gateway = GatewayFacts("1.2.3", 4_194_304, 9_999, 0, 10**19, Form(is_compiled=False, why_not="x" * 120))
    usage = ProcessUsage(1e12, 10**15)
    workers = [WorkerFacts(slot, 999, "draining", 2**64 - 1, 10**9, usage, reading) for slot in range(1_000, 1_003)]
    workers = [worker._replace(pid=4_194_304) for worker in workers]
    servers = [ServerFacts(section, ("[2001:db8:1111:2222:3333:4444:5555:6666]:1812",) * 9), ServerFacts(SECTION, ())]
    application = ApplicationFacts(NAME, host, IKEY * 3, "secure", "a state of its own", True, 0, "a hint " * 50)
    lines = lines_of(build_status(gateway, workers, servers, [application], totals))
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("radius_server_duo_only_of_t… ") for line in lines)


def test_nothing_that_a_peer_said_drives_the_terminal():
    application = HEALTHY._replace(hint="Duo answered \x1b[2J\x07 \u202e", is_failmode_active=True)
    text = render_status(status_of(Worker().facts(), application=application))
    assert "Duo answered ?[2J? ?" in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (99_999, "99999"),
        (100_000, "100.0k"),
        (999_949, "999.9k"),
        (999_999, "1.0M"),
        (12_345_678, "12.3M"),
        (2**64, "18.4E"),
    ],
)
def test_great_counts_are_shown_in_six_letters(count, shown):
    worker = Worker()
    status = status_of(worker.facts())
    status["workers"][0]["restarts"] = count
    (line,) = (line for line in lines_of(status) if line.startswith("0 "))
    assert line.split()[5] == shown


def test_a_gateway_that_is_only_starting_can_be_shown():
    status = build_status(GATEWAY, [], [], [], Totals(*read_row([0] * LAYOUT.n_cells, LAYOUT).totals))
    assert lines_of(status)[0].startswith("radgate 1.2.3")


def test_a_slot_whose_worker_is_ready_and_does_nothing_is_said_to_hang():
    status = status_of(Worker(11).facts(state="ready", unserved_s=12.0))
    assert lines_of(status)[1].startswith("NOBODY SERVES slot 0 (hangs) for 00:00:12: ")
