"""Lines on their way out, and the files they go to: many processes append to one, and never in each other's line.

The lines of one turn of the event loop are written together, by few `write` calls to a descriptor in append mode, each
of which Linux performs as a whole. A full disk never stops a login: lines are lost and counted, and the loss is told
once there is room again. Nor does a file that cannot be opened: then the supervisor's descriptor of it is written to.

One process, the supervisor, rotates. The others look a few times a second whether the name still leads to their file;
until they have noticed they append to the file that was moved, so that no line is lost, torn, or in two files.
"""

import asyncio
import contextlib
import errno
import logging
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.logs.gathering import Gathering, encoded
from gateway.logs.losses import Losses

log = logging.getLogger("gateway.logs")

FILE_PORTION = 1_048_576  # octets that are written at once
PIPE_PORTION = 4096  # octets: PIPE_BUF, up to which a write to a pipe is never mixed with another's
ROTATE_EVERY_S = 1.0
LOOK_EVERY_S = 0.25

_NUMBER = re.compile("[1-9][0-9]{0,5}")  # not the dates that logrotate appends


class LineHandler(logging.Handler, ABC):
    """A handler that gathers lines and writes them once the loop has a moment.

    Attributes:
        write: takes a line, and its level, that needs no record.
    """

    portion = FILE_PORTION

    def __init__(
        self,
        name: str,
        loop: asyncio.AbstractEventLoop | None = None,
        losses: Losses | None = None,
        frame: Callable[[str, int], str] | None = None,
    ) -> None:
        """Write to a log.

        Args:
            name: of the log, one of `statistics.layout.LOGS`.
            loop: without one each line is written at once.
            losses: what is lost is counted there.
            frame: see `Gathering`.
        """
        super().__init__()
        self._log_name = name
        self._loop = loop
        self._losses = losses if losses is not None else Losses()
        self._gathering = Gathering(self.flush, loop.call_soon if loop is not None else None, frame)
        self.write = self._gathering.add
        self._n_lost = 0  # that have not been told yet
        self._mend = b""
        self._put_error = 0
        self._trial: asyncio.TimerHandle | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.write(self.format(record), record.levelno)

    def flush(self) -> None:
        """Write what was gathered, and first of all how many lines were lost, if that has not been told yet."""
        portions = self._gathering.take(self.portion)
        if portions:
            self._tell_loss()
        for portion in portions:
            if n_lost := self._put_portion(portion):
                self._n_lost += n_lost
                self._losses.lost(self._log_name, n_lost)
        if self._n_lost and self._trial is None and self._loop is not None:
            self._trial = self._loop.call_later(LOOK_EVERY_S, self._try_again)

    def _tell_loss(self) -> None:
        if self._n_lost and not self._put_portion(encoded(self._loss())):
            self._n_lost = 0

    def _try_again(self) -> None:
        """See whether lines can be written again, and say what was lost: the next login may be far away."""
        self._trial = None
        self._tell_loss()
        self.flush()

    def _loss(self) -> str:
        lost = f"{self._n_lost} lines before this one could not be written"
        record = logging.makeLogRecord({"name": log.name, "levelno": logging.ERROR, "msg": lost})
        return self._gathering.framed(self.format(record), logging.ERROR)

    def _put_portion(self, portion: bytes) -> int:
        """Return how many lines were lost. A full disk may cut a line off: the next one starts on a new line."""
        octets = self._beginning() + portion
        try:
            n_written = self._put(octets)
        except OSError as error:
            self._put_failed(error.errno or errno.EIO)
            return portion.count(b"\n")
        self._mend = b"" if octets[:n_written].endswith(b"\n") else b"\n"
        if self._put_error or n_written < len(octets):
            self._put_failed(errno.EAGAIN if n_written < len(octets) else 0)
        return octets.count(b"\n", n_written)

    def _beginning(self) -> bytes:
        """Return what ends a line that was cut off."""
        return self._mend

    def _put_failed(self, error: int) -> None:
        """Take note of what kept lines from being written, an error number; 0: nothing did."""
        self._put_error = error
        self._losses.trouble(self._log_name, error)

    def close(self) -> None:
        """Write what is held back, and try no more to tell what was lost."""
        self.flush()
        if self._trial is not None:
            self._trial.cancel()
        super().close()

    @abstractmethod
    def _put(self, octets: bytes) -> int:
        """Write as many of these octets as can be without waiting; return their number."""


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
        rotation: "Rotation | None" = None,
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


