"""Real processes: one simulated Duo for all tests of a run, gateways as each test wants them."""

import json
import random
import string
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from tests.integration.shared import SharedGateways, SharedSite
from tests.integration.site import Site

SITES = ("site", "hosts", "pair")  # fixtures that run gateways
MOST_LINES = 40
APPLICATIONS = [*["auth"] * 64, *["radius_v1"] * 4]  # sections of a shared gateway have one each


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the gateways of a test that fails have logged last."""
    report = yield
    if report.failed:
        found = [getattr(item, "funcargs", {}).get(name, ()) for name in SITES]
        sites = [site for each in found for site in (each if isinstance(each, list) else [each]) if site]
        report.sections += [(f"Log of {site.config}", last_lines(site.log_text)) for site in dict.fromkeys(sites)]
    return report


def last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-MOST_LINES:])


@pytest.fixture(scope="session")
def shared_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    folder = tmp_path_factory.mktemp("duo")
    (folder / "application.json").write_text(json.dumps({"applications": [application(kind) for kind in APPLICATIONS]}))
    with SimulatorProcess(folder) as simulator:
        yield simulator


def application(kind: str) -> dict[str, str]:
    """Keys in the form of Duo's; the simulator finds them as those of an earlier run."""
    ikey = "DI" + "".join(random.choices(string.ascii_uppercase + string.digits, k=18))
    return {"ikey": ikey, "skey": "".join(random.choices(string.ascii_letters, k=40)), "kind": kind}


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


@pytest.fixture(scope="module")
def shared_gateways(
    tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess, request: pytest.FixtureRequest
) -> Iterator[SharedGateways]:
    n_workers = getattr(request.module, "N_WORKERS", 1)
    folder = tmp_path_factory.mktemp("shared")
    gateways = SharedGateways(folder, shared_simulator, request.module.SECTIONS, n_workers)
    yield gateways
    gateways.stop()


@pytest.fixture
def shared(tmp_path: Path, simulator: SimulatorProcess, shared_gateways: SharedGateways) -> Iterator[SharedSite]:
    """A section of a gateway that a file's tests share; `shared.start(...)` takes one of the file's `SECTIONS`."""
    site = SharedSite(tmp_path, simulator, shared_gateways)
    yield site
    simulator.heal()
    simulator.post("/api/reset", {})  # nobody waits for a person when the next test begins
    site.stop()
