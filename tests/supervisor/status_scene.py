"""A gateway of which workers have counted something, for tests of its status."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, row_layout
from gateway.statistics.reading import RowReading, merge, read_row
from gateway.supervisor.first_factors import FirstFactorFacts
from gateway.supervisor.form import Form
from gateway.supervisor.procfs import ProcessUsage
from gateway.supervisor.status import ApplicationFacts, GatewayFacts, ServerFacts, WorkerFacts, build_status

SECTION, QUIET = "radius_server_duo_only", "radius_server_duo_only2"
HOST, IKEY = "api-12345678.duosecurity.com", "DIXXXXXXXXXXXXXXXXXX"
NAME = f"{HOST}:443/{IKEY}"
CLIENT, HOME, OTHER_HOME = "radius_client", "10.0.0.5:1812", "10.0.0.6:1812"
PLAN = BoardPlan(1, (SECTION, QUIET), (NAME,), (), ((CLIENT, HOME), (CLIENT, OTHER_HOME)))
LAYOUT = row_layout(PLAN)
S = 1_000_000_000
GATEWAY = GatewayFacts("1.2.3", 100, 2, 1_000 * S, 1_100 * S, Form(is_compiled=True))
SERVERS = [ServerFacts(SECTION, ("0.0.0.0:1812", "[::]:1812")), ServerFacts(QUIET, ("0.0.0.0:1645",))]
FIRST_FACTOR = FirstFactorFacts(CLIENT, "radius_client", (HOME, OTHER_HOME), (SECTION,))
HEALTHY = ApplicationFacts(NAME, HOST, IKEY, "safe", "healthy", False, 1_001 * S, "")


class Worker:
    """A worker that has begun, with a row of its own."""

    def __init__(self, pid: int = 11) -> None:
        self.pid = pid
        self.cells = [0] * LAYOUT.n_cells
        self.row = WorkerRow(self.cells, LAYOUT, PLAN)
        self.row.begin(pid, 1_010 * S)
        self.section = self.row.sections[SECTION]
        self.duo = self.row.applications[NAME]
        self.homes = self.row.first_factors[CLIENT].hosts

    @property
    def reading(self) -> RowReading:
        return read_row(self.cells, LAYOUT)

    def facts(self, slot: int = 0, **changed: Any) -> WorkerFacts:
        facts = WorkerFacts(slot, 2, "ready", self.pid, 0, ProcessUsage(1.5, 45_000_000), self.reading)
        return facts._replace(**changed)


def status_of(
    *workers: WorkerFacts,
    application: ApplicationFacts = HEALTHY,
    first_factors: Sequence[FirstFactorFacts] = (),
) -> dict[str, Any]:
    totals = reduce(merge, (worker.reading.totals.of_slot(worker.slot) for worker in workers))
    return build_status(GATEWAY, workers, SERVERS, [application], totals, first_factors=first_factors)