class Rotation(NamedTuple):
    """When a file is full, in octets (0: never), and how many full ones are kept (0: all)."""

    max_size: int
    max_files: int

    def is_due(self, size: int) -> bool:
        """Whether a file of this size is full."""
        return 0 < self.max_size <= size

    def rotate(self, path: Path) -> None:
        """Call the file `NAME.1`, and each older one by the next number; remove those that are too many.

        Raises:
            OSError: a file cannot be renamed; none has been lost.
        """
        for number in sorted(_rotated(path), reverse=True):
            older = _numbered(path, number)
            if self.max_files and number >= self.max_files:
                older.unlink()
            else:
                older.rename(_numbered(path, number + 1))
        path.rename(_numbered(path, 1))


def rotated_files(path: Path) -> list[Path]:
    """Return the full files of a log, the newest first."""
    return [_numbered(path, number) for number in sorted(_rotated(path))]


def _rotated(path: Path) -> Iterator[int]:
    prefix = f"{path.name}."
    for each in path.parent.iterdir():
        if each.name.startswith(prefix) and _NUMBER.fullmatch(each.name, len(prefix)):
            yield int(each.name[len(prefix) :])


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


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


def open_log(path: Path, owner: tuple[int, int] | None = None) -> int:
    """Return a descriptor that appends to a log file, made with mode 0640 if it is not there, its folder too.

    The file is given to `owner`, and so is the folder if it had to be made; one that was there, and that only its group
    may enter, gets the owner's group. A link is not followed then, and a pipe or a file of several names is refused:
    whoever owns the folder could make root give away any other file. A pipe that nobody reads is never waited for.

    Raises:
        OSError: the file cannot be written.
    """
    is_new = not path.parent.exists()
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | _flags(owner), 0o640)
    if owner is not None:
        try:
            _give_away(descriptor, path.parent, owner, is_new=is_new)
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor


def try_log(path: Path, owner: tuple[int, int] | None = None) -> None:
    """Make sure that `open_log` would succeed; nothing is made, or given away.

    Raises:
        OSError: it would not.
    """
    if not os.path.exists(path):  # noqa: PTH110 -- Path.exists raises where we may not look
        try_folder(path.parent)
        return
    descriptor = os.open(path, _flags(owner))
    try:
        if owner is not None:
            check_single(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def try_folder(folder: Path) -> None:
    """Make sure that files can be made in a folder, or that it can be made itself.

    Raises:
        OSError: neither.
    """
    try:
        status = folder.stat()
    except FileNotFoundError:
        if folder.is_symlink():
            raise
        try_folder(folder.parent)
        return
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))  # which leaves no trace
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error


def _flags(owner: tuple[int, int] | None) -> int:
    nofollow = os.O_NOFOLLOW if owner is not None else 0
    return os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | nofollow


def _give_away(descriptor: int, folder: Path, owner: tuple[int, int], *, is_new: bool) -> None:
    check_single(os.fstat(descriptor))
    os.fchown(descriptor, *owner)
    if is_new:
        os.chown(folder, *owner, follow_symlinks=False)
    elif is_for_group(folder.stat()):
        os.chown(folder, -1, owner[1], follow_symlinks=False)


def is_for_group(status: os.stat_result) -> bool:
    """Whether only its group may enter this folder, as systemd makes it: then it gets the owner's."""
    return status.st_mode & (stat.S_IXGRP | stat.S_IXOTH) == stat.S_IXGRP


def check_single(status: os.stat_result) -> None:
    """Make sure that this is a regular file, and has no other name, in another folder perhaps.

    Raises:
        OSError: it is not, or has.
    """
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise OSError(errno.EINVAL, "not a regular file, or one that has another name too")
