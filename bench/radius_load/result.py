"""What became of a load run: every login's record in parallel arrays, and all figures derived from them.

Latency counts from the planned instant, so that a generator or a server that stalls is seen (coordinated omission).
Beside the logins these are counted:

- packets_sent, packets_received; of the sent ones retransmissions, and failovers: new packets to the next server
- no_user, no_identifier, behind: why a login was not sent; not_taken: packets that the kernel refused
- invalid: datagrams that answer nothing that was asked, or whose authenticators are wrong
- unsigned: replies without a Message-Authenticator but with a right Response Authenticator; they are taken
- double_answers: different replies to one request; repeated_answers: the same octets again, as to a retransmission
- contradictions: two controllers were told different things; half_answered: logins of which one was told, another not
- after_giving_up: the NAS did not wait any more
- refused: ICMP said that nobody listens
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.radius_load.plan import KINDS, LoadPlan
from gateway.radius.dictionary import Code

LATE_S = 0.010  # a first packet that leaves later than this after its plan is late
PERCENTILES = (50, 90, 99, 99.9)

LATENCY = np.dtype([("planned_at_s", "f8"), ("latency_s", "f8"), ("kind", "u1")])
SECOND = np.dtype(
    [
        ("second", "i8"),
        ("planned", "i8"),
        ("sent", "i8"),
        ("answered", "i8"),
        ("lost", "i8"),
        ("p50_s", "f8"),
        ("p99_s", "f8"),
    ]
)


class Counts(dict[str, int]):
    """Counts by name; what was not counted is 0."""

    def __missing__(self, name: str) -> int:
        return 0

    def add(self, other: dict[str, int]) -> None:
        """Add another's counts to these."""
        for name, count in other.items():
            self[name] += count


@dataclass(slots=True)
class Record:
    """All logins of a run, or of one process: one element each, in the order of their planned instants.

    Attributes:
        planned_at, sent_at, answered_at: seconds from the beginning; NaN = never.
        kind: index into `KINDS`.
        code: of the reply; 0 = none.
        counts: what else was counted, by the names above.
        push_logins: sent logins that ask for a push, by user.
        cpu_s: of the processes that sent, user and system, waiting awake included.
    """

    planned_at: NDArray[np.float64]
    sent_at: NDArray[np.float64]
    answered_at: NDArray[np.float64]
    kind: NDArray[np.uint8]
    code: NDArray[np.uint8]
    counts: Counts = field(default_factory=Counts)
    push_logins: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0


