"""The board as shared memory: between processes, and against what is no board."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from gateway.failmode.bulletin import Bulletin
from gateway.ipc.board import (
    Board,
    BoardError,
)
from gateway.statistics.layout import (
    BoardPlan,
    Measure,
)

SECTION, DUO, OTHER_DUO = "radius_server_duo_only", "api-1.example:443/DI1", "api-1.example:443/DI2"
PLAN = BoardPlan(3, (SECTION,), (DUO, OTHER_DUO))

WORKER = f"""
import sys
from gateway.statistics.counters import BoardPlan, Measure
from gateway.ipc.board import Board

board = Board(int(sys.argv[1]), {PLAN!r})
row = board.row(1)
row.begin(4711, 5)
row.sections[{SECTION!r}].requests.add()
row.applications[{DUO!r}].write_evidence((1.0, 2.0))
print(board.bulletin({OTHER_DUO!r}).read().trial)
"""
VANDAL = "import os, sys; os.ftruncate(int(sys.argv[1]), 8)"


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board.create(PLAN)
    yield board
    board.close()


@pytest.fixture
def fake() -> Iterator[Callable[[bytes], int]]:
    """Makes descriptors of anonymous files with given octets."""
    descriptors = []

    def make(octets: bytes) -> int:
        descriptors.append(os.memfd_create("fake", os.MFD_CLOEXEC))
        os.write(descriptors[-1], octets)
        return descriptors[-1]

    yield make
    for descriptor in descriptors:
        os.close(descriptor)


def run_child(program: str, board: Board) -> subprocess.CompletedProcess[str]:
    """Run a child that inherits the board."""
    command = [sys.executable, "-c", program, str(board.descriptor)]
    return subprocess.run(command, pass_fds=[board.descriptor], capture_output=True, text=True, check=False)


def octets_of(board: Board) -> bytes:
    return os.pread(board.descriptor, os.fstat(board.descriptor).st_size, 0)


def test_a_child_and_its_parent_read_what_the_other_writes(board):
    board.bulletin(OTHER_DUO).post(Bulletin(1, True, 99, 3))
    child = run_child(WORKER, board)
    assert (child.returncode, child.stdout) == (0, "99\n"), child.stderr
    signs, totals = board.read(1)
    assert signs == board.signs_of_life(1) == (4711, 5, 5, 0, 0)
    assert totals.counters == {(Measure.REQUESTS, SECTION): 1}
    assert board.evidence(1, DUO) == (1.0, 2.0, *(0.0,) * 7)
    assert board.evidence(1, OTHER_DUO) is None


def as_posted(number: int) -> tuple[int, bool, int, int, int, bool, bool]:
    return number, bool(number), number, number, number, bool(number), bool(number)


def test_rows_and_bulletins_do_not_touch_each_other(board):
    for slot in range(3):
        row = board.row(slot)
        row.begin(slot + 1, 10 * slot)
        row.count(Measure.DATAGRAMS, slot + 1)
        for application in (DUO, OTHER_DUO):
            row.applications[application].write_evidence((slot,) * 9)
    for number, application in enumerate((DUO, OTHER_DUO)):
        board.bulletin(application).post(Bulletin(*as_posted(number)))
    for slot in range(3):
        assert board.signs_of_life(slot).pid == slot + 1
        assert board.read(slot).totals.counters == {(Measure.DATAGRAMS,): slot + 1}
        assert board.evidence(slot, DUO) == board.evidence(slot, OTHER_DUO) == (slot,) * 9
    for number, application in enumerate((DUO, OTHER_DUO)):
        assert board.bulletin(application).read() == as_posted(number)


def test_the_greatest_numbers_fit(board):
    row = board.row(2)
    row.gauge(Measure.JOURNAL_LEFT_OUT, 2**64 - 1)
    assert board.read(2).totals.gauges == {(Measure.JOURNAL_LEFT_OUT,): 2**64 - 1}


def test_there_is_no_row_beyond_the_last(board):
    with pytest.raises(IndexError):
        board.row(3)


def test_what_was_handed_out_stays_usable_after_the_board_is_closed():
    board = Board.create(PLAN)
    row = board.row(0)
    board.close()
    row.begin(7, 7)
    assert board.signs_of_life(0).pid == 7


def test_nobody_can_cut_the_board_off_under_the_others(board):
    child = run_child(VANDAL, board)
    assert child.returncode != 0
    assert "PermissionError" in child.stderr
    assert board.signs_of_life(2).pid == 0


def test_other_programs_that_we_start_do_not_inherit_the_board(board):
    assert not os.get_inheritable(board.descriptor)


def test_a_board_may_be_without_applications():
    board = Board.create(BoardPlan(1, (SECTION,), ()))
    assert board.read(0).totals.counters == {}
    board.close()


@pytest.mark.parametrize(
    "plan",
    [
        PLAN._replace(n_slots=2),
        PLAN._replace(sections=("radius_server_duo_only2",)),
        PLAN._replace(applications=(OTHER_DUO, DUO)),
        PLAN._replace(applications=(DUO,)),
    ],
)
def test_a_board_of_another_plan_is_not_believed(board, plan):
    with pytest.raises(BoardError):
        Board(board.descriptor, plan)


@pytest.mark.parametrize(
    ("index", "name"),
    list(enumerate(["magic", "version", "n_cells", "n_row_cells", "n_slots", "n_applications", "digest"])),
)
def test_a_header_that_does_not_fit_is_not_believed_and_the_error_says_where(board, fake, index, name):
    octets = bytearray(octets_of(board))
    octets[index * 8] ^= 1
    with pytest.raises(BoardError, match=f"the board's {name} is"):
        Board(fake(bytes(octets)), PLAN)


@pytest.mark.parametrize("n_octets", [0, 1, 55, 56, 64, -8, -1])
def test_a_board_that_was_cut_off_is_not_believed(board, fake, n_octets):
    """Reading beyond the end of a mapped file would end the process by SIGBUS."""
    with pytest.raises(BoardError, match="octets"):
        Board(fake(octets_of(board)[:n_octets]), PLAN)


def test_any_other_file_is_not_believed(fake):
    with pytest.raises(BoardError):
        Board(fake(os.urandom(100_000)), PLAN)
