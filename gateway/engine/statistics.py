"""What a worker counts, in a row of cells that others may read at any instant without a lock.

A cell is an unsigned 64-bit number. Each row has one writer at a time, and a successor goes on with the row of the one
that died, so that counters never go backwards. A single cell is never seen by halves; several may be seen in the middle
of a change. Nothing here minds, except evidence, which therefore carries a checksum.

What was read is keyed by names, so that rows, and boards of different plans, can be added up.
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Any, Final, NamedTuple, Protocol, final
from zlib import crc32

from mypy_extensions import i64

from gateway.duoapi.calls import Auth, AuthStatus, Call, Check, Ping, Preauth
from gateway.engine.verdict import Outcome, Reason
from gateway.radius.discards import DiscardReason
from gateway.unavailable import Trouble

Key = tuple[str, ...]

CALL_KINDS: dict[type[Call], str] = {
    Ping: "ping",
    Check: "check",
    Preauth: "preauth",
    Auth: "auth",
    AuthStatus: "auth_status",
}

_ACCEPTED: Final = frozenset({Reason.DUO_ALLOWED, Reason.DUO_BYPASS, Reason.EXEMPT, Reason.FAILMODE_SAFE})
OUTCOMES: Final = {reason: Outcome.ACCEPT if reason in _ACCEPTED else Outcome.REJECT for reason in Reason}
"""What a login comes to that ends for this reason."""

# fmt: off
BOUNDS_S: Final[Sequence[float]] = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 75.0,
)
# fmt: on
"""The upper bounds of a histogram's buckets, each inclusive; one bucket without bound follows."""
_BOUNDS: Final = list(BOUNDS_S)
_SUM: Final = len(BOUNDS_S) + 1  # behind the buckets stands the sum in microseconds
_HISTOGRAM_SIZE: Final = _SUM + 1

EVIDENCE_SIZE: Final = 9
_EVIDENCE: Final = struct.Struct(f"={EVIDENCE_SIZE}d")
_EVIDENCE_CELLS: Final = struct.Struct(f"={EVIDENCE_SIZE}Q")
_EVIDENCE_TRIES: Final = 4

LAG_WINDOW_NS: Final = 60_000_000_000

# Every row begins with the signs of life.
_PID, _STARTED_AT, _HEARTBEAT, _LAG, _LAG_MAX, _LAG_MAX_BEFORE, _WINDOW_SINCE = range(7)
_PULSE_SIZE: Final = _WINDOW_SINCE + 1

# The supervisor's area of an application, of five cells.
_STATE, _TRIAL, _SINCE, _FAILMODE_ACTIVE, _PING = range(5)


