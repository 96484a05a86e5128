"""How soon a gateway of two workers serves, and what a worker weighs then."""

import time
from pathlib import Path

from bench.cores import allow_all_cores, proportional_share, resident
from bench.processes import GatewayProcess, SimulatorProcess, gateway_config
from bench.spread import tell


def show(folder: Path, n_runs: int) -> None:
    """Measure and print."""
    starts, sizes, shares = [], [], []
    with SimulatorProcess(folder / "duo", module="bench.lean_duo") as duo:
        config = gateway_config(folder / "gateway", duo, gateway={"workers": 2})
        for _ in range(n_runs):
            began = time.monotonic()
            with GatewayProcess(config.path, preexec_fn=allow_all_cores) as gateway:
                starts.append(time.monotonic() - began)
                for pid in gateway.worker_pids():
                    sizes.append(resident(pid) / 1e6)
                    shares.append(proportional_share(pid) / 1e6)
    tell("from start to ready, two workers", starts, "s", 2)
    tell("memory of a worker at start (RSS)", sizes, "MB", 1)
    tell("of that its own share (PSS)", shares, "MB", 1)
