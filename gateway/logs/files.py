"""Where lines go: appended to a file, or to standard output, many processes at once and never in each other's line.

The lines of one turn of the event loop are written together, by one `write` to a descriptor in append mode, which
Linux performs as a whole. A full disk never stops a login: lines are lost, counted, and the loss is reported once
there is room again.
"""

import asyncio
import logging
import os
from pathlib import Path


class LineHandler(logging.Handler):
    """A handler that gathers lines for a descriptor and writes them once the loop has a moment."""

    def __init__(self, descriptor: int, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._loop = loop
        self._lines: list[str] = []
        self._n_lost = 0

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
        """Write what was gathered."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        n_lines = len(lines)
        if self._n_lost:
            lines.append(f"[gateway.logs#error] {self._n_lost} lines before this one could not be written")
        octets = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
        try:
            written = os.write(self._descriptor, octets)
            while written < len(octets):
                written += os.write(self._descriptor, octets[written:])
            self._n_lost = 0
        except OSError:
            self._n_lost += n_lines


def open_log(path: Path) -> int:
    """Return a descriptor that appends to a log file, made with mode 0640 if it is not there, its folder too.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
