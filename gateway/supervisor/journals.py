"""Where journals are: files of a folder in `run_dir`, so that the next gateway finds what this one knew.

    run_dir/journals/key         of all digests and checksums, and the boot that it is of
    run_dir/journals/journal-N   of a worker; the greater the number, the later

Root and our own user alone may open them. No secret, password or passcode is in them; names of users are. A worker gets
its journal as a descriptor, and what tells whether it lives are locks on it (`ipc.holders`).

Where there cannot be such files, or `run_dir` has no room, journals are memory that ends with us: workers are succeeded
as ever, and only what the supervisor's own end leaves is nothing. A warning says so.
"""

import contextlib
import errno
import logging
import os
import re
import secrets
import signal
import stat
from pathlib import Path
from typing import Final

from gateway.config.writing import explain_error
from gateway.ipc.holders import is_abandoned, share, signer
from gateway.ipc.journal import ForeignJournal, create_journal
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.numbering import Numbering
from gateway.supervisor.run_dir import RunDir

log = logging.getLogger("gateway.supervisor")

KEY: Final = "key"
KEY_SIZE: Final = 32
_NAME: Final = re.compile(r"journal-([0-9]{1,18})")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NO_DESCRIPTOR: Final = (errno.EMFILE, errno.ENFILE)  # nor is there one for memory
_ROOM: Final = 2  # of a file that grows as it is written: what finds no room there later, no successor finds


class Journals:
    """The journals of all workers of this gateway, and those that an earlier one has left.

    Attributes:
        key: of all digests and checksums; that of the earlier gateway if it has left journals.
        found: what the earlier one has left, the oldest first.
    """

    def __init__(self, run_dir: RunDir | None = None) -> None:
        """Take the folder, and find what is in it; without a `run_dir` all is memory."""
        self.key = secrets.token_bytes(KEY_SIZE)
        self.found: list[int] = []
        self._run_dir = run_dir
        self._folder = -1
        self._names: dict[int, str] = {}
        self._n_names = 0
        self._trouble = ""
        if run_dir is not None:
            try:
                self._open(run_dir)
            except OSError as error:
                self.release()
                self._note_trouble(explain_error(error))

    def _open(self, run_dir: RunDir) -> None:
        self._folder = run_dir.open_journals()
        key = self._read_key()
        for number, name in sorted(self._files()):
            self._n_names = number
            if key is None:  # nothing of it can be read
                self._remove(name)
            else:
                self._find(name)
        if self.found and key is not None:
            self.key = key
        else:
            self._write_key()

    def see_to_folder(self) -> None:
        """Make the folder anew where somebody has removed it: journals that are made from now on are in it.

        Raises:
            OSError: it cannot be made; they are memory then.
        """
        if self._run_dir is None or self._folder < 0 or self._run_dir.has_journals(self._folder):
            return
        former, self._folder = self._folder, self._run_dir.open_journals()
        try:
            for _, name in self._files():  # of nobody whom this gateway has found
                self._remove(name)
            self._write_key()
        except OSError:  # then it is no folder for journals yet
            former, self._folder = self._folder, former
            raise
        finally:
            os.close(former)
        log.warning(
            "The folder of journals was gone: if this process is killed, what is pending now may be pushed again; "
            "run radgate reload to write journals in the new folder"
        )

    def _files(self) -> list[tuple[int, str]]:
        matches = (_NAME.fullmatch(name) for name in os.listdir(self._folder))  # noqa: PTH208 -- of a descriptor
        return [(int(match[1]), match[0]) for match in matches if match is not None]

    def _find(self, name: str) -> None:
        try:
            descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError as error:
            log.error("%s in the folder of journals is left alone: %s", name, error.strerror)
            return
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            self._names[descriptor] = name
            self.found.append(descriptor)
        else:
            os.close(descriptor)

    def _read_key(self) -> bytes | None:
        """Return the key of the journals that are there; None if it is not there, or of another boot of the machine."""
        try:
            descriptor = os.open(KEY, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            key, boot_id = file.read(KEY_SIZE), file.read(1_024)
        return key if len(key) == KEY_SIZE and boot_id == _BOOT_ID.read_bytes() else None

    def _write_key(self) -> None:
        self._remove(KEY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(KEY, flags, 0o600, dir_fd=self._folder), "wb") as file:
            file.write(self.key + _BOOT_ID.read_bytes())

    # Workers of the earlier gateway.

    @property
    def held(self) -> list[int]:
        """Those that were found and that a worker of the earlier gateway may still write."""
        return [descriptor for descriptor in self.found if not is_abandoned(descriptor)]

    def end_holder(self, descriptor: int) -> int:
        """Kill the worker that has one of them; return its pid, 0 if nobody says that it has it."""
        pid = signer(descriptor)
        with contextlib.suppress(OSError):  # it has ended meanwhile, or we may not
            pidfd = os.pidfd_open(pid)
            try:
                if signer(descriptor) == pid:  # and so the descriptor is of this very process
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            finally:
                os.close(pidfd)
        return pid

    # Our own.

    def create(self, max_logins: int, numbering: Numbering) -> int:
        """Return the descriptor of another one, for a worker to inherit.

        Raises:
            OSError: there is no memory or descriptor for it.
        """
        if self._folder >= 0:
            try:
                journal = create_journal(max_logins, numbering=numbering, create=self._create_file, discard=self.close)
            except OSError as error:
                if error.errno in _NO_DESCRIPTOR:
                    raise
                self._note_trouble(explain_error(error))
            else:
                self._trouble = ""
                return journal
        return create_journal(max_logins, numbering=numbering)

    def _create_file(self, _name: str, size: int) -> int:
        room = os.fstatvfs(self._folder)
        if room.f_bavail * room.f_frsize < _ROOM * size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._n_names += 1
        name = f"journal-{self._n_names}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=self._folder)
        try:
            os.ftruncate(descriptor, size)
            share(descriptor)
        except BaseException:
            self._remove(name)
            os.close(descriptor)
            raise
        self._names[descriptor] = name
        return descriptor

    def close(self, descriptor: int, *, keeps: bool = False) -> None:
        """Nobody of ours needs it any more; `keeps` it for the next gateway to find."""
        name = self._names.pop(descriptor, None)
        if name is not None and not keeps:
            self._remove(name)
        os.close(descriptor)

    def has_logins(self, descriptor: int) -> bool:
        """Whether somebody waits for what the next gateway could find out."""
        try:
            return any(True for _ in JournalReader(descriptor, self.key).logins())
        except (ForeignJournal, OSError):
            return False

    def release(self) -> None:
        """Give the folder up; it is removed if nothing is left in it for the next gateway."""
        if self._folder < 0:
            return
        with contextlib.suppress(OSError):
            if not self._files():
                self._remove(KEY)
                if self._run_dir is not None:
                    self._run_dir.remove_journals()
        os.close(self._folder)
        self._folder = -1

    def _remove(self, name: str) -> None:
        """Remove a file, or say why it stays: a disk that cannot be written any more keeps nobody from ending."""
        try:
            os.unlink(name, dir_fd=self._folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.error("%s in the folder of journals cannot be removed: %s", name, error.strerror)

    def _note_trouble(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            log.warning(
                "Journals are only in memory, because none can be written in run_dir: %s. If this process is killed, "
                "pending pushes are forgotten and may be sent again",
                text,
            )
