"""The rings of the last logins: what is torn or foreign is noticed, and nothing that was typed is there."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gateway.ipc.ledger import (
    N_CELLS,
    FinishedLogin,
    Ledger,
    open_ring,
    private_ring,
)
from gateway.worker.last_logins import (
    HOLD_S,
    MOST_AT_ONCE,
    LastLogins,
    finished_login,
)
from tests.console.scene import record
from tests.worker.test_reports import finished

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def ledger():
    ledger = Ledger.create(2)
    yield ledger
    ledger.close()


def names(ring, after=0):
    return [each.record.user_name for each in ring.read(after)]


def test_a_login_is_told_as_its_line_tells_it():
    found = finished_login(finished(), 1_800_000_000.5)
    assert found == FinishedLogin(
        at=1_800_000_000.5,
        user_name="y-ikeda",
        client="10.80.16.236",
        section="radius_server_duo_only",
        reply="Access-Reject",
        reason="duo_denied",
        factor="passcode",
        duration_ms=212,
        account="Duo authentication returned 'deny': 'Incorrect passcode. Please try again.'",
        hint="look at the policy",
    )


def test_nobody_waits_for_a_reply():
    assert finished_login(finished(n_packets=0), 0.0).reply == "none"


def test_what_is_written_can_be_read_elsewhere(ledger):
    ledger.ring(1).write(record(1))
    other = Ledger(os.dup(ledger.descriptor))
    assert [each.record for each in other.ring(1).read(0)] == [record(1)]
    assert other.ring(0).read(0) == []
    other.close()


def test_only_what_is_new(ledger):
    ring = ledger.ring(0)
    for n in range(3):
        ring.write(record(n))
    assert names(ring, 2) == ["user2"]
    assert names(ring, 3) == []
    assert names(ring, 99) == []


def test_the_oldest_go(ledger):
    ring = ledger.ring(0)
    for n in range(N_CELLS + 5):
        ring.write(record(n))
    assert names(ring) == [f"user{n}" for n in range(5, N_CELLS + 5)]


def test_a_successor_goes_on(ledger):
    ledger.ring(0).write(record(1))
    ledger.ring(0).write(record(2))
    assert [each.number for each in ledger.ring(0).read(0)] == [1, 2]


def test_long_texts_are_cut_to_fit(ledger):
    ring = ledger.ring(0)
    ring.write(record(1, user_name="ä" * 253, account="💥" * 500, hint="h" * 2_000, section="s" * 300))
    (written,) = ring.read(0)
    assert written.record.user_name == "ä" * 64
    assert written.record.hint == ""
    assert written.record.reason == "duo_allowed"


def test_a_torn_cell_is_left_out(ledger):
    ring = ledger.ring(0)
    for n in range(3):
        ring.write(record(n))
    octets = memoryview(bytearray(ledger._octets))
    start = bytes(octets).index(b"user1")
    ledger._octets[start : start + 5] = b"USER1"
    assert names(ring) == ["user0", "user2"]


def test_a_reader_sees_whole_records_while_a_writer_writes(ledger):
    writer, reader = ledger.ring(0), ledger.ring(0)

    def write() -> None:
        for n in range(20_000):
            writer.write(record(n, account=str(n) * 40))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        last = 0
        while not writing.done():
            for number, each in reader.read(last):
                assert each.account == each.user_name.removeprefix("user") * 40
                last = number
    assert writing.exception() is None


class Shown:
    """The last logins of a ring, and what the loop was asked for."""

    def __init__(self) -> None:
        self.ring = private_ring()
        self.wanted: list[tuple[float, Callable[[], None]]] = []
        self.last = LastLogins(self.ring, lambda delay, call: self.wanted.append((delay, call)))

    def add(self, at: float, *numbers: int) -> None:
        """Let these logins end."""
        for number in numbers:
            self.last.add(finished(user_name=f"user{number}"), at)

    def elapse(self) -> None:
        """Let the loop do what it was asked for."""
        ((delay, call),) = self.wanted
        assert delay == HOLD_S
        self.wanted.clear()
        call()

    @property
    def names(self) -> list[str]:
        """What is seen."""
        return [each.record.user_name for each in self.ring.read(0)]


class TestLastLogins:
    def test_one_login_now_and_then_is_seen_at_once_and_asks_for_no_timer(self):
        shown = Shown()
        for number in range(3):
            shown.add(1_000.0 + number * HOLD_S * 1.5, number)
            assert shown.names == [f"user{each}" for each in range(number + 1)]
        assert shown.wanted == []

    def test_those_that_follow_at_once_are_seen_together(self):
        shown = Shown()
        shown.add(1_000.0, 0, 1, 2)
        shown.add(1_000.05, 3)
        assert shown.names == ["user0"]
        shown.elapse()
        assert shown.names == ["user0", "user1", "user2", "user3"]
        assert shown.ring.read(3)[0].record.at == 1_000.05
        shown.add(1_000.12, 4)  # soon after those that were held back
        assert shown.names[-1] == "user3"
        shown.elapse()
        shown.add(1_001.0, 5)
        assert shown.names[-2:] == ["user4", "user5"]
        assert shown.wanted == []

    @pytest.mark.parametrize("n_logins", [MOST_AT_ONCE, MOST_AT_ONCE + 1, MOST_AT_ONCE + 2, 2 * MOST_AT_ONCE, 5_000])
    def test_of_too_many_the_last_are_seen(self, n_logins):
        shown = Shown()
        shown.add(1_000.0, *range(n_logins))
        shown.elapse()
        assert shown.names[-MOST_AT_ONCE:] == [f"user{each}" for each in range(n_logins - MOST_AT_ONCE, n_logins)]
        assert shown.ring.read(0)[-1].number == n_logins
        assert shown.ring.read(n_logins - 3)[0].record.user_name == f"user{n_logins - 3}"

    def test_a_clock_that_is_put_back_holds_nothing_back(self):
        shown = Shown()
        shown.add(1_000.0, 0)
        shown.add(10.0, 1)
        assert shown.names == ["user0", "user1"]

    def test_what_is_held_back_can_be_shown_before_its_time(self):
        shown = Shown()
        shown.add(1_000.0, 0, 1)
        shown.last.flush()
        assert shown.names == ["user0", "user1"]
        shown.elapse()
        assert shown.names == ["user0", "user1"]


def test_garbage_is_no_ledger():
    descriptor = os.memfd_create("garbage")
    os.write(descriptor, b"x" * 1000)
    with pytest.raises(ValueError, match="not a ledger"):
        Ledger(descriptor)
    assert open_ring(descriptor, 0).read(0) == []
    os.close(descriptor)
    assert open_ring(-1, 0).read(0) == []


def test_a_ring_of_garbage_is_empty(ledger):
    ledger._octets[:] = os.urandom(len(ledger._octets))
    assert ledger.ring(0).read(0) == []


def test_nobody_can_shorten_it(ledger):
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(ledger.descriptor, 0)


def test_a_private_ring_works_too():
    ring = private_ring()
    ring.write(record(1))
    assert names(ring) == ["user1"]
