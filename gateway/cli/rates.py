"""What happened between two statuses of the running gateway: rates and percentiles of that time. Pure."""

from typing import NamedTuple

from gateway.supervisor.status import Status


class Rates(NamedTuple):
    """Of one section, or of all: logins a second, and milliseconds that half and all but a hundredth of them took.

    The percentiles are None where no login ended in that time.
    """

    requests: float
    accepts: float
    rejects: float
    p50_ms: float | None
    p99_ms: float | None


def rates_of(section: str, now: Status, before: Status | None) -> Rates:
    """Return a section's rates since `before`, or since the start if that is another gateway's status, or None."""
    if before is not None and before["pid"] != now["pid"]:
        before = None
    elapsed_s = now["uptime_s"] - (before["uptime_s"] if before else 0.0)
    counts = [_count(section, now, key) - _count(section, before, key) for key in ("requests", "accepts", "rejects")]
    requests, accepts, rejects = (max(count, 0) / elapsed_s if elapsed_s > 0 else 0.0 for count in counts)
    ended = _ended(section, now, before)
    bounds_ms = [bound_s * 1e3 for bound_s in now["histograms"]["bounds_s"]]
    return Rates(requests, accepts, rejects, quantile(bounds_ms, ended, 0.5), quantile(bounds_ms, ended, 0.99))


def quantile(bounds: list[float], cumulative: list[int], share: float) -> float | None:
    """Return what `share` (0 to 1) of all stay below, as if those between two bounds were spread evenly.

    Args:
        bounds: in ascending order.
        cumulative: how many are at most as great as each bound, and at last how many there are.
        share: of them.
    """
    if not cumulative or cumulative[-1] <= 0:
        return None
    rank = share * cumulative[-1]
    lower, n_below = 0.0, 0
    for upper, n_up_to in zip(bounds, cumulative, strict=False):
        if n_up_to > n_below and rank <= n_up_to:
            return lower + (upper - lower) * (rank - n_below) / (n_up_to - n_below)
        lower, n_below = upper, n_up_to
    return lower


def _count(section: str, status: Status | None, key: str) -> int:
    if status is None:
        return 0
    return sum(server[key] for server in status["servers"] if server["section"] == section)


def _ended(section: str, now: Status, before: Status | None) -> list[int]:
    """Return how many logins took at most as long as each bound, of those that ended since."""
    counts = _login_counts(section, now)
    old = _login_counts(section, before) if before is not None else []
    return [count - (old[index] if index < len(old) else 0) for index, count in enumerate(counts)]


def _login_counts(section: str, status: Status) -> list[int]:
    histograms = status["histograms"]["servers"]
    counts: list[int] = histograms[section]["login"]["counts"] if section in histograms else []
    return counts
