"""Log files in their folder: how they are opened and to whom they are given, and how full ones are put aside."""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_NUMBER = re.compile("[1-9][0-9]{0,5}")  # not the dates that logrotate appends


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
    with _link_named(path, owner):
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
    if not os.path.lexists(path):
        try_folder(path.parent)
        return
    with _link_named(path, owner):
        try:
            descriptor = os.open(path, _flags(owner))
        except FileNotFoundError:  # a link's target, which can be made where its folder is there
            _try_present_folder(Path(os.path.realpath(path)).parent)
            return
    try:
        if owner is not None:
            check_single(os.fstat(descriptor))
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _link_named(path: Path, owner: tuple[int, int] | None) -> Iterator[None]:
    """Let an error of a file that is a link name both, and say what to do."""
    try:
        yield
    except OSError as error:
        if not os.path.islink(path):  # noqa: PTH114 -- Path.is_symlink raises where we may not look
            raise
        text = f"{path.name} is a symbolic link to {path.readlink()}"
        if error.errno == errno.ELOOP and owner is not None:
            raise OSError(error.errno, f"{text}, and none is followed for the user of [gateway]; remove it") from error
        raise OSError(error.errno, f"{text}: {error.strerror}; mend or remove it") from error


def try_folder(folder: Path, octets: bytes = b"") -> None:
    """Make sure that files can be made in a folder, or that it can be made itself, and that it has room for `octets`.

    Raises:
        OSError: neither, or it has not.
    """
    try:
        folder.stat()
    except FileNotFoundError:
        if folder.is_symlink():
            raise
        try_folder(folder.parent, octets)
        return
    _try_present_folder(folder, octets)


def _try_present_folder(folder: Path, octets: bytes = b"") -> None:
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    descriptor = _open_nameless(folder)
    try:
        os.write(descriptor, octets)
    finally:
        os.close(descriptor)


def _open_nameless(folder: Path) -> int:
    """Return the descriptor of a new file that leaves no trace: it has no name, or one for an instant."""
    flags = os.O_WRONLY | os.O_CLOEXEC
    try:
        return os.open(folder, os.O_TMPFILE | flags, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
    path = folder / f".radgate-{os.getpid()}"
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | flags, 0o600)
    path.unlink()
    return descriptor


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


class LogRotation(NamedTuple):
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
