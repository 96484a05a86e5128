"""A log with all of its files, full ones and compressed ones too, read in portions of bounded size."""

import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Protocol

PORTION = 2**20  # bytes that are read at once; a line that is longer is cut
_SUFFIX = re.compile(r"(?:[.-][0-9][0-9.-]*)?(?:\.gz)?")  # .1, .2.gz, and the dates that logrotate appends


class Readable(Protocol):
    """Octets, one portion after the other."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many; none at the end."""


class LogFile(NamedTuple):
    """A file of a log, and when it was written last, in Unix seconds."""

    path: Path
    written_at: float


def files_of(path: Path) -> list[LogFile]:
    """Return the files of a log that are there, the oldest first.

    Raises:
        OSError: its folder cannot be looked at.
    """
    found = [
        LogFile(each, each.lstat().st_mtime)
        for each in path.parent.iterdir()
        if each.name.startswith(path.name) and _SUFFIX.fullmatch(each.name, len(path.name))
    ]
    return sorted(found, key=lambda each: (each.written_at, each.path == path))


def portions(path: Path) -> Iterator[bytes]:
    """Yield a file's octets in portions of whole lines, never waiting for a pipe. No link is followed.

    Raises:
        OSError: it cannot be read, is no file, or is damaged.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "no regular file", str(path))
        with _uncompressed(file, path) as content:
            yield from portions_of(content)


@contextmanager
def _uncompressed(file: IO[bytes], path: Path) -> Iterator[Readable]:
    if path.suffix != ".gz":
        yield file
        return
    try:
        with gzip.GzipFile(fileobj=file) as content:
            yield content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(0, f"damaged: {error}", str(path)) from error


def portions_of(file: Readable) -> Iterator[bytes]:
    """Yield what can be read, in portions of whole lines."""
    rest = b""
    while octets := file.read(PORTION):
        whole, end, rest_of_this = octets.rpartition(b"\n")
        if end:
            yield rest + whole
            rest = rest_of_this
        elif len(rest) < PORTION:
            rest += octets
    if rest:
        yield rest
