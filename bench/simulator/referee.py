"""What was asked of the simulated Duo and what it started. No passcode and no signature is ever kept."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

RECORD_LIMIT = 100_000  # calls remembered one by one; totals are never cut


@dataclass(slots=True)
class CallRecord:
    """One request. `outcome` is empty until it is answered; then Duo's result, the error code or the fault."""

    at: float
    path: str
    username: str = ""
    factor: str = ""
    device: str = ""
    ipaddr: str = ""
    txid: str = ""
    http_status: int = 0
    outcome: str = ""


class Started(NamedTuple):
    """A push, phone call, SMS batch or passcode check that a request has started; `at` in Unix seconds."""

    at: float
    username: str
    factor: str
    device: str
    txid: str


@dataclass(slots=True)
class Referee:
    """Counts for tests and for the page."""

    calls: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=RECORD_LIMIT))
    n_calls: Counter[str] = field(default_factory=Counter)
    started: deque[Started] = field(default_factory=lambda: deque(maxlen=RECORD_LIMIT))
    n_started: Counter[tuple[str, str]] = field(default_factory=Counter)

    def record_call(self, record: CallRecord) -> None:
        """Count a request at its arrival; its outcome is filled in later."""
        self.n_calls[record.path] += 1
        self.calls.append(record)

    def record_started(self, started: Started) -> None:
        """Count a second factor at its start."""
        self.n_started[started.username, started.factor] += 1
        self.started.append(started)

    def count(self, username: str, factor: str) -> int:
        """How many of `factor` (push, phone, sms, passcode) were started for a user."""
        return self.n_started[username, factor]

    def pushes(self) -> dict[str, int]:
        """How many pushes and phone calls were begun, by user."""
        begun: Counter[str] = Counter()
        for (username, factor), count in self.n_started.items():
            if factor in ("push", "phone"):
                begun[username] += count
        return dict(begun)

    def txids(self, username: str, factor: str) -> list[str]:
        """The transactions of a user's pushes or calls, oldest first."""
        return [each.txid for each in self.started if (each.username, each.factor) == (username, factor)]

    def reset(self) -> None:
        """Count from nothing again."""
        self.calls.clear()
        self.n_calls.clear()
        self.started.clear()
        self.n_started.clear()
