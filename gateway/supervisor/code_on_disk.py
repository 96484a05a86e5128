"""The files of our own code, and whether they change while processes start from them.

A process imports one file after the other: of an installation that goes on meanwhile it gets some files of each
version. What such a mixture does nobody has tried.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

import gateway

FOLDER: Final = Path(gateway.__file__).parent
_WRITTEN_BY_IMPORTS: Final = "__pycache__"


class FileState(NamedTuple):
    """What tells whether a file is the same, without reading it."""

    inode: int
    octets: int
    modified_ns: int


CodeState = dict[str, FileState]


def code_on_disk(folder: Path = FOLDER) -> CodeState:
    """Return the state of each file by its path; one that goes meanwhile is left out, and so makes a difference."""
    found: CodeState = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != _WRITTEN_BY_IMPORTS]
        for name in names:
            full_path = os.path.join(path, name)  # noqa: PTH118 -- several hundred, in the supervisor's loop
            try:
                status = os.stat(full_path)  # noqa: PTH116
            except OSError:
                continue
            found[full_path] = FileState(status.st_ino, status.st_size, status.st_mtime_ns)
    return found
