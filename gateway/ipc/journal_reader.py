"""Read what a worker has written into its journal, see `ipc.journal`: while it writes, or after its end.

It is read in blocks into our own memory, and not mapped: so a hole takes nothing of a disk that may be full, and who
takes over from a worker that died of that does not die of it, too. A file that is cut off meanwhile, or a disk that
fails, keeps nobody from going on: what cannot be read is nothing.
"""

import math
import os
from collections.abc import Iterator
from typing import Final

from gateway.engine.records import UNREADABLE
from gateway.ipc.journal import (
    CELL_SIZE,
    ORIGIN,
    ORIGIN_AT,
    RECORD,
    RECORD_OVERHEAD,
    ForeignJournal,
    JournalFile,
    Origin,
    stride,
)
from gateway.ipc.numbering import Numbering, decode_numbering

_BLOCK_SIZE: Final = 65_536
_NO_CHECKSUM: Final = bytes(8)
_MOST_BARE: Final = 8  # cells in a row without a checksum; a writer that is killed leaves one of those in use


class JournalReader(JournalFile):
    """What stands in a journal when it is asked for."""

    def __init__(self, descriptor: int, key: bytes) -> None:
        """Take the journal's descriptor and key, and raise, as `JournalFile` does."""
        super().__init__(descriptor, key)
        self._block, self._block_at = b"", 0
        self._read_to: dict[int, tuple[int, int]] = {}  # of each segment its first sequence number, and how far
        self._skipped: set[int] = set()  # where they stand

    def origin(self) -> Origin:
        """Return what the writer has said of its records.

        Raises:
            ForeignJournal: that is no number.
        """
        ahead_s, version, pid, slept_at, slept_s = ORIGIN.unpack(_pread(self._descriptor, ORIGIN.size, ORIGIN_AT))
        if not (math.isfinite(ahead_s) and math.isfinite(slept_at) and math.isfinite(slept_s)):
            raise ForeignJournal("its clock is not a number")
        return Origin(version, ahead_s, pid, slept_at, slept_s)

    def numbering(self) -> Numbering:
        """Return what numbers in the records mean.

        Raises:
            ForeignJournal: that cannot be read.
        """
        size = max(0, os.fstat(self._descriptor).st_size - self._layout.size)
        try:
            return decode_numbering(_pread(self._descriptor, size, self._layout.size))
        except UNREADABLE as error:
            raise ForeignJournal("what its numbers mean cannot be read") from error

    @property
    def n_skipped(self) -> int:
        """How many records were not believed when they were last read; one that was half written may be now."""
        return len(self._skipped)

    def logins(self) -> Iterator[bytes]:
        """Yield the records of logins, the newest first: of two that belong to one login the first counts."""
        self._block = b""
        found = sorted((self._read(offset, CELL_SIZE) for offset in self._written_cells()), reverse=True)
        return (octets for sequence, octets in found if sequence)

    def _written_cells(self) -> Iterator[int]:
        """Yield where a login was ever written. New cells are taken in their order, so nothing stands behind some that
        have no checksum: to look would be to read 20 MB. One that is being written has none for an instant.
        """
        cells, n_bare = self._layout.cells, 0
        for offset in range(cells.start, cells.stop, CELL_SIZE):
            if RECORD.unpack(self._octets(offset, RECORD_OVERHEAD))[1] != _NO_CHECKSUM:
                n_bare = 0
                yield offset
            elif (n_bare := n_bare + 1) == _MOST_BARE:
                return

    def replies(self) -> Iterator[bytes]:
        """Yield the replies that were not yielded yet, in the order in which they were written."""
        self._block = b""
        firsts = {each.start: self._read(each.start, len(each))[0] for each in self._layout.segments}
        for start in sorted(firsts, key=firsts.__getitem__):
            known, offset = self._read_to.get(start, (0, start))
            if known != firsts[start]:  # the segment was started again
                offset = start
            while (record := self._read(offset, start + self._layout.segment_size - offset))[0]:
                offset += stride(len(record[1]))
                self._read_to[start] = firsts[start], offset
                yield record[1]

    def _read(self, offset: int, room: int) -> tuple[int, bytes]:
        """Return sequence number and octets of the record there; (0, b"") for none."""
        if room < RECORD_OVERHEAD:
            return 0, b""
        sequence, checksum, size = RECORD.unpack(self._octets(offset, RECORD_OVERHEAD))
        if not sequence:
            return 0, b""
        if size <= room - RECORD_OVERHEAD:
            octets = self._octets(offset + RECORD_OVERHEAD, size)
            if checksum == self._sum(sequence, octets):
                self._skipped.discard(offset)
                return sequence, octets
        self._skipped.add(offset)
        return 0, b""

    def _octets(self, offset: int, size: int) -> bytes:
        """Return so many octets, from the block that was read last if they are in it."""
        start = offset - self._block_at
        if start < 0 or start + size > len(self._block):
            self._block, self._block_at = _pread(self._descriptor, max(size, _BLOCK_SIZE), offset), offset
            start = 0
        return self._block[start : start + size]


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    """Return so many octets of a file: NULs, which are no record, in the place of those that cannot be read."""
    try:
        octets = os.pread(descriptor, size, offset)
    except OSError:
        octets = b""
    return octets.ljust(size, b"\0")
