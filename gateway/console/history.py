"""What the charts show: a sample a second of the last hour, taken from the counts of two statuses. Pure."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from gateway.statistics.reading import EMPTY_HISTOGRAM, Histogram
from gateway.words.reasons import LEADS_ON, OUTCOME_OF, Outcome, Reason

N_SAMPLES = 3_600
WINDOW_S = 10.0  # over which quantiles are taken: a second alone has too few logins

_FAIL_MODE = frozenset({Reason.FAILMODE_SAFE, Reason.FAILMODE_SECURE})
_ACCEPTED = frozenset(reason for reason, outcome in OUTCOME_OF.items() if outcome is Outcome.ACCEPT) - _FAIL_MODE
_REJECTED = (
    frozenset(reason for reason, outcome in OUTCOME_OF.items() if outcome is Outcome.REJECT) - _FAIL_MODE - LEADS_ON
)


class Sample(NamedTuple):
    """One second.

    Attributes:
        at: Unix seconds.
        accepted, rejected, failmode: logins a second that Duo or a rule of ours accepted or rejected, and those that
            fail mode decided either way.
        pending: logins under way.
        login_p50, login_p90, login_p99: seconds until the decision; None without a login in the window.
        gateway_p50, gateway_p99: seconds of it that were the gateway's own.
    """

    at: float
    accepted: float
    rejected: float
    failmode: float
    pending: int
    login_p50: float | None
    login_p90: float | None
    login_p99: float | None
    gateway_p50: float | None
    gateway_p99: float | None


class _Counts(NamedTuple):
    """All sections together, at a monotonic instant."""

    now: float
    accepted: int
    rejected: int
    failmode: int
    login: Histogram
    gateway: Histogram


class History:
    """The samples of the last hour, numbered from 1 on."""

    def __init__(self) -> None:
        self.n_taken = 0
        self._samples: deque[Sample] = deque(maxlen=N_SAMPLES)
        self._window: deque[_Counts] = deque()

    def take(self, status: dict[str, Any], at: float, now: float) -> None:
        """Take a sample: `at` in Unix seconds, `now` monotonic. The first status is only compared with."""
        counts = _counts(status, now)
        if self._window:
            pending = sum(server["pending"] for server in status["servers"])
            self._samples.append(_sample(self._window, counts, at, pending))
            self.n_taken += 1
        self._window.append(counts)
        while now - self._window[0].now > WINDOW_S and len(self._window) > 1:
            self._window.popleft()

    def after(self, number: int) -> list[Sample]:
        """Return the samples behind this number."""
        n_new = min(max(self.n_taken - number, 0), len(self._samples))
        return list(islice(self._samples, len(self._samples) - n_new, None))


def _counts(status: dict[str, Any], now: float) -> _Counts:
    sections = status["histograms"]["servers"].values()
    return _Counts(
        now,
        _sum_reasons(status, _ACCEPTED),
        _sum_reasons(status, _REJECTED),
        _sum_reasons(status, _FAIL_MODE),
        _together(section["login"]["counts"] for section in sections),
        _together(section["gateway"]["counts"] for section in sections),
    )


def _sum_reasons(status: dict[str, Any], wanted: frozenset[Reason]) -> int:
    return sum(count for server in status["servers"] for reason, count in server["reasons"].items() if reason in wanted)


def _together(all_cumulative: Iterable[list[int]]) -> Histogram:
    """Return the sum of histograms whose counts are cumulative."""
    summed = [sum(column) for column in zip(*all_cumulative, strict=True)]
    counts = [upper - lower for lower, upper in zip([0, *summed], summed, strict=False)]
    return Histogram(tuple(counts), 0) if counts else EMPTY_HISTOGRAM


def _sample(window: deque[_Counts], counts: _Counts, at: float, pending: int) -> Sample:
    first, last = window[0], window[-1]
    elapsed_s = max(counts.now - last.now, 0.001)
    login, gateway = _since(first.login, counts.login), _since(first.gateway, counts.gateway)
    return Sample(
        round(at, 3),
        _rate(last.accepted, counts.accepted, elapsed_s),
        _rate(last.rejected, counts.rejected, elapsed_s),
        _rate(last.failmode, counts.failmode, elapsed_s),
        pending,
        _quantile(login, 0.5),
        _quantile(login, 0.9),
        _quantile(login, 0.99),
        _quantile(gateway, 0.5),
        _quantile(gateway, 0.99),
    )


def _rate(before: int, after: int, elapsed_s: float) -> float:
    """A section that a reload has removed takes its counts along: that is no negative rate."""
    return round(max(after - before, 0) / elapsed_s, 2)


def _since(before: Histogram, after: Histogram) -> Histogram:
    return Histogram(tuple(max(b - a, 0) for a, b in zip(before.counts, after.counts, strict=True)), 0)


def _quantile(histogram: Histogram, share: float) -> float | None:
    return round(histogram.quantile(share), 6) if histogram.n_observed else None
