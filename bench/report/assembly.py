"""From all that a run has left behind to what is written down of it."""

import textwrap
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from bench.machine import commit, this_machine
from bench.observe import Sample
from bench.radius_load.result import LoadResult
from bench.report import figures
from bench.report.counting import counted
from bench.report.limits import findings_of_search
from bench.report.record import COUNTS, Finding, Judgement, Marked, Run, Step
from bench.report.words import Tally, failures_of, findings_of, remarks_of
from bench.scenario import Scenario


class Seen(NamedTuple):
    """All that a run has left behind.

    Attributes:
        duo_counts: the referee's, as its control port tells them.
        pushes: how many each user got.
        mistakes: lines of the gateway's log in which it owns up to one.
        gateway_end: how the gateway ended before it was asked to; empty if it did not.
    """

    scenario: Scenario
    n_workers: int
    scale: float
    result: LoadResult
    samples: list[Sample]
    marked: list[Marked]
    duo_counts: Mapping[str, Any]
    pushes: Mapping[str, int]
    limit: float | None
    steps: list[Step]
    mistakes: list[str]
    gateway_end: str = ""


def written_down(seen: Seen) -> Run:
    """Return the figures of a run, with the machine and the commit that they depend on."""
    scenario, result = seen.scenario, seen.result
    plan = result.plan
    looks = [look for look in figures.looks_of(seen.samples, result.began_at) if look.at_s > 0]
    seconds = figures.seconds_of(result)
    processes = figures.processes_of(_during_load(seen.samples, result))
    statuses = [sample.status for sample in seen.samples if sample.status] or [_NO_STATUS]
    first, last = statuses[0], statuses[-1]
    reasons = figures.counts_between(first, last, "reasons")
    in_time = int(np.count_nonzero(result.record.answered_at <= plan.duration_s))
    return Run(
        scenario=scenario.name,
        scenario_text=scenario.text,
        question=scenario.question,
        commit=commit(),
        machine=this_machine(),
        began=_wall_time(result.began_at),
        scale=seen.scale,
        workers=seen.n_workers,
        load=plan.described(),
        limit=seen.limit,
        p99_bound_ms=scenario.search.p99_s * 1e3 if scenario.search else None,
        steps=seen.steps,
        duration_s=plan.duration_s,
        **{name: getattr(result, name) for name in COUNTS},
        offered_rate=result.planned / plan.duration_s,
        achieved_rate=in_time / plan.duration_s,
        answered_later=result.answered - in_time,
        carried_rate=figures.carried_rate(seconds),
        outcomes=result.outcomes,
        latency_ms=figures.latencies_by_kind(result),
        curves=figures.curves_by_kind(result),
        gateway_ms=figures.share_of_gateway_ms(first, last),
        reasons=reasons,
        discards=figures.counts_between(first, last, "discards"),
        duo=_flat(seen.duo_counts),
        processes=processes,
        worker_us_per_login=figures.us_per_login(seen.samples, result.answered, ("worker",)),
        gateway_us_per_login=figures.us_per_login(seen.samples, result.answered, ("worker", "supervisor")),
        events=seen.marked,
        seconds=seconds,
        looks=looks,
        findings=[
            *findings_of_search(seen.limit, seen.steps),
            *findings_of(_tally(seen, reasons), scenario.expect),
            *failures_of(seen.marked),
            *_own_mistakes(seen),
        ],
        remarks=remarks_of(result.planned, result.unsent, result.late, processes),
    )


_NO_STATUS: dict[str, Any] = {"servers": [], "histograms": {"bounds_s": [], "servers": {}}}


def _wall_time(instant: float) -> str:
    passed_s = time.monotonic() - instant
    return datetime.fromtimestamp(time.time() - passed_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _during_load(samples: list[Sample], result: LoadResult) -> list[Sample]:
    """Return the samples taken while logins began, and at least the first and the last."""
    ends_at = result.began_at + result.plan.duration_s
    chosen = [sample for sample in samples if result.began_at <= sample.at <= ends_at]
    return chosen if len(chosen) > 1 else [samples[0], samples[-1]]


def _tally(seen: Seen, reasons: Mapping[str, int]) -> Tally:
    result = seen.result
    return Tally(
        planned=result.planned,
        sent=result.sent,
        lost=result.lost,
        unexpected=result.unexpected,
        counts=result.record.counts,
        reasons=reasons,
        pushes=seen.duo_counts["pushes"],
        excess=(Counter(seen.pushes) - result.record.push_logins).total(),
        overlapping=seen.duo_counts["overlaps"],
    )


def _own_mistakes(seen: Seen) -> Iterator[Finding]:
    if seen.gateway_end:
        yield Finding(Judgement.WRONG, f"The gateway ended during the run: {seen.gateway_end}.")
    if seen.mistakes:
        first = textwrap.shorten(seen.mistakes[0], 300, placeholder=" …")
        count = counted(len(seen.mistakes), "mistake")
        yield Finding(Judgement.WRONG, f"The gateway owns up to {count} of its own, first: {first}")


def _flat(counts: Mapping[str, Any]) -> dict[str, int]:
    """Return the referee's counts in one level: `calls auth` for what stands below."""
    flat: dict[str, int] = {}
    for name, value in counts.items():
        if isinstance(value, Mapping):
            flat.update({f"{name} {kind}": count for kind, count in value.items()})
        elif isinstance(value, int):
            flat[name] = value
    return flat
