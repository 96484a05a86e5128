"""What was lost is counted, and told to whoever shows it."""

from collections import Counter

from gateway.logs.losses import Losses
from gateway.statistics.layout import (
    AUTHPROXY,
    SYSLOG,
)


class Record:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.n_lines: Counter[str] = Counter()
        self.troubles: list[tuple[str, int]] = []

    def log_lines_lost(self, log: str, n_lines: int) -> None:
        self.n_lines[log] += n_lines

    def log_trouble(self, log: str, error: int) -> None:
        self.troubles.append((log, error))


def test_a_record_that_comes_later_is_told_all_of_it():
    losses, record = Losses(), Record()
    losses.lost(AUTHPROXY, 3)
    losses.trouble(AUTHPROXY, 28)
    losses.show_in(record)
    losses.lost(AUTHPROXY, 1)
    losses.lost(SYSLOG, 2)
    assert record.n_lines == losses.n_lines == {AUTHPROXY: 4, SYSLOG: 2}
    assert record.troubles == [(AUTHPROXY, 28)]


def test_what_is_wrong_is_told_when_it_changes_and_is_no_more():
    losses, record = Losses(), Record()
    losses.show_in(record)
    for error in (0, 28, 28, 30, 0, 0):
        losses.trouble(AUTHPROXY, error)
    assert record.troubles == [(AUTHPROXY, 28), (AUTHPROXY, 30), (AUTHPROXY, 0)]
    assert losses.errors == {}
