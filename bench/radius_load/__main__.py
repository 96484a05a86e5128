"""`python -m bench.radius_load --target 127.0.0.1:1812 --secret-file F --rate 2000 --duration 30`: make load, tell all.

Exit status: 0 = every login was sent and answered rightly, 1 = not so, 2 = a mistake in what was asked for.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.endings import in_order
from bench.radius_load.fleet import Progress
from bench.radius_load.limit import Step, find_limit
from bench.radius_load.plan import LoadPlan
from bench.radius_load.processes import LoadError, run_load
from bench.radius_load.result import LATE_S, NEVER, PERCENTILES, LoadResult

_FIELDS = {
    "mix": "shares of the kinds of login: passcode=0.8 wrong_passcode=0.1 push=0.1 push_denied=0 push_unanswered=0",
    "n_users": "how many there are; nobody logs in twice at a time",
    "zipf": "exponent by which the first users log in more often (default: all alike)",
    "n_nas": "source addresses and ports of the NAS, each with 256 Identifiers",
    "source_network": "where the NAS have their addresses, such as 127.64.0.0/16",
    "retransmission": "none, rfc5080, aws, and fields: 'rfc5080 tries=3'",
    "n_processes": "that send, side by side",
    "cores": "that the processes are put on, in turn: '1' or '1 2'",
    "seed": "of users and waits",
    "drain_s": "how long answers are awaited after the last login",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the load and print what became of it."""
    options = _parser().parse_args(arguments)
    try:
        plan = _plan(options)
        with in_order():
            if options.find_limit:
                return _find_limit(plan, options)
            result = run_load(plan, _tell_progress if sys.stderr.isatty() else None)
    except (OSError, ValueError, LoadError) as error:
        print(f"radius_load: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.radius_load", description="Make RADIUS load and tell what became of it."
    )
    parser.add_argument("--target", metavar="ADDRESS:PORT", action="append", required=True, help="again for more")
    parser.add_argument("--secret-file", metavar="FILE", type=Path, required=True, help="holds the shared secret")
    parser.add_argument("--rate", type=float, default=1000.0, help="logins per second (default: %(default)g)")
    parser.add_argument("--duration", metavar="SECONDS", type=float, default=10.0, help="(default: %(default)g)")
    parser.add_argument("--phases", metavar="'RATE[-RATE]xSECONDS …'", help="in place of rate and duration")
    parser.add_argument("--find-limit", action="store_true", help="double the rate until it is not carried, then halve")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write plan and result there")
    for name, text in _FIELDS.items():
        parser.add_argument("--" + name.replace("_", "-"), metavar=name.upper(), help=text)
    return parser


def _plan(options: argparse.Namespace) -> LoadPlan:
    texts = {name: value for name in _FIELDS if (value := getattr(options, name)) is not None}
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


if __name__ == "__main__":
    sys.exit(main())
