"""`python -m bench.peers`: the gateway beside its alternatives: logins a second, CPU, latency, memory, pending pushes.

Each peer has a core to itself where there are two; the NAS and a lean Duo that says yes share the others. Peers take
turns, round by round, so that a machine's changing speed meets them all; each stands in the table with the number of
logins in flight at which it carried most.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.cores import leave_first_core
from bench.endings import scratch_folder
from bench.peers import freeradius
from bench.peers.driver import MOST_IN_FLIGHT, PASSCODE, DriverError
from bench.peers.line_up import LINE_UP
from bench.peers.pending import APPROVAL_S, N_LOGINS, PUSH, pushes_held
from bench.peers.runs import Line, measure, memory_mb
from bench.peers.stage import Stage
from bench.peers.table import as_json, show
from bench.processes import HomeServerProcess, SimulatorProcess, StartError

NOTES = f"""\
calls: of Duo, auth alone or preauth and auth. window: logins in flight. CPU µs:
a login's, of all processes and threads that serve. MB: proportional share,
loaded. busy: CPU seconds a second; below about 90 % the NAS, the simulated Duo
or others on this machine were the limit, and CPU is what to compare.
held: of {N_LOGINS} pushes asked for at once and approved after {APPROVAL_S:.0f} s, those not kept
waiting for others. FreeRADIUS has {freeradius.N_THREADS} threads with a kept-alive connection
each; calls are signed where nothing is said. The floor is the least that Python
can do for one call, and no gateway: see bench/peers/floor.py.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 1 if a peer failed."""
    options = _options(arguments)
    lines = [Line(peer, why_not=peer.missing()) for peer in LINE_UP if not options.only or peer.name in options.only]
    n_missing = sum(bool(line.why_not) for line in lines)
    leave_first_core()
    with scratch_folder("radgate-peers-") as folder:
        compare(lines, folder, options.runs, options.windows, options.logins)
        hold_pushes(lines, folder)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}"
    print(f"{machine}; median [range] of {options.runs} runs")
    show(lines, NOTES)
    if options.json:
        content = {"machine": machine, "n_logins": options.logins, "peers": as_json(lines)}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return int(sum(bool(line.why_not) for line in lines) > n_missing)


def compare(lines: Sequence[Line], folder: Path, n_runs: int, windows: Sequence[int], n_logins: int) -> None:
    """Measure all peers by turns."""
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo, HomeServerProcess("--anybody") as home:
        for number in range(n_runs):
            for line in _well(lines, f"round {number + 1} of {n_runs}"):
                with _failing(line), line.peer.start(_stage(line, folder, duo, home=home)) as serving:
                    line.rounds.append(measure(line.peer, serving, windows, n_logins))
                    line.memory_mb.append(memory_mb(serving))


def hold_pushes(lines: Sequence[Line], folder: Path) -> None:
    """See how many pushes each peer holds at once."""
    approval = ("--approval", f"constant:{APPROVAL_S}")
    with SimulatorProcess(folder / "slow-duo", *approval, module="bench.lean_duo") as duo:
        for line in _well([line for line in lines if line.peer.takes_push], "pushes"):
            with _failing(line), line.peer.start(_stage(line, folder, duo, PUSH)) as serving:
                line.n_held = pushes_held(serving.port)


def _well(lines: Sequence[Line], what: str) -> Iterator[Line]:
    """Go through the peers that are there and have not failed; say who it is."""
    for line in lines:
        if not line.why_not:
            print(f"{what}: {line.peer.name}", file=sys.stderr)
            yield line


def _stage(
    line: Line,
    folder: Path,
    duo: SimulatorProcess,
    password: bytes = PASSCODE,
    home: HomeServerProcess | None = None,
) -> Stage:
    own = folder / line.peer.name
    own.mkdir(exist_ok=True)
    return Stage(own, duo, password, home)


@contextmanager
def _failing(line: Line) -> Iterator[None]:
    """Note that a peer failed; the others go on."""
    try:
        yield
    except (DriverError, StartError) as error:
        line.why_not = str(error)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench peers", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    names = [peer.name for peer in LINE_UP]
    add("--only", nargs="+", choices=names, metavar="PEER", help=f"of {', '.join(names)} (default: all)")
    add("--runs", type=int, default=5, help="of each peer (default: %(default)s)")
    add("--logins", type=int, default=5000, help="in each run, if they take no longer than 5 s (default: %(default)s)")
    add("--windows", type=_windows, default="16,32,64,128", help="logins in flight to try (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write all that was measured")
    return parser.parse_args(arguments)


def _windows(text: str) -> list[int]:
    windows = [int(each) for each in text.split(",")]
    if not all(1 <= each <= MOST_IN_FLIGHT for each in windows):
        raise argparse.ArgumentTypeError(f"write numbers from 1 to {MOST_IN_FLIGHT}, with commas between")
    return windows
