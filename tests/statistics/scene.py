"""A row of cells for tests of who counts, who reads, and who shows what was read."""

from gateway.duoapi.calls import Ping
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, Measure, row_layout
from gateway.statistics.reading import Histogram, RowReading, Totals, read_row

FIRST, SECOND = "radius_server_duo_only", "radius_server_duo_only2"
DUO = "api-12345678.duosecurity.com:443/DIXXXXXXXXXXXXXXXXXX"
CLIENT, HOME, OTHER_HOME = "radius_client", "10.0.0.5:1812", "10.0.0.6:1812"
PLAN = BoardPlan(1, (FIRST, SECOND), (DUO,), (), ((CLIENT, HOME), (CLIENT, OTHER_HOME)))
LAYOUT = row_layout(PLAN)
SECOND_NS = 1_000_000_000


class Row:
    """A row on a list, with a writer, and a reader who sees the cells alone."""

    def __init__(self) -> None:
        self.cells = [0] * LAYOUT.n_cells
        self.writer = WorkerRow(self.cells, LAYOUT, PLAN)
        self.first = self.writer.sections[FIRST]
        self.duo = self.writer.applications[DUO]
        self.first_factor = self.writer.first_factors[CLIENT]

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
