"""What a login costs an installation of the gateway, by that of another one: an older version, another Python.

Both run one worker on the same core and are given the same passcode logins by turns, now the one first and now the
other: what the machine's mood does, it does to both. The figure is the ratio of their CPU per login, pair by pair.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.costs.growth import RUNS_FOR_ONE
from bench.peers.driver import log_in
from bench.peers.runs import burst
from bench.peers.stage import Serving
from bench.processes import OneWorker, SimulatorProcess, StartError, gateway_config
from bench.spread import Spread, tell_pair

WARM_UP = 1_000
WINDOWS = {1: 1_000, 64: 2_500}
"""Logins in flight -> logins of a burst."""
CALLS = {"one call": "needed", "two calls": "always"}


def show(folder: Path, n_runs: int, pythons: tuple[str, str], shorter: int = 1) -> list[Spread]:
    """Measure, print, and return all ratios; `shorter` is how many times as short the bursts are."""
    for what, python in zip(("before", "after"), pythons, strict=True):
        print(f"{what + ':':<8}{python}: {told_by(python)}", flush=True)
    ratios = []
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        for what, preauth in CALLS.items():
            (own := folder / preauth).mkdir()
            measured = measure(own, duo, preauth, pythons, RUNS_FOR_ONE * n_runs, shorter)
            ratios += [tell_pair(f"{what}, {window} in flight", *pair) for window, pair in measured.items()]
    return ratios


def measure(
    folder: Path,
    duo: SimulatorProcess,
    preauth: str,
    pythons: tuple[str, str],
    n_runs: int,
    shorter: int,
    fleet: Mapping[str, object] | None = None,
) -> dict[int, tuple[list[float], list[float]]]:
    """Return CPU microseconds per login by logins in flight: of the first installation and of the second.

    Each login is somebody else's: a host that shares its logins remembers for a while how each has ended.

    `fleet` are the keys of the second one's [fleet]; None for none.
    """
    first, second = (
        gateway_config(folder / name, duo, gateway={"workers": 1}, fleet=keys, preauth=preauth, failmode="secure")
        for name, keys in (("before", None), ("after", fleet))
    )
    with OneWorker(first.path, python=pythons[0]) as one, OneWorker(second.path, python=pythons[1]) as other:
        pair = Serving(first.port, (one.worker,)), Serving(second.port, (other.worker,))
        for serving in pair:
            log_in(serving.port, WARM_UP, max(WINDOWS))
        first_user = WARM_UP
        found: dict[int, tuple[list[float], list[float]]] = {window: ([], []) for window in WINDOWS}
        for number in range(n_runs):
            for window, n_logins in WINDOWS.items():
                for place in (0, 1) if number % 2 else (1, 0):
                    run = burst(pair[place], window, n_logins // shorter, first_user=first_user)
                    found[window][place].append(run.cpu_us)
                first_user += n_logins
        return found


def told_by(python: str) -> str:
    """Return what an installation says that it is, in one line.

    Raises:
        StartError: there is none.
    """
    try:
        told = subprocess.run(
            [python, "-P", "-m", "gateway", "version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(f"there is no radgate in {python}: {error}") from error
    return ", ".join(told.stdout.splitlines())
