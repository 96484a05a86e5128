"""What is seen of calls to Duo is counted, and shown as evidence."""

from gateway.duoapi.calls import AuthStatus, Preauth
from gateway.failmode.evidence import Evidence
from gateway.statistics.layout import Measure
from gateway.statistics.reading import read_evidence
from gateway.unavailable import Trouble
from gateway.worker.evidence import EvidenceWriter
from tests.statistics.scene import (
    DUO,
    LAYOUT,
    Row,
)

CALL = Preauth("alice")


def evidence(row: Row) -> Evidence:
    """What the supervisor reads."""
    numbers = read_evidence(row.cells, LAYOUT, DUO)
    assert numbers is not None
    return Evidence(*numbers[: len(Evidence._fields)])


def test_an_answer_is_counted_and_is_evidence_that_duo_answers():
    row = Row()
    writer = EvidenceWriter(row.duo)
    writer.asked(CALL, "token", 10.0)
    writer.answered(CALL, "token", 0.2, 10.2)
    writer.show(11.0, 0.0, 0.1)
    assert row.totals.histogram(Measure.CALL_SECONDS, DUO, "preauth").sum_us == 200_000
    assert evidence(row).answered_at == 10.2
    assert evidence(row).last_trouble is None


def test_a_failure_is_counted_by_its_trouble_and_is_evidence_against():
    row = Row()
    writer = EvidenceWriter(row.duo)
    writer.asked(CALL, "token", 10.0)
    writer.failed(CALL, "token", Trouble.TIMEOUT, "no answer", 2.0, 12.0)
    writer.show(12.0, 0.0, 0.1)
    assert row.totals.counters[Measure.TROUBLES, DUO, Trouble.TIMEOUT] == 1
    found = evidence(row)
    assert (found.n_failing, found.troubled_at, found.last_trouble) == (1, 12.0, Trouble.TIMEOUT)


def test_what_waits_is_evidence_until_it_is_forgotten_or_put_off():
    for ends in ("forgotten", "postponed"):
        row = Row()
        writer = EvidenceWriter(row.duo)
        writer.asked(CALL, "token", 10.0)
        writer.show(20.0, 0.0, 0.1)
        assert evidence(row).waiting_since == 10.0
        if ends == "forgotten":
            writer.forgotten("token")
        else:
            writer.postponed(CALL, "token", 21.0)
        writer.show(21.0, 0.0, 0.1)
        assert evidence(row).waiting_since == 0.0


def test_a_person_who_takes_their_time_is_no_evidence():
    row = Row()
    writer = EvidenceWriter(row.duo)
    writer.asked(AuthStatus("tx-1", 60.0), "token", 10.0)
    writer.show(40.0, 0.0, 0.1)
    assert evidence(row).waiting_since == 0.0
