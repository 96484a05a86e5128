"""`python -m bench.costs`: what a login costs one worker, what it weighs, how soon it serves, on this machine.

Who is measured has a core to itself where there are two; the NAS and a lean Duo that says yes to all share the others.
CPU is the process's own time, user and system, as the scheduler counts it. Figures are medians of several runs with
their range.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.cores import leave_first_core
from bench.costs import budget, floods, growth, logins, memory, starts
from bench.endings import scratch_folder
from bench.peers.driver import DriverError
from bench.processes import StartError

COSTS: dict[str, Callable[[Path, int], None]] = {
    "logins": logins.show,
    "starts": starts.show,
    "floods": floods.show,
    "memory": memory.show,
    "growth": growth.show,
    "budget": budget.show,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 3 if that could not be done."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description="What one worker costs on this machine.")
    parser.add_argument(
        "cost", nargs="?", choices=COSTS, help="(default: all but growth and budget, which take minutes)"
    )
    parser.add_argument("--runs", type=int, default=5, help="of each figure (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs: write a whole number above 0")
    n_cores = len(os.sched_getaffinity(0))
    leave_first_core()
    machine = f"{platform.machine()}, {n_cores} cores, CPython {platform.python_version()}"
    print(f"{machine}; median [range] of {options.runs} runs", flush=True)
    try:
        for name in [options.cost] if options.cost else [name for name in COSTS if name not in ("growth", "budget")]:
            with scratch_folder("radgate-bench-") as folder:
                COSTS[name](folder, options.runs)
    except (DriverError, StartError) as error:
        print(f"the figures could not be taken: {error}", file=sys.stderr)
        return 3
    return 0
