"""The board: memory that the supervisor and its workers share. Each worker writes a row of its own, the supervisor an
area for each application, and everybody reads everything, without locks.

It is an anonymous file that workers inherit, sealed so that none can cut it off under the others. A header says what
it is; one that does not fit is never believed. Every row and area has cache lines of its own.
"""

import fcntl
import mmap
import os
import struct
from hashlib import blake2b
from typing import NamedTuple

from gateway.failmode.bulletin import BulletinCells
from gateway.ipc.memory import create_memory
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, Key, row_layout
from gateway.statistics.reading import (
    RowReading,
    SecretUse,
    SignsOfLife,
    read_evidence,
    read_log_errors,
    read_row,
    read_secret_uses,
    read_signs_of_life,
)

_MAGIC = int.from_bytes(b"radgate\x01", "big")
_VERSION = 1
_CELL_SIZE = 8  # octets
_LINE_SIZE = 8  # cells: 64 octets
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class BoardError(ValueError):
    """The descriptor holds no board, or one of another plan or version."""


class _Header(NamedTuple):
    """The first cells, and with them the sizes of all that follows."""

    magic: int
    version: int
    n_cells: int
    n_row_cells: int
    n_slots: int
    n_applications: int
    digest: int


_HEADER = struct.Struct(f"={len(_Header._fields)}Q")


class Board:
    """A board, mapped. What it hands out stays usable after `close`.

    Attributes:
        descriptor: of the file, for workers to inherit; the board's own to close.
    """

    def __init__(self, descriptor: int, plan: BoardPlan) -> None:
        """Map the board behind a descriptor, which is the board's from now on, unless this fails.

        Raises:
            BoardError: it is not a board of this plan.
            OSError: it is no file.
        """
        header = _header(plan)
        _verify(descriptor, header)
        self.descriptor = descriptor
        self._plan = plan
        self._layout = row_layout(plan)
        cells = memoryview(mmap.mmap(descriptor, header.n_cells * _CELL_SIZE)).cast("Q")
        parts = _parts(header)
        self._rows = [cells[part] for part in parts[: plan.n_slots]]
        bulletins = [BulletinCells(cells[part]) for part in parts[plan.n_slots :]]
        self._bulletins = dict(zip(plan.applications, bulletins, strict=True))

    @classmethod
    def create(cls, plan: BoardPlan) -> "Board":
        """Return a new board, all zeros.

        Raises:
            OSError: there is no memory or descriptor left.
        """
        header = _header(plan)
        descriptor = create_memory("radgate-board", header.n_cells * _CELL_SIZE, os.MFD_ALLOW_SEALING)
        try:
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            os.pwrite(descriptor, _HEADER.pack(*header), 0)
            return cls(descriptor, plan)
        except BaseException:
            os.close(descriptor)
            raise

    def close(self) -> None:
        """Close the descriptor; the memory goes with the last who uses it."""
        os.close(self.descriptor)

    def row(self, slot: int) -> WorkerRow:
        """Return the row of a slot, for its worker alone to write."""
        return WorkerRow(self._rows[slot], self._layout, self._plan)

    def bulletin(self, application: str) -> BulletinCells:
        """Return the area of an application, for the supervisor alone to write."""
        return self._bulletins[application]

    def read(self, slot: int) -> RowReading:
        """Return all that a worker has counted."""
        return read_row(self._rows[slot], self._layout)

    def signs_of_life(self, slot: int) -> SignsOfLife:
        """Return a worker's signs of life, which is much cheaper."""
        return read_signs_of_life(self._rows[slot])

    def log_errors(self, slot: int) -> dict[str, int]:
        """Return what is wrong with a worker's logs."""
        return read_log_errors(self._rows[slot], self._layout)

    def secret_uses(self, slot: int) -> dict[Key, SecretUse]:
        """Return what a worker has seen of clients that have two secrets, by section and client."""
        return read_secret_uses(self._rows[slot], self._layout)

    def evidence(self, slot: int, application: str) -> tuple[float, ...] | None:
        """Return what a worker shows about an application, None if that is nothing whole."""
        return read_evidence(self._rows[slot], self._layout, application)

    def __repr__(self) -> str:
        return f"<Board slots={self._plan.n_slots} applications={len(self._plan.applications)}>"


def _header(plan: BoardPlan) -> _Header:
    layout = row_layout(plan)
    n_row_cells = -(-layout.n_cells // _LINE_SIZE) * _LINE_SIZE
    n_cells = _LINE_SIZE + plan.n_slots * n_row_cells + len(plan.applications) * _LINE_SIZE
    digest = blake2b(repr((plan, layout)).encode(), digest_size=_CELL_SIZE).digest()
    numbers = (n_cells, n_row_cells, plan.n_slots, len(plan.applications), int.from_bytes(digest, "little"))
    return _Header(_MAGIC, _VERSION, *numbers)


def _parts(header: _Header) -> list[slice]:
    """Return where the rows are, and behind them the areas of the applications."""
    rows_end = _LINE_SIZE + header.n_slots * header.n_row_cells
    rows = range(_LINE_SIZE, rows_end, header.n_row_cells)
    areas = range(rows_end, header.n_cells, _LINE_SIZE)
    return [slice(at, at + header.n_row_cells) for at in rows] + [slice(at, at + _LINE_SIZE) for at in areas]


def _verify(descriptor: int, expected: _Header) -> None:
    octets = os.pread(descriptor, _HEADER.size, 0)
    if len(octets) < _HEADER.size:
        raise BoardError(f"it has {len(octets)} octets, too few for a board")
    found = _Header(*_HEADER.unpack(octets))
    for name, theirs, ours in zip(_Header._fields, found, expected, strict=True):
        if theirs != ours:
            raise BoardError(f"the board's {name} is {theirs:#x}, not {ours:#x}")
    size = os.fstat(descriptor).st_size
    if size != expected.n_cells * _CELL_SIZE:  # beyond the end of a file that is too short waits SIGBUS
        raise BoardError(f"the board has {size} octets, not {expected.n_cells * _CELL_SIZE}")
