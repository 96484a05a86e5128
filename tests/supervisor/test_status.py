"""The object of `status.json`."""

import json
from collections import Counter
from typing import Any

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Preauth
from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import BOUNDS_S, FLEET_SHARING, Measure
from gateway.statistics.reading import Totals, merge
from gateway.supervisor.status import build_status
from gateway.unavailable import Trouble
from gateway.words.reasons import Reason
from tests.supervisor.status_scene import (
    GATEWAY,
    HEALTHY,
    HOST,
    IKEY,
    NAME,
    QUIET,
    SECTION,
    SERVERS,
    S,
    Worker,
    status_of,
)

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
            "mode": "duo_only",
            "failmode": "safe",
            "client": "duo_only_client",
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


def assert_has_shape(value: object, shape: object) -> None:
    """Every key of the shape is there, with a value of the same type."""
    assert type(value) is type(shape)
    if isinstance(shape, dict) and isinstance(value, dict):
        for key, part in shape.items():
            assert_has_shape(value[key], part)
    elif isinstance(shape, list) and isinstance(value, list):
        for item in value:
            assert_has_shape(item, shape[0])


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
        worker.section.requests.add()
        worker.section.began()
    worker.row.sections[QUIET].requests.add()
    worker.row.beat(1_050 * S, 7_500_000)
    worker.row.beat(1_051 * S, 250_000)
    worker.row.count(Measure.DATAGRAMS, 9)
    worker.row.count(Measure.JOURNAL_SKIPPED)
    (shown,) = status_of(worker.facts(slot=3, restarts=2))["workers"]
    assert shown == {
        "slot": 3,
        "version": "",
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
        "sharing": "",
        "datagrams": 9,
        "unsent": 0,
        "overflowed": 0,
        "journal_skipped": 1,
        "journal_left_out": 0,
    }


def test_a_worker_says_whether_it_shares_its_logins_and_none_its_predecessor_did():
    worker = Worker(pid=11)
    for standing in FLEET_SHARING:
        worker.row.fleet.shares(standing)
        assert status_of(worker.facts())["workers"][0]["sharing"] == standing
    assert status_of(worker.facts(pid=12))["workers"][0]["sharing"] == ""


@pytest.mark.parametrize("pid", [0, 12])
def test_signs_of_life_of_a_predecessor_are_not_those_of_its_successor(pid):
    worker = Worker(pid=11)
    worker.section.requests.add()
    worker.section.began()
    worker.row.beat(1_050 * S, 7_500_000)
    (shown,) = status_of(worker.facts(pid=pid, state="starting"))["workers"]
    assert (shown["requests"], shown["pending"]) == (1, 0)
    assert (shown["uptime_s"], shown["loop_lag_ms"], shown["loop_lag_max_ms"]) == (0.0, 0.0, 0.0)


def test_a_server_adds_up_what_all_workers_counted():
    one, other = Worker(11), Worker(12)
    for worker in (one, other):
        worker.section.requests.add()
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
        "name": SECTION,
        "mode": "duo_only",
        "client": "duo_only_client",
        "failmode": "safe",
        "listen": ["0.0.0.0:1812", "[::]:1812"],
        "n_clients": 0,
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
    worker.section.requests.add()
    (first, _) = status_of(worker.facts())["servers"]
    assert first["advice"] == "all requests are signed so far: require_message_authenticator=yes can be set"
    worker.section.discarded(reason)
    (first, _) = status_of(worker.facts())["servers"]
    assert first["unsigned"] == ("missing" in reason or "unauthenticated" in reason)


def test_logins_that_were_tried_here_are_requests_but_say_nothing_of_clients():
    worker = Worker()
    worker.section.tried.add()
    status = status_of(worker.facts())
    assert [server["requests"] for server in status["servers"]] == [1, 0]
    assert status["workers"][0]["requests"] == 1
    assert status["servers"][0]["advice"] == ""


def test_where_signatures_are_required_there_is_nothing_to_advise():
    worker = Worker()
    worker.section.requests.add()
    facts = worker.facts()
    servers = [server._replace(requires_signature=True) for server in SERVERS]
    status = build_status(GATEWAY, [facts], servers, [HEALTHY], facts.reading.totals)
    assert [server["advice"] for server in status["servers"]] == ["", ""]


@pytest.mark.parametrize("reason", Reason)
def test_every_verdict_is_an_accept_a_reject_or_a_challenge(reason):
    worker = Worker()
    worker.section.refused(reason)
    server = status_of(worker.facts())["servers"][0]
    assert server["accepts"] + server["rejects"] + server["challenges"] == 1
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
    application = HEALTHY._replace(
        state="open", is_fail_mode_active=True, since_ns=1_040 * S, hint="look at DNS", sections=(SECTION,)
    )
    (shown,) = status_of(worker.facts(), application=application)["applications"]
    assert shown == {
        "application": NAME,
        "api_host": HOST,
        "ikey": IKEY,
        "sections": [SECTION],
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


def test_connections_of_applications_at_one_host_are_its_connections():
    worker = Worker()
    worker.duo.connected(3, 4)  # the other ones show none
    applications = [HEALTHY, HEALTHY._replace(name="other"), HEALTHY._replace(name="third", api_host="api-3.test:443")]
    status = build_status(GATEWAY, [], SERVERS, applications, worker.reading.totals)
    assert status["duo_hosts"] == [
        {"api_host": HOST, "applications": 2, "connections": {"idle": 3, "busy": 4}},
        {"api_host": "api-3.test:443", "applications": 1, "connections": {"idle": 0, "busy": 0}},
    ]
    shown = [application["connections"] for application in status["applications"]]
    assert shown == [{"idle": 3, "busy": 4}, {"idle": 0, "busy": 0}, {"idle": 0, "busy": 0}]


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


def test_a_slot_keeps_what_its_workers_counted_in_all_generations():
    retired, former, now = Worker(), Worker(), Worker()
    for worker, n in ((retired, 1), (former, 10), (now, 100)):
        worker.row.count(Measure.DATAGRAMS, n)
    lost = Totals(Counter({(Measure.OVERFLOWED, "0"): 7}), Counter(), {})
    totals = merge(retired.reading.totals.of_slot(0).retired(), former.reading.totals.of_slot(0))
    totals = merge(merge(totals, now.reading.totals.of_slot(0)), lost)
    status = build_status(GATEWAY, [now.facts(), former.facts(generation=1)], SERVERS, [HEALTHY], totals)
    assert status["slots"] == [{"slot": 0, "datagrams": 111, "unsent": 0, "journal_skipped": 0, "overflowed": 7}]
    assert [worker["datagrams"] for worker in status["workers"]] == [100, 10]
    assert [worker["overflowed"] for worker in status["workers"]] == [7, 0]  # the present ones have the sockets


def test_what_retired_boards_counted_is_kept_and_what_is_configured_no_more_is_not_shown():
    retired, now = Worker(), Worker()
    retired.section.requests.add()
    retired.section.began()
    retired.duo.connected(5, 5)
    now.section.requests.add()
    totals = merge(retired.reading.totals.retired(), now.reading.totals)
    status = build_status(GATEWAY, [now.facts()], SERVERS[:1], [HEALTHY], totals)
    (server,) = status["servers"]
    assert (server["requests"], server["pending"]) == (2, 0)
    assert status["applications"][0]["connections"] == {"idle": 0, "busy": 0}
