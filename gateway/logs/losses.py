"""What logs have lost: how many lines could not be written, and what is wrong while that lasts."""

from collections import Counter
from typing import Protocol


class LossRecord(Protocol):
    """Where losses are shown, by a log's name: one of `statistics.layout.LOGS`."""

    def log_lines_lost(self, log: str, n_lines: int) -> None:
        """Count lines that could not be written."""

    def log_trouble(self, log: str, error: int) -> None:
        """Show what is wrong now, an error number; 0 is nothing."""


class Losses:
    """The losses of one process, which outlive its handlers; told to a record as well, once there is one.

    Attributes:
        n_lines: how many lines were lost, by log.
        errors: what is wrong now, by log: error numbers, none of them 0.
    """

    def __init__(self) -> None:
        self.n_lines: Counter[str] = Counter()
        self.errors: dict[str, int] = {}
        self._record: LossRecord | None = None

    def show_in(self, record: LossRecord) -> None:
        """Tell a record what was lost so far, and from now on."""
        self._record = record
        for log, n_lines in self.n_lines.items():
            record.log_lines_lost(log, n_lines)
        for log, error in self.errors.items():
            record.log_trouble(log, error)

    def lost(self, log: str, n_lines: int) -> None:
        """Count lines that could not be written."""
        self.n_lines[log] += n_lines
        if self._record is not None:
            self._record.log_lines_lost(log, n_lines)

    def trouble(self, log: str, error: int) -> None:
        """Note what is wrong now, an error number; 0 is nothing."""
        if error == self.errors.get(log, 0):
            return
        self.errors[log] = error
        if not error:
            del self.errors[log]
        if self._record is not None:
            self._record.log_trouble(log, error)
