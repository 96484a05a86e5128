"""Counting into a row of cells, and what others read there."""

import math
from collections import Counter

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Check, Ping, Preauth
from gateway.engine.verdict import rejection
from gateway.failmode.bulletin import (
    Bulletin,
    BulletinCells,
)
from gateway.radius.discards import DiscardReason
from gateway.statistics.counters import (
    LAG_WINDOW_NS,
    WorkerRow,
)
from gateway.statistics.layout import (
    AUTHEVENTS,
    AUTHPROXY,
    BOUNDS_S,
    EVIDENCE_SIZE,
    LOGS,
    SYSLOG,
    BoardPlan,
    Measure,
    row_layout,
)
from gateway.statistics.reading import (
    EMPTY_HISTOGRAM,
    Histogram,
    RowReading,
    Totals,
    merge,
    read_evidence,
    read_log_errors,
    read_row,
    read_signs_of_life,
)
from gateway.unavailable import Trouble
from gateway.words.reasons import OUTCOME_OF, Outcome, Reason

FIRST, SECOND = "radius_server_duo_only", "radius_server_duo_only2"
DUO = "api-12345678.duosecurity.com:443/DIXXXXXXXXXXXXXXXXXX"
PLAN = BoardPlan(1, (FIRST, SECOND), (DUO,))
LAYOUT = row_layout(PLAN)
SECOND_NS = 1_000_000_000


class Row:
    """A row on a list, with a writer, and a reader who sees the cells alone."""

    def __init__(self) -> None:
        self.cells = [0] * LAYOUT.n_cells
        self.writer = WorkerRow(self.cells, LAYOUT, PLAN)
        self.first = self.writer.sections[FIRST]
        self.duo = self.writer.applications[DUO]

    def read(self) -> RowReading:
        return read_row(self.cells, LAYOUT)

    @property
    def totals(self) -> Totals:
        return self.read().totals


def histogram_of(*durations_s: float) -> Histogram:
    """What a row shows after these calls."""
    row = Row()
    for duration_s in durations_s:
        row.duo.called(Ping, duration_s)
    return row.totals.histogram(Measure.CALL_SECONDS, DUO, "ping")


# The layout.


def test_no_cell_belongs_to_two_numbers():
    cells = list(range(7))  # the signs of life
    cells += [*LAYOUT.counters.values(), *LAYOUT.gauges.values()]
    for first in LAYOUT.histograms.values():
        cells += range(first, first + len(BOUNDS_S) + 2)
    for first in LAYOUT.evidence.values():
        cells += range(first, first + EVIDENCE_SIZE + 1)
    assert sorted(cells) == list(range(LAYOUT.n_cells))


def test_a_plan_without_sections_and_applications_has_a_layout():
    assert row_layout(BoardPlan(1, (), ())).n_cells == 7 + 2 + 3 + 2 * len(LOGS)


# Counting.


def test_a_fresh_row_reads_as_nothing():
    assert Row().totals == Totals(Counter(), Counter(), {})


