"""Real processes: one simulated Duo for all tests of a run, gateways as each test wants them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from tests.integration.site import Site


@pytest.fixture(scope="session")
def shared_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("duo")) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The simulated Duo, as if it had just been started."""
    shared_simulator.heal()
    shared_simulator.post("/api/reset", {})
    yield shared_simulator
    shared_simulator.heal()


@pytest.fixture
def site(tmp_path: Path, simulator: SimulatorProcess, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A gateway for one NAS at 127.0.0.1; `site.start(...)` runs it, with the module's `N_WORKERS` or one worker."""
    site = Site(tmp_path, simulator, getattr(request.module, "N_WORKERS", 1))
    yield site
    simulator.heal()
    simulator.post("/api/reset", {})  # a push that nobody has answered would keep the gateway from ending
    site.stop()
