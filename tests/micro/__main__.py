"""`python -m tests.micro`: what each piece of the hot path costs, in time and in work, and how that has changed.

`--update` writes the baselines of the running Python anew, that of the compiled form too where it can be compiled and
counted; the commit that does so says why. Where the hot path is compiled in place, its own figures are shown.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from bench.endings import in_order, scratch_folder
from tests.compiled import IS_COMPILED
from tests.micro import baseline, compiled_baseline
from tests.micro.baseline import Entry
from tests.micro.cases import CASES
from tests.micro.counting import count_work
from tests.micro.instructions import BUILD, ROOT, Instructions, count_instructions, obstacle

TIMES = Path(__file__).with_name("times.py")
COMPILING = ROOT / "tools" / "compiling.py"


def main() -> int:
    """Measure, print, and store if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m tests.micro", description="What each piece of the hot path costs.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--update", action="store_true", help="make what is measured the new baseline")
    what.add_argument("--case", action="append", choices=CASES, help="measure this one alone; may be repeated")
    options = parser.parse_args()
    if options.update and IS_COMPILED:
        parser.error("the hot path is compiled, and its work cannot be counted: `make interpreted` first")
    names = options.case or list(CASES)
    if IS_COMPILED:
        show_compiled(names, count_instructions(names) if not obstacle() else {})
        return 0
    entries = show_interpreted(names)
    if options.update:
        baseline.store(baseline.updated(baseline.load(), baseline.VERSION, entries))
        tell(f"{baseline.FILE} is written; say in the commit why.")
        update_compiled(names)
    return 0


def show_interpreted(names: Sequence[str]) -> dict[str, Entry]:
    """Measure, print, and return what each case takes of the interpreter."""
    known = baseline.load().get(baseline.VERSION, {})
    entries: dict[str, Entry] = {}
    tell(f"CPython {platform.python_version()}; in brackets the change since the baseline; times are the shortest")
    tell(f"{'case':<28}{'µs':>7}  {'reference loops':<17}{'instructions':<15}{'calls into C'}")
    for name, (seconds, ratio) in measure_times(names).items():
        entries[name] = entry = Entry(*count_work(CASES[name]()), round(ratio, 3))
        tell(f"{name:<28}{seconds * 1e6:>7.2f}  {beside(entry, known.get(name))}")
    return entries


def show_compiled(names: Sequence[str], counted: Mapping[str, Instructions]) -> None:
    """Measure the times of compiled cases, and print these and the instructions of the processor."""
    known = compiled_baseline.load().get(BUILD, {})
    tell(f"{BUILD}, compiled; in brackets the change since the baseline; times are the shortest")
    tell(f"{'case':<28}{'µs':>7}  {'instructions':<16}{'of our own':<16}{'calls to others'}")
    for name, (seconds, _) in measure_times(names).items():
        columns = instructions_beside(counted[name], known.get(name)) if counted else obstacle()
        tell(f"{name:<28}{seconds * 1e6:>7.2f}  {columns}")


def update_compiled(names: Sequence[str]) -> None:
    """Compile a copy, count, and write the baseline; what keeps us from it is said, and is no failure."""
    if why_not := obstacle():
        tell(f"The baseline of the compiled form is as it was: {why_not}")
        return
    tell(f"Compiling a copy, which takes a minute or two, for {BUILD} …")
    with in_order(), scratch_folder("radgate-micro-") as folder:
        if subprocess.run([sys.executable, str(COMPILING), str(folder)], check=False).returncode:
            tell("The baseline of the compiled form is as it was.")
            return
        counted = count_instructions(names, folder)
    compiled_baseline.store(compiled_baseline.updated(compiled_baseline.load(), BUILD, counted))
    tell(f"{compiled_baseline.FILE} is written, too.")


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


def instructions_beside(counted: Instructions, known: Instructions | None) -> str:
    """Return columns, each with the change since the baseline."""
    before = known or counted
    total = f"{counted.total} [{counted.total / before.total - 1:+.0%}]"
    own = f"{counted.own} [{counted.own / before.own - 1:+.0%}]"
    return f"{total:<16}{own:<16}{counted.calls} [{counted.calls - before.calls:+d}]"


if __name__ == "__main__":
    sys.exit(main())
