"""What a worker's successor must know, in memory that it maps: logins under way, and replies sent.

A journal is a file of the supervisor's (see `supervisor.journals`) with one writer, a worker, and those who take its
place as readers. It holds

- cells of fixed size, one for each login under way. A record is never changed in place: the new one is written into a
  free cell, then the old one is struck out, so that a writer killed at any instant leaves one of the two.
- two segments of replies, written by turns. The next segment begins, at its start, once the first reply of this one
  and every reply of the other one have expired; so the memory in use is that of two windows of time.

The supervisor says in it what numbers in its records mean, see `Numbering`, and its writer what they are to be read by,
see `Origin`: nothing else has to be known to read it.

Each record has a sequence number, its length, and a keyed checksum over both and its octets. What is torn, foreign or
forged is skipped and counted, never believed. The checksum is SipHash as CPython has it for cached modules, which costs
a sixth of a keyed BLAKE2; its key has 64 bits, so 128 more are hashed before all else.
"""

import math
import mmap
import os
import time
from _imp import source_hash
from collections.abc import Callable, Iterator
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

from gateway.engine.records import UNREADABLE
from gateway.ipc.memory import create_memory
from gateway.ipc.numbering import Numbering, decode_numbering, encode_numbering

CELL_SIZE: Final = 1_024
SEGMENT_SIZE: Final = 8 * 2**20
_SPARE_CELLS: Final = 16
_MAGIC: Final = b"radgate journal\x03"
_HEADER: Final = Struct("=16sQQQ")  # magic, number of cells, octets of a segment and of the numbering, which is last
_HEADER_SIZE: Final = 4_096
_ORIGIN: Final = Struct("=dQQdd")  # ahead_s, version, pid, slept_at, slept_s; the last two were NULs in 0.2.0
_ORIGIN_AT: Final = 64
_SEQUENCE: Final = Struct("=Q")  # 0 for nothing
_RECORD: Final = Struct("=Q8sI")  # sequence, checksum, octets of the record
_NO_CHECKSUM: Final = bytes(8)
_SECRET_SIZE: Final = 16
_SUMMED: Final = Struct("=16sQI")  # the secret, sequence and octets, which the record itself follows
RECORD_OVERHEAD: Final = _RECORD.size
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
    """Return the descriptor of an empty journal with room for so many logins; it costs memory only as it is written.

    Args:
        max_logins: the most that are under way at once.
        segment_size: octets of each segment of replies.
        numbering: what numbers in its records mean.
        create: makes a file of so many zeros; its first argument is a name.
        discard: takes back what was created and cannot be written.

    Raises:
        OSError: as `create` does, or there is no room.
    """
    n_cells, last = max_logins + _SPARE_CELLS, encode_numbering(numbering)
    size = _size(n_cells, segment_size)
    descriptor = create("radgate-journal", size + len(last))
    try:
        os.pwrite(descriptor, last, size)
        os.pwrite(descriptor, _HEADER.pack(_MAGIC, n_cells, segment_size, len(last)), 0)
    except OSError:
        discard(descriptor)
        raise
    return descriptor


def _size(n_cells: int, segment_size: int) -> int:
    """Octets of header, cells and segments."""
    return _HEADER_SIZE + n_cells * CELL_SIZE + 2 * segment_size


def _read_header(descriptor: int) -> tuple[int, int, int]:
    """Return the number of cells, the octets of a segment, and those of all, once all of them are known to be there."""
    header = os.pread(descriptor, _HEADER.size, 0)
    if len(header) < _HEADER.size:
        raise ForeignJournal("it is too short for a journal")
    magic, n_cells, segment_size, n_last = _HEADER.unpack(header)
    size = os.fstat(descriptor).st_size
    if magic != _MAGIC or size != _size(n_cells, segment_size) + n_last:
        raise ForeignJournal("it is not a journal of this version")
    return n_cells, segment_size, size


