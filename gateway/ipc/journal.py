"""What a worker's successor must know, in memory that the worker maps: logins under way, and replies sent.

A journal is a file of the supervisor's (see `supervisor.journals`) with one writer, a worker, and those who take its
place as readers (see `ipc.journal_reader`). It holds

- cells of fixed size, one for each login under way. A record is never changed in place: the new one is written into a
  free cell, then the old one is struck out, so that a writer killed at any instant leaves one of the two.
- two segments of replies, written by turns. The next segment begins, at its start, once the first reply of this one
  and every reply of the other one have expired; so the memory in use is that of two windows of time.

Who writes or reads a hole of a mapped file on a full disk is killed by SIGBUS. So the writer allocates before it
writes, step by step, and what finds no room is left out. Readers map nothing.

The supervisor says in it what numbers in its records mean, see `Numbering`, and its writer what they are to be read by,
see `Origin`: nothing else has to be known to read it.

Each record has a sequence number, its length, and a keyed checksum over both and its octets. What is torn, foreign or
forged is skipped and counted, never believed. The checksum is SipHash as CPython has it for cached modules, which costs
a sixth of a keyed BLAKE2; its key has 64 bits, so 128 more are hashed before all else.
"""

import mmap
import os
import time
from _imp import source_hash
from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

from gateway.ipc.memory import create_memory
from gateway.ipc.numbering import Numbering, encode_numbering

CELL_SIZE: Final = 1_024
SEGMENT_SIZE: Final = 8 * 2**20
STEP: Final = 256 * 2**10  # octets that are allocated at once, at first and whenever they are used up; 0.1 ms
_SPARE_CELLS: Final = 16
_MAGIC: Final = b"radgate journal\x03"
_HEADER: Final = Struct("=16sQQQ")  # magic, number of cells, octets of a segment and of the numbering, which is last
HEADER_SIZE: Final = 4_096
ORIGIN: Final = Struct("=dQQdd")  # ahead_s, version, pid, slept_at, slept_s; the last two were NULs in 0.2.0
ORIGIN_AT: Final = 64
_SEQUENCE: Final = Struct("=Q")  # 0 for nothing
RECORD: Final = Struct("=Q8sI")  # sequence, checksum, octets of the record
_SECRET_SIZE: Final = 16
_SUMMED: Final = Struct("=16sQI")  # the secret, sequence and octets, which the record itself follows
RECORD_OVERHEAD: Final = RECORD.size
MAX_LOGIN_OCTETS: Final = CELL_SIZE - RECORD_OVERHEAD
MAX_REPLY_OCTETS: Final = 8_192
_ALIGNMENT: Final = 32


class ForeignJournal(Exception):  # noqa: N818 -- reads as what it says
    """The descriptor holds no journal that this version can read."""


class Origin(NamedTuple):
    """What the writer of a journal says of all its records: so none of them needs to.

    Attributes:
        version: of the records, see `engine.records`; 0 for a writer that has said nothing.
        ahead_s: by how much CLOCK_BOOTTIME, which the processes of a machine share, is ahead of the clock that the
            writer's instants are of, since the machine slept last.
        pid: of the writer; 0 for one that has said nothing.
        slept_at: on the writer's clock, no later than when the machine fell asleep last, while the writer lived.
        slept_s: for how long, which is to be added to the age of what is no later than that; 0 for never.
    """

    version: int
    ahead_s: float
    pid: int = 0
    slept_at: float = 0.0
    slept_s: float = 0.0


def boottime_ahead_s() -> float:
    """Return by how many seconds CLOCK_BOOTTIME is ahead of our monotonic clock: for as long as the machine has slept.

    In whole milliseconds, and the best of three readings, so that two processes find the same if the machine has not
    slept in between.
    """
    return round(max(time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic() for _ in range(3)), 3)


