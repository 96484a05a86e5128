"""What `python -m bench.radius_load` does with its options: make load, or look for the limit, and tell all."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.radius_load.fleet import Progress
from bench.radius_load.limit import Step, find_limit
from bench.radius_load.options import FIELDS
from bench.radius_load.plan import NEVER, LoadError, LoadPlan
from bench.radius_load.processes import run_load
from bench.radius_load.result import LATE_S, PERCENTILES, LoadResult


def main(options: argparse.Namespace) -> int:
    """Make the load and print what became of it."""
    try:
        plan = _plan(options)
        if options.find_limit:
            return _find_limit(plan, options)
        result = run_load(plan, _tell_progress if sys.stderr.isatty() else None)
    except (OSError, ValueError, LoadError) as error:
        print(f"radius_load: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines(result)))
    _write(options.json, {"plan": plan.described(), "result": result.summary()})
    return 0 if is_clean(result) else 1


def lines(result: LoadResult) -> list[str]:
    """Return what became of the load, for people."""
    latencies = (f"p{percentile:g} {result.latency_s(percentile) * 1e3:.2f} ms" for percentile in PERCENTILES)
    return [
        f"planned   {result.planned:>10,} logins in {result.plan.duration_s:g} s",
        f"sent      {result.sent:>10,}, unsent {result.unsent:,}, more than {LATE_S * 1e3:g} ms late {result.late:,}",
        f"answered  {result.answered:>10,}, lost {result.lost:,}, with a wrong outcome {result.unexpected:,}",
        *(f"  {name}: {_counted(outcomes)}" for name, outcomes in result.outcomes.items()),
        f"latency   {', '.join(latencies)}",
        f"counted   {_counted(result.record.counts)}",
    ]


def is_clean(result: LoadResult) -> bool:
    """Whether every login was sent, answered to all who asked, and answered rightly."""
    wrong = sum(result.record.counts[name] for name in ("half_answered", "contradictions", *NEVER))
    return not (result.unsent + result.lost + result.unexpected + wrong)


def _plan(options: argparse.Namespace) -> LoadPlan:
    texts = {name: value for name in FIELDS if (value := getattr(options, name)) is not None}
    texts["targets"] = " ".join(options.target)
    texts["phases"] = options.phases or f"{options.rate:g}x{options.duration:g}"
    return LoadPlan.from_texts(texts, shared_secret=options.secret_file.read_text().strip())


def _find_limit(plan: LoadPlan, options: argparse.Namespace) -> int:
    limit = find_limit(plan, first_rate=options.rate, step_s=options.duration, on_step=_tell_step)
    print(f"{limit.rate:,.0f} logins per second are carried")
    steps = [{"rate": rate, "complaint": text, **result.summary()} for rate, text, result in limit.steps]
    _write(options.json, {"plan": plan.described(), "rate": limit.rate, "steps": steps})
    return 0 if limit.rate else 1


def _write(path: Path | None, content: dict[str, Any]) -> None:
    if path:
        path.write_text(json.dumps(content, indent=1) + "\n")


def _tell_step(step: Step) -> None:
    p99_ms = step.result.latency_s(99, accepted_only=True) * 1e3
    print(f"{step.rate:>10,.0f}/s  {step.complaint or f'carried, p99 {p99_ms:.1f} ms'}", flush=True)


def _tell_progress(progress: Progress) -> None:
    told = _counted(progress._asdict() | {"at_s": round(progress.at_s)})
    print(f"\r{told} ", end="", file=sys.stderr, flush=True)


def _counted(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items()) or "nothing"
