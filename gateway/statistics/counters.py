"""What a worker counts, in a row of cells that others may read at any instant without a lock.

A cell is an unsigned 64-bit number. Each row has one writer at a time, and a successor goes on with the row of the one
that died, so that counters never go backwards. A single cell is never seen by halves; several may be seen in the middle
of a change. Nothing here minds, except evidence, which therefore carries a checksum.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final, final
from zlib import crc32

from mypy_extensions import i64

from gateway.duoapi.calls import Call
from gateway.radius.discards import DiscardReason
from gateway.statistics.layout import (
    ADDRESS_HIGH,
    ADDRESS_LOW,
    BOUNDS_S,
    BUSY,
    CALL_KINDS,
    COALESCED,
    EVIDENCE,
    EVIDENCE_CELLS,
    EVIDENCE_SIZE,
    FLEET_OUTCOMES,
    FLEET_SHARING,
    HEARTBEAT,
    HOST_OUTCOMES,
    HOST_TROUBLES,
    IDLE,
    LAG,
    LAG_MAX,
    LAG_MAX_BEFORE,
    N_NEXT,
    N_PRESENT,
    NEXT_AT,
    PID,
    PRESENT_AT,
    RETRANSMISSION,
    SECRET_USES_SIZE,
    STARTED_AT,
    SUM,
    WINDOW_SINCE,
    WORKER_COUNTERS,
    WORKER_GAUGES,
    BoardPlan,
    Cells,
    Measure,
    RowLayout,
    row_layout,
)
from gateway.unavailable import Trouble
from gateway.words.first_factors import ReplyDiscard
from gateway.words.reasons import Reason

LAG_WINDOW_NS: Final = 60_000_000_000

_LOW_HALF: Final = (1 << 64) - 1
_MAPPED: Final = 0xFFFF << 32  # IPv4 as IPv6, RFC 4291 section 2.5.5.2

_BOUNDS: Final = list(BOUNDS_S)


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
        self._buckets = [Cell(cells, first + number) for number in range(SUM)]
        self._sum = Cell(cells, first + SUM)

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
        secret_uses: likewise, by section and client, of those that have two secrets.
        fleet: likewise, of what other hosts are asked.
        first_factors: likewise, of what each client section's hosts are asked.
    """

    def __init__(self, cells: Cells, layout: RowLayout, plan: BoardPlan) -> None:
        self._cells = cells
        self._layout = layout
        self._counters = {measure: Cell(cells, layout.counters[(measure,)]) for measure in WORKER_COUNTERS}
        self._gauges = {measure: Cell(cells, layout.gauges[(measure,)]) for measure in WORKER_GAUGES}
        self.sections = {name: SectionCounters(cells, layout, name) for name in plan.sections}
        self.applications = {name: ApplicationCounters(cells, layout, name) for name in plan.applications}
        self.secret_uses = {key: SecretUses(cells, first) for key, first in layout.secret_uses.items()}
        self.fleet = FleetCounters(cells, layout)
        clients = dict.fromkeys(client for client, _ in plan.hosts)
        self.first_factors = {client: FirstFactorCounters(cells, layout, plan, client) for client in clients}

    def begin(self, pid: int, now_ns: int) -> None:
        """Take the row over: counters go on, gauges begin at 0, and there is no evidence yet.

        The pid comes last, so that whoever sees it finds nothing of the predecessor's life.
        """
        cells = self._cells
        for index in (*self._layout.gauges.values(), *self._layout.evidence.values()):
            cells[index] = 0  # of evidence that is the checksum
        for section in self.sections.values():
            section.begin()
        cells[LAG] = cells[LAG_MAX] = cells[LAG_MAX_BEFORE] = 0
        cells[STARTED_AT] = cells[HEARTBEAT] = cells[WINDOW_SINCE] = now_ns
        cells[PID] = pid

    def beat(self, now_ns: int, lag_ns: int) -> None:
        """Show that the loop turns, and how late it was this time; a timer that was early was not late."""
        cells = self._cells
        lag_ns = max(lag_ns, 0)
        if now_ns - cells[WINDOW_SINCE] >= LAG_WINDOW_NS:
            cells[LAG_MAX_BEFORE] = cells[LAG_MAX]
            cells[LAG_MAX] = 0
            cells[WINDOW_SINCE] = now_ns
        cells[LAG] = lag_ns
        cells[LAG_MAX] = max(cells[LAG_MAX], lag_ns)
        cells[HEARTBEAT] = now_ns

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
    """What happens at one server section, as one worker sees it.

    Attributes:
        requests: Access-Requests of known clients.
        tried: those of `radgate login` on this machine.
    """

    __slots__ = (
        "_coalesced",
        "_discards",
        "_gateway",
        "_login",
        "_pending",
        "_resent",
        "_unsigned",
        "_verdicts",
        "requests",
        "tried",
    )

    def __init__(self, cells: Cells, layout: RowLayout, section: str) -> None:
        counters, histograms = layout.counters, layout.histograms
        self.requests = Cell(cells, counters[Measure.REQUESTS, section])
        self.tried = Cell(cells, counters[Measure.TRIED, section])
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