def create_journal(
    max_logins: int,
    segment_size: int = SEGMENT_SIZE,
    numbering: Numbering = Numbering(),  # noqa: B008 -- frozen
    create: Callable[[str, int], int] = create_memory,
    discard: Callable[[int], None] = os.close,
) -> int:
    """Return the descriptor of an empty journal with room for so many logins.

    The first step of each of its parts is allocated, 0.8 MB in all; the rest costs memory only as it is written.

    Args:
        max_logins: the most that are under way at once.
        segment_size: octets of each segment of replies.
        numbering: what numbers in its records mean.
        create: makes a file of so many zeros; its first argument is a name.
        discard: takes back what was created and cannot be written.

    Raises:
        OSError: as `create` does, or there is no room.
    """
    layout, last = Layout(max_logins + _SPARE_CELLS, segment_size), encode_numbering(numbering)
    descriptor = create("radgate-journal", layout.size + len(last))
    try:
        os.pwrite(descriptor, last, layout.size)
        os.pwrite(descriptor, _HEADER.pack(_MAGIC, *layout, len(last)), 0)
        for part in (layout.cells, *layout.segments):
            os.posix_fallocate(descriptor, part.start, min(STEP, len(part)))
    except OSError:
        discard(descriptor)
        raise
    return descriptor


class Layout(NamedTuple):
    """Where the parts of a journal are. What its numbers mean stands behind them."""

    n_cells: int
    segment_size: int

    @property
    def cells(self) -> range:
        """The octets of all cells."""
        return range(HEADER_SIZE, HEADER_SIZE + self.n_cells * CELL_SIZE)

    @property
    def segments(self) -> list[range]:
        """The octets of each segment of replies."""
        first, size = self.cells.stop, self.segment_size
        return [range(start, start + size) for start in (first, first + size)]

    @property
    def size(self) -> int:
        """Octets of header and parts."""
        return self.segments[-1].stop


