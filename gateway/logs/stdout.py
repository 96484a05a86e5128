"""Lines on standard output: a pipe, a terminal, a file, or the stream of a service manager.

It never blocks, and its flags are left alone: the descriptor is shared with whoever started us. Under systemd each
line begins with its priority, `<6>`, by which `journalctl -p warning` finds it.
"""

import asyncio
import os
import socket
import stat
from collections.abc import Mapping

from gateway.logs.files import PIPE_PORTION, LineHandler
from gateway.logs.syslog import priority


class StdoutHandler(LineHandler):
    """Writes lines to a descriptor that others write to as well.

    Attributes:
        descriptor: of standard output, ours alone where that is possible.
    """

    portion = PIPE_PORTION

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        environment: Mapping[str, str] = os.environ,
        standard: int = 1,
    ) -> None:
        """Take the descriptor number `standard`, and the environment in which systemd tells what it leads to."""
        super().__init__(loop)
        is_socket = stat.S_ISSOCK(os.fstat(standard).st_mode)
        self._is_journal = is_socket and is_journal(standard, environment)
        self._socket = socket.socket(fileno=os.dup(standard)) if is_socket else None
        self.descriptor = self._socket.fileno() if self._socket is not None else _open_anew(standard)

    def write(self, line: str, level: int) -> None:
        """Take a line."""
        super().write(self._frame(line, level), level)

    def _frame(self, line: str, level: int) -> str:
        return f"<{priority(level)}>{line}" if self._is_journal else line

    def _put(self, octets: bytes) -> int:
        if self._socket is not None:
            return self._socket.send(octets, socket.MSG_DONTWAIT)
        return os.write(self.descriptor, octets)

    def close(self) -> None:
        """Write what is held back."""
        self.flush()
        super().close()
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(self.descriptor)


def is_journal(descriptor: int, environment: Mapping[str, str]) -> bool:
    """Whether a descriptor leads to systemd's journal, as $JOURNAL_STREAM says: systemd.exec(5)."""
    status = os.fstat(descriptor)
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _open_anew(descriptor: int) -> int:
    """Return another descriptor of the same pipe, terminal or file that does not block; else one that may."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return os.dup(descriptor)
