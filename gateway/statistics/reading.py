"""What a row says, keyed by names, so that rows, and boards of different plans, can be added up."""

from collections import Counter
from ipaddress import IPv6Address
from itertools import accumulate
from typing import Final, NamedTuple
from zlib import crc32

from gateway.statistics.layout import (
    ADDRESS_HIGH,
    ADDRESS_LOW,
    BOUNDS_S,
    EVIDENCE,
    EVIDENCE_CELLS,
    EVIDENCE_SIZE,
    HEARTBEAT,
    LAG,
    LAG_MAX,
    LAG_MAX_BEFORE,
    LOGS,
    N_NEXT,
    N_PRESENT,
    NEXT_AT,
    PID,
    PRESENT_AT,
    STARTED_AT,
    SUM,
    WORKER_COUNTERS,
    Cells,
    Key,
    Measure,
    RowLayout,
)

_EVIDENCE_TRIES: Final = 4


class SignsOfLife(NamedTuple):
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


EMPTY_HISTOGRAM: Final = Histogram((0,) * SUM, 0)


class Totals(NamedTuple):
    """Numbers by key; what is 0 is left out."""

    counters: Counter[Key]
    gauges: Counter[Key]
    histograms: dict[Key, Histogram]

    def histogram(self, *key: str) -> Histogram:
        """Return the histogram, which may be empty."""
        return self.histograms.get(key, EMPTY_HISTOGRAM)

    def of_slot(self, slot: int) -> "Totals":
        """Return them with what a worker counts of itself under its slot, which outlives it and its generation."""
        counters = self.counters.copy()
        for measure in WORKER_COUNTERS:
            if n := counters.pop((measure,), 0):
                counters[measure, str(slot)] = n
        return self._replace(counters=counters)

    def retired(self) -> "Totals":
        """Return what stays true once the workers are gone: all but the gauges."""
        return self._replace(gauges=Counter())


class SecretUse(NamedTuple):
    """Who uses which secret of a client that has two; instants are monotonic nanoseconds, 0 for never.

    `address` is the last one that used the present secret; empty for none.
    """

    n_present: int = 0
    n_next: int = 0
    present_at_ns: int = 0
    next_at_ns: int = 0
    address: str = ""

    def added(self, other: "SecretUse") -> "SecretUse":
        """Return what both together say."""
        return SecretUse(
            self.n_present + other.n_present,
            self.n_next + other.n_next,
            max(self.present_at_ns, other.present_at_ns),
            max(self.next_at_ns, other.next_at_ns),
            (self if self.present_at_ns >= other.present_at_ns else other).address,
        )


class RowReading(NamedTuple):
    """A row as it was at one instant, more or less."""

    signs_of_life: SignsOfLife
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
        read_signs_of_life(values),
        Totals(
            Counter({key: values[index] for key, index in layout.counters.items() if values[index]}),
            Counter({key: values[index] for key, index in layout.gauges.items() if values[index]}),
            {key: histogram for key, histogram in histograms.items() if histogram.n_observed},
        ),
    )


def _histogram(values: list[int], first: int) -> Histogram:
    return Histogram(tuple(values[first : first + SUM]), values[first + SUM])


def read_signs_of_life(cells: Cells) -> SignsOfLife:
    """Return the signs of life in a row."""
    lag_max_ns = max(cells[LAG_MAX], cells[LAG_MAX_BEFORE])
    return SignsOfLife(cells[PID], cells[STARTED_AT], cells[HEARTBEAT], cells[LAG], lag_max_ns)


def read_secret_uses(cells: Cells, layout: RowLayout) -> dict[Key, SecretUse]:
    """Return who uses which secret, by section and client."""
    return {key: _secret_use(cells, first) for key, first in layout.secret_uses.items()}


def _secret_use(cells: Cells, first: int) -> SecretUse:
    n_present, n_next = cells[first + N_PRESENT], cells[first + N_NEXT]
    number = cells[first + ADDRESS_HIGH] << 64 | cells[first + ADDRESS_LOW]
    address = IPv6Address(number)
    shown = str(address.ipv4_mapped or address) if number else ""
    return SecretUse(n_present, n_next, cells[first + PRESENT_AT], cells[first + NEXT_AT], shown)


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
        octets = EVIDENCE_CELLS.pack(*(cells[first + 1 + number] for number in range(EVIDENCE_SIZE)))
        if crc32(octets) == checksum:
            return EVIDENCE.unpack(octets)
    return None
