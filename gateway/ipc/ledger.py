"""The last logins of each worker, in shared memory: what the status page lists.

Each worker of a generation has a ring of cells. It alone writes there, without a lock or a system call; the console
reads at any instant. A cell carries the number of its login and a checksum over both, so that one that is torn is
noticed and left out. Nothing that decides a login ever reads a ledger.

A login is written at once if none was in the last `HOLD_S`; else it is held back for as long at most, and of those held
back the last `MOST_AT_ONCE` are written (`worker/last_logins.py`). A ring holds more than a worker writes between two
looks of the console: what is written is seen. A worker that is killed takes with it what it holds back: the list lacks
up to 0.1 s; the log is held back by nothing.
"""

import fcntl
import mmap
import os
import struct
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from gateway.ipc.memory import create_memory

N_CELLS: Final = 1_024  # so a ring takes 1 MiB, once that many logins have been written
_CELL_SIZE: Final = 1_024  # octets: the longest user name with the longest hint
_CELL_HEAD: Final = struct.Struct("=QII")  # the login's number, from 1 on, the checksum, and the length of what follows
_CAPACITY: Final = _CELL_SIZE - _CELL_HEAD.size
_CELL: Final = struct.Struct(f"{_CELL_HEAD.format}{_CAPACITY}s")
_HEAD: Final = struct.Struct("=QQ")  # the magic number, and the number of the login written last
_HEAD_SIZE: Final = 64
_RING_SIZE: Final = _HEAD_SIZE + N_CELLS * _CELL_SIZE
_MAGIC: Final = int.from_bytes(b"radlog\x00\x01", "big")
_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_SHORT: Final = 64  # letters: what is left of a text that is too long


class FinishedLogin(msgspec.Struct, array_like=True):
    """A finished login, as its line in the log tells of it.

    Attributes:
        at: Unix seconds.
        reply: `Access-Accept`, `Access-Reject` or `Access-Challenge`; `none` if nobody waits for it any more.
    """

    at: float
    user_name: str
    client: str
    section: str
    reply: str
    reason: str
    factor: str
    duration_ms: int
    account: str
    hint: str


class Written(NamedTuple):
    """A login that was read, with its number in its ring."""

    number: int
    record: FinishedLogin


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FinishedLogin).decode


class LoginRing:
    """One worker's ring, over `_RING_SIZE` octets."""

    __slots__ = ("_n_written", "_octets")

    def __init__(self, octets: memoryview) -> None:
        """Go on behind what is there: a successor writes where its predecessor died."""
        self._octets = octets
        magic, n_written = _HEAD.unpack_from(octets)
        self._n_written: int = n_written if magic == _MAGIC else 0

    def write(self, record: FinishedLogin) -> None:
        """Add a login; the oldest goes."""
        content = _encode(record)
        if len(content) > _CAPACITY:
            content = _encode(_shortened(record))
        number = self._n_written = self._n_written + 1
        offset = _HEAD_SIZE + number % N_CELLS * _CELL_SIZE
        checksum = crc32(content, number & 0xFFFFFFFF)
        _CELL.pack_into(self._octets, offset, number, checksum, len(content), content)
        _HEAD.pack_into(self._octets, 0, _MAGIC, number)

    def skip(self, n_logins: int) -> None:
        """Count logins that so many others follow at once that nobody would see them."""
        self._n_written += n_logins

    def read(self, after: int) -> list[Written]:
        """Return the logins behind number `after` that are still there as a whole, in order."""
        magic, last = _HEAD.unpack_from(self._octets)
        if magic != _MAGIC:
            return []
        found = (self._cell(number) for number in range(max(after, last - N_CELLS) + 1, last + 1))
        return [each for each in found if each is not None]

    def _cell(self, expected: int) -> Written | None:
        offset = _HEAD_SIZE + expected % N_CELLS * _CELL_SIZE
        octets = bytes(self._octets[offset : offset + _CELL_SIZE])  # a copy: it may change from here on
        number, checksum, size = _CELL_HEAD.unpack_from(octets)
        content = octets[_CELL_HEAD.size : _CELL_HEAD.size + size]
        if number != expected or checksum != crc32(content, number & 0xFFFFFFFF):
            return None
        try:
            return Written(number, _decode(content))
        except msgspec.DecodeError:  # a worker of another version
            return None


def _shortened(record: FinishedLogin) -> FinishedLogin:
    return msgspec.structs.replace(
        record,
        user_name=record.user_name[:_SHORT],
        section=record.section[:_SHORT],
        account=record.account[:_SHORT],
        hint="",
    )


class Ledger:
    """The rings of one generation, mapped. What it hands out stays usable after `close`.

    Attributes:
        descriptor: of the file, for others to inherit; the ledger's own to close.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the ledger behind a descriptor, which is the ledger's from now on, unless this fails.

        Raises:
            ValueError: it holds none.
            OSError: it is no file.
        """
        self.n_slots, rest = divmod(os.fstat(descriptor).st_size, _RING_SIZE)
        if rest or not self.n_slots:
            raise ValueError("not a ledger")
        self.descriptor = descriptor
        self._octets = memoryview(mmap.mmap(descriptor, self.n_slots * _RING_SIZE))

    @classmethod
    def create(cls, n_slots: int) -> "Ledger":
        """Return a new one with so many rings, whose size nobody can change: a shorter one would kill its readers.

        Raises:
            OSError: there is no memory or descriptor left.
        """
        descriptor = create_memory("radgate-ledger", n_slots * _RING_SIZE, os.MFD_ALLOW_SEALING)
        try:
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            return cls(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def ring(self, slot: int) -> LoginRing:
        """Return the ring of a slot."""
        return LoginRing(self._octets[slot * _RING_SIZE : (slot + 1) * _RING_SIZE])

    def close(self) -> None:
        """Close the descriptor; the memory goes with the last who uses it."""
        os.close(self.descriptor)


def private_ring() -> LoginRing:
    """Return a ring that nobody else sees."""
    return LoginRing(memoryview(bytearray(_RING_SIZE)))


def open_ring(descriptor: int, slot: int) -> LoginRing:
    """Return the ring of a slot; a private one if there is none, for a worker must serve without one, too."""
    try:
        return Ledger(descriptor).ring(slot)
    except (OSError, ValueError):
        return private_ring()
