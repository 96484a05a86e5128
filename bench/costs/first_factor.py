"""What a login costs a worker that asks a first factor before Duo, by what it costs one that asks Duo alone.

The same installation twice, by turns as `bench.costs.pairs` has it: a `[radius_server_auto]`, whose users type a
password in front of their passcode. With `[duo_only_client]` nobody looks at the password; else a home server or a
directory on this machine says yes to it at once. So nothing differs but the question, and what the log says of it.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import home_server
from bench.costs.growth import RUNS_FOR_ONE
from bench.costs.pairs import CALLS, WARM_UP, WINDOWS
from bench.directory.people import PASSWORD
from bench.directory.process import DirectoryProcess
from bench.peers.driver import PASSCODE, log_in
from bench.peers.runs import burst
from bench.peers.stage import Serving
from bench.processes import HomeServerProcess, OneWorker, SimulatorProcess, gateway_config
from bench.spread import Spread, tell_pair

WAYS: Final = tuple(product(("plain", "ntlm2"), ("ldaps", "clear")))
"""Keys `auth_type` and `transport`."""
TYPED: Final = PASSWORD.encode() + b"," + PASSCODE

FirstFactor = Mapping[str, Any]
"""What `gateway_config` is told of a first factor."""


def show(folder: Path, n_runs: int, shorter: int = 1) -> list[Spread]:
    """Measure a home server, print, and return all ratios; `shorter` is how many times as short the bursts are."""
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo, HomeServerProcess("--anybody") as home:
        keys = {"host": "127.0.0.1", "port": home.port, "secret": home_server.SECRET}
        return _show(folder, duo, n_runs, shorter, {"home": keys, "client": "radius_client"})


def show_directory(folder: Path, n_runs: int, shorter: int = 1) -> list[Spread]:
    """Measure a directory in the same way, by each kind of bind, over TLS and in the clear."""
    ratios = []
    options = ("--anybody", "--dir", str(folder / "certificates"))
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo, DirectoryProcess(*options) as directory:
        for number, (auth_type, transport) in enumerate(WAYS):
            print(f"auth_type={auth_type} transport={transport}", flush=True)
            (own := folder / str(number)).mkdir()  # the path of a socket in it may have 107 octets
            keys = directory.client_keys(transport, auth_type=auth_type)
            first = {"directory": keys, "client": "ad_client"}
            ratios += _show(own, duo, n_runs, shorter, first)
    return ratios


def _show(folder: Path, duo: SimulatorProcess, n_runs: int, shorter: int, first: FirstFactor) -> list[Spread]:
    ratios = []
    for what, preauth in CALLS.items():
        (own := folder / preauth).mkdir()
        with _pair(own, duo, preauth, first) as pair:
            measured = _measure(pair, RUNS_FOR_ONE * n_runs, shorter)
        for window, (alone, after) in measured.items():
            ratios.append(tell_pair(f"{what}, {window} in flight", alone, after))
            costs = median(b - a for a, b in zip(alone, after, strict=True))
            print(f"  a first factor: {costs:.1f} µs", flush=True)
    return ratios


@contextmanager
def _pair(folder: Path, duo: SimulatorProcess, preauth: str, first: FirstFactor) -> Iterator[list[Serving]]:
    one: FirstFactor = {"gateway": {"workers": 1}, "preauth": preauth, "kind": "auto"}
    alone = gateway_config(folder / "alone", duo, client="duo_only_client", **one)
    after = gateway_config(folder / "after", duo, **one, **first)
    with ExitStack() as stack:
        workers = [stack.enter_context(OneWorker(each.path, python=sys.executable)).worker for each in (alone, after)]
        yield [Serving(each.port, (worker,)) for each, worker in zip((alone, after), workers, strict=True)]


def _measure(pair: list[Serving], n_runs: int, shorter: int) -> dict[int, tuple[list[float], list[float]]]:
    """Return CPU microseconds per login by logins in flight, of each of the two."""
    for serving in pair:
        log_in(serving.port, WARM_UP, max(WINDOWS), password=TYPED)
    found: dict[int, tuple[list[float], list[float]]] = {window: ([], []) for window in WINDOWS}
    for number in range(n_runs):
        for window, n_logins in WINDOWS.items():
            for place in (0, 1) if number % 2 else (1, 0):
                found[window][place].append(burst(pair[place], window, n_logins // shorter, password=TYPED).cpu_us)
    return found
