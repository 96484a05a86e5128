"""What others read in a row of cells, and how it adds up."""

import math
from collections import Counter

import pytest

from gateway.duoapi.calls import Auth
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BOUNDS_S, EVIDENCE_SIZE, BoardPlan, Measure, row_layout
from gateway.statistics.reading import EMPTY_HISTOGRAM, Totals, merge, read_evidence, read_row
from tests.statistics.scene import DUO, FIRST, LAYOUT, Row, histogram_of

# Histograms.


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


# Evidence.


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


# Adding up.


def busy_row(n_requests: int, application: str = DUO) -> Totals:
    """What a worker leaves that has done something of everything."""
    plan = BoardPlan(1, (FIRST,), (application,))
    layout = row_layout(plan)
    cells = [0] * layout.n_cells
    row = WorkerRow(cells, layout, plan)
    for _ in range(n_requests):
        row.sections[FIRST].requests.add()
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


def test_what_a_worker_counts_of_itself_is_kept_by_its_slot():
    row = Row()
    row.writer.count(Measure.DATAGRAMS, 3)
    row.writer.sections[FIRST].requests.add()
    totals = row.totals
    two, five = totals.of_slot(2), totals.of_slot(5)
    assert two.counters == {(Measure.DATAGRAMS, "2"): 3, (Measure.REQUESTS, FIRST): 1}
    assert merge(merge(two, five), five).counters == {
        (Measure.DATAGRAMS, "2"): 3,
        (Measure.DATAGRAMS, "5"): 6,
        (Measure.REQUESTS, FIRST): 3,
    }
    assert totals.counters[(Measure.DATAGRAMS,)] == 3


def test_retired_totals_keep_all_but_the_gauges():
    totals = busy_row(2)
    assert totals.retired() == Totals(totals.counters, Counter(), totals.histograms)
