"""How a first factor is, by what its workers have seen last."""

import pytest

from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, row_layout
from gateway.statistics.reading import merge, read_row
from gateway.supervisor.first_factors import FORGOTTEN_AFTER_NS, FirstFactorFacts, first_factor_status
from gateway.unavailable import Trouble

CLIENT, FIRST, SECOND = "radius_client", "10.0.0.5:1812", "home.example.com:1812"
FACTS = FirstFactorFacts(CLIENT, "radius_client", (FIRST, SECOND), ("radius_server_auto",))
PLAN = BoardPlan(2, (), (), (), ((CLIENT, FIRST), (CLIENT, SECOND)))
LAYOUT = row_layout(PLAN)


class Workers:
    """Two workers that ask the same hosts."""

    def __init__(self) -> None:
        self.now = 20.0
        self._cells = [[0] * LAYOUT.n_cells for _ in range(2)]
        self.counters = [WorkerRow(cells, LAYOUT, PLAN).first_factors[CLIENT] for cells in self._cells]

    def status(self):
        a, b = (read_row(cells, LAYOUT).totals for cells in self._cells)
        return first_factor_status(FACTS, merge(a, b), [a.gauges, b.gauges], int(self.now * 1e9))

    def see(self, worker: int, host: str, heard_at: float, failed_at: float = 0.0) -> None:
        trouble = Trouble.TIMEOUT if failed_at else None
        self.counters[worker].hosts[host].show(heard_at, failed_at, trouble)

    def states(self) -> list[str]:
        status = self.status()
        return [status["state"], *(host["state"] for host in status["hosts"])]


@pytest.fixture
def workers() -> Workers:
    return Workers()


def test_nobody_knows_before_somebody_has_asked(workers: Workers):
    assert workers.states() == ["unasked", "unasked", "unasked"]
    workers.see(0, FIRST, 5.0)
    assert workers.states() == ["up", "up", "unasked"]


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ([(9.0, 8.0), (0.0, 0.0)], "up"),
        ([(8.0, 9.0), (0.0, 0.0)], "down"),
        ([(8.0, 9.0), (7.0, 0.0)], "down"),  # of a quiet worker that has not noticed
        ([(8.0, 9.0), (10.0, 0.0)], "up"),
        ([(0.0, 9.0), (10.0, 11.0)], "down"),
    ],
)
def test_what_was_seen_last_by_whichever_worker_counts(workers: Workers, seen: list[tuple[float, float]], state: str):
    for worker, (heard_at, failed_at) in enumerate(seen):
        workers.see(worker, FIRST, heard_at, failed_at)
    assert workers.status()["hosts"][0]["state"] == state


def test_a_failure_of_long_ago_tells_nothing_any_more(workers: Workers):
    """Nobody has asked it since, by Status-Server neither: it may well be back."""
    workers.see(0, FIRST, 8.0, 9.0)
    workers.now = 9.0 + FORGOTTEN_AFTER_NS / 1e9
    assert workers.states() == ["unasked", "unasked", "unasked"]


def test_a_first_factor_is_down_if_all_of_its_hosts_are(workers: Workers):
    workers.see(0, FIRST, 1.0, 2.0)
    assert workers.states() == ["degraded", "down", "unasked"]
    workers.see(1, SECOND, 1.0, 2.0)
    assert workers.states() == ["down", "down", "down"]


def test_why_a_host_is_down_is_that_of_the_last_failure(workers: Workers):
    workers.counters[0].hosts[SECOND].show(0.0, 4.0, Trouble.DNS)
    workers.counters[1].hosts[SECOND].show(0.0, 3.0, Trouble.TIMEOUT)
    host = workers.status()["hosts"][1]
    assert (host["trouble"], host["hint"].partition(":")[0]) == ("dns", "its name cannot be resolved")
    workers.see(1, SECOND, 5.0)
    host = workers.status()["hosts"][1]
    assert (host["state"], host["trouble"], host["hint"]) == ("up", "", "")


def test_a_domain_controller_has_words_of_its_own():
    cells = [0] * LAYOUT.n_cells
    WorkerRow(cells, LAYOUT, PLAN).first_factors[CLIENT].hosts[FIRST].show(0.0, 9.0, Trouble.CERTIFICATE)
    totals = read_row(cells, LAYOUT).totals
    facts = FACTS._replace(kind="ad_client")
    status = first_factor_status(facts, totals, [totals.gauges], 10 * 10**9)
    assert (status["kind"], status["hosts"][0]["trouble"]) == ("ad_client", "certificate")
    assert status["hosts"][0]["hint"].startswith("its certificate does not prove that it is this host: name the root")


def test_replies_that_were_not_believed_are_counted_by_reason(workers: Workers):
    for counters in workers.counters:
        counters.hosts[FIRST].discarded("unasked", 2)
    workers.counters[1].hosts[FIRST].discarded("proxy_state", 1)
    assert [host["discards"] for host in workers.status()["hosts"]] == [{"unasked": 4, "proxy_state": 1}, {}]


def test_questions_of_all_workers_are_counted(workers: Workers):
    workers.counters[0].hosts[FIRST].answered("accepted", 0.02)
    workers.counters[1].hosts[FIRST].answered("rejected", 0.02)
    workers.counters[1].hosts[FIRST].troubled(Trouble.TIMEOUT)
    host = workers.status()["hosts"][0]
    assert (host["questions"], host["errors"]) == (3, 1)
    assert host["outcomes"] == {"accepted": 1, "rejected": 1, "timeout": 1}
    assert 10.0 < host["latency_ms"]["p50"] < 25.0
