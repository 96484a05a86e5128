"""Files that are read one after the other, and whether they stay as they were until all have been read.

The folders that are looked into stay as they were, too: which names are in them.

Who writes into a file in its place leaves it half written for a moment; half a configuration may well be one without
errors, and with sections missing.
"""

from pathlib import Path

from gateway.config.surroundings import FileContent, list_disk, read_disk


class UnchangedFiles:
    """Reads files, and knows how each was before."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, ...]] = {}
        self._names: dict[str, list[str]] = {}

    def read(self, path: str) -> FileContent:
        """Return the content of a file. Raises as `read_disk` does."""
        self._before.setdefault(path, _state(path))
        return read_disk(path)

    def names_in(self, folder: str) -> list[str]:
        """Return the names in a folder. Raises OSError."""
        names = self._names[folder] = list_disk(folder)
        return names

    def changed(self) -> list[str]:
        """Return the paths of those that are not what they were when they were read."""
        files = [path for path, before in self._before.items() if _state(path) != before]
        return [*files, *(folder for folder, names in self._names.items() if _names_in(folder) != set(names))]


def _names_in(folder: str) -> set[str]:
    try:
        return set(list_disk(folder))
    except OSError:
        return set()


def _state(path: str) -> tuple[int, ...]:
    """Return what changes with a file's content; nothing for a file that is not there."""
    try:
        status = Path(path).stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