class Measure(StrEnum):
    """What a number counts or gauges: the first part of its key, with the rest as stated."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    # The worker's own: nothing
    DATAGRAMS = "datagrams"
    UNSENT = "unsent"
    OVERFLOWED = "overflowed"
    JOURNAL_SKIPPED = "journal_skipped"
    JOURNAL_LEFT_OUT = "journal_left_out"
    # log
    LOG_LINES_LOST = "log_lines_lost"
    LOG_ERROR = "log_error"
    # section
    REQUESTS = "requests"
    UNSIGNED = "unsigned"
    PENDING = "pending"
    LOGIN_SECONDS = "login_seconds"
    GATEWAY_SECONDS = "gateway_seconds"
    # section, kind or reason
    DUPLICATES = "duplicates"
    DISCARDS = "discards"
    VERDICTS = "verdicts"
    # application, kind or state
    CALL_SECONDS = "call_seconds"
    TROUBLES = "troubles"
    CONNECTIONS = "connections"


WORKER_LOSSES: Final = (Measure.UNSENT, Measure.JOURNAL_SKIPPED)  # add up over all workers of a slot
WORKER_COUNTERS: Final = (Measure.DATAGRAMS, *WORKER_LOSSES)
WORKER_GAUGES: Final = (Measure.OVERFLOWED, Measure.JOURNAL_LEFT_OUT)
RETRANSMISSION, COALESCED = DUPLICATE_KINDS = ("retransmission", "coalesced")
AUTHPROXY, AUTHEVENTS, STDOUT, SYSLOG = LOGS = ("authproxy.log", "authevents.log", "stdout", "syslog")
"""Where lines go: names of files in `log_dir`, and of what is no file of ours."""
IDLE, BUSY = CONNECTION_STATES = ("idle", "busy")


class Cells(Protocol):
    """Unsigned 64-bit numbers by index: a list, or a memoryview over shared memory."""

    def __iter__(self) -> Iterator[int]: ...
    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class BoardPlan(NamedTuple):
    """What is counted: the same in the supervisor and all workers of one generation. No name stands twice."""

    n_slots: int
    sections: tuple[str, ...]
    applications: tuple[str, ...]


class RowLayout(NamedTuple):
    """At which cell of a row each number stands, or begins if it takes several; evidence by application."""

    counters: dict[Key, int]
    gauges: dict[Key, int]
    histograms: dict[Key, int]
    evidence: dict[Key, int]
    n_cells: int


def row_layout(plan: BoardPlan) -> RowLayout:
    """Return the layout of every row of a board."""
    place = _Placement(_PULSE_SIZE)
    return RowLayout(
        counters=place(_counter_keys(plan), 1),
        gauges=place(_gauge_keys(plan), 1),
        histograms=place(_histogram_keys(plan), _HISTOGRAM_SIZE),
        evidence=place(((application,) for application in plan.applications), EVIDENCE_SIZE + 1),
        n_cells=place.end,
    )


class _Placement:
    """Gives out cells, one after the other."""

    def __init__(self, end: int) -> None:
        self.end = end

    def __call__(self, keys: Iterable[Key], width: int) -> dict[Key, int]:
        places = {}
        for key in keys:
            places[key] = self.end
            self.end += width
        return places


def _counter_keys(plan: BoardPlan) -> Iterator[Key]:
    yield from ((measure,) for measure in WORKER_COUNTERS)
    yield from ((Measure.LOG_LINES_LOST, log) for log in LOGS)
    for section in plan.sections:
        yield Measure.REQUESTS, section
        yield Measure.UNSIGNED, section
        yield from ((Measure.DUPLICATES, section, kind) for kind in DUPLICATE_KINDS)
        yield from ((Measure.DISCARDS, section, reason) for reason in DiscardReason)
        yield from ((Measure.VERDICTS, section, reason) for reason in Reason)
    for application in plan.applications:
        yield from ((Measure.TROUBLES, application, trouble) for trouble in Trouble)


def _gauge_keys(plan: BoardPlan) -> Iterator[Key]:
    yield from ((measure,) for measure in WORKER_GAUGES)
    yield from ((Measure.LOG_ERROR, log) for log in LOGS)
    yield from ((Measure.PENDING, section) for section in plan.sections)
    for application in plan.applications:
        yield from ((Measure.CONNECTIONS, application, state) for state in CONNECTION_STATES)


def _histogram_keys(plan: BoardPlan) -> Iterator[Key]:
    for section in plan.sections:
        yield Measure.LOGIN_SECONDS, section
        yield Measure.GATEWAY_SECONDS, section
    for application in plan.applications:
        yield from ((Measure.CALL_SECONDS, application, kind) for kind in CALL_KINDS.values())


@final
class Cell:
    """A number of a row in the hands of its one writer, who knows it and need not read it."""

    __slots__ = ("_cells", "_index", "_n")

    def __init__(self, cells: Cells, index: int) -> None:
        self._cells = cells
        self._index: Any = index  # as an object: cells want one for each change
        self._n = cells[index]

    def add(self, n: int = 1) -> None:
        """Count so many more."""
        self.show(self._n + n)

    def show(self, n: int) -> None:
        """Set it."""
        self._cells[self._index] = n
        self._n = n


@final
class _Durations:
    """A histogram in the hands of its one writer."""

    __slots__ = ("_buckets", "_sum")

    def __init__(self, cells: Cells, first: int) -> None:
        self._buckets = [Cell(cells, first + number) for number in range(_SUM)]
        self._sum = Cell(cells, first + _SUM)

    def observe(self, seconds: float) -> None:
        """Count something that took so long."""
        self._buckets[_bucket(seconds)].add()
        self._sum.add(int(seconds * 1e6 + 0.5))


def _bucket(seconds: float) -> i64:
    """Return the number of the first bound that is not exceeded: `bisect_left`, which wants its floats as objects."""
    low: i64 = 0
    high: i64 = len(_BOUNDS)
    while low < high:
        middle = (low + high) >> 1
        if _BOUNDS[middle] < seconds:
            low = middle + 1
        else:
            high = middle
    return low


class WorkerRow:
    """A row in the hands of the worker that writes it.

    Attributes:
        sections, applications: what to count with, by the names of the plan.
    """

    def __init__(self, cells: Cells, layout: RowLayout, plan: BoardPlan) -> None:
        self._cells = cells
        self._layout = layout
        self._counters = {measure: Cell(cells, layout.counters[(measure,)]) for measure in WORKER_COUNTERS}
        self._gauges = {measure: Cell(cells, layout.gauges[(measure,)]) for measure in WORKER_GAUGES}
        self.sections = {name: SectionCounters(cells, layout, name) for name in plan.sections}
        self.applications = {name: ApplicationCounters(cells, layout, name) for name in plan.applications}

    def begin(self, pid: int, now_ns: int) -> None:
        """Take the row over: counters go on, gauges begin at 0, and there is no evidence yet.

        The pid comes last, so that whoever sees it finds nothing of the predecessor's life.
        """
        cells = self._cells
        for index in (*self._layout.gauges.values(), *self._layout.evidence.values()):
            cells[index] = 0  # of evidence that is the checksum
        for section in self.sections.values():
            section.begin()
        cells[_LAG] = cells[_LAG_MAX] = cells[_LAG_MAX_BEFORE] = 0
        cells[_STARTED_AT] = cells[_HEARTBEAT] = cells[_WINDOW_SINCE] = now_ns
        cells[_PID] = pid

    def beat(self, now_ns: int, lag_ns: int) -> None:
        """Show that the loop turns, and how late it was this time; a timer that was early was not late."""
        cells = self._cells
        lag_ns = max(lag_ns, 0)
        if now_ns - cells[_WINDOW_SINCE] >= LAG_WINDOW_NS:
            cells[_LAG_MAX_BEFORE] = cells[_LAG_MAX]
            cells[_LAG_MAX] = 0
            cells[_WINDOW_SINCE] = now_ns
        cells[_LAG] = lag_ns
        cells[_LAG_MAX] = max(cells[_LAG_MAX], lag_ns)
        cells[_HEARTBEAT] = now_ns

    def count(self, measure: Measure, n: int = 1) -> None:
        """Add to one of the `WORKER_COUNTERS`."""
        self._counters[measure].add(n)

    def gauge(self, measure: Measure, value: int) -> None:
        """Set one of the `WORKER_GAUGES`."""
        self._gauges[measure].show(value)

    def log_lines_lost(self, log: str, n_lines: int) -> None:
        """Count lines that could not be written to one of the `LOGS`."""
        self._cells[self._layout.counters[Measure.LOG_LINES_LOST, log]] += n_lines

    def log_trouble(self, log: str, error: int) -> None:
        """Show what is wrong with one of the `LOGS`, an error number; 0 is nothing."""
        self._cells[self._layout.gauges[Measure.LOG_ERROR, log]] = error


class SectionCounters:
    """What happens at one server section, as one worker sees it."""

    __slots__ = (
        "_coalesced",
        "_discards",
        "_gateway",
        "_login",
        "_pending",
        "_requests",
        "_resent",
        "_unsigned",
        "_verdicts",
    )

    def __init__(self, cells: Cells, layout: RowLayout, section: str) -> None:
        counters, histograms = layout.counters, layout.histograms
        self._requests = Cell(cells, counters[Measure.REQUESTS, section])
        self._unsigned = Cell(cells, counters[Measure.UNSIGNED, section])
        self._resent = Cell(cells, counters[Measure.DUPLICATES, section, RETRANSMISSION])
        self._coalesced = Cell(cells, counters[Measure.DUPLICATES, section, COALESCED])
        self._discards = {reason: Cell(cells, counters[Measure.DISCARDS, section, reason]) for reason in DiscardReason}
        self._verdicts = {reason: Cell(cells, counters[Measure.VERDICTS, section, reason]) for reason in Reason}
        self._pending = Cell(cells, layout.gauges[Measure.PENDING, section])
        self._login = _Durations(cells, histograms[Measure.LOGIN_SECONDS, section])
        self._gateway = _Durations(cells, histograms[Measure.GATEWAY_SECONDS, section])

    def begin(self) -> None:
        """Know of no pending login, whatever a predecessor had."""
        self._pending.show(0)

    def requested(self) -> None:
        """Count an Access-Request of a known client."""
        self._requests.add()

    def unsigned(self) -> None:
        """Count an Access-Request that was taken without Message-Authenticator."""
        self._unsigned.add()

    def retransmitted(self) -> None:
        """Count a request that repeats another octet for octet."""
        self._resent.add()

    def coalesced(self) -> None:
        """Count a new request that joined a pending login."""
        self._coalesced.add()

    def discarded(self, reason: DiscardReason) -> None:
        """Count a datagram that is not answered."""
        self._discards[reason].add()

    def began(self) -> None:
        """Count a login as pending, until it is `finished` or `left`."""
        self._pending.add()

    def left(self) -> None:
        """Count a pending login no more: its end comes elsewhere, or never."""
        self._pending.add(-1)

    def refused(self, reason: Reason) -> None:
        """Count the verdict on a request that never became a login."""
        self._verdicts[reason].add()

    def finished(self, reason: Reason, duration_s: float, gateway_s: float) -> None:
        """Count the verdict on a login that began, how long it took, and how much of that was the gateway's own share.

        Neither time may be negative.
        """
        self._pending.add(-1)
        self._verdicts[reason].add()
        self._login.observe(duration_s)
        self._gateway.observe(gateway_s)


def uncounted() -> SectionCounters:
    """Return counters that nobody looks at: of a section that is not in the plan."""
    layout = row_layout(BoardPlan(1, ("",), ()))
    return SectionCounters([0] * layout.n_cells, layout, "")


class ApplicationCounters:
    """What happens between one worker and one Duo application."""

    __slots__ = ("_busy", "_calls", "_cells", "_evidence", "_idle", "_troubles")

    def __init__(self, cells: Cells, layout: RowLayout, application: str) -> None:
        counters, gauges, histograms = layout.counters, layout.gauges, layout.histograms
        self._cells = cells
        self._calls = {
            call: _Durations(cells, histograms[Measure.CALL_SECONDS, application, kind])
            for call, kind in CALL_KINDS.items()
        }
        self._troubles = {trouble: Cell(cells, counters[Measure.TROUBLES, application, trouble]) for trouble in Trouble}
        self._idle = Cell(cells, gauges[Measure.CONNECTIONS, application, IDLE])
        self._busy = Cell(cells, gauges[Measure.CONNECTIONS, application, BUSY])
        self._evidence = layout.evidence[(application,)]

    def called(self, call: type[Call], duration_s: float) -> None:
        """Count a call that has ended, in whatever way, and how long it took."""
        self._calls[call].observe(duration_s)

    def troubled(self, trouble: Trouble) -> None:
        """Count a call that ended without an answer."""
        self._troubles[trouble].add()

    def connected(self, n_idle: int, n_busy: int) -> None:
        """Show how many connections there are."""
        self._idle.show(n_idle)
        self._busy.show(n_busy)

    def write_evidence(self, values: Sequence[float]) -> None:
        """Show up to `EVIDENCE_SIZE` numbers, as a whole."""
        octets = _EVIDENCE.pack(*values, *(0.0,) * (EVIDENCE_SIZE - len(values)))
        for index, value in enumerate(_EVIDENCE_CELLS.unpack(octets), self._evidence + 1):
            self._cells[index] = value
        self._cells[self._evidence] = crc32(octets)


class Bulletin(NamedTuple):
    """What the supervisor tells all workers about one application. Its numbers are the breaker's own."""

    state: int
    is_failmode_active: bool
    trial: int
    since_ns: int
    ping_ns: int = 0


