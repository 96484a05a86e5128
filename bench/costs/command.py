"""`python -m bench.costs`: what a login costs one worker, what it weighs, how soon it serves, on this machine.

Who is measured has a core to itself where there are two; the NAS and a lean Duo that says yes to all share the others.
CPU is the process's own time, user and system, as the scheduler counts it. Figures are medians of several runs with
their range. `pairs` measures two installations by turns, and says what one costs by the other.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from bench.cores import leave_first_core
from bench.costs import budget, first_factor, fleet, floods, growth, logins, memory, pairs, starts
from bench.costs.growth import RUNS_FOR_ONE
from bench.endings import scratch_folder
from bench.peers.driver import DriverError
from bench.processes import StartError

COSTS: dict[str, Callable[[Path, int], None]] = {
    "logins": logins.show,
    "starts": starts.show,
    "floods": floods.show,
    "memory": memory.show,
    "budget": budget.show,
}
RATIOS = ("growth", "pairs", "fleet", "first-factor", "slow-first-factor", "directory")
GROWTH, PAIRS, FLEET, FIRST_FACTOR, SLOW, DIRECTORY = RATIOS
LONG = ("budget", *RATIOS)
EPILOG = f"""\
{PAIRS}, for example: an older installation beside this one, each login at 0.65 of its cost or less
  python -m bench.costs {PAIRS} --before /opt/radgate-old --at-most 0.65
many clients, sections, pushes pending and logins before, each at 1.05 of the cost of none or less
  python -m bench.costs {GROWTH} --at-most 1.05
logins that are claimed in a store, beside the same logins without a fleet; needs valkey-server or redis-server
  python -m bench.costs {FLEET}
logins whose password a home server checks before Duo, beside logins without one
  python -m bench.costs {FIRST_FACTOR}
logins whose password a directory checks, over TLS and in the clear, beside logins without one
  python -m bench.costs {DIRECTORY}
the latency of such logins, beside those of another section whose home server does not answer, each at 1.1 or less
  python -m bench.costs {SLOW} --at-most 1.1

exit status:
  0  all was measured
  1  a ratio is above --at-most
  2  wrong arguments
  3  it could not be measured
  130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is as `--help` says."""
    options = _options(arguments)
    n_cores = len(os.sched_getaffinity(0))
    leave_first_core()
    machine = f"{platform.machine()}, {n_cores} cores, CPython {platform.python_version()}"
    what = (
        f"[quartiles] of {RUNS_FOR_ONE * options.runs} pairs"
        if options.cost in RATIOS
        else f"[range] of {options.runs} runs"
    )
    print(f"{machine}; median {what}", flush=True)
    try:
        if options.cost in RATIOS:
            return _show_ratios(options)
        for name in [options.cost] if options.cost else [name for name in COSTS if name not in LONG]:
            with scratch_folder("radgate-bench-") as folder:
                COSTS[name](folder, options.runs)
    except (DriverError, StartError) as error:
        print(f"the figures could not be taken: {error}", file=sys.stderr)
        return 3
    return 0


def _show_ratios(options: argparse.Namespace) -> int:
    with scratch_folder("radgate-bench-") as folder:
        if options.cost == PAIRS:
            ratios = pairs.show(folder, options.runs, (options.before, options.after))
        elif options.cost == FLEET:
            ratios = fleet.show(folder, options.runs)
        elif options.cost == FIRST_FACTOR:
            ratios = first_factor.show(folder, options.runs)
        elif options.cost == DIRECTORY:
            ratios = first_factor.show_directory(folder, options.runs)
        elif options.cost == SLOW:
            ratios = import_module("bench.costs.slow_first_factor").show(folder, options.runs)  # which wants numpy
        else:
            ratios = growth.show(folder, options.runs)
    too_dear = [ratio for ratio in ratios if options.at_most is not None and ratio.median > options.at_most]
    if too_dear:
        print(f"{len(too_dear)} of {len(ratios)} ratios are above {options.at_most:g}", file=sys.stderr)
    return int(bool(too_dear))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.costs",
        description="What one worker costs on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "cost",
        nargs="?",
        choices=[*COSTS, *RATIOS],
        help=f"(default: all but {', '.join(LONG)}, which take minutes)",
    )
    add("--runs", type=int, default=5, help="of each figure; of a ratio three times as many (default: %(default)s)")
    add("--before", type=_python, metavar="VENV", help=f"for {PAIRS}: the installation to compare with")
    add("--after", type=_python, metavar="VENV", default=sys.executable, help="the other one (default: this one)")
    add("--at-most", type=float, metavar="RATIO", help="exit status 1 if a ratio is above this")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs: write a whole number above 0")
    if (options.cost == PAIRS) is not bool(options.before):
        parser.error(f"{PAIRS} needs --before VENV, and nothing else does")
    if options.at_most is not None and options.cost not in RATIOS:
        parser.error(f"--at-most: only {', '.join(RATIOS)} have ratios")
    return options


def _python(text: str) -> str:
    """Return the interpreter of a virtual environment, which may itself be named."""
    path = Path(text, "bin", "python") if Path(text).is_dir() else Path(text)
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{text!r}: there is no bin/python; write the folder of a virtual environment")
    return str(path.absolute())
