"""Where each number of a row stands."""

from gateway.statistics.layout import (
    BOUNDS_S,
    EVIDENCE_SIZE,
    FLEET_OUTCOMES,
    HISTOGRAM_SIZE,
    LOGS,
    BoardPlan,
    row_layout,
)
from tests.statistics.scene import LAYOUT


def test_no_cell_belongs_to_two_numbers():
    cells = list(range(7))  # the signs of life
    cells += [*LAYOUT.counters.values(), *LAYOUT.gauges.values()]
    for first in LAYOUT.histograms.values():
        cells += range(first, first + len(BOUNDS_S) + 2)
    for first in LAYOUT.evidence.values():
        cells += range(first, first + EVIDENCE_SIZE + 1)
    assert sorted(cells) == list(range(LAYOUT.n_cells))


def test_a_plan_without_sections_and_applications_has_a_layout():
    assert row_layout(BoardPlan(1, (), ())).n_cells == 7 + 2 + 3 + 2 * len(LOGS) + len(FLEET_OUTCOMES) + HISTOGRAM_SIZE
