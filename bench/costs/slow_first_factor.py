"""What a login waits longer for because another section of its worker waits for a slow home server.

Two gateways with one file, by turns as `bench.costs.pairs` has it. Each has a section whose home server is quick, and
one whose home server is not. Logins come to the quick section of both; to the slow one of the second alone, all the
time.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from bench import home_server
from bench.costs.growth import RUNS_FOR_ONE
from bench.peers.driver import DriverError
from bench.processes import (
    SECRET,
    START_TIMEOUT_S,
    GatewayConfig,
    HomeServerProcess,
    OneWorker,
    Program,
    SimulatorProcess,
    StartError,
    gateway_config,
)
from bench.radius_load.plan import LoadPlan, Phase
from bench.radius_load.processes import run_load
from bench.spread import Spread, paired

RATE: Final = 300.0  # logins a second of the quick section
SLOW_RATE: Final = 100  # of the slow one
SECONDS: Final = 5.0  # of a run
SLOW: Final = {"never answers": ("--silent",), "answers after 10 s": ("--delay", "10")}
"""What it does -> options of `bench.home_server`."""
N_ASKED: Final = 200  # as many as are asked about at a time, `max_in_flight`: then all places are taken

_SLOW_NAS: Final = "127.0.0.2"
_OVERHEAD_S: Final = 10.0  # of a run, at the most


class Figures(NamedTuple):
    """Of one run."""

    p50_ms: float
    p99_ms: float


def show(folder: Path, n_runs: int, seconds: float = SECONDS) -> list[Spread]:
    """Measure, print, and return all ratios."""
    ratios = []
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo, HomeServerProcess("--anybody") as quick:
        for number, (what, options) in enumerate(SLOW.items()):
            (own := folder / str(number)).mkdir()
            with _pair(own, duo, quick.port, options) as pair:
                lasts_s = START_TIMEOUT_S + 2 * RUNS_FOR_ONE * n_runs * (seconds + _OVERHEAD_S)
                with _slow_logins(own, pair[1], lasts_s):
                    measured = _measure(pair, RUNS_FOR_ONE * n_runs, seconds)
            for name, alone, beside in zip(
                Figures._fields, *(zip(*each, strict=True) for each in measured), strict=True
            ):
                ratios.append(_tell(f"beside one that {what}, {name[:3]}", alone, beside))
    return ratios


@contextmanager
def _pair(
    folder: Path, duo: SimulatorProcess, quick_port: int, options: tuple[str, ...]
) -> Iterator[tuple[GatewayConfig, GatewayConfig]]:
    """Run both gateways, and the slow home server, which notes in `asked` whom it is asked about."""
    with ExitStack() as stack:
        slow = stack.enter_context(HomeServerProcess("--anybody", "--log", str(folder / "asked"), *options))
        alone, beside = (_config(folder / name, duo, quick_port, slow.port) for name in ("alone", "beside"))
        for each in (alone, beside):
            stack.enter_context(OneWorker(each.path))
        yield alone, beside


def _config(folder: Path, duo: SimulatorProcess, quick_port: int, slow_port: int) -> GatewayConfig:
    home = {"host": "127.0.0.1", "secret": home_server.SECRET}
    config = gateway_config(
        folder,
        duo,
        gateway={"workers": 1, "drain_timeout_s": 0},
        kind="auto",
        home={**home, "port": quick_port},
        client="radius_client",
        preauth="needed",
    )
    server = {
        "ikey": duo.ikey,
        "skey": duo.secret_key,
        "api_host": duo.api_host,
        "port": config.port,
        "radius_ip_1": _SLOW_NAS,
        "radius_secret_1": SECRET,
        "client": "radius_client2",
        "preauth": "needed",
    }
    with config.path.open("a") as file:
        for name, keys in (("radius_server_auto2", server), ("radius_client2", {**home, "port": slow_port})):
            file.write(f"\n[{name}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items()))
    return config


@contextmanager
def _slow_logins(folder: Path, config: GatewayConfig, lasts_s: float) -> Iterator[None]:
    """Let logins come to the slow section, and wait until all places at its home server are taken."""
    (secret := folder / "secret").touch(mode=0o600)
    secret.write_text(SECRET)
    options = {
        "--target": f"127.0.0.1:{config.port}",
        "--secret-file": secret,
        "--source-network": f"{_SLOW_NAS}/32",
        "--rate": SLOW_RATE,
        "--duration": lasts_s,
        "--drain-s": 0,
    }
    words = [str(word) for pair in options.items() for word in pair]
    with Program(["bench.radius_load", *words], stream="stdout") as load:
        _wait_until_asked(folder / "asked")
        yield
        if load.process.poll() is not None:
            raise DriverError("the logins of the slow section ended before the measurement did")


def _wait_until_asked(log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while log.read_bytes().count(b"\n") < N_ASKED:
        if time.monotonic() > deadline:
            raise StartError("the slow home server was not asked")
        time.sleep(0.05)


def _measure(
    pair: tuple[GatewayConfig, GatewayConfig], n_runs: int, seconds: float
) -> tuple[list[Figures], list[Figures]]:
    """Return the figures of each of the two."""
    found: tuple[list[Figures], list[Figures]] = ([], [])
    for number in range(n_runs):
        for place in (0, 1) if number % 2 else (1, 0):
            found[place].append(_log_in(pair[place].port, seconds))
    return found


def _log_in(port: int, seconds: float) -> Figures:
    result = run_load(
        LoadPlan(
            targets=(("127.0.0.1", port),),
            shared_secret=SECRET,
            phases=(Phase(seconds, RATE, RATE),),
            password="secret",
        )
    )
    if result.unsent or result.lost or result.unexpected:
        raise DriverError(f"{result.unsent} logins were not sent, {result.lost} lost, {result.unexpected} rejected")
    return Figures(result.latency_s(50) * 1e3, result.latency_s(99) * 1e3)


def _tell(what: str, alone: tuple[float, ...], beside: tuple[float, ...]) -> Spread:
    ratio = paired(alone, beside)
    print(
        f"{what:<42} {median(alone):6.2f} ms without, then {median(beside):6.2f} ms: "
        f"{ratio.median:.2f} times as much [{ratio.low:.2f} to {ratio.high:.2f}]",
        flush=True,
    )
    return ratio
