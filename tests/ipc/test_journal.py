"""What is written is read, what is torn is not believed, and memory goes round."""

import errno
import os
from collections.abc import Iterator
from itertools import pairwise
from struct import Struct

import pytest

from gateway.ipc.journal import (
    CELL_SIZE,
    MAX_LOGIN_OCTETS,
    RECORD_OVERHEAD,
    STEP,
    ForeignJournal,
    Journal,
    Origin,
    boottime_ahead_s,
    create_journal,
)
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.numbering import Numbering

KEY = bytes(range(32))


@pytest.fixture
def descriptor():
    descriptor = create_journal(4, segment_size=4096)
    yield descriptor
    os.close(descriptor)


def successor(descriptor: int, key: bytes = KEY) -> JournalReader:
    return JournalReader(descriptor, key)


def answers(descriptor: int) -> list[bytes]:
    return list(successor(descriptor).replies())


def test_what_was_kept_is_read(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    assert journal.keep_login(1, b"alice")
    assert journal.keep_login(2, b"bob")
    journal.keep_reply(b"carol", 30.0, 0.0)
    journal.forget_login(1)
    assert list(successor(descriptor).logins()) == [b"bob"]
    assert answers(descriptor) == [b"carol"]


def test_an_empty_journal_holds_nothing(descriptor: int) -> None:
    assert not list(successor(descriptor).logins())
    assert not answers(descriptor)


def test_a_newer_record_takes_the_place_of_the_older(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    for text in (b"one", b"two", b"three"):
        assert journal.keep_login(7, text)
    assert list(successor(descriptor).logins()) == [b"three"]


def test_a_writer_killed_between_new_and_old_leaves_both_newest_first(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    journal.keep_login(7, b"old")
    journal._cells.clear()  # so that the older one is not struck out
    journal.keep_login(7, b"new")
    assert list(successor(descriptor).logins()) == [b"new", b"old"]


def test_cells_are_used_again(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    for number in range(1000):
        assert journal.keep_login(number, b"x")
        journal.forget_login(number)
    assert journal.n_left_out == 0


def n_allocated(descriptor: int) -> int:
    return os.fstat(descriptor).st_blocks * 512


def test_only_cells_that_were_written_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = create_journal(20_000)
    journal = Journal(descriptor, KEY)
    for number in range(9):
        journal.keep_login(number, b"x")
    for number in range(8):
        journal.forget_login(number)
    reader, read, n_octets = successor(descriptor), os.pread, [0]

    def note(descriptor: int, size: int, offset: int) -> bytes:
        n_octets[0] += size
        return read(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", note)
    assert list(reader.logins()) == [b"x"]
    assert n_octets[0] <= 65_536
    os.close(descriptor)


def test_a_cell_that_is_being_written_hides_none_of_those_behind_it(descriptor: int) -> None:
    """Packing it makes all of it NULs for an instant, in which its writer may be killed, or somebody read."""
    journal = Journal(descriptor, KEY)
    for number in range(3):
        journal.keep_login(number, b"alice %d" % number)
    offset = journal._cells[0]
    journal.forget_login(0)
    os.pwrite(descriptor, bytes(CELL_SIZE), offset)
    assert list(successor(descriptor).logins()) == [b"alice 2", b"alice 1"]


def test_reading_takes_nothing_of_a_disk() -> None:
    """A worker of earlier code has allocated nothing, and may have died because a disk is full."""
    descriptor, sparse = create_journal(20_000), os.memfd_create("sparse")
    size = os.fstat(descriptor).st_size
    os.ftruncate(sparse, size)
    os.pwrite(sparse, os.pread(descriptor, 4096, 0), 0)
    before, reader = n_allocated(sparse), successor(sparse)
    assert not list(reader.logins())
    assert not list(reader.replies())
    assert reader.origin() == Origin(0, 0.0)
    assert n_allocated(sparse) == before
    for each in (descriptor, sparse):
        os.close(each)


class TestOnAFullDisk:
    @pytest.fixture(params=[20_000, 100])
    def journal(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
        """A journal, and no room for anything more than what was allocated before."""
        self.descriptor = create_journal(request.param)
        journal = Journal(self.descriptor, KEY)
        self.before = n_allocated(self.descriptor)
        assert self.before <= 4 * STEP

        def has_no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "posix_fallocate", has_no_room)
        yield journal
        os.close(self.descriptor)

    def test_as_many_logins_are_kept_as_have_room(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = iter(range(1, 1000))
        n_kept = sum(1 for _ in iter(lambda: journal.keep_login(next(numbers), b"x"), False))
        assert n_kept >= 100
        assert journal.n_left_out == 1
        assert n_allocated(self.descriptor) == self.before
        journal.forget_login(1)
        assert journal.keep_login(n_kept + 1, b"new")
        assert next(successor(self.descriptor).logins()) == b"new"
        monkeypatch.undo()
        assert journal.keep_login(n_kept + 2, b"newer") == (n_kept == STEP // CELL_SIZE)

    def test_the_latest_replies_are_kept(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(300):
            journal.keep_reply(b"%04d" % number * 1000, 30.0, 0.0)
        assert n_allocated(self.descriptor) == self.before
        kept = [int(octets[:4]) for octets in answers(self.descriptor)]
        assert kept == list(range(kept[0], 300))
        assert len(kept) >= STEP // 4096
        assert journal.n_left_out == 0
        monkeypatch.undo()
        for number in range(300, 2000):
            journal.keep_reply(b"%04d" % number * 1000, 30.0, 0.0)
        assert len(answers(self.descriptor)) >= 1700


def test_every_octet_is_allocated_before_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    allocate, allocated = os.posix_fallocate, {}

    def note(descriptor: int, offset: int, size: int) -> None:
        allocated[offset] = size
        allocate(descriptor, offset, size)

    monkeypatch.setattr(os, "posix_fallocate", note)
    descriptor = create_journal(2_000)
    journal = Journal(descriptor, KEY)
    assert sum(allocated.values()) == 3 * STEP
    for number in range(2_000):
        assert journal.keep_login(number, b"x")
        journal.keep_reply(bytes(8_000), 30.0, 0.0)
    assert journal.n_left_out == 0
    assert n_allocated(descriptor) <= sum(allocated.values()) + 4 * 4096
    os.close(descriptor)


def test_what_has_no_room_is_left_out_and_counted(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    assert not journal.keep_login(1, bytes(MAX_LOGIN_OCTETS + 1))
    assert journal.keep_login(2, bytes(MAX_LOGIN_OCTETS))
    while journal.keep_login(journal._sequence + 10, b"x"):
        pass
    journal.keep_reply(bytes(5000), 1.0, 0.0)
    assert journal.n_left_out == 3


def test_a_record_torn_anywhere_is_skipped(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    journal.keep_login(1, b"alice")
    offset = journal._cells[1]
    whole = os.pread(descriptor, CELL_SIZE, offset)
    for position in range(RECORD_OVERHEAD + 5):
        torn = bytearray(whole)
        torn[position] ^= 0x55
        os.pwrite(descriptor, torn, offset)
        reader = successor(descriptor)
        assert not list(reader.logins())
        assert reader.n_skipped == 1 or torn[:8] == bytes(8)
    os.pwrite(descriptor, whole, offset)
    assert list(successor(descriptor).logins()) == [b"alice"]


def instants(before: bytes, after: bytes) -> Iterator[bytes]:
    """Yield what the memory may hold while one record is written: checksum and octets first, the number last."""
    changed = [offset for offset, octet in enumerate(before) if octet != after[offset]]
    start, end = changed[0] & -32, changed[-1] + 1
    behind = start + 8
    for n in range(behind, end + 1):
        yield before[:behind] + after[behind:n] + before[n:]
        yield before[:behind] + after[behind:n] + bytes(end - n) + before[end:]  # NULs may go before the octets
    for n in range(start, behind + 1):
        yield after[:n] + before[n:behind] + after[behind:]


def test_a_writer_killed_at_any_instant_leaves_what_it_had_or_what_it_wrote() -> None:
    descriptor = create_journal(1, segment_size=256)
    journal = Journal(descriptor, KEY)
    everything: list[bytes] = []
    for number in range(20):  # a few times round
        everything.append(b"answer %d" % number * (number % 5 + 1))
        before = os.pread(descriptor, 1 << 20, 0)
        journal.keep_reply(everything[-1], 30.0, 0.0)
        for octets in instants(before, os.pread(descriptor, 1 << 20, 0)):
            os.pwrite(descriptor, octets, 0)
            found = answers(descriptor)  # the newest, without a gap
            assert found in (everything[-1 - len(found) : -1], everything[-len(found) :])
            assert found or number == 0
        assert answers(descriptor)[-1] == everything[-1]
    for number in range(20):
        before = os.pread(descriptor, 1 << 20, 0)
        journal.keep_login(number, b"alice %d" % number)
        for octets in instants(before, os.pread(descriptor, 1 << 20, 0)):
            os.pwrite(descriptor, octets, 0)
            assert list(successor(descriptor).logins()) in ([], [b"alice %d" % number])
        journal.forget_login(number)
    os.close(descriptor)


@pytest.mark.parametrize("is_broken", [False, True])
def test_what_cannot_be_read_any_more_is_nothing(
    descriptor: int, is_broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has cut the file off, or its disk fails."""
    journal = Journal(descriptor, KEY)
    journal.keep_login(1, b"alice")
    journal.keep_reply(b"bob", 30.0, 0.0)
    reader = successor(descriptor)

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    if is_broken:
        monkeypatch.setattr(os, "pread", fail)
    else:
        os.ftruncate(descriptor, 4096 + 10)
    assert not list(reader.logins())
    assert not list(reader.replies())
    assert reader.origin() == Origin(0, 0.0)
    with pytest.raises(ForeignJournal, match="what its numbers mean cannot be read"):
        reader.numbering()


def test_who_does_not_know_the_key_is_not_believed(descriptor: int) -> None:
    other = Journal(descriptor, b"another key")
    other.keep_login(1, b"forged")
    other.keep_reply(b"forged", 30.0, 0.0)
    reader = successor(descriptor)
    assert not list(reader.logins())
    assert not list(reader.replies())
    assert reader.n_skipped == 2


def test_a_record_can_neither_be_numbered_anew_nor_lengthened(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    journal.keep_login(1, b"alice")
    offset = journal._cells[1]
    whole = os.pread(descriptor, CELL_SIZE, offset)
    os.pwrite(descriptor, (2).to_bytes(8, "little") + whole[8:], offset)
    assert not list(successor(descriptor).logins())
    os.pwrite(descriptor, whole[:16] + (6).to_bytes(4, "little") + whole[20:], offset)
    assert not list(successor(descriptor).logins())
    os.pwrite(descriptor, whole, offset)
    assert list(successor(descriptor).logins()) == [b"alice"]


@pytest.mark.parametrize("octets", [b"", b"short", bytes(65_536)])
def test_a_foreign_file_is_refused(octets: bytes) -> None:
    descriptor = os.memfd_create("test")
    os.write(descriptor, octets)
    for take in (Journal, JournalReader):
        with pytest.raises(ForeignJournal):
            take(descriptor, KEY)
    os.close(descriptor)


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_journal_of_another_version_is_refused(descriptor: int, version: int) -> None:
    os.pwrite(descriptor, b"radgate journal" + bytes([version]), 0)
    for take in (Journal, JournalReader):
        with pytest.raises(ForeignJournal, match="of this version"):
            take(descriptor, KEY)


def test_what_the_writer_says_of_its_records_is_read(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    assert successor(descriptor).origin() == Origin(0, 0.0)
    journal.begin(Origin(7, -12.5))
    assert successor(descriptor).origin() == Origin(7, -12.5)
    journal.begin(Origin(7, 47.5, 12, 1_000.25, 60.0))
    assert successor(descriptor).origin() == Origin(7, 47.5, 12, 1_000.25, 60.0)
    assert journal.keep_login(1, b"alice")
    assert list(successor(descriptor).logins()) == [b"alice"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", range(3))
def test_a_clock_that_is_none_makes_a_foreign_journal(descriptor: int, place: int, number: float) -> None:
    ahead_s, slept_at, slept_s = (number if each == place else 0.0 for each in range(3))
    Journal(descriptor, KEY).begin(Origin(1, ahead_s, 0, slept_at, slept_s))
    with pytest.raises(ForeignJournal, match="clock"):
        successor(descriptor).origin()


def test_what_version_0_2_0_reads_and_writes_of_it_stays_where_it_is(descriptor: int) -> None:
    layout = Struct("=dQQ")
    os.pwrite(descriptor, layout.pack(-12.5, 1, 7), 64)
    assert successor(descriptor).origin() == Origin(1, -12.5, 7)
    Journal(descriptor, KEY).begin(Origin(1, 47.5, 12, 1_000.25, 60.0))
    assert layout.unpack(os.pread(descriptor, layout.size, 64)) == (47.5, 1, 12)


def test_two_processes_that_have_not_slept_between_them_find_the_same_clock() -> None:
    assert boottime_ahead_s() == boottime_ahead_s()


def test_a_reader_goes_on_where_it_was(descriptor: int) -> None:
    journal, reader, read = Journal(descriptor, KEY), successor(descriptor), []
    for second in range(300):
        journal.keep_reply(b"%d" % second, second + 30.0, float(second))
        if second % 7 == 0:
            read += [int(octets) for octets in reader.replies()]
    assert read == list(range(295))
    assert list(reader.replies()) == [b"%d" % second for second in range(295, 300)]
    assert not list(reader.replies())


def test_the_memory_of_answers_is_that_of_two_windows(descriptor: int) -> None:
    """One answer a second for a window of 30 s: the first segment is left after 30 answers, and come back to."""
    journal = Journal(descriptor, KEY)
    for second in range(300):
        journal.keep_reply(b"%d" % second, second + 30.0, float(second))
        kept = {int(octets) for octets in answers(descriptor)}
        assert kept >= set(range(max(0, second - 29), second + 1))
        assert len(kept) <= 60


def test_answers_taken_over_from_another_worker_are_not_overwritten_while_they_count() -> None:
    """They expire one after the other, the first of them at once."""
    descriptor = create_journal(4, segment_size=65_536)
    journal = Journal(descriptor, KEY)
    for number in range(300):
        now = number * 0.01
        journal.keep_reply(b"%d" % number, number * 0.1, now)
        kept = {int(octets) for octets in answers(descriptor)}
        assert kept >= {each for each in range(number + 1) if each * 0.1 > now}
    os.close(descriptor)


def test_a_segment_is_not_come_back_to_while_any_of_its_answers_counts(descriptor: int) -> None:
    """Windows differ where answers of another worker's are taken over, or after a reload."""
    journal = Journal(descriptor, KEY)
    for octets, expires_at, now in [(b"1", 1.0, 0.0), (b"long", 100.0, 0.0), (b"2", 3.0, 2.0), (b"3", 5.0, 4.0)]:
        journal.keep_reply(octets, expires_at, now)
    assert b"long" in answers(descriptor)


def test_answers_are_read_in_the_order_in_which_they_were_written(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    for second in range(100):
        journal.keep_reply(b"%d" % second, second + 10.0, float(second))
        read = [int(octets) for octets in answers(descriptor)]
        assert read == sorted(read)


def test_too_many_answers_lose_the_oldest_alone(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    for number in range(1000):
        journal.keep_reply(b"%04d" % number, 30.0, 0.0)
        kept = sorted(int(octets) for octets in answers(descriptor))
        assert kept[-1] == number
        assert all(after - before == 1 for before, after in pairwise(kept))
    assert len(kept) >= 64


def test_sizes_of_answers_vary(descriptor: int) -> None:
    journal = Journal(descriptor, KEY)
    sizes = [0, 1, 31, 32, 33, 100, 4000, 7, 600]
    for number in range(200):
        octets = bytes([number % 256]) * sizes[number % len(sizes)]
        journal.keep_reply(octets, 30.0, 0.0)
        assert octets in answers(descriptor)


def test_what_its_numbers_mean_stands_in_it() -> None:
    numbering = Numbering(["0.0.0.0:1812", "[::]:1812"], 6)
    descriptor = create_journal(2, 256, numbering)
    assert successor(descriptor).numbering() == numbering
    os.pwrite(descriptor, b"\xff" * 4, os.fstat(descriptor).st_size - 4)
    with pytest.raises(ForeignJournal, match="what its numbers mean cannot be read"):
        successor(descriptor).numbering()
    os.close(descriptor)
