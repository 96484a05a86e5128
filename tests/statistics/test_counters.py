"""Counting into a row of cells."""

import math
from collections import Counter

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Check, Ping, Preauth
from gateway.engine.verdict import rejection
from gateway.radius.discards import DiscardReason
from gateway.statistics.counters import LAG_WINDOW_NS, WorkerRow
from gateway.statistics.layout import AUTHEVENTS, AUTHPROXY, BOUNDS_S, SYSLOG, Measure
from gateway.statistics.reading import Histogram, Totals, read_evidence, read_log_errors, read_signs_of_life
from gateway.unavailable import Trouble
from gateway.words.reasons import OUTCOME_OF, Outcome, Reason
from tests.statistics.scene import (
    CLIENT,
    DUO,
    FIRST,
    HOME,
    LAYOUT,
    OTHER_HOME,
    PLAN,
    SECOND,
    SECOND_NS,
    Row,
    histogram_of,
)


def test_a_fresh_row_reads_as_nothing():
    assert Row().totals == Totals(Counter(), Counter(), {})


@pytest.mark.parametrize(
    ("count", "key"),
    [
        (lambda row: row.first.requests.add(), (Measure.REQUESTS, FIRST)),
        (lambda row: row.first.retransmitted(), (Measure.DUPLICATES, FIRST, "retransmission")),
        (lambda row: row.first.coalesced(), (Measure.DUPLICATES, FIRST, "coalesced")),
        (lambda row: row.first.refused(Reason.BAD_USER_NAME), (Measure.VERDICTS, FIRST, "bad_user_name")),
        (lambda row: row.first.unsigned(), (Measure.UNSIGNED, FIRST)),
        (lambda row: row.writer.count(Measure.DATAGRAMS), (Measure.DATAGRAMS,)),
        (lambda row: row.writer.count(Measure.UNSENT), (Measure.UNSENT,)),
        (lambda row: row.writer.log_lines_lost(AUTHEVENTS, 1), (Measure.LOG_LINES_LOST, AUTHEVENTS)),
        (
            lambda row: row.first_factor.hosts[HOME].troubled(Trouble.CONNECT),
            (Measure.HOST_QUESTIONS, CLIENT, HOME, "connect"),
        ),
    ],
)
def test_each_event_counts_under_its_own_key_alone(count, key):
    row = Row()
    count(row)
    count(row)
    assert row.totals == Totals(Counter({key: 2}), Counter(), {})


def test_what_is_wrong_with_a_log_is_shown_while_it_lasts_and_not_by_a_successor():
    row = Row()
    row.writer.log_trouble(SYSLOG, 2)
    row.writer.log_trouble(AUTHPROXY, 28)
    row.writer.log_trouble(SYSLOG, 0)
    assert read_log_errors(row.cells, LAYOUT) == {AUTHPROXY: 28}
    row.writer.begin(7, SECOND_NS)
    assert read_log_errors(row.cells, LAYOUT) == {}


@pytest.mark.parametrize("reason", DiscardReason)
def test_a_discard_counts_under_its_reason(reason):
    row = Row()
    row.first.discarded(reason)
    assert row.totals.counters == {(Measure.DISCARDS, FIRST, reason): 1}


@pytest.mark.parametrize("reason", Reason)
def test_a_verdict_counts_under_its_reason(reason):
    row = Row()
    row.first.refused(reason)
    assert row.totals.counters == {(Measure.VERDICTS, FIRST, reason): 1}


@pytest.mark.parametrize("trouble", Trouble)
def test_a_trouble_counts_under_its_kind(trouble):
    row = Row()
    row.duo.troubled(trouble)
    assert row.totals.counters == {(Measure.TROUBLES, DUO, trouble): 1}


@pytest.mark.parametrize(
    ("call", "kind"),
    [(Ping, "ping"), (Check, "check"), (Preauth, "preauth"), (Auth, "auth"), (AuthStatus, "auth_status")],
)
def test_a_call_counts_under_its_kind_with_its_duration(call, kind):
    row = Row()
    row.duo.called(call, 0.2)
    histograms = row.totals.histograms
    assert set(histograms) == {(Measure.CALL_SECONDS, DUO, kind)}
    assert histograms[Measure.CALL_SECONDS, DUO, kind].n_observed == 1
    assert histograms[Measure.CALL_SECONDS, DUO, kind].sum_us == 200_000


def test_sections_are_counted_apart():
    row = Row()
    row.first.requests.add()
    row.writer.sections[SECOND].requests.add()
    assert row.totals.counters == {(Measure.REQUESTS, FIRST): 1, (Measure.REQUESTS, SECOND): 1}


def test_a_login_is_pending_until_it_is_finished_and_then_counts_with_both_durations():
    row = Row()
    row.first.began()
    assert row.totals.gauges == {(Measure.PENDING, FIRST): 1}
    row.first.finished(Reason.DUO_ALLOWED, 3.0, 0.00015)
    totals = row.totals
    assert totals.gauges == {}
    assert totals.counters == {(Measure.VERDICTS, FIRST, "duo_allowed"): 1}
    assert totals.histogram(Measure.LOGIN_SECONDS, FIRST).sum_us == 3_000_000
    assert totals.histogram(Measure.GATEWAY_SECONDS, FIRST).sum_us == 150


def test_a_login_that_ends_elsewhere_is_pending_no_more_and_counts_nothing():
    row = Row()
    row.first.began()
    row.first.left()
    assert row.totals == Totals(Counter(), Counter(), {})


