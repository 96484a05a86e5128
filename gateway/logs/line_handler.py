"""Lines on their way out: those of one turn of the event loop are written together, by few calls.

A full disk never stops a login: lines are lost and counted, and the loss is told once there is room again.
"""

import asyncio
import errno
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable

from gateway.logs.gathering import Gathering, encoded
from gateway.logs.losses import Losses

log = logging.getLogger("gateway.logs")

FILE_PORTION = 1_048_576  # octets that are written at once
PIPE_PORTION = 4096  # octets: PIPE_BUF, up to which a write to a pipe is never mixed with another's
TRY_AGAIN_AFTER_S = 0.25


class LineHandler(logging.Handler, ABC):
    """A handler that gathers lines and writes them once the loop has a moment.

    Attributes:
        write: takes a line, and its level, that needs no record.
    """

    portion = FILE_PORTION

    def __init__(
        self,
        name: str,
        loop: asyncio.AbstractEventLoop | None = None,
        losses: Losses | None = None,
        frame: Callable[[str, int], str] | None = None,
    ) -> None:
        """Write to a log.

        Args:
            name: of the log, one of `statistics.layout.LOGS`.
            loop: without one each line is written at once.
            losses: what is lost is counted there.
            frame: see `Gathering`.
        """
        super().__init__()
        self._log_name = name
        self._loop = loop
        self._losses = losses if losses is not None else Losses()
        self._gathering = Gathering(self.flush, loop.call_soon if loop is not None else None, frame)
        self.write = self._gathering.add
        self._n_lost = 0  # that have not been told yet
        self._mend = b""
        self._put_error = 0
        self._trial: asyncio.TimerHandle | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.write(self.format(record), record.levelno)

    def flush(self) -> None:
        """Write what was gathered, and first of all how many lines were lost, if that has not been told yet."""
        portions = self._gathering.take(self.portion)
        if portions:
            self._tell_loss()
        for portion in portions:
            if n_lost := self._put_portion(portion):
                self._n_lost += n_lost
                self._losses.lost(self._log_name, n_lost)
        if self._n_lost and self._trial is None and self._loop is not None:
            self._trial = self._loop.call_later(TRY_AGAIN_AFTER_S, self._try_again)

    def _tell_loss(self) -> None:
        if self._n_lost and not self._put_portion(encoded(self._loss())):
            self._n_lost = 0

    def _try_again(self) -> None:
        """See whether lines can be written again, and say what was lost: the next login may be far away."""
        self._trial = None
        self._tell_loss()
        self.flush()

    def _loss(self) -> str:
        lost = f"{self._n_lost} lines before this one could not be written"
        record = logging.makeLogRecord({"name": log.name, "levelno": logging.ERROR, "msg": lost})
        return self._gathering.framed(self.format(record), logging.ERROR)

    def _put_portion(self, portion: bytes) -> int:
        """Return how many lines were lost. A full disk may cut a line off: the next one starts on a new line."""
        octets = self._beginning() + portion
        try:
            n_written = self._put(octets)
        except OSError as error:
            self._put_failed(error.errno or errno.EIO)
            return portion.count(b"\n")
        self._mend = b"" if octets[:n_written].endswith(b"\n") else b"\n"
        if self._put_error or n_written < len(octets):
            self._put_failed(errno.EAGAIN if n_written < len(octets) else 0)
        return octets.count(b"\n", n_written)

    def _beginning(self) -> bytes:
        """Return what ends a line that was cut off."""
        return self._mend

    def _put_failed(self, error: int) -> None:
        """Take note of what kept lines from being written, an error number; 0: nothing did."""
        self._put_error = error
        self._losses.trouble(self._log_name, error)

    def close(self) -> None:
        """Write what is held back, and try no more to tell what was lost."""
        self.flush()
        if self._trial is not None:
            self._trial.cancel()
        super().close()

    @abstractmethod
    def _put(self, octets: bytes) -> int:
        """Write as many of these octets as can be without waiting; return their number."""