class Journal:
    """A mapped journal: to read what somebody wrote, or to write into one that is empty, as the one worker that may.

    Attributes:
        n_left_out: logins and replies for which there was no room.
    """

    def __init__(self, descriptor: int, key: bytes) -> None:
        """Map it; `key`, up to 64 secret octets, is that of all checksums.

        Raises:
            ForeignJournal: it is not a journal, or has another layout.
        """
        self._n_cells, self._segment_size, size = _read_header(descriptor)
        self._last = _size(self._n_cells, self._segment_size)
        self._memory = mmap.mmap(descriptor, size)
        secret = blake2b(key=key, digest_size=_SECRET_SIZE + 8, person=b"journal").digest()
        self._secret = secret[:_SECRET_SIZE]
        self._sum_key = int.from_bytes(secret[_SECRET_SIZE:], "big", signed=True)
        self._rests: dict[int, Struct] = {}  # all of a record behind its sequence number, by the size to write
        self._segments = [_HEADER_SIZE + self._n_cells * CELL_SIZE + n * self._segment_size for n in (0, 1)]
        self._read_to: dict[int, tuple[int, int]] = {}  # of each segment its first sequence number, and how far
        self._sequence = 0
        self._cells: dict[int, int] = {}  # login number -> offset of its cell
        self._free = list(reversed(self._cell_offsets()))  # the first are used again and again, the rest costs nothing
        self._segment = 1
        self._position = self._end = 0  # of the replies to come, in octets of the whole: none until the first
        self._turn_at = float("inf")
        self._expired_at = self._other_expired_at = 0.0  # when the last reply of this segment has, and of the other
        self._skipped: set[int] = set()  # where they stand
        self.n_left_out = 0

    # Reading.

    def origin(self) -> Origin:
        """Return what the writer has said of its records.

        Raises:
            ForeignJournal: that is no number.
        """
        ahead_s, version, pid, slept_at, slept_s = _ORIGIN.unpack_from(self._memory, _ORIGIN_AT)
        if not (math.isfinite(ahead_s) and math.isfinite(slept_at) and math.isfinite(slept_s)):
            raise ForeignJournal("its clock is not a number")
        return Origin(version, ahead_s, pid, slept_at, slept_s)

    def numbering(self) -> Numbering:
        """Return what numbers in the records mean.

        Raises:
            ForeignJournal: that cannot be read.
        """
        try:
            return decode_numbering(self._memory[self._last :])
        except UNREADABLE as error:
            raise ForeignJournal("what its numbers mean cannot be read") from error

    @property
    def n_skipped(self) -> int:
        """How many records were not believed when they were last read; one that was half written may be now."""
        return len(self._skipped)

    def logins(self) -> Iterator[bytes]:
        """Yield the records of logins, the newest first: of two that belong to one login the first counts."""
        found = sorted((self._read(offset, CELL_SIZE) for offset in self._written_cells()), reverse=True)
        return (octets for sequence, octets in found if sequence)

    def _written_cells(self) -> Iterator[int]:
        """Yield where a login was ever written. New cells are taken in their order, so behind one that has no checksum
        nothing stands: to look would touch 20 MB of memory, and take 30 ms.
        """
        for offset in self._cell_offsets():
            if _RECORD.unpack_from(self._memory, offset)[1] == _NO_CHECKSUM:
                return
            yield offset

    def replies(self) -> Iterator[bytes]:
        """Yield the replies that were not yielded yet, in the order in which they were written."""
        firsts = {start: self._read(start, self._segment_size)[0] for start in self._segments}
        for start in sorted(firsts, key=firsts.__getitem__):
            known, offset = self._read_to.get(start, (0, start))
            if known != firsts[start]:  # the segment was started again
                offset = start
            while (record := self._read(offset, start + self._segment_size - offset))[0]:
                offset += _stride(len(record[1]))
                self._read_to[start] = firsts[start], offset
                yield record[1]

    def _cell_offsets(self) -> range:
        return range(_HEADER_SIZE, _HEADER_SIZE + self._n_cells * CELL_SIZE, CELL_SIZE)

    def _read(self, offset: int, room: int) -> tuple[int, bytes]:
        """Return sequence number and octets of the record there; (0, b"") for none."""
        if room < RECORD_OVERHEAD:
            return 0, b""
        sequence, checksum, size = _RECORD.unpack_from(self._memory, offset)
        if not sequence:
            return 0, b""
        start = offset + RECORD_OVERHEAD
        if size <= room - RECORD_OVERHEAD:
            octets = self._memory[start : start + size]
            if checksum == self._sum(sequence, octets):
                self._skipped.discard(offset)
                return sequence, octets
        self._skipped.add(offset)
        return 0, b""

    def _sum(self, sequence: int, octets: bytes) -> bytes:
        return source_hash(self._sum_key, _SUMMED.pack(self._secret, sequence, len(octets)) + octets)

    # Writing.

    def begin(self, origin: Origin) -> None:
        """Say what the records are to be read by, before there is one; and anew when the machine has slept.

        Packed in place it would be NULs for an instant, and somebody may be reading.
        """
        octets = _ORIGIN.pack(origin.ahead_s, origin.version, origin.pid, origin.slept_at, origin.slept_s)
        self._memory[_ORIGIN_AT : _ORIGIN_AT + _ORIGIN.size] = octets

    def keep_login(self, number: int, octets: bytes) -> bool:
        """Keep the record of a login in place of an older one with this number; False if it does not fit."""
        if len(octets) > MAX_LOGIN_OCTETS or not self._free:
            self.n_left_out += 1
            return False
        older = self._cells.get(number)
        self._cells[number] = offset = self._free.pop()
        self._write(offset, octets, _stride(len(octets)))
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
        size = _stride(len(octets))
        if len(octets) > MAX_REPLY_OCTETS or size > self._segment_size:
            self.n_left_out += 1
            return
        if self._position + size > self._end or (now >= self._turn_at and now >= self._other_expired_at):
            self._turn(expires_at)
        if expires_at > self._expired_at:
            self._expired_at = expires_at
        # What stands behind it belongs to an earlier turn: nobody may read on into it.
        has_space_behind = self._position + size + RECORD_OVERHEAD <= self._end
        self._write(self._position, octets, size + _SEQUENCE.size if has_space_behind else size)
        self._position += size

    def close(self) -> None:
        """Unmap it; the memory lives as long as any descriptor of it."""
        self._memory.close()

    def _turn(self, turn_at: float) -> None:
        """Go on at the start of the other segment, until `turn_at` at least."""
        self._segment = 1 - self._segment
        self._other_expired_at, self._expired_at = self._expired_at, 0.0
        self._position = self._segments[self._segment]
        self._end = self._position + self._segment_size
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


def _stride(size: int) -> int:
    """Octets from one reply's start to the next one's."""
    return (RECORD_OVERHEAD + size + _ALIGNMENT - 1) & -_ALIGNMENT
