"""Files that are read one after the other, and whether they stay as they were until all have been read.

Who writes into a file in its place leaves it half written for a moment; half a configuration may well be one without
errors, and with sections missing.
"""

from pathlib import Path

from gateway.config.surroundings import FileContent, read_disk


class UnchangedFiles:
    """Reads files, and knows how each was before."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, ...]] = {}

    def read(self, path: str) -> FileContent:
        """Return the content of a file. Raises as `read_disk` does."""
        self._before.setdefault(path, _state(path))
        return read_disk(path)

    def changed(self) -> list[str]:
        """Return the paths of those that are not what they were when they were read."""
        return [path for path, before in self._before.items() if _state(path) != before]


def _state(path: str) -> tuple[int, ...]:
    """Return what changes with a file's content; nothing for a file that is not there."""
    try:
        status = Path(path).stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
