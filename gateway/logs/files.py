"""Lines on their way out, and the files they go to: many processes append to one, and never in each other's line.

The lines of one turn of the event loop are written together, by few `write` calls to a descriptor in append mode, each
of which Linux performs as a whole. A full disk never stops a login: lines are lost and counted, and the loss is told
once there is room again.

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
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger("gateway.logs")

FILE_PORTION = 1_048_576  # octets that are written at once
PIPE_PORTION = 4096  # octets: PIPE_BUF, up to which a write to a pipe is never mixed with another's
ROTATE_EVERY_S = 1.0
LOOK_EVERY_S = 0.25

_NUMBER = re.compile("[1-9][0-9]{0,5}")  # not the dates that logrotate appends


class LineHandler(logging.Handler, ABC):
    """A handler that gathers lines and writes them once the loop has a moment."""

    portion = FILE_PORTION

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Without a loop each line is written at once."""
        super().__init__()
        self._loop = loop
        self._lines: list[str] = []
        self._n_lost = 0
        self._mend = b""

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.write(self.format(record), record.levelno)

    def write(self, line: str, level: int) -> None:  # noqa: ARG002 -- some destinations want to know it
        """Take a line of a level of the logging library."""
        self._lines.append(line)
        if self._loop is None:
            self.flush()
        elif len(self._lines) == 1:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what was gathered, and first of all how many lines were lost, if that has not been told yet."""
        lines, self._lines = self._lines, []
        if lines and self._n_lost and not self._put_portion(_encoded(self._loss())):
            self._n_lost = 0
        for portion in _portions(lines, self.portion):
            self._n_lost += self._put_portion(portion)

    def _loss(self) -> str:
        lost = f"{self._n_lost} lines before this one could not be written"
        record = logging.makeLogRecord({"name": log.name, "levelno": logging.ERROR, "msg": lost})
        return self._frame(self.format(record), logging.ERROR)

    def _frame(self, line: str, _level: int) -> str:
        """Return the line as this destination wants it."""
        return line

    def _put_portion(self, portion: bytes) -> int:
        """Return how many lines were lost. On a disk that fills up a line may be cut off: the next one begins anew."""
        octets = self._mend + portion
        try:
            n_written = self._put(octets)
        except OSError:
            return portion.count(b"\n")
        self._mend = b"" if octets[:n_written].endswith(b"\n") else b"\n"
        return octets.count(b"\n", n_written)

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
    ) -> None:
        """Open the file; with a `rotation`, be the one process that rotates it.

        Raises:
            OSError: it cannot be written.
        """
        super().__init__(loop)
        self.path = path
        self._owner = owner
        self._rotation = rotation
        self._trouble = ""
        self._timer: asyncio.TimerHandle | None = None
        self.descriptor = open_log(path, owner)
        if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):  # the name may be a link to /dev/stdout
            self.portion = PIPE_PORTION
        self._look_later()

    def _put(self, octets: bytes) -> int:
        return os.write(self.descriptor, octets)

    def look(self) -> None:
        """Rotate the file if that is due and ours to do, and go on in the one that has the name now."""
        try:
            present, own = _stat(self.path), os.fstat(self.descriptor)
            if present is not None and os.path.samestat(present, own):
                if self._rotation is None or not self._rotation.is_due(own.st_size):
                    return
                self._rotation.rotate(self.path)
            if self._rotation is not None or present is not None:  # the one that rotates makes it, with its owner
                self.reopen()
            self._trouble = ""
        except OSError as error:
            self._tell_once(error)

    def _tell_once(self, error: OSError) -> None:
        trouble, self._trouble = self._trouble, error.strerror or str(error)
        if trouble != self._trouble:
            log.error("%s cannot be begun anew, the former file is written on: %s", self.path, self._trouble)

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
        self.flush()
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


def _stat(path: Path) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError):
        return path.stat(follow_symlinks=True)
    return None


def _portions(lines: list[str], size: int) -> Iterator[bytes]:
    """Put lines together to at most `size` octets, or a single longer line."""
    portion = b""
    for line in lines:
        octets = _encoded(line)
        if portion and len(portion) + len(octets) > size:
            yield portion
            portion = b""
        portion += octets
    if portion:
        yield portion


def _encoded(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace") + b"\n"


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
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags | (os.O_NOFOLLOW if owner is not None else 0), 0o640)
    if owner is not None:
        try:
            _give_away(descriptor, path.parent, owner, is_new=is_new)
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor


def _give_away(descriptor: int, folder: Path, owner: tuple[int, int], *, is_new: bool) -> None:
    check_single(os.fstat(descriptor))
    os.fchown(descriptor, *owner)
    if is_new:
        os.chown(folder, *owner, follow_symlinks=False)
    elif folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH) == stat.S_IXGRP:  # as systemd makes it
        os.chown(folder, -1, owner[1], follow_symlinks=False)


def check_single(status: os.stat_result) -> None:
    """Make sure that this is a regular file, and has no other name, in another folder perhaps.

    Raises:
        OSError: it is none, or has.
    """
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise OSError(errno.EINVAL, "not a regular file, or one that has another name too")
