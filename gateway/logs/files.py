"""Where lines go: appended to a file, or to standard output, many processes at once and never in each other's line.

The lines of one turn of the event loop are written together, by few `write` calls to a descriptor in append mode, each
of which Linux performs as a whole. A full disk never stops a login: lines are lost and counted, and the loss is told
once there is room again.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

_PIPE_PORTION = 4096  # octets: PIPE_BUF, up to which a write to a pipe is never mixed with another's
_FILE_PORTION = 1_048_576


class LineHandler(logging.Handler):
    """A handler that gathers lines for a descriptor and writes them once the loop has a moment."""

    def __init__(
        self, descriptor: int, loop: asyncio.AbstractEventLoop | None = None, reopen: Callable[[], int] | None = None
    ) -> None:
        """Write to a descriptor, the handler's from now on; `reopen` returns another one for the same file's name."""
        super().__init__()
        self._reopen = reopen
        self.descriptor = descriptor
        self._loop = loop
        self._lines: list[str] = []
        self._n_lost = 0
        self._portion = _FILE_PORTION if stat.S_ISREG(os.fstat(descriptor).st_mode) else _PIPE_PORTION

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.write(self.format(record))

    def write(self, line: str) -> None:
        """Take a line; without a loop it is written at once."""
        self._lines.append(line)
        if self._loop is None:
            self.flush()
        elif len(self._lines) == 1:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what was gathered, in portions that arrive as a whole even in a pipe that others write to."""
        lines, self._lines = self._lines, []
        n_lines = len(lines)
        if lines and self._n_lost:
            lost = f"{self._n_lost} lines before this one could not be written"
            record = logging.makeLogRecord({"name": "gateway.logs", "levelno": logging.ERROR, "msg": lost})
            lines.append(self.format(record))
        for portion in _portions(lines, self._portion):
            try:
                os.write(self.descriptor, portion)
                self._n_lost = 0
            except OSError:  # a full disk, or a pipe that nobody reads
                self._n_lost += min(portion.count(b"\n"), n_lines)

    def reopen(self) -> None:
        """Go on in the file that has the name now: somebody may have moved the former one away.

        Raises:
            OSError: it cannot be opened; the former one is written on.
        """
        if self._reopen is not None:
            self.flush()
            descriptor = self._reopen()
            os.dup2(descriptor, self.descriptor, inheritable=False)
            os.close(descriptor)

    def close(self) -> None:
        """Write what is held back, and close the file."""
        self.flush()
        super().close()
        if self._reopen is not None:
            os.close(self.descriptor)


def _portions(lines: list[str], size: int) -> Iterator[bytes]:
    """Put lines together to at most `size` octets, or a single longer line."""
    portion = b""
    for line in lines:
        octets = line.encode("utf-8", "backslashreplace") + b"\n"
        if portion and len(portion) + len(octets) > size:
            yield portion
            portion = b""
        portion += octets
    if portion:
        yield portion


def open_log(path: Path, owner: tuple[int, int] | None = None) -> int:
    """Return a descriptor that appends to a log file, made with mode 0640 if it is not there, its folder too.

    The file is given to `owner`, and so is the folder if it had to be made. A link is not followed then: whoever owns
    the folder could make root give away any other file.

    Raises:
        OSError: the file cannot be written.
    """
    is_new = not path.parent.exists()
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags | (os.O_NOFOLLOW if owner is not None else 0), 0o640)
    if owner is not None:
        os.fchown(descriptor, *owner)
        if is_new:
            os.chown(path.parent, *owner, follow_symlinks=False)
    return descriptor


def open_stdout() -> int:
    """Return a descriptor of standard output that never blocks, if that can be had without changing it for others."""
    try:
        return os.open("/proc/self/fd/1", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # a socket, as under systemd
        return 1
