"""Log files of whole gateways: rotated under load, moved away by others, streamed to a journal."""

import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bench.processes import GatewayProcess
from gateway.logs.files import rotated_files
from tests.integration.site import Site

pytestmark = pytest.mark.integration

N_WORKERS = 2

PATIENCE_S = 30.0
N_ROTATIONS = 3


@pytest.fixture
def log(site: Site) -> Path:
    return site.folder / "log" / "authproxy.log"


def login_until(site: Site, condition: Callable[[], bool]) -> int:
    """Log in again and again, as somebody else each time; return how often."""
    nas, number, deadline = site.nas(), 0, time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        nas.login(f"user{number}", "no factor")
        number += 1
    return number


def users_in(*files: Path) -> Counter[str]:
    text = "".join(file.read_text() for file in files)
    assert all(line.startswith("20") for line in text.splitlines())
    return Counter(re.findall(r", (user\d+), \d+\): .* reason=", text))


def test_workers_write_every_line_once_while_the_supervisor_rotates(site: Site, log: Path):
    site.start(main="log_max_size=5000\nlog_max_files=0\nlog_auth_events=true")
    events = log.with_name("authevents.log")
    n_logins = login_until(
        site, lambda: len(rotated_files(log)) >= N_ROTATIONS and len(rotated_files(events)) >= N_ROTATIONS
    )
    site.stop()
    files = [*rotated_files(log), log]
    assert users_in(*files) == {f"user{number}": 1 for number in range(n_logins)}
    lines = [line for file in [*rotated_files(events), events] for line in file.read_text().splitlines()]
    assert Counter(msgspec.json.decode(line)["username"] for line in lines) == users_in(*files)
    assert "worker=0" in log.read_text() + files[0].read_text()
    assert all(file.stat().st_mode & 0o007 == 0 for file in files)


def test_a_reload_changes_size_and_number_of_files(site: Site, log: Path):
    site.start(main="log_max_size=0")
    login_until(site, lambda: log.stat().st_size > 10_000)
    assert rotated_files(log) == []
    site.configure(main="log_max_size=5000\nlog_max_files=1")
    assert site.radgate("reload").returncode == 0
    login_until(site, lambda: rotated_files(log) != [] and log.stat().st_size < 5000)
    site.stop()
    assert [file.name for file in rotated_files(log)] == ["authproxy.log.1"]


@pytest.mark.parametrize("sends_signal", [True, False], ids=["SIGUSR1", "nothing told"])
def test_files_that_others_move_away_are_begun_anew(site: Site, log: Path, sends_signal: bool):
    site.start()
    login_until(site, lambda: "user3," in log.read_text())
    moved = log.with_name("authproxy.log-20261123")
    log.rename(moved)
    if sends_signal:
        site.gateway.process.send_signal(signal.SIGUSR1)
    n_logins = login_until(
        site, lambda: log.exists() and "worker=0" in (text := log.read_text()) and "worker=1" in text
    )
    site.stop()
    assert users_in(moved, log).keys() >= {f"user{number}" for number in range(n_logins)}


def test_the_journal_gets_json_lines_with_their_priority(site: Site):
    ours, theirs = socket.socketpair()
    status = os.fstat(theirs.fileno())
    site.configure(main="log_stdout=true", gateway="log_format=json\nworkers=1")
    with GatewayProcess(
        site.config,
        stdout=theirs.fileno(),
        env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
    ):
        site.nas().login("alice", "no factor")
        theirs.close()
    received = b""
    ours.settimeout(PATIENCE_S)
    while portion := ours.recv(65536):
        received += portion
    ours.close()
    lines = [re.fullmatch(rb"<([2-7])>(\{.*\})", line) for line in received.splitlines()]
    assert all(lines), received
    levels = {msgspec.json.decode(match[2])["level"]: match[1] for match in lines if match}
    assert levels["info"] == b"6"
    assert b'"reason":"' in received
    assert not (site.folder / "log").exists()