class BulletinCells:
    """The area of one application: the supervisor posts, workers look."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    def post(self, bulletin: Bulletin) -> None:
        """Write it; the flag that decides logins comes last."""
        cells = self._cells
        cells[_SINCE] = bulletin.since_ns
        cells[_PING] = bulletin.ping_ns
        cells[_STATE] = bulletin.state
        cells[_TRIAL] = bulletin.trial
        cells[_FAILMODE_ACTIVE] = bulletin.is_failmode_active

    def read(self) -> Bulletin:
        """Return what was posted last."""
        cells = self._cells
        return Bulletin(cells[_STATE], bool(cells[_FAILMODE_ACTIVE]), cells[_TRIAL], cells[_SINCE], cells[_PING])

    @property
    def is_failmode_active(self) -> bool:
        """Whether logins get the fail mode at once."""
        return self._cells[_FAILMODE_ACTIVE] != 0


class Pulse(NamedTuple):
    """Signs of life of the process `pid`, which need not be the one that was started last: it may not have begun yet.

    `lag_max_ns` is the greatest lag of the last one to two minutes.
    """

    pid: int
    started_at_ns: int
    heartbeat_ns: int
    lag_ns: int
    lag_max_ns: int


class Histogram(NamedTuple):
    """How many took how long: `counts` by bucket, not cumulative, the last one without bound."""

    counts: tuple[int, ...]
    sum_us: int

    @property
    def n_observed(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @property
    def cumulative(self) -> list[int]:
        """How many are at most as great as each bound, and how many there are."""
        return list(accumulate(self.counts))

    def quantile(self, share: float) -> float:
        """Return the seconds that `share` (0 to 1) of all stay below, as if a bucket's were spread evenly.

        It is 0 of none, and the greatest bound where that is exceeded.
        """
        rank = share * self.n_observed
        lower = 0.0
        for upper, count in zip(BOUNDS_S, self.counts, strict=False):
            if count and rank <= count:
                return lower + (upper - lower) * rank / count
            rank -= count
            lower = upper
        return lower if self.n_observed else 0.0

    def added(self, other: "Histogram") -> "Histogram":
        """Return both together."""
        counts = tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
        return Histogram(counts, self.sum_us + other.sum_us)


EMPTY_HISTOGRAM: Final = Histogram((0,) * _SUM, 0)


class Totals(NamedTuple):
    """Numbers by key; what is 0 is left out."""

    counters: Counter[Key]
    gauges: Counter[Key]
    histograms: dict[Key, Histogram]

    def histogram(self, *key: str) -> Histogram:
        """Return the histogram, which may be empty."""
        return self.histograms.get(key, EMPTY_HISTOGRAM)

    def retired(self) -> "Totals":
        """Return what stays true once the workers are gone: all but the gauges."""
        return self._replace(gauges=Counter())


class RowReading(NamedTuple):
    """A row as it was at one instant, more or less."""

    pulse: Pulse
    totals: Totals


def merge(a: Totals, b: Totals) -> Totals:
    """Return both together."""
    histograms = dict(a.histograms)
    for key, histogram in b.histograms.items():
        histograms[key] = histogram.added(histograms.get(key, EMPTY_HISTOGRAM))
    return Totals(a.counters + b.counters, a.gauges + b.gauges, histograms)


def read_row(cells: Cells, layout: RowLayout) -> RowReading:
    """Return what a row says."""
    values = list(cells)
    histograms = {key: _histogram(values, first) for key, first in layout.histograms.items()}
    return RowReading(
        read_pulse(values),
        Totals(
            Counter({key: values[index] for key, index in layout.counters.items() if values[index]}),
            Counter({key: values[index] for key, index in layout.gauges.items() if values[index]}),
            {key: histogram for key, histogram in histograms.items() if histogram.n_observed},
        ),
    )


def _histogram(values: list[int], first: int) -> Histogram:
    return Histogram(tuple(values[first : first + _SUM]), values[first + _SUM])


def read_pulse(cells: Cells) -> Pulse:
    """Return the signs of life in a row."""
    lag_max_ns = max(cells[_LAG_MAX], cells[_LAG_MAX_BEFORE])
    return Pulse(cells[_PID], cells[_STARTED_AT], cells[_HEARTBEAT], cells[_LAG], lag_max_ns)


def read_log_errors(cells: Cells, layout: RowLayout) -> dict[str, int]:
    """Return what is wrong with the worker's logs: error numbers, none of them 0."""
    errors = {log: cells[layout.gauges[Measure.LOG_ERROR, log]] for log in LOGS}
    return {log: error for log, error in errors.items() if error}


def read_evidence(cells: Cells, layout: RowLayout, application: str) -> tuple[float, ...] | None:
    """Return the `EVIDENCE_SIZE` numbers written last, zeros behind those given; None if there are none as a whole.

    That is so before a worker's first, in the middle of a change, and after a writer that died there.
    """
    first = layout.evidence[(application,)]
    for _ in range(_EVIDENCE_TRIES):
        checksum = cells[first]
        octets = _EVIDENCE_CELLS.pack(*(cells[first + 1 + number] for number in range(EVIDENCE_SIZE)))
        if crc32(octets) == checksum:
            return _EVIDENCE.unpack(octets)
    return None
