"""What a login costs a worker whose host shares it with others, by what it costs one whose host does not.

The same installation twice, by turns as `bench.costs.pairs` has it; the second has [fleet], and a store on this machine
that answers at once. Nobody else asks for these logins: each is claimed, and granted.
"""

import base64
import os
import sys
from pathlib import Path
from statistics import median

from bench.costs.growth import RUNS_FOR_ONE
from bench.costs.pairs import CALLS, measure
from bench.processes import SimulatorProcess
from bench.spread import Spread, tell_pair
from bench.store import StoreProcess


def show(folder: Path, n_runs: int, shorter: int = 1) -> list[Spread]:
    """Measure, print, and return all ratios; `shorter` is how many times as short the bursts are."""
    ratios = []
    pythons = (sys.executable, sys.executable)
    keys: dict[str, object] = {"fleet_key_file": _key_file(folder), "name": "gw-a", "patience_ms": 500}
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        for what, preauth in CALLS.items():
            (own := folder / preauth).mkdir()
            with StoreProcess(own / "store") as store:  # of its own: one that remembers a login has it claimed twice
                fleet = {**keys, "engine": store.url}
                measured = measure(own, duo, preauth, pythons, RUNS_FOR_ONE * n_runs, shorter, fleet)
            for window, (alone, shared) in measured.items():
                ratios.append(tell_pair(f"{what}, {window} in flight", alone, shared))
                print(f"  a claim: {median(b - a for a, b in zip(alone, shared, strict=True)):.1f} µs", flush=True)
    return ratios


def _key_file(folder: Path) -> Path:
    path = folder / "fleet.key"
    path.touch(mode=0o600)
    path.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    return path