class SecretUses:
    """Who uses which secret of a client that has two, as one worker sees it. A successor goes on with it."""

    __slots__ = ("_cells", "_first", "_source")

    def __init__(self, cells: Cells, first: int) -> None:
        self._cells = cells
        self._first = first
        self._source = ""  # whose address the cells hold

    def used(self, source: str, is_next: bool, now: float) -> None:
        """Note a packet from an address; `now` is in monotonic seconds, and of one clock in all processes."""
        cells, first = self._cells, self._first
        cells[first + (N_NEXT if is_next else N_PRESENT)] += 1
        cells[first + (NEXT_AT if is_next else PRESENT_AT)] = max(1, int(now * 1e9))
        if not is_next and source != self._source:
            self._source = source
            address = ip_address(source)
            number = int(address) if address.version == 6 else _MAPPED | int(address)
            cells[first + ADDRESS_HIGH], cells[first + ADDRESS_LOW] = number >> 64, number & _LOW_HALF


def unnoted() -> SecretUses:
    """Return uses that nobody reads."""
    return SecretUses([0] * SECRET_USES_SIZE, 0)


class FleetCounters:
    """What happens between one worker and the other hosts."""

    __slots__ = ("_claims", "_engine", "_sharing")

    def __init__(self, cells: Cells, layout: RowLayout) -> None:
        self._claims = {each: Cell(cells, layout.counters[Measure.FLEET_CLAIMS, each]) for each in FLEET_OUTCOMES}
        self._engine = _Durations(cells, layout.histograms[(Measure.FLEET_ENGINE_SECONDS,)])
        self._sharing = Cell(cells, layout.gauges[(Measure.FLEET_SHARING,)])

    def claimed(self, outcome: str) -> None:
        """Count what became of a claim, one of `FLEET_OUTCOMES`."""
        self._claims[outcome].add()

    def waited(self, duration_s: float) -> None:
        """Count for how long a login has waited for its claim."""
        self._engine.observe(duration_s)

    def shares(self, standing: str) -> None:
        """Show whether logins are shared, one of `FLEET_SHARING`."""
        self._sharing.show(FLEET_SHARING.index(standing) + 1)


def uncounted() -> SectionCounters:
    """Return counters that nobody looks at: of a section that is not in the plan."""
    layout = row_layout(BoardPlan(1, ("",), ()))
    return SectionCounters([0] * layout.n_cells, layout, "")


class ApplicationCounters:
    """What happens between one worker and one Duo application."""

    __slots__ = ("_busy", "_calls", "_cells", "_evidence", "_idle", "_next_key", "_troubles")

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
        self._next_key = Cell(cells, gauges[Measure.NEXT_KEY, application])
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

    def signed_with(self, is_next: bool) -> None:
        """Show whether calls are signed with `skey_next`."""
        self._next_key.show(int(is_next))

    def write_evidence(self, values: Sequence[float]) -> None:
        """Show up to `EVIDENCE_SIZE` numbers, as a whole."""
        octets = EVIDENCE.pack(*values, *(0.0,) * (EVIDENCE_SIZE - len(values)))
        for index, value in enumerate(EVIDENCE_CELLS.unpack(octets), self._evidence + 1):
            self._cells[index] = value
        self._cells[self._evidence] = crc32(octets)


class FirstFactorCounters:
    """What happens between one worker and the hosts of one first factor.

    Attributes:
        hosts: what to count with of each, by its name.
    """

    __slots__ = ("_seconds", "hosts")

    def __init__(self, cells: Cells, layout: RowLayout, plan: BoardPlan, client: str) -> None:
        self._seconds = _Durations(cells, layout.histograms[Measure.FIRST_FACTOR_SECONDS, client])
        names = [name for section, name in plan.hosts if section == client]
        self.hosts = {name: HostCounters(cells, layout, (client, name)) for name in names}

    def ended(self, duration_s: float) -> None:
        """Count a question that has its answer, or has none, after all the hosts that it was sent to."""
        self._seconds.observe(duration_s)


class HostCounters:
    """What happens between one worker and one host of a first factor."""

    __slots__ = ("_discards", "_failed", "_heard", "_outcomes", "_seconds", "_trouble")

    def __init__(self, cells: Cells, layout: RowLayout, key: tuple[str, str]) -> None:
        counters, gauges = layout.counters, layout.gauges
        self._discards = {str(each): Cell(cells, counters[Measure.HOST_DISCARDS, *key, each]) for each in ReplyDiscard}
        self._outcomes = {each: Cell(cells, counters[Measure.HOST_QUESTIONS, *key, each]) for each in HOST_OUTCOMES}
        self._seconds = _Durations(cells, layout.histograms[Measure.HOST_SECONDS, *key])
        self._heard = Cell(cells, gauges[Measure.HOST_HEARD, *key])
        self._failed = Cell(cells, gauges[Measure.HOST_FAILED, *key])
        self._trouble = Cell(cells, gauges[Measure.HOST_TROUBLE, *key])

    def answered(self, answer: str, duration_s: float) -> None:
        """Count an answer, one of `ANSWERS`, and how long this host took for it."""
        self._outcomes[answer].add()
        self._seconds.observe(duration_s)

    def troubled(self, trouble: Trouble) -> None:
        """Count a question that it has not answered, for one of `HOST_TROUBLES`."""
        self._outcomes[trouble].add()

    def discarded(self, reason: str, n: int) -> None:
        """Count replies of it that were not believed, for one of the reasons of `ReplyDiscard`."""
        self._discards[reason].add(n)

    def show(self, heard_at: float, failed_at: float, trouble: Trouble | None) -> None:
        """Show when it has answered last, and when not, in monotonic seconds, 0 for never; and why not."""
        self._trouble.show(HOST_TROUBLES.index(trouble) + 1 if trouble is not None else 0)
        self._failed.show(int(failed_at * 1e9))
        self._heard.show(int(heard_at * 1e9))
