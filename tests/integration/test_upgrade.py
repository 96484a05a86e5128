"""The code on disk takes the place of the running one in the same process; no login is lost, or nothing changes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import gateway
from bench.processes import GatewayProcess, SimulatorProcess, free_udp_port
from gateway.supervisor.control_client import Declined
from gateway.supervisor.control_client import ask as ask_control
from tests.integration.pending import N_PUSHES, approve_all, ask, people, pushes
from tests.integration.site import Site, call_radgate
from tests.integration.test_console import status_of, until

pytestmark = pytest.mark.integration


def copy_code(site: Site) -> Path:
    """Copy the code, for a gateway of its own; what is compiled of it stays valid, as times are copied, too."""
    folder = site.folder / "code" / "gateway"
    shutil.copytree(Path(gateway.__file__).parent, folder)
    return folder


def start(site: Site, code: Path, **options: Any) -> GatewayProcess:
    """Run a copy of the code."""
    site.configure(**options)
    environment = {**os.environ, "PYTHONPATH": str(code.parent)}
    return GatewayProcess(site.config, env=environment)


def free_tcp_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def upgrade(site: Site) -> "subprocess.CompletedProcess[str]":
    """Run the command in this process: it only asks the gateway."""
    return call_radgate("upgrade", "--config", str(site.config))


def test_it_is_the_same_process_with_other_code_and_all_goes_on(site: Site):
    users, code = people(site), copy_code(site)
    with start(site, code, gateway=f"console=127.0.0.1:{free_tcp_port()}") as running:
        asked = ask(site, users)
        octets = site.nas().send("alice", "123456")
        text = (code / "__init__.py").read_text()
        (code / "__init__.py").write_text(f'{text}\n__version__ = "9.9"\n')
        upgraded = site.radgate("upgrade")
        assert upgraded.returncode == 0, upgraded.stderr + site.log_text
        pid = running.process.pid
        assert upgraded.stdout == f"radgate upgraded: version 9.9, before {gateway.__version__} serves (pid {pid})\n"
        assert int((site.folder / "run" / "radgate.pid").read_text()) == pid
        until(lambda: status_of(site)["console"]["state"] == "ready")
        for nas, octets in asked:
            nas.send_octets(octets)
        approve_all(site)
        assert all(nas.receive().is_accept for nas, _ in asked)
        assert pushes(site, users) == [1] * N_PUSHES
        assert upgrade(site).returncode == 0
        assert site.nas().login("alice", "123456").is_accept
        assert running.stop() == 0
    assert list((site.folder / "run").iterdir()) == []
    assert "Traceback" not in site.log_text


@pytest.fixture(scope="module")
def lasting_site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("lasting"), shared_simulator)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def lasting_code(lasting_site: Site) -> Path:
    return copy_code(lasting_site)


@pytest.fixture(scope="module")
def lasting_gateway(lasting_site: Site, lasting_code: Path) -> Iterator[GatewayProcess]:
    """For upgrades that are refused: it stays what it is."""
    with start(lasting_site, lasting_code) as running:
        yield running


@pytest.fixture
def spoil(lasting_code: Path) -> Iterator[Callable[[str], None]]:
    """Write nonsense into a module until the end of the test."""
    with ExitStack() as stack:

        def spoil(module: str) -> None:
            path = lasting_code / module
            stack.callback(path.write_text, path.read_text())
            path.write_text("import a_module_that_is_not_there\n")

        yield spoil


@pytest.mark.parametrize("module", ["cli/run.py", "supervisor/arbiter.py", "worker/__main__.py", "__init__.py"])
def test_code_that_does_not_start_changes_nothing(
    simulator: SimulatorProcess,
    lasting_site: Site,
    lasting_gateway: GatewayProcess,
    spoil: Callable[[str], None],
    module: str,
):
    ((nas, _),) = ask(lasting_site, people(lasting_site, 1))
    before = lasting_gateway.worker_pids()
    spoil(module)
    refused = upgrade(lasting_site)
    assert refused.returncode == 2
    assert "the code on disk does not start: ModuleNotFoundError" in refused.stderr
    assert "radgate: not upgraded; nothing was changed" in refused.stderr
    assert lasting_gateway.worker_pids() == before
    approve_all(lasting_site)
    assert nas.receive().is_accept


def test_errors_of_the_file_change_nothing(
    simulator: SimulatorProcess, lasting_site: Site, lasting_gateway: GatewayProcess
):
    site, text = lasting_site, lasting_site.config.read_text()
    before = lasting_gateway.worker_pids()
    site.configure(failmode="perhaps")
    refused = upgrade(site)
    assert (refused.returncode, "failmode" in refused.stderr) == (2, True)
    site.config.write_text(text.replace(f"run_dir={site.folder}", f"run_dir={site.folder}/else"))
    with pytest.raises(Declined) as declined:
        ask_control(str(site.folder / "run"), "upgrade", 60.0)
    (problem,) = declined.value.problems
    assert problem.startswith(f"{site.config}: run_dir can change only at a restart")
    site.config.write_text(text)
    assert lasting_gateway.worker_pids() == before


def test_signals_wait_for_the_new_code_and_a_stop_remains_one(site: Site):
    gateway = site.start().gateway
    upgrading = subprocess.Popen([sys.executable, "-P", "-m", "gateway", "upgrade", "--config", str(site.config)])
    until(lambda: "Leaving this process to the code on disk" in site.log_text)
    gateway.signal(signal.SIGUSR1)
    until(lambda: not gateway.worker_pids())
    for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM):
        gateway.signal(number)
    status = gateway.process.wait(60), upgrading.wait(60)
    assert status[0] == 0, f"{status} {site.log_text}"
    assert status[1] != 0


def test_requests_wait_in_the_sockets(site: Site):
    """One is sent after each worker has gone, and before there is another one."""
    gateway = site.start().gateway
    (before,) = gateway.worker_pids()
    upgrading = subprocess.Popen([sys.executable, "-P", "-m", "gateway", "upgrade", "--config", str(site.config)])
    nas = site.nas()
    until(lambda: not gateway.worker_pids())
    nas.send("alice", "123456")
    assert upgrading.wait(60) == 0
    assert nas.receive().is_accept
    assert before not in gateway.worker_pids()


def test_addresses_may_change_with_it(site: Site):
    ((nas, _),) = ask(site.start(), people(site, 1))
    former, site.port = site.port, free_udp_port()
    site.configure(port=site.port)
    assert upgrade(site).returncode == 0
    approve_all(site)
    assert site.nas().login("alice", "123456").is_accept
    assert not nas.has_reply()  # its way back was the socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("0.0.0.0", former))  # nobody has it any more