@pytest.mark.parametrize(
    ("count", "key"),
    [
        (lambda row: row.first.requested(), (Measure.REQUESTS, FIRST)),
        (lambda row: row.first.retransmitted(), (Measure.DUPLICATES, FIRST, "retransmission")),
        (lambda row: row.first.coalesced(), (Measure.DUPLICATES, FIRST, "coalesced")),
        (lambda row: row.first.refused(Reason.BAD_USER_NAME), (Measure.VERDICTS, FIRST, "bad_user_name")),
        (lambda row: row.first.unsigned(), (Measure.UNSIGNED, FIRST)),
        (lambda row: row.writer.count(Measure.DATAGRAMS), (Measure.DATAGRAMS,)),
        (lambda row: row.writer.count(Measure.UNSENT), (Measure.UNSENT,)),
        (lambda row: row.writer.log_lines_lost(AUTHEVENTS, 1), (Measure.LOG_LINES_LOST, AUTHEVENTS)),
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
    row.first.requested()
    row.writer.sections[SECOND].requested()
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
    row.writer.gauge(Measure.OVERFLOWED, 9)
    assert row.totals.gauges == {(Measure.CONNECTIONS, DUO, "busy"): 2, (Measure.OVERFLOWED,): 9}


@pytest.mark.parametrize("reason", Reason)
def test_the_reply_that_follows_from_a_reason_is_that_of_the_verdict(reason):
    try:
        outcome = rejection(reason).outcome
    except KeyError:  # of Duo's reasons and fail mode's
        let_in = {Reason.DUO_ALLOWED, Reason.DUO_BYPASS, Reason.EXEMPT, Reason.FAILMODE_SAFE}
        outcome = Outcome.ACCEPT if reason in let_in else Outcome.REJECT
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


def test_cumulative_counts_end_with_all():
    assert histogram_of(0.00005, 0.0002, 100.0).cumulative == [1, *[2] * (len(BOUNDS_S) - 1), 3]


def test_the_quantile_of_none_is_0():
    assert EMPTY_HISTOGRAM.quantile(0.5) == 0.0


def test_a_quantile_lies_within_its_bucket_by_rank():
    histogram = histogram_of(*[0.2] * 100)  # between 0.1 and 0.25
    assert histogram.quantile(0.0) == pytest.approx(0.1)
    assert histogram.quantile(0.5) == pytest.approx(0.175)
    assert histogram.quantile(0.99) == pytest.approx(0.2485)
    assert histogram.quantile(1.0) == pytest.approx(0.25)


def test_a_quantile_passes_over_the_buckets_before_it():
    histogram = histogram_of(*[0.2] * 98, 20.0, 20.0)
    assert histogram.quantile(0.5) < 0.25
    assert histogram.quantile(0.99) == pytest.approx(20.0)


def test_a_quantile_beyond_the_greatest_bound_is_that_bound():
    assert histogram_of(100.0).quantile(0.5) == BOUNDS_S[-1]


# Evidence and bulletins.


@pytest.mark.parametrize("values", [(), (1.5, -2.0), (math.inf, -math.inf, 0.0, 1e300, 5, 6, 7, 8, 9)])
def test_evidence_is_read_as_it_was_written_with_zeros_behind(values):
    row = Row()
    row.duo.write_evidence(values)
    assert read_evidence(row.cells, LAYOUT, DUO) == (*values, *(0.0,) * (EVIDENCE_SIZE - len(values)))


def test_there_is_no_evidence_before_the_first():
    assert read_evidence(Row().cells, LAYOUT, DUO) is None


class Interrupted(list[int]):
    """Cells whose reader is interrupted before its nth look, by a change."""

    def __init__(self, cells: list[int], n_looks: int, changed: list[int]) -> None:
        super().__init__(cells)
        self._n_looks = n_looks
        self._changed = changed

    def __getitem__(self, index):
        if self._n_looks == 0:
            self[:] = self._changed
        self._n_looks -= 1
        return super().__getitem__(index)


OLD = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)
NEW = (11.0, 21.0, 31.0, 41.0, 51.0, 61.0, 71.0, 81.0, 91.0)


@pytest.mark.parametrize("n_looks", range(EVIDENCE_SIZE + 1))
def test_a_change_in_the_middle_of_reading_is_noticed(n_looks):
    row = Row()
    row.duo.write_evidence(OLD)
    before = list(row.cells)
    row.duo.write_evidence(NEW)
    assert read_evidence(Interrupted(before, n_looks, row.cells), LAYOUT, DUO) == NEW


@pytest.mark.parametrize("n_stores", range(1, EVIDENCE_SIZE + 1))
def test_evidence_of_a_writer_that_died_in_the_middle_is_none(n_stores):
    row = Row()
    row.duo.write_evidence(NEW)
    after = list(row.cells)
    row.duo.write_evidence(OLD)
    first = LAYOUT.evidence[(DUO,)] + 1
    row.cells[first : first + n_stores] = after[first : first + n_stores]
    assert read_evidence(row.cells, LAYOUT, DUO) is None
    row.duo.write_evidence(NEW)
    assert read_evidence(row.cells, LAYOUT, DUO) == NEW


def test_a_bulletin_is_read_as_it_was_posted():
    bulletin = BulletinCells([0] * 5)
    assert bulletin.read() == Bulletin(0, False, 0, 0)
    assert not bulletin.is_failmode_active
    posted = Bulletin(state=2, is_failmode_active=True, trial=7, since_ns=123, ping_ns=456)
    bulletin.post(posted)
    assert bulletin.read() == posted
    assert bulletin.is_failmode_active


# Adding up.


def busy_row(n_requests: int, application: str = DUO) -> Totals:
    """What a worker leaves that has done something of everything."""
    plan = BoardPlan(1, (FIRST,), (application,))
    layout = row_layout(plan)
    cells = [0] * layout.n_cells
    row = WorkerRow(cells, layout, plan)
    for _ in range(n_requests):
        row.sections[FIRST].requested()
        row.sections[FIRST].began()
        row.applications[application].called(Auth, 0.2)
    row.applications[application].connected(1, n_requests)
    return read_row(cells, layout).totals


def test_counters_gauges_and_histograms_add_up():
    both = merge(busy_row(2), busy_row(3))
    assert both.counters == {(Measure.REQUESTS, FIRST): 5}
    assert both.gauges == {
        (Measure.PENDING, FIRST): 5,
        (Measure.CONNECTIONS, DUO, "idle"): 2,
        (Measure.CONNECTIONS, DUO, "busy"): 5,
    }
    assert both.histogram(Measure.CALL_SECONDS, DUO, "auth") == histogram_of(*[0.2] * 5)


def test_boards_of_other_plans_add_up_by_name():
    both = merge(busy_row(2, "one"), busy_row(3, "another"))
    assert both.counters == {(Measure.REQUESTS, FIRST): 5}
    assert both.histogram(Measure.CALL_SECONDS, "one", "auth").n_observed == 2
    assert both.histogram(Measure.CALL_SECONDS, "another", "auth").n_observed == 3


def test_adding_up_changes_neither_part():
    a, b = busy_row(2), busy_row(3)
    merge(a, b)
    assert (a, b) == (busy_row(2), busy_row(3))


def test_retired_totals_keep_all_but_the_gauges():
    totals = busy_row(2)
    assert totals.retired() == Totals(totals.counters, Counter(), totals.histograms)
