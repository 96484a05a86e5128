"""`python -m tests.micro`: what each piece of the hot path costs, in time and in work, and how that has changed.

`--update` writes the baseline of the running version of Python anew; the commit that does so says why.
"""

import argparse
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from bench.endings import in_order, scratch_folder
from tests.compiled import IS_COMPILED
from tests.micro import baseline
from tests.micro.baseline import Entry
from tests.micro.cases import CASES
from tests.micro.counting import count_work

TIMES = Path(__file__).with_name("times.py")


def main() -> int:
    """Measure, print, and store if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m tests.micro", description="What each piece of the hot path costs.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--update", action="store_true", help="make what is measured the new baseline")
    what.add_argument("--case", action="append", choices=CASES, help="measure this one alone; may be repeated")
    options = parser.parse_args()
    if options.update and IS_COMPILED:
        parser.error("the hot path is compiled, and its work cannot be counted: `make interpreted` first")
    baselines = baseline.load()
    known = baselines.get(baseline.VERSION, {})
    entries: dict[str, Entry] = {}
    tell(f"CPython {platform.python_version()}; in brackets the change since the baseline; times are the shortest")
    tell(f"{'case':<28}{'µs':>7}  {'reference loops':<17}{'instructions':<15}{'calls into C'}")
    for name, (seconds, ratio) in measure_times(options.case or CASES).items():
        entries[name] = entry = Entry(*count_work(CASES[name]()), round(ratio, 3))
        tell(f"{name:<28}{seconds * 1e6:>7.2f}  {beside(entry, known.get(name))}")
    if options.update:
        baseline.store(baseline.updated(baselines, baseline.VERSION, entries))
        tell(f"{baseline.FILE} is written; say in the commit why.")
    return 0


def tell(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def measure_times(names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return seconds of each case, and the same in reference loops."""
    cases = [f"{TIMES}::test_time[{name}]" for name in names]
    with in_order(), scratch_folder("radgate-micro-") as folder:
        report = folder / "times.json"
        options = ["--benchmark-disable-gc", "--benchmark-quiet", f"--benchmark-json={report}"]
        if pytest.main([*cases, *options, "-p", "no:terminalreporter"]):
            raise SystemExit(f"a case has failed; `pytest {TIMES}` tells why")
        benchmarks = msgspec.json.decode(report.read_bytes())["benchmarks"]
    times = {}
    for benchmark in benchmarks:
        info = benchmark["extra_info"]
        seconds = benchmark["stats"]["min"] / info["n_runs"]
        times[benchmark["params"]["name"]] = seconds, seconds / info["reference_s"]
    return times


def beside(entry: Entry, known: Entry | None) -> str:
    """Return an entry's columns, each with the change since the baseline."""
    if known is None:
        return f"{entry.ratio:<17.3f}{entry.instructions:<15}{entry.c_calls}"
    ratio = f"{entry.ratio:.3f} [{entry.ratio / known.ratio - 1:+.0%}]"
    instructions = f"{entry.instructions} [{entry.instructions / known.instructions - 1:+.0%}]"
    return f"{ratio:<17}{instructions:<15}{entry.c_calls} [{entry.c_calls - known.c_calls:+d}]"


if __name__ == "__main__":
    sys.exit(main())