def _read_layout(descriptor: int) -> Layout:
    """Return where the parts are, once all octets of them are known to be there."""
    header = os.pread(descriptor, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        raise ForeignJournal("it is too short for a journal")
    magic, n_cells, segment_size, n_last = _HEADER.unpack(header)
    layout = Layout(n_cells, segment_size)
    if magic != _MAGIC or os.fstat(descriptor).st_size != layout.size + n_last:
        raise ForeignJournal("it is not a journal of this version")
    return layout


class JournalFile:
    """A file that is known to be a journal, and its checksums."""

    def __init__(self, descriptor: int, key: bytes) -> None:
        """Take it, and leave it open; `key`, up to 64 secret octets, is that of all checksums.

        Raises:
            ForeignJournal: it is not a journal, or has another layout.
        """
        self._descriptor = descriptor
        self._layout = _read_layout(descriptor)
        secret = blake2b(key=key, digest_size=_SECRET_SIZE + 8, person=b"journal").digest()
        self._secret = secret[:_SECRET_SIZE]
        self._sum_key = int.from_bytes(secret[_SECRET_SIZE:], "big", signed=True)

    def _sum(self, sequence: int, octets: bytes) -> bytes:
        return source_hash(self._sum_key, _SUMMED.pack(self._secret, sequence, len(octets)) + octets)


class _Part:
    """Where the writer may write: in what is allocated, from the start on.

    Attributes:
        start: of the part.
        end: of what is allocated of it.
    """

    def __init__(self, descriptor: int, octets: range) -> None:
        self._descriptor = descriptor
        self._octets = octets
        self.start = self.end = octets.start
        self.grow()  # no more than was allocated at the creation, but for a journal of code that allocated nothing

    def grow(self) -> bool:
        """Allocate another step; False if there is no room for it, or it has all."""
        size = min(STEP, self._octets.stop - self.end)
        if not size:
            return False
        try:
            os.posix_fallocate(self._descriptor, self.end, size)
        except OSError:
            return False
        self.end += size
        return True


class Journal(JournalFile):
    """A journal that is empty, mapped, to write into as the one worker that may.

    Attributes:
        n_left_out: logins and replies for which there was no room.
    """

    def __init__(self, descriptor: int, key: bytes) -> None:
        """Map it. Raises as `JournalFile` does."""
        super().__init__(descriptor, key)
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._rests: dict[int, Struct] = {}  # all of a record behind its sequence number, by the size to write
        self._sequence = 0
        self._cells: dict[int, int] = {}  # login number -> offset of its cell
        self._free: list[int] = []  # of cells that were written, and some more: the last are used again and again
        self._next_cell = self._layout.cells.start
        self._cells_part = _Part(descriptor, self._layout.cells)
        self._segments = [_Part(descriptor, octets) for octets in self._layout.segments]
        self._segment = 1
        self._position = self._end = 0  # of the replies to come, in octets of the whole: none until the first
        self._turn_at = float("-inf")
        self._expired_at = self._other_expired_at = 0.0  # when the last reply of this segment has, and of the other
        self.n_left_out = 0

    def begin(self, origin: Origin) -> None:
        """Say what the records are to be read by, before there is one; and anew when the machine has slept.

        Packed in place it would be NULs for an instant, and somebody may be reading.
        """
        octets = ORIGIN.pack(origin.ahead_s, origin.version, origin.pid, origin.slept_at, origin.slept_s)
        self._memory[ORIGIN_AT : ORIGIN_AT + ORIGIN.size] = octets

    def keep_login(self, number: int, octets: bytes) -> bool:
        """Keep the record of a login in place of an older one with this number; False if it has no room."""
        if len(octets) > MAX_LOGIN_OCTETS or not (self._free or self._take_cells()):
            self.n_left_out += 1
            return False
        older = self._cells.get(number)
        self._cells[number] = offset = self._free.pop()
        self._write(offset, octets, stride(len(octets)))
        if older is not None:
            self._strike_out(older)
        return True

    def forget_login(self, number: int) -> None:
        """Strike out the record of a login, if there is one."""
        offset = self._cells.pop(number, None)
        if offset is not None:
            self._strike_out(offset)

    def keep_reply(self, octets: bytes, expires_at: float, now: float) -> None:
        """Keep a reply until it expires, in monotonic seconds, or until there are too many."""
        size = stride(len(octets))
        if now >= self._turn_at and now >= self._other_expired_at:
            self._turn(expires_at)
        if len(octets) > MAX_REPLY_OCTETS or (
            self._position + size > self._end and not self._find_room(size, expires_at)
        ):
            self.n_left_out += 1
            return
        if expires_at > self._expired_at:
            self._expired_at = expires_at
        # What stands behind it belongs to an earlier turn: nobody may read on into it.
        has_space_behind = self._position + size + RECORD_OVERHEAD <= self._end
        self._write(self._position, octets, size + _SEQUENCE.size if has_space_behind else size)
        self._position += size

    def close(self) -> None:
        """Unmap it; the memory lives as long as any descriptor of it."""
        self._memory.close()

    def _take_cells(self) -> bool:
        """Take what is allocated of the cells that were never used; False if none can be.

        They are taken in their order, so that a reader knows where to stop.
        """
        if self._next_cell + CELL_SIZE > self._cells_part.end and not self._cells_part.grow():
            return False
        end = self._cells_part.end
        self._free = list(reversed(range(self._next_cell, end, CELL_SIZE)))
        self._next_cell = end
        return True

    def _find_room(self, size: int, turn_at: float) -> bool:
        """Have more of this segment allocated, or go on in the other one; False if neither has room."""
        if not self._grow(size):
            self._turn(turn_at)
        return self._position + size <= self._end or self._grow(size)

    def _grow(self, size: int) -> bool:
        part = self._segments[self._segment]
        part.grow()
        self._end = part.end
        return self._position + size <= self._end

    def _turn(self, turn_at: float) -> None:
        """Go on at the start of the other segment, until `turn_at` at least."""
        self._segment = 1 - self._segment
        self._other_expired_at, self._expired_at = self._expired_at, 0.0
        part = self._segments[self._segment]
        self._position, self._end = part.start, part.end
        self._turn_at = turn_at

    def _write(self, offset: int, octets: bytes, size: int) -> None:
        """Write checksum and octets first, with NULs up to `size` from the start, and the sequence number last: a
        record without one is nothing.
        """
        self._sequence = sequence = self._sequence + 1
        rest = self._rests.get(size)
        if rest is None:
            rest = self._rests[size] = Struct(f"=8sI{size - RECORD_OVERHEAD}s")
        rest.pack_into(self._memory, offset + _SEQUENCE.size, self._sum(sequence, octets), len(octets), octets)
        _SEQUENCE.pack_into(self._memory, offset, sequence)

    def _strike_out(self, offset: int) -> None:
        _SEQUENCE.pack_into(self._memory, offset, 0)
        self._free.append(offset)


def stride(size: int) -> int:
    """Octets from one reply's start to the next one's."""
    return (RECORD_OVERHEAD + size + _ALIGNMENT - 1) & -_ALIGNMENT
