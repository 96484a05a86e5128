"""Lines as datagrams to the machine's syslog, RFC 3164; never waiting for it, for no login may.

The standard library's handler waits where syslog is slow. What syslog does not take at once is lost there, counted and
told; the same lines are in the log file.
"""

import asyncio
import logging
import os
import socket
import time

from gateway.logs.line_handler import LineHandler, log
from gateway.logs.losses import Losses
from gateway.statistics.layout import SYSLOG

SYSLOG_SOCKET = "/dev/log"

_FACILITIES = ("KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP")
_FIRST_LOCAL = 16
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def priority(level: int) -> int:
    """Return the severity, 0 to 7, of a level of the logging library."""
    return _PRIORITIES[level]


def facility_number(name: str) -> int:
    """Return the number of `LOG_USER`, `LOG_LOCAL3` …, RFC 3164 section 4.1.1."""
    word = name.removeprefix("LOG_")
    return _FIRST_LOCAL + int(word[-1]) if word.startswith("LOCAL") else _FACILITIES.index(word)


class SyslogHandler(LineHandler):
    """Sends each line as a datagram of its own."""

    portion = 1  # a line

    def __init__(
        self,
        facility: str,
        loop: asyncio.AbstractEventLoop | None = None,
        address: str = SYSLOG_SOCKET,
        losses: Losses | None = None,
    ) -> None:
        super().__init__(SYSLOG, loop, losses, self._frame)
        self._facility = facility_number(facility) * 8
        self._address = address
        self._tag = f"radgate[{os.getpid()}]"
        self._trouble = ""
        self._socket: socket.socket | None = None

    def _frame(self, line: str, level: int) -> str:
        stamp = time.strftime("%b %e %H:%M:%S")
        return f"<{self._facility + priority(level)}>{stamp} {self._tag}: {line}"

    def _put(self, octets: bytes) -> int:
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            # Not connected: a syslog that was restarted is found again.
            self._socket.sendto(octets.strip(b"\n"), self._address)
        except OSError as error:
            self._tell_once(error.strerror or str(error))
            raise
        self._trouble = ""
        return len(octets)

    def _tell_once(self, trouble: str) -> None:
        before, self._trouble = self._trouble, trouble
        if not before:
            log.error("Syslog at %s does not take lines: %s", self._address, trouble)

    def close(self) -> None:
        """Send what is held back."""
        super().close()
        if self._socket is not None:
            self._socket.close()