def test_connections_and_the_gauges_of_the_worker_are_what_was_shown_last():
    row = Row()
    row.duo.connected(5, 7)
    row.duo.connected(0, 2)
    row.writer.gauge(Measure.JOURNAL_LEFT_OUT, 9)
    assert row.totals.gauges == {(Measure.CONNECTIONS, DUO, "busy"): 2, (Measure.JOURNAL_LEFT_OUT,): 9}


@pytest.mark.parametrize("reason", Reason)
def test_the_reply_that_follows_from_a_reason_is_that_of_the_verdict(reason):
    try:
        outcome = rejection(reason).outcome
    except KeyError:  # of Duo's reasons and fail mode's
        let_in = {Reason.DUO_ALLOWED, Reason.DUO_BYPASS, Reason.EXEMPT, Reason.FAILMODE_SAFE}
        outcome = Outcome.ACCEPT if reason in let_in else Outcome.REJECT
        outcome = Outcome.CHALLENGE if reason is Reason.CHALLENGED else outcome
    assert OUTCOME_OF[reason] is outcome


# Signs of life.


def test_a_worker_shows_who_it_is_and_that_it_lives():
    row = Row()
    row.writer.begin(4711, 5 * SECOND_NS)
    row.writer.beat(6 * SECOND_NS, 1_000)
    assert row.read().signs_of_life == (4711, 5 * SECOND_NS, 6 * SECOND_NS, 1_000, 1_000)
    assert row.read().signs_of_life == read_signs_of_life(row.cells)


def test_the_greatest_lag_is_that_of_one_to_two_windows():
    row = Row()
    row.writer.begin(1, 0)
    seen = []
    for now_ns, lag_ns in (
        (1, 700),
        (2, 100),
        (LAG_WINDOW_NS, 50),
        (2 * LAG_WINDOW_NS - 1, 60),
        (2 * LAG_WINDOW_NS, 9),
    ):
        row.writer.beat(now_ns, lag_ns)
        seen.append(read_signs_of_life(row.cells).lag_max_ns)
    assert seen == [700, 700, 700, 700, 60]


def test_a_timer_that_was_early_was_not_late():
    """An event loop rounds to milliseconds."""
    row = Row()
    row.writer.begin(1, 0)
    row.writer.beat(1, -400_000)
    assert read_signs_of_life(row.cells).lag_ns == 0


def test_a_successor_goes_on_with_the_counters_and_begins_with_the_gauges():
    row = Row()
    row.writer.begin(1, 10)
    row.writer.beat(20, 5)
    row.writer.count(Measure.DATAGRAMS, 3)
    row.first.refused(Reason.DUO_ALLOWED)
    row.first.refused(Reason.DUO_ALLOWED)
    row.first.began()
    row.duo.connected(1, 1)
    row.duo.called(Ping, 0.1)
    row.duo.write_evidence((1.0,))
    successor = WorkerRow(row.cells, LAYOUT, PLAN)
    successor.begin(2, 30)
    successor.count(Measure.DATAGRAMS)
    successor.sections[FIRST].began()
    successor.sections[FIRST].finished(Reason.DUO_ALLOWED, 0.1, 0.1)
    successor.applications[DUO].called(Ping, 0.1)
    signs, totals = row.read()
    assert signs == (2, 30, 30, 0, 0)
    assert totals.counters == {(Measure.DATAGRAMS,): 4, (Measure.VERDICTS, FIRST, "duo_allowed"): 3}
    assert totals.gauges == {}
    assert totals.histogram(Measure.CALL_SECONDS, DUO, "ping") == Histogram((*[0] * 9, 2, *[0] * 10), 200_000)
    assert read_evidence(row.cells, LAYOUT, DUO) is None


# Histograms.


@pytest.mark.parametrize(("index", "bound"), list(enumerate(BOUNDS_S)))
def test_a_bound_belongs_to_its_bucket_and_what_is_beyond_to_the_next(index, bound):
    counts = histogram_of(bound, math.nextafter(bound, math.inf)).counts
    assert counts[index : index + 2] == (1, 1)


def test_nothing_and_hours_have_buckets_too():
    histogram = histogram_of(0.0, 36_000.0)
    assert (histogram.counts[0], histogram.counts[-1]) == (1, 1)
    assert histogram.sum_us == 36_000_000_000


def test_a_share_that_rounding_made_a_little_negative_does_no_harm():
    histogram = histogram_of(-1e-9)
    assert (histogram.counts[0], histogram.sum_us) == (1, 0)


def test_an_answer_is_of_its_host_and_a_question_of_all_of_them():
    row = Row()
    row.first_factor.hosts[OTHER_HOME].answered("rejected", 0.02)
    row.first_factor.ended(8.02)
    totals = row.totals
    assert totals.counters == Counter({(Measure.HOST_QUESTIONS, CLIENT, OTHER_HOME, "rejected"): 1})
    assert totals.histogram(Measure.HOST_SECONDS, CLIENT, OTHER_HOME).sum_us == 20_000
    assert totals.histogram(Measure.FIRST_FACTOR_SECONDS, CLIENT).sum_us == 8_020_000


def test_a_successor_has_seen_no_host_yet():
    row = Row()
    row.first_factor.hosts[HOME].show(3.0, 4.0, Trouble.DNS)
    gauges = row.totals.gauges
    assert [gauges[each, CLIENT, HOME] for each in (Measure.HOST_HEARD, Measure.HOST_FAILED)] == [3 * 10**9, 4 * 10**9]
    row.writer.begin(7, SECOND_NS)
    assert not row.totals.gauges
