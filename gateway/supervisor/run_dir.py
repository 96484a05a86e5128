"""The folder of a running gateway, `run_dir`: one gateway locks it, for as long as its process lives.

The lock is on the folder itself. It goes with the process however that ends, so that what a dead gateway left
behind is known to be stale; and no file of the folder can be replaced between looking and locking.
"""

import contextlib
import errno
import fcntl
import os
import shlex
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.config.surroundings import CONTROL_SOCKET
from gateway.config.writing import LARGER_FILES
from gateway.logs.files import try_folder

PID_FILE = "radgate.pid"
JOURNALS = "journals"

_BACKLOG = 8
_MORE_ROOM = "make room there, or write another run_dir in [gateway]"
_REMEDIES = {errno.EFBIG: LARGER_FILES, errno.ENOSPC: _MORE_ROOM, errno.EDQUOT: _MORE_ROOM}


class RunDirUnusable(Exception):  # noqa: N818 -- reads as what it says
    """The folder is another gateway's, or cannot be written; the text says which, and what to do."""


class RunDir:
    """The folder, locked, with our process id in its pid file.

    Attributes:
        was_left: a gateway that had locked it has died without releasing it.
    """

    def __init__(self, path: str | Path, locked: int = -1) -> None:
        """Lock it, and make it if it is not there.

        Args:
            path: of the folder.
            locked: a descriptor of it by which this process has locked it before; -1 for none.

        Raises:
            RunDirUnusable: that cannot be.
        """
        self.path = Path(path)
        self._folder = self._claim(locked)
        try:
            self.was_left = (self.path / PID_FILE).exists()
            self._write_pid()
        except BaseException:
            os.close(self._folder)
            raise

    def _claim(self, former: int) -> int:
        """Return a descriptor of the folder, now locked, which is `former` if the path leads there still, else that is
        closed.
        """
        with _explained(self.path):
            _make(self.path)
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if former >= 0 and os.path.samestat(os.fstat(former), os.fstat(folder)):
            os.close(folder)
            return former
        try:
            self._check_owner(folder)
            self._lock(folder)
        except BaseException:
            os.close(folder)
            raise
        if former >= 0:
            os.close(former)
        return folder

    @property
    def is_in_place(self) -> bool:
        """Whether the path leads to the folder that we have locked, and our files are in it."""
        try:
            for name in (PID_FILE, CONTROL_SOCKET):
                os.stat(name, dir_fd=self._folder, follow_symlinks=False)
            return os.path.samestat(self.path.stat(), os.fstat(self._folder))
        except OSError:
            return False

    def restore(self) -> None:
        """Make folder and pid file anew where somebody has removed them; `listen` makes the socket.

        Raises:
            RunDirUnusable: that cannot be; what is locked stays so.
        """
        self._folder = self._claim(self._folder)
        self._write_pid()

    def listen(self) -> socket.socket:
        """Return the control socket, which we and root alone may connect to; a dead gateway's is replaced.

        Raises:
            RunDirUnusable: it cannot be made.
        """
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(0o177)  # its mode from the first instant: a chmod would come too late
        try:
            with _explained(self.path):
                self._remove(CONTROL_SOCKET)
                listening.bind(str(self.path / CONTROL_SOCKET))
                listening.listen(_BACKLOG)
        except BaseException:
            listening.close()
            raise
        finally:
            os.umask(umask)
        return listening

    @property
    def descriptor(self) -> int:
        """By which it is locked."""
        return self._folder

    def open_journals(self) -> int:
        """Return a descriptor of the folder of journals in it, which is ours alone; it is made if it is not there.

        Raises:
            OSError: it cannot be, or others have made it.
        """
        with contextlib.suppress(FileExistsError):
            os.mkdir(JOURNALS, 0o700, dir_fd=self._folder)
        folder = os.open(JOURNALS, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
        status = os.fstat(folder)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            os.close(folder)
            raise PermissionError(errno.EPERM, "others may use it", str(self.path / JOURNALS))
        return folder

    def has_journals(self, descriptor: int) -> bool:
        """Whether this is the folder of journals in it."""
        try:
            there = os.stat(JOURNALS, dir_fd=self._folder, follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(descriptor))

    def remove_journals(self) -> None:
        """Remove the folder of journals, which is empty. Raises OSError."""
        os.rmdir(JOURNALS, dir_fd=self._folder)

    def release(self) -> None:
        """Remove what we put there, and give the folder up."""
        with contextlib.suppress(OSError):
            self._remove(CONTROL_SOCKET)
            self._remove(PID_FILE)
        os.close(self._folder)

    def _check_owner(self, folder: int) -> None:
        """Make sure that nobody else can put a socket of theirs into the place of ours, in /tmp say."""
        _check_owner(self.path, os.fstat(folder))
        _check_places(self.path)

    def _lock(self, folder: int) -> None:
        with _explained(self.path):
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                text = f"another radgate{self._other_pid()} uses {self.path}; stop it, or write another run_dir"
                raise RunDirUnusable(f"{text} in [gateway]") from error

    def _write_pid(self) -> None:
        # Whoever else may write there could have put a link to any other file in its place.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with _explained(self.path):
            self._remove(PID_FILE)
            with os.fdopen(os.open(PID_FILE, flags, 0o644, dir_fd=self._folder), "w") as file:
                file.write(f"{os.getpid()}\n")

    def _other_pid(self) -> str:
        try:
            return f" (pid {int((self.path / PID_FILE).read_text())})"
        except (OSError, ValueError):
            return ""

    def _remove(self, name: str) -> None:
        """Remove a file of the folder that we have locked, whatever its path leads to meanwhile."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)


def try_run_dir(path: str | Path, *, makes: bool = False) -> None:
    """Make sure that the folder could be locked but for another gateway that uses it; make it if that `makes` it.

    Raises:
        RunDirUnusable: it could not.
    """
    path = Path(path)
    with _explained(path):
        if makes:
            _make(path)
        try_folder(path, b"1")
        if path.exists():
            _check_owner(path, path.stat())
            _check_places(path)


def _make(path: Path) -> None:
    path.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (os.geteuid(), 0):
        raise RunDirUnusable(f"{path} belongs to user {status.st_uid}; write another run_dir in [gateway]")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        text = f"others may write to {path}; chmod go-w {shlex.quote(str(path))}, or write another run_dir in [gateway]"
        raise RunDirUnusable(text)


def _check_places(path: Path) -> None:
    """Make sure that no folder is in the place of our files, as Docker leaves there of what it was to mount."""
    for name in (PID_FILE, CONTROL_SOCKET):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR((path / name).lstat().st_mode):
                raise RunDirUnusable(f"{path / name} is a folder; remove it, or write another run_dir in [gateway]")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "correct run_dir in [gateway]")
        raise RunDirUnusable(f"cannot use {path}: {error.strerror or error}; {remedy}") from error
