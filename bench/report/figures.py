"""From what was seen to figures: pure, arrays and samples in, the parts of a `Run` out."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.observe import Sample, Usage, by_role
from bench.radius_load.plan import KINDS
from bench.radius_load.result import LoadResult
from bench.report.limits import LONG_MS
from bench.report.record import Look, Percentiles, ProcessFigures, Second
from gateway.radius.dictionary import Code

FEW_LOGINS = 50  # CPU per login is said of intervals with no fewer
FEW_SECONDS = 5
CURVE = (0.0, *np.linspace(0.05, 0.9, 18), *(1 - 10.0 ** -np.linspace(1.1, 4, 30)), 1.0)

Histogram = Mapping[str, Any]


def percentiles_ms(latencies_s: NDArray[np.float64]) -> dict[str, float]:
    """Return p50, p90, p99, p99.9 and max in milliseconds; nothing for nothing."""
    if not len(latencies_s):
        return {}
    values = np.percentile(latencies_s, (50, 90, 99, 99.9, 100)) * 1e3
    return dict(zip(("p50", "p90", "p99", "p99.9", "max"), map(float, values), strict=True))


def by_kind(result: LoadResult) -> dict[str, NDArray[Any]]:
    """Return the answered logins of each kind that has some, most frequent first."""
    latencies = result.latencies
    chosen = {kind.name: latencies[latencies["kind"] == index] for index, kind in enumerate(KINDS)}
    return {name: rows for name, rows in sorted(chosen.items(), key=lambda each: -len(each[1])) if len(rows)}


def latencies_by_kind(result: LoadResult) -> dict[str, dict[str, float]]:
    """Return percentiles of each kind of login, and of all."""
    kinds = by_kind(result)
    rows = kinds | ({"all": result.latencies} if len(kinds) > 1 else {})
    return {name: percentiles_ms(each["latency_s"]) for name, each in rows.items()}


def curves_by_kind(result: LoadResult) -> dict[str, list[tuple[float, float]]]:
    """Return the curve of each kind of login."""
    return {name: curve_of(rows["latency_s"]) for name, rows in by_kind(result).items()}


def curve_of(latencies_s: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the latency in milliseconds below which a share of the logins stays, up to what their number can tell."""
    if not len(latencies_s):
        return []
    shares = [share for share in CURVE if share == 1 or (1 - share) * len(latencies_s) >= 1]
    return [
        (float(share), float(value) * 1e3)
        for share, value in zip(shares, np.quantile(latencies_s, shares), strict=True)
    ]


def seconds_of(result: LoadResult) -> list[Second]:
    """Return the seconds of the load."""
    latencies = {name: _by_second(rows) for name, rows in by_kind(result).items()}
    record, seconds = result.record, result.seconds

    def count(instants: NDArray[np.float64]) -> list[int]:
        counts: list[int] = np.bincount(instants.astype(int), minlength=len(seconds)).tolist()
        return counts

    n_accepted = count(record.answered_at[record.code == Code.ACCESS_ACCEPT])
    n_unsent = count(record.planned_at[np.isnan(record.sent_at)])
    n_unexpected = count(record.planned_at[result.are_unexpected])
    return [
        Second(
            at_s=float(row["second"]),
            planned=int(row["planned"]),
            accepted=accepted,
            rejected=int(row["answered"]) - accepted,
            lost=int(row["lost"]),
            unsent=unsent,
            unexpected=unexpected,
            latency={name: each[row["second"]] for name, each in latencies.items() if row["second"] in each},
        )
        for row, accepted, unsent, unexpected in zip(seconds, n_accepted, n_unsent, n_unexpected, strict=True)
    ]


def _by_second(rows: NDArray[Any]) -> dict[int, Percentiles]:
    seconds = rows["planned_at_s"].astype(int)
    return {
        int(second): Percentiles(*(np.percentile(rows["latency_s"][seconds == second], (50, 99)) * 1e3).tolist())
        for second in np.unique(seconds)
    }


def carried_rate(seconds: Sequence[Second]) -> float | None:
    """Return the highest rate in logins a second up to which all were sent and answered rightly, passcodes soon.

    None where the rate does not rise. A single bad second is a hiccup, two in a row are an end. Passcodes tell how long
    the gateway makes people wait, for nobody has to answer a push for them.
    """
    planned = [second.planned for second in seconds if second.planned]
    if len(planned) < FEW_SECONDS or planned[-1] < planned[0] * 2:
        return None
    bad = [_is_bad(second) for second in seconds[: len(planned)]]
    end = next((index for index in range(len(bad) - 1) if bad[index] and bad[index + 1]), len(bad))
    return float(max(planned[:end], default=0))


def _is_bad(second: Second) -> bool:
    passcodes = second.latency.get("passcode")
    is_slow = passcodes is not None and passcodes.p50_ms > LONG_MS
    return second.lost + second.unsent + second.unexpected > 0 or is_slow


