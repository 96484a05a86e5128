"""A log file that many processes append to, and never in each other's line: each `write` to a descriptor in append mode
is performed by Linux as a whole.

A file that cannot be opened stops no login either: then the supervisor's descriptor of it is written to.

One process, the supervisor, rotates. The others look a few times a second whether the name still leads to their file;
until they have noticed they append to the file that was moved, so that no line is lost, torn, or in two files.
"""

import asyncio
import contextlib
import errno
import os
import stat
from pathlib import Path

from gateway.logs.files import LogRotation, open_log
from gateway.logs.line_handler import PIPE_PORTION, LineHandler, log
from gateway.logs.losses import Losses

ROTATE_EVERY_S = 1.0
LOOK_EVERY_S = 0.25


class FileHandler(LineHandler):
    """Appends to a file, of which other processes may write as well.

    Attributes:
        descriptor: of the file, the same for as long as the handler lives.
    """

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop | None = None,
        owner: tuple[int, int] | None = None,
        rotation: LogRotation | None = None,
        *,
        spare: int = -1,
        losses: Losses | None = None,
    ) -> None:
        """Open the file.

        Args:
            path: of the file; its name is the log's.
            loop: without one each line is written at once.
            owner: user and group that the file is given to.
            rotation: this is the one process that rotates the file.
            spare: a descriptor of the file that another process has opened: a copy of it is written to where we cannot
                open the file, until we can.
            losses: what is lost is counted there.

        Raises:
            OSError: the file cannot be opened, and there is no spare descriptor.
        """
        super().__init__(path.name, loop, losses)
        self.path = path
        self._owner = owner
        self._rotation = rotation
        self._look_error = 0
        self._is_nowhere = False
        self._is_whole = False  # whether the file is known to end with a whole line
        self._timer: asyncio.TimerHandle | None = None
        self.descriptor = self._open(spare)
        if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):  # the name may be a link to /dev/stdout
            self.portion = PIPE_PORTION
        self._look_later()

    def _open(self, spare: int) -> int:
        try:
            return open_log(self.path, self._owner)
        except OSError:
            if spare < 0:
                raise
            return os.dup(spare)

    def _put(self, octets: bytes) -> int:
        if self._is_nowhere:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._is_whole = False  # where a disk is full, another process may have been cut off behind our last line
        n_written = os.write(self.descriptor, octets)
        self._is_whole = n_written == len(octets)
        return n_written

    def _beginning(self) -> bytes:
        """Return what ends a line that was cut off: our own, or that of a process which has died."""
        if self._is_whole:
            return b""
        last = _last_octet(self.descriptor)
        return self._mend if last is None else b"\n" if last not in (b"", b"\n") else b""

    def _put_failed(self, error: int) -> None:
        self._put_error = error
        self._losses.trouble(self._log_name, error or self._look_error)

    def look(self) -> None:
        """Rotate the file if that is due and ours to do, and go on in the one that has the name now."""
        try:
            self._follow_name()
            self._look_failed(0)
        except OSError as error:
            self._tell_once(error)

    def _follow_name(self) -> None:
        own = os.fstat(self.descriptor)
        self._is_nowhere = stat.S_ISREG(own.st_mode) and own.st_nlink == 0
        present = _stat(self.path)
        if present is not None and os.path.samestat(present, own):
            if self._rotation is None or not self._rotation.is_due(own.st_size):
                return
            self._rotation.rotate(self.path)
        if self._rotation is not None or present is not None:  # the one that rotates makes it, with its owner
            self.reopen()
        elif self._is_nowhere:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _tell_once(self, error: OSError) -> None:
        before = self._look_error
        self._look_failed(error.errno or errno.EIO)
        if before != self._look_error and not self._is_nowhere:
            reason = error.strerror or error
            log.error("%s cannot be rotated; lines still go to the present file: %s", self.path, reason)

    def _look_failed(self, error: int) -> None:
        self._look_error = error
        self._losses.trouble(self._log_name, self._put_error or error)

    def reopen(self) -> None:
        """Go on in the file that has the name now: the former one has been moved away.

        Raises:
            OSError: it cannot be opened; the former one is written on.
        """
        self.flush()
        descriptor = open_log(self.path, self._owner)
        os.dup2(descriptor, self.descriptor, inheritable=False)
        os.close(descriptor)
        self._mend = b""
        self._is_nowhere = False

    def _look_later(self) -> None:
        if self._loop is not None:
            self._timer = self._loop.call_later(ROTATE_EVERY_S if self._rotation else LOOK_EVERY_S, self._look_now)

    def _look_now(self) -> None:
        self._look_later()
        self.look()

    def close(self) -> None:
        """Write what is held back, and close the file."""
        if self._timer is not None:
            self._timer.cancel()
        super().close()
        os.close(self.descriptor)


def _last_octet(descriptor: int) -> bytes | None:
    """Return the last octet of a regular file, nothing of an empty one; None where it cannot be read."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return None
    try:
        reader = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.pread(reader, 1, _end(reader, status.st_size) - 1) if status.st_size else b""
    except OSError:
        return None
    finally:
        os.close(reader)


def _end(reader: int, size: int) -> int:
    """Return where a file of at least so many octets ends, and no write of another process with it.

    The size alone may be that of half a write. Looking for the hole behind the data waits, as writers do for each
    other, until that is done.
    """
    return os.lseek(reader, size - 1, os.SEEK_HOLE)


def _stat(path: Path) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError):
        return path.stat(follow_symlinks=True)
    return None
