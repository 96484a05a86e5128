"""A foreground run and its terminal: it ends with it, and `kill -HUP` is a reload all the same."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.processes import GatewayProcess, Program
from tests.integration.site import Site
from tests.integration.test_console import status_of, until
from tests.signals import as_at_a_terminal

pytestmark = pytest.mark.integration


def with_a_terminal() -> None:
    """Make standard input the controlling terminal."""
    as_at_a_terminal()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A terminal with a gateway in its foreground, of which something has been said: by default that it is ready."""

    def __init__(self, site: Site, prepare: Callable[[], object], said: str) -> None:
        self._master, slave = os.openpty()

        def begin() -> None:
            as_at_a_terminal()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            prepare()

        try:
            arguments = ["gateway", "run", "--config", str(site.config)]
            options: dict[str, Any] = {"start_new_session": True, "preexec_fn": begin, "pass_fds": [slave]}
            self.gateway = Program(arguments, stream="stderr", **options)
        finally:
            os.close(slave)
        self.gateway.until_ready(said)

    def close(self) -> None:
        """Hang up."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal(site: Site) -> Iterator[Open]:
    opened: list[Terminal] = []

    def open_terminal(prepare: Callable[[], object] = lambda: None, said: str = "radgate ready") -> Terminal:
        opened.append(Terminal(site, prepare, said))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()
        terminal.gateway.stop()


def generation_becomes(site: Site, number: int) -> Any:
    return until(lambda: status_of(site)["generation"] == number)


def ignore_hangups() -> None:
    """As nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_a_terminal_that_is_closed_ends_the_run_and_pending_logins_are_finished(site: Site, open_terminal: Open):
    site.configure(main="log_stdout=false")
    terminal = open_terminal()
    nas = site.nas()
    nas.send("trent", "push")
    (push,) = site.simulator.pending()
    terminal.close()
    until(lambda: "Stopping: no more requests are taken" in site.log_text)
    site.simulator.decide(push)
    assert nas.receive().is_accept
    assert terminal.gateway.process.wait(20) == 0
    assert "The terminal has closed" in site.log_text
    assert "generation 2" not in site.log_text


def test_one_that_is_closed_during_a_start_ends_it_too(site: Site, open_terminal: Open):
    former = site.start().gateway
    (worker,) = former.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    former.signal(signal.SIGKILL)
    former.stop()
    terminal = open_terminal(said="for its workers to end")
    terminal.close()
    os.kill(worker, signal.SIGCONT)
    assert terminal.gateway.process.wait(20) == 0
    assert "The terminal has closed" in site.log_text


def test_a_signal_while_the_terminal_lives_reloads(site: Site, open_terminal: Open):
    site.configure()
    terminal = open_terminal()
    terminal.gateway.signal(signal.SIGHUP)
    assert generation_becomes(site, 2)


def test_a_signal_without_a_terminal_reloads(site: Site):
    site.configure()
    with GatewayProcess(site.config, start_new_session=True) as gateway:
        gateway.signal(signal.SIGHUP)
        assert generation_becomes(site, 2)


def test_with_nohup_it_outlives_the_terminal_and_reloads_when_told_to(site: Site, open_terminal: Open):
    site.configure()
    terminal = open_terminal(ignore_hangups)
    terminal.close()
    until(lambda: "The terminal has closed; the gateway keeps running" in site.log_text)
    assert site.nas().login("alice", "123456").is_accept
    assert status_of(site)["generation"] == 1
    terminal.gateway.signal(signal.SIGHUP)
    assert generation_becomes(site, 2)


def test_a_closed_terminal_on_which_it_logs_does_not_keep_it_from_ending(site: Site):
    site.configure(main="log_stdout=true")
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gateway", "run", "--config", str(site.config)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=with_a_terminal,
    )
    try:
        os.close(slave)
        said = b""
        while b"radgate ready" not in said:
            said += os.read(master, 65_536)
        os.close(master)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def closed_standard_descriptors() -> None:
    """As `<&- >&- 2>&-` does."""
    for descriptor in range(3):
        os.close(descriptor)


def test_closed_standard_descriptors_are_no_place_for_sockets(site: Site):
    """libuv aborts where one of its own is closed."""
    site.configure()
    command = [sys.executable, "-P", "-m", "gateway", "run", "--config", str(site.config)]
    process = subprocess.Popen(command, preexec_fn=closed_standard_descriptors)
    try:
        until(lambda: ") is ready" in site.log_text)
        assert site.nas().login("alice", "123456").is_accept
        for pid in (process.pid, *(worker["pid"] for worker in status_of(site)["workers"])):
            assert {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)} == {"/dev/null"}
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert "exited" not in site.log_text


def test_log_stdout_wants_a_standard_output(site: Site):
    site.configure(main="log_stdout=true")
    refused = site.radgate("run", preexec_fn=lambda: os.close(1))
    assert refused.returncode == 3
    assert refused.stderr.endswith("standard output is closed, and log_stdout=true logs to it\n")