@dataclass(slots=True)
class LoadResult:
    """The figures of a run.

    Attributes:
        plan: what was to be done.
        record: every login.
        began_at: the first planned instant, by time.monotonic().
    """

    plan: LoadPlan
    record: Record
    began_at: float

    @property
    def planned(self) -> int:
        """Logins planned."""
        return len(self.record.planned_at)

    @property
    def sent(self) -> int:
        """Logins sent."""
        return int(np.count_nonzero(~np.isnan(self.record.sent_at)))

    @property
    def unsent(self) -> int:
        """Logins that the generator could not send: no free Identifier, no free user, or it had fallen behind."""
        return self.planned - self.sent

    @property
    def late(self) -> int:
        """Logins sent more than `LATE_S` after their plan."""
        return int(np.count_nonzero(self.record.sent_at - self.record.planned_at > LATE_S))

    @property
    def answered(self) -> int:
        """Logins with a reply that could be believed."""
        return int(np.count_nonzero(self.record.code))

    @property
    def lost(self) -> int:
        """Logins sent and never answered."""
        return self.sent - self.answered

    @property
    def outcomes(self) -> dict[str, dict[str, int]]:
        """Replies by kind of login: accept, reject, other."""
        return {
            kind.name: _tally(self.record.code[self.record.kind == index])
            for index, kind in enumerate(KINDS)
            if self.plan.mix.shares[index]
        }

    @property
    def unexpected(self) -> int:
        """Logins answered otherwise than is right for their kind."""
        return int(np.count_nonzero(self.are_unexpected))

    @property
    def are_unexpected(self) -> NDArray[np.bool_]:
        """For each login whether it was answered otherwise than is right for its kind."""
        expected = np.array([kind.expected for kind in KINDS], np.uint8)[self.record.kind]
        are_unexpected: NDArray[np.bool_] = (self.record.code != expected) & (self.record.code != 0)
        return are_unexpected

    @property
    def invalid(self) -> int:
        """Datagrams that answer nothing that was asked."""
        return self.record.counts["invalid"]

    @property
    def unsigned(self) -> int:
        """Replies without a Message-Authenticator."""
        return self.record.counts["unsigned"]

    @property
    def double_answers(self) -> int:
        """Different replies to one request."""
        return self.record.counts["double_answers"]

    @property
    def retransmissions(self) -> int:
        """Packets sent again."""
        return self.record.counts["retransmissions"]

    @property
    def latencies(self) -> NDArray[Any]:
        """`LATENCY` of the logins that were answered, in the order of their planned instants."""
        answered = self.record.code != 0
        latencies = np.empty(np.count_nonzero(answered), LATENCY)
        latencies["planned_at_s"] = self.record.planned_at[answered]
        latencies["latency_s"] = (self.record.answered_at - self.record.planned_at)[answered]
        latencies["kind"] = self.record.kind[answered]
        return latencies

    @property
    def seconds(self) -> NDArray[Any]:
        """A `SECOND` for each from the beginning to the last answer.

        Planned, lost and the percentiles belong to the second in which logins were planned, sent and answered to that
        in which it happened.
        """
        return _seconds(self.record)

    def latency_s(self, percentile: float, *, accepted_only: bool = False) -> float:
        """Return a percentile, 0 to 100, of the latency; NaN if nothing was answered.

        Rejects may be left out because a gateway delays them on purpose.
        """
        record = self.record
        chosen = record.code == Code.ACCESS_ACCEPT if accepted_only else record.code != 0
        return _percentile((record.answered_at - record.planned_at)[chosen], percentile)

    def since(self, second: float) -> "LoadResult":
        """Return the logins planned from then on; what else was counted stays that of the whole run."""
        first = int(np.searchsorted(self.record.planned_at, second))
        columns = {name: getattr(self.record, name)[first:] for name in _COLUMNS}
        return replace(self, record=replace(self.record, **columns))

    def lateness_s(self, percentile: float) -> float:
        """Return a percentile of the time from plan to first packet; NaN if nothing was sent."""
        lateness = self.record.sent_at - self.record.planned_at
        return _percentile(lateness[~np.isnan(lateness)], percentile)

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON knows them."""
        names = ("planned", "sent", "unsent", "late", "answered", "lost", "outcomes", "unexpected")
        percentiles = {f"p{percentile:g}_s": _or_none(self.latency_s(percentile)) for percentile in PERCENTILES}
        own = {"counts": dict(self.record.counts), "generator_cpu_s": self.record.cpu_s}
        return {name: getattr(self, name) for name in names} | percentiles | own


def merge(plan: LoadPlan, records: Sequence[Record], began_at: float) -> LoadResult:
    """Return the result of processes that took the planned logins in turn."""
    n_logins = sum(len(record.planned_at) for record in records)
    columns = {name: np.empty(n_logins, getattr(records[0], name).dtype) for name in _COLUMNS}
    counts, push_logins = Counts(), Counter[str]()
    for index, record in enumerate(records):
        for name, column in columns.items():
            column[index :: len(records)] = getattr(record, name)
        counts.add(record.counts)
        push_logins.update(record.push_logins)
    cpu_s = sum(record.cpu_s for record in records)
    return LoadResult(plan, Record(**columns, counts=counts, push_logins=push_logins, cpu_s=cpu_s), began_at)


_COLUMNS = ("planned_at", "sent_at", "answered_at", "kind", "code")


def _tally(codes: NDArray[np.uint8]) -> dict[str, int]:
    names = {"accept": Code.ACCESS_ACCEPT, "reject": Code.ACCESS_REJECT}
    tally = {name: int(np.count_nonzero(codes == code)) for name, code in names.items()}
    other = int(np.count_nonzero(codes)) - sum(tally.values())
    return tally | ({"other": other} if other else {})


def _seconds(record: Record) -> NDArray[Any]:
    instants = np.concatenate([record.planned_at, record.sent_at, record.answered_at])
    n_seconds = int(np.nanmax(instants, initial=0.0)) + 1
    seconds = np.zeros(n_seconds, SECOND)
    seconds["second"] = np.arange(n_seconds)
    seconds["planned"] = _count(record.planned_at, n_seconds)
    seconds["sent"] = _count(record.sent_at, n_seconds)
    seconds["answered"] = _count(record.answered_at, n_seconds)
    seconds["lost"] = _count(record.planned_at[~np.isnan(record.sent_at) & (record.code == 0)], n_seconds)
    latencies = record.answered_at - record.planned_at
    bounds = np.searchsorted(record.planned_at, np.arange(n_seconds + 1))
    for second, (start, end) in enumerate(pairwise(bounds)):
        answered = latencies[start:end][record.code[start:end] != 0]
        seconds["p50_s"][second] = _percentile(answered, 50)
        seconds["p99_s"][second] = _percentile(answered, 99)
    return seconds


def _count(instants: NDArray[np.float64], n_seconds: int) -> NDArray[np.int64]:
    return np.bincount(instants[~np.isnan(instants)].astype(np.int64), minlength=n_seconds)


def _percentile(values: NDArray[np.float64], percentile: float) -> float:
    return float(np.percentile(values, percentile)) if len(values) else float("nan")


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
