"""What systemd hears, and that nothing happens without it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.supervisor.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket, and its name as the environment has it."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@radgate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.bind("\0" + address[1:] if address.startswith("@") else address)
        unix.settimeout(20.0)
        yield unix, address


def test_each_state_is_a_datagram_of_its_own(manager):
    unix, address = manager
    notifier = Notifier(address)
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    said = [unix.recv(4096).decode() for _ in range(3)]
    assert said == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_reload_comes_with_its_instant_as_sd_notify_3_demands(manager):
    unix, address = manager
    before = time.monotonic_ns() // 1000
    Notifier(address).reloading()
    state, instant = unix.recv(4096).decode().split("\n")
    assert state == "RELOADING=1"
    name, microseconds = instant.split("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(microseconds) <= time.monotonic_ns() // 1000


def test_the_variables_are_taken_out_of_the_environment():
    environ = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid()), "PATH": "/bin"}
    notifier = Notifier.from_environment(environ)
    assert environ == {"PATH": "/bin"}
    assert notifier.watchdog_interval_s == 15.0


def test_children_do_not_see_the_variables(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "@x")
    Notifier.from_environment(os.environ)
    seen = subprocess.run(
        [sys.executable, "-c", "import os; print('NOTIFY_SOCKET' in os.environ)"], capture_output=True
    )
    assert seen.stdout == b"False\n"


@pytest.mark.parametrize(
    ("watchdog", "pid", "interval_s"),
    [
        ("3000000", "", 1.5),
        ("3000000", "ours", 1.5),
        ("3000000", "1", None),
        ("0", "", None),
        ("", "", None),
        ("-5", "", None),
        ("soon", "", None),
    ],
)
def test_the_watchdog_wants_a_sign_twice_in_its_time_if_it_watches_us(watchdog, pid, interval_s):
    environ = {"WATCHDOG_USEC": watchdog, "WATCHDOG_PID": str(os.getpid()) if pid == "ours" else pid}
    assert Notifier.from_environment(environ).watchdog_interval_s == interval_s


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@nobody-listens", "vsock:2:1234", "/" + "x" * 300, "@"])
def test_without_a_manager_nothing_happens(address):
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.reloading()
    notifier.watchdog()
    notifier.stopping()
    assert notifier.watchdog_interval_s is None
