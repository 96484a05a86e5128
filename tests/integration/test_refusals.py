"""Files that no gateway could start with: check says so, reload says why, and restart stops nobody for them."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest

from bench.processes import SimulatorProcess
from tests.config.certificates import certificate
from tests.integration.site import Site, call_radgate

pytestmark = pytest.mark.integration

Change = Callable[[Site], object]


def no_line_end(site: Site) -> None:
    pem, _ = certificate()
    (site.folder / "damaged.pem").write_bytes(pem.rstrip() + pem)
    site.configure(ca="damaged.pem")


def pipe(site: Site) -> None:
    os.mkfifo(site.folder / "pipe")
    site.configure(skey=None, skey_file="pipe")


def log_below_a_file(site: Site) -> None:
    (site.folder / "file").touch()
    rewrite(site, "log_dir", "file/log")


def log_that_is_a_folder(site: Site) -> None:
    (site.folder / "other" / "authproxy.log").mkdir(parents=True)
    rewrite(site, "log_dir", "other")


def rewrite(site: Site, key: str, value: str) -> None:
    """Give another value to a key that every file of these tests has."""
    site.config.write_text(re.sub(rf"(?m)^{key}=.*$", f"{key}={value}", site.config.read_text()))


def radgate(site: Site, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that comes to no more than asking and refusing, in this process."""
    return call_radgate(command, "--config", str(site.config))


CHANGES: dict[str, tuple[Change, str]] = {
    "a damaged bundle": (no_line_end, "] http_ca_certs_file: '{}/damaged.pem' cannot be used: line "),
    "a pipe": (pipe, "] skey_file: cannot read '{}/pipe': it is a pipe"),
    "a user that is not there": (lambda site: site.configure(gateway="user=no-such-one"), "there is no user no-such"),
    "an address of others": (lambda site: site.configure(interface="192.0.2.1"), "no interface of this machine"),
    "a broadcast address": (lambda site: site.configure(interface="127.255.255.255"), "no interface of this machine"),
    "a charset": (lambda site: site.configure(pw_codec="utf-16"), "] pw_codec: 'utf-16' cannot read a password"),
    "no time": (lambda site: site.configure(api_timeout="0.001"), "] api_timeout: '0.001' is too short"),
    "a log below a file": (log_below_a_file, "cannot write logs to {}/file/log: Not a directory"),
    "a log that is a folder": (log_that_is_a_folder, "cannot write logs to {}/other: Is a directory"),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("running"), shared_simulator)
    yield site.start()
    site.stop()


@pytest.fixture
def started(running: Site, simulator: SimulatorProcess) -> Site:
    """A gateway with the file that it was started with; nothing in these tests gives it another one."""
    running.configure()
    return running


@pytest.mark.parametrize("name", CHANGES)
def test_who_serves_serves_on_and_everybody_who_asks_is_told_why(started: Site, name: str):
    n_said = len(started.log_text)
    change, text = CHANGES[name]
    text = text.format(started.folder)
    change(started)
    checked = radgate(started, "check")
    assert (checked.returncode, text in checked.stdout) == (2, True), checked.stdout
    reloaded = started.radgate("reload")
    assert (reloaded.returncode, text in reloaded.stderr) == (2, True), reloaded.stderr
    restarted = radgate(started, "restart")
    assert (restarted.returncode, text in restarted.stderr) == (2, True), restarted.stderr
    pid = started.gateway.process.pid
    assert restarted.stderr.endswith(f"radgate: not restarted; pid {pid} goes on serving, nothing was changed\n")
    assert started.nas().login("alice", "123456").is_accept
    last = json.loads(started.radgate("status", "--json").stdout)["last_reload"]
    assert (last["ok"], any(text in problem for problem in last["problems"])) == (False, True)
    assert text in started.log_text[n_said:].replace('\\"', '"')


def test_a_run_dir_without_room_is_a_problem_for_whoever_asks_for_the_gateway(started: Site):
    rewrite(started, "run_dir", f"/run/{'x' * 100}")
    for command in ("check", "reload", "restart", "status", "stop"):
        refused = radgate(started, command)
        assert refused.returncode == 2
        assert "] run_dir: '/run/xxx" in refused.stdout + refused.stderr
    assert started.nas().login("alice", "123456").is_accept


def test_a_port_that_somebody_else_has_got_stops_nobody(started: Site):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        port = other.getsockname()[1]
        started.configure(port=port)
        refused = radgate(started, "restart")
    assert refused.returncode == 2
    assert f"port: cannot listen on udp 0.0.0.0:{port}: the port is in use" in refused.stderr
    assert started.nas().login("alice", "123456").is_accept
