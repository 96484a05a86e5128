"""Lines on standard output: a pipe, a terminal, a file, or the stream of a service manager.

It never blocks, and is left to block as it does: the descriptor is shared with whoever started us. Where it cannot be
opened anew, since a pipe belongs to root and we do not, it is asked before each portion whether there is room. Under
systemd each line begins with its priority, `<6>`, by which `journalctl -p warning` finds it.

A file is appended to, by whoever shares it with us, too: a descriptor that is opened anew has an offset of its own, and
what is told on standard error would be written over our lines, or behind a hole once somebody has emptied the file.
"""

import asyncio
import errno
import fcntl
import os
import select
import socket
import stat
from collections.abc import Mapping

from gateway.logs.line_handler import PIPE_PORTION, LineHandler
from gateway.logs.losses import Losses
from gateway.logs.syslog import priority
from gateway.statistics.layout import STDOUT

STDERR = 2


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
        losses: Losses | None = None,
    ) -> None:
        """Take the descriptor number `standard`, and the environment in which systemd tells what it leads to."""
        is_socket = stat.S_ISSOCK(os.fstat(standard).st_mode)
        is_for_journal = is_socket and is_journal(standard, environment)
        _append_to_file(standard)
        super().__init__(STDOUT, loop, losses, _with_priority if is_for_journal else None)
        self._socket = socket.socket(fileno=os.dup(standard)) if is_socket else None
        self._room: select.poll | None = None
        self.descriptor = self._socket.fileno() if self._socket is not None else self._open_anew(standard)

    def _put(self, octets: bytes) -> int:
        if self._socket is not None:
            return self._socket.send(octets, socket.MSG_DONTWAIT)
        return os.write(self.descriptor, octets) if self._room is None else self._put_where_room_is(octets, self._room)

    def _put_where_room_is(self, octets: bytes, room: select.poll) -> int:
        """Write for as long as the pipe can be written, which says that it takes a portion."""
        n_written = 0
        while n_written < len(octets) and room.poll(0):
            n_written += os.write(self.descriptor, octets[n_written : n_written + PIPE_PORTION])
        if not n_written:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return n_written

    def _open_anew(self, standard: int) -> int:
        """Return another descriptor of the same pipe, terminal or file that does not block; else one that may."""
        try:
            return os.open(f"/proc/self/fd/{standard}", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            descriptor = os.dup(standard)
            self._room = select.poll()
            self._room.register(descriptor, select.POLLOUT)
            return descriptor

    def close(self) -> None:
        """Write what is held back."""
        super().close()
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(self.descriptor)


def _append_to_file(standard: int) -> None:
    """Let what is written to a file stand at its end, by this descriptor and by standard error if that leads there."""
    status = os.fstat(standard)
    if not stat.S_ISREG(status.st_mode):
        return
    for descriptor in (standard, STDERR):
        if os.path.samestat(os.fstat(descriptor), status):
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_APPEND)


def _with_priority(line: str, level: int) -> str:
    return f"<{priority(level)}>{line}"


def is_journal(descriptor: int, environment: Mapping[str, str]) -> bool:
    """Whether a descriptor leads to systemd's journal, as $JOURNAL_STREAM says: systemd.exec(5)."""
    status = os.fstat(descriptor)
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
