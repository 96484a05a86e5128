"""Configuration files on disk, written so that a crash leaves the former one or the new one, never a part."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.config.surroundings import PRIVATE_MODE

GROUP_MODE = 0o640

LARGER_FILES = "raise ulimit -f, LimitFSIZE= in the systemd unit"
MORE_FILES = "raise LimitNOFILE in the systemd unit, or ulimit -Hn"
MORE_PROCESSES = "raise TasksMax= in the systemd unit, the container's limit of pids, or ulimit -u"

_REMEDIES = {
    errno.EFBIG: LARGER_FILES,
    errno.EMFILE: MORE_FILES,
    errno.EAGAIN: MORE_PROCESSES,
    errno.EBUSY: "it is mounted on its own, as in a container: run this where the file itself is",
    errno.EROFS: "it is mounted read-only, as in a container: run this where the file itself is",
}


def create_file(path: Path, octets: bytes, group_id: int | None = None) -> None:
    """Write a new file that only its owner can read, and its folder if that is not there.

    Args:
        path: of the file.
        octets: its content.
        group_id: whose members can read the file, too; None for nobody else.

    Raises:
        FileExistsError: it is there already, and stays as it is.
        OSError: it cannot be written.
    """
    with _named(path):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_MODE)
        try:
            if group_id is not None:
                os.fchown(descriptor, -1, group_id)
                os.fchmod(descriptor, GROUP_MODE)
            _write(descriptor, octets)
        except BaseException:
            path.unlink()
            raise
        _sync_folder(path.parent)


def replace_file(path: Path, octets: bytes) -> None:
    """Put a new content into a file's place, with the owner, mode and attributes that it has; a link is followed.

    Raises:
        OSError: it cannot be written, and is as it was.
    """
    path = path.resolve(strict=True)
    with _named(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            _keep_owner(descriptor, path.stat())
            _write(descriptor, octets)
            shutil.copystat(path, name)
            os.utime(name)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        _sync_folder(path.parent)


def _keep_owner(descriptor: int, wanted: os.stat_result) -> None:
    """Give the new file to whom the former one belongs; its folder may have given it another group."""
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) == (wanted.st_uid, wanted.st_gid):
        return
    try:
        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
    except PermissionError as error:
        text = f"its owner and group ({wanted.st_uid}:{wanted.st_gid}) cannot be kept, but by root: run this as root"
        raise PermissionError(error.errno, text) from error


def explain_error(error: OSError) -> str:
    """Return what failed, the file first, and what to do where that is known."""
    text = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{text}; {remedy}" if remedy else text


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an error name the file that is wanted, and not one for the time being, or none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(descriptor: int, octets: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
