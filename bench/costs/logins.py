"""What a passcode login costs the worker: preauth and auth over TLS, or auth alone."""

from pathlib import Path

from bench.peers.driver import log_in
from bench.peers.runs import burst
from bench.peers.stage import Serving
from bench.processes import OneWorker, SimulatorProcess, gateway_config
from bench.spread import tell

WARM_UP = 500
N_LOGINS = 5_000
WINDOW = 64


def show(folder: Path, n_runs: int, n_logins: int = N_LOGINS) -> None:
    """Measure and print."""
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        for preauth, what in (("always", "preauth + auth"), ("needed", "auth alone")):
            config = gateway_config(folder / preauth, duo, gateway={"workers": 1}, preauth=preauth, failmode="secure")
            with OneWorker(config.path) as gateway:
                log_in(config.port, WARM_UP, WINDOW)
                serving = Serving(config.port, (gateway.worker,))
                runs = [burst(serving, WINDOW, n_logins) for _ in range(n_runs)]
            tell(f"CPU of the worker per passcode login, {what}", [run.cpu_us for run in runs], "µs")
            tell(f"logins per second, {what}, beside the lean Duo", [run.rate for run in runs], "/s")