def or_none(value: float) -> float | None:
    """Return a number that JSON knows, or None."""
    return float(value) if math.isfinite(value) else None


def looks_of(samples: Sequence[Sample], began_at: float) -> list[Look]:
    """Return what was used and seen between each two samples."""
    return [_look(before, after, began_at) for before, after in pairwise(samples)]


def _look(before: Sample, after: Sample, began_at: float) -> Look:
    passed_s = after.at - before.at
    readings = by_role(before, after)
    logins = _ended(after) - _ended(before) if before.status and after.status else None
    workers_s = sum(reading.cpu_s for role, reading in readings.items() if role.startswith("worker"))
    return Look(
        at_s=after.at - began_at,
        pending=None if after.status is None else sum(server["pending"] for server in after.status["servers"]),
        logins=logins,
        connections=_connections(after),
        cores={role: reading.cpu_s / passed_s for role, reading in readings.items()},
        rss_bytes={role: reading.rss_bytes for role, reading in readings.items()},
        worker_us_per_login=workers_s / logins * 1e6 if logins is not None and logins >= FEW_LOGINS else None,
    )


def _connections(sample: Sample) -> dict[str, int]:
    found: dict[str, int] = {}
    for application in sample.status["applications"] if sample.status else ():
        for state, count in application["connections"].items():
            found[state] = found.get(state, 0) + count
    return found


def _ended(sample: Sample) -> int:
    """How many logins the gateway has decided so far; the sample has a status."""
    servers = sample.status["servers"] if sample.status else ()
    return sum(server["accepts"] + server["rejects"] for server in servers)


def processes_of(samples: Sequence[Sample]) -> list[ProcessFigures]:
    """Return what each role has used from the first sample to the last; a process's last look counts if it died."""
    passed_s = samples[-1].at - samples[0].at
    used: dict[str, list[Usage]] = {}
    pids: dict[str, set[int]] = {}
    for before, after in pairwise(samples):
        for role, usage in by_role(before, after).items():
            used.setdefault(role, []).append(usage)
        for process in after.usage:
            pids.setdefault(process.role, set()).add(process.pid)
    return [_process_figures(role, len(pids[role]), usages, passed_s) for role, usages in sorted(used.items())]


def _process_figures(role: str, n_processes: int, usages: Sequence[Usage], passed_s: float) -> ProcessFigures:
    cpu_s = sum(usage.cpu_s for usage in usages)
    return ProcessFigures(
        role=role,
        n_processes=n_processes,
        cpu_s=cpu_s,
        core_share=cpu_s / passed_s,
        waited_share=sum(usage.waited_s for usage in usages) / passed_s,
        rss_bytes=usages[-1].rss_bytes,
        rss_max_bytes=max(usage.rss_bytes for usage in usages),
    )


def us_per_login(samples: Sequence[Sample], n_logins: int, roles: tuple[str, ...]) -> float | None:
    """Return the CPU of all processes whose role begins so, from the first sample to the last, for each login."""
    if not n_logins:
        return None
    readings = (each for before, after in pairwise(samples) for each in by_role(before, after).items())
    return sum(reading.cpu_s for role, reading in readings if role.startswith(roles)) / n_logins * 1e6


def share_of_gateway_ms(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    """Return percentiles of the gateway's own share of the logins that ended between two statuses, all sections."""
    bounds = after["histograms"]["bounds_s"]
    counts = np.zeros(len(bounds) + 1)
    for name, sign in ((after, 1), (before, -1)):
        for server in name["histograms"]["servers"].values():
            counts += sign * np.array(server["gateway"]["counts"], float)
    if not counts[-1]:
        return {}
    return {
        name: histogram_quantile(bounds, counts, share) * 1e3
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))
    }


def histogram_quantile(
    bounds: Sequence[float], cumulative: Sequence[float] | NDArray[np.float64], share: float
) -> float:
    """Return what a share of the observations does not exceed, taken as evenly spread within buckets.

    `bounds` are those of all buckets but the last; `cumulative` counts up to each of them, and all. What is in the last
    bucket counts as its lower bound.
    """
    wanted = share * cumulative[-1]
    index = int(np.searchsorted(cumulative, wanted))
    if index >= len(bounds):
        return float(bounds[-1])
    low, already = (bounds[index - 1], cumulative[index - 1]) if index else (0.0, 0.0)
    within = cumulative[index] - already
    return float(low + (bounds[index] - low) * ((wanted - already) / within if within else 1.0))


def counts_between(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> dict[str, int]:
    """Return by how much the counts of `reasons` or `discards` grew, all sections together."""
    grown: dict[str, int] = {}
    for status, sign in ((after, 1), (before, -1)):
        for server in status["servers"]:
            for reason, count in server[name].items():
                grown[reason] = grown.get(reason, 0) + sign * count
    return {reason: count for reason, count in sorted(grown.items(), key=lambda each: -each[1]) if count}
