"""`radgate start`, `stop`, `restart`, `reload` and `status` of a real gateway."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from bench.processes import SimulatorProcess
from gateway.supervisor.form import hot_path
from tests.children import child
from tests.integration.site import Site, run_radgate
from tests.integration.test_console import until
from tests.signals import as_at_a_terminal

pytestmark = pytest.mark.integration

N_WORKERS = 2


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    """A site whose gateway is started in the background, configured already."""
    site.configure()
    yield site
    end(site)


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), shared_simulator, N_WORKERS)
    site.configure()
    start(site)
    yield site
    end(site)
    site.stop()


@pytest.fixture
def running(shared_site: Site, simulator: SimulatorProcess) -> Site:
    """A site whose gateway runs in the background, in its first generation, for tests that leave it so."""
    shared_site.configure()
    return shared_site


class Process:
    """A process that is not our child, and may be a zombie for a while once it has ended."""

    def __init__(self, pid: int) -> None:
        self._pidfd = os.pidfd_open(pid)

    def kill(self) -> None:
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def ends(self, timeout_s: float = 20.0) -> bool:
        """Wait for its end."""
        return bool(select.select([self._pidfd], [], [], timeout_s)[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._pidfd)


def end(site: Site) -> None:
    """End what a test has left running, by its id."""
    if (pid := pid_of(site)) is None:
        return
    with Process(pid) as process:
        process.kill()
        assert process.ends()


def pid_of(site: Site) -> int | None:
    """Return who is in the pid file."""
    try:
        return int((site.folder / "run" / "radgate.pid").read_text())
    except FileNotFoundError:
        return None


def start(site: Site) -> int:
    """Start the gateway; return its pid."""
    started = site.radgate("start")
    assert started.returncode == 0, started.stderr
    pid = pid_of(site)
    assert pid is not None
    return pid


def status_of(site: Site) -> dict[str, Any]:
    """Return what `radgate status --json` prints."""
    asked = site.radgate("status", "--json")
    assert (asked.returncode, asked.stderr) == (0, "")
    status: dict[str, Any] = json.loads(asked.stdout)
    return status


@contextlib.contextmanager
def begin(site: Site, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command beside the test."""
    command = [sys.executable, "-P", "-m", "gateway", *arguments, "--config", str(site.config)]
    with child(command, stdout=subprocess.PIPE, text=True, preexec_fn=as_at_a_terminal) as process:
        yield process


class TestStart:
    def test_it_returns_once_the_gateway_serves_and_says_what_that_said(self, site):
        started = site.radgate("start")
        assert (started.returncode, started.stdout) == (0, "")
        assert started.stderr == f"radgate ready: 2 workers, hot path {hot_path()}, udp 0.0.0.0:{site.port}\n"
        assert site.nas().login("alice", "123456").is_accept

    def test_warnings_of_the_file_are_passed_on(self, site):
        with site.config.open("a") as file:
            file.write("new_key_of_a_later_version=1\n")
        started = site.radgate("start")
        assert started.returncode == 0
        assert "new_key_of_a_later_version: warning: " in started.stderr

    def test_the_gateway_is_detached_from_whoever_started_it(self, running):
        pid = pid_of(running)
        assert os.getsid(pid) == pid
        assert str(Path(f"/proc/{pid}/cwd").readlink()) == "/"
        for process in (pid, *(worker["pid"] for worker in status_of(running)["workers"])):
            assert [str(Path(f"/proc/{process}/fd/{number}").readlink()) for number in range(3)] == [
                "/dev/null",
                "/dev/null",
                "/memfd:radgate-stderr (deleted)",
            ]

    def test_what_is_said_on_stderr_later_neither_blocks_nor_breaks_it(self, running):
        with Path(f"/proc/{pid_of(running)}/fd/2").open("ab") as stderr:
            stderr.write(b"x" * 1_048_576)
        assert running.nas().login("alice", "123456").is_accept

    def test_it_serves_even_if_nobody_hears_that_it_does(self, site):
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-P", "-m", "gateway", "start", "--config", str(site.config)]
        assert subprocess.run(command, stderr=write, timeout=60, check=False).returncode == 0
        os.close(write)
        assert site.nas().login("alice", "123456").is_accept

    def test_where_it_runs_already_that_is_said(self, running):
        pid = pid_of(running)
        again = running.radgate("start")
        assert (again.returncode, again.stdout) == (0, f"radgate runs already (pid {pid})\n")
        assert pid_of(running) == pid

    def test_one_that_is_stopping_is_waited_for(self, site):
        pid = start(site)
        nas = site.nas()
        nas.send("trent", "push")
        (push,) = site.simulator.pending()
        with begin(site, "stop") as stopping:
            assert stopping.stdout is not None
            assert stopping.stdout.readline().startswith("waiting for pending logins: 1 ")
            assert status_of(site)["ending"]
            with begin(site, "start") as starting:
                assert starting.stdout is not None
                assert starting.stdout.readline() == f"radgate is stopping (pid {pid}); this start waits for its end\n"
                site.simulator.decide(push)
                assert nas.receive().is_accept
        assert (stopping.returncode, starting.returncode) == (0, 0)
        assert pid_of(site) not in (None, pid)
        assert not status_of(site)["ending"]

    def test_2_and_every_problem_of_a_faulty_file(self, site):
        site.configure(failmode="sometimes", intreface="127.0.0.1")
        refused = site.radgate("start")
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 2
        assert pid_of(site) is None

    def test_3_for_an_address_that_cannot_be_had(self, site):
        site.configure(interface="192.0.2.1")
        refused = site.radgate("start")
        assert refused.returncode == 3
        assert "no interface of this machine has that address" in refused.stderr
        assert pid_of(site) is None


class TestStop:
    def test_it_returns_once_the_gateway_has_ended_and_nothing_is_left(self, site):
        pid = start(site)
        with Process(pid) as process:
            stopped = run_radgate("stop", "--config", str(site.config))
            assert (stopped.returncode, stopped.stdout) == (0, f"radgate (pid {pid}) has stopped\n")
            assert process.ends()
        assert list((site.folder / "run").iterdir()) == []
        assert "All workers have stopped" in site.log_text

    def test_it_waits_for_pending_logins_and_says_so(self, site):
        start(site)
        nas = site.nas()
        nas.send("trent", "push")
        (push,) = site.simulator.pending()
        with begin(site, "stop") as stopping:
            assert stopping.stdout is not None
            assert stopping.stdout.readline() == "waiting for pending logins: 1 (at most 70 s)\n"
            site.simulator.decide(push)
            assert nas.receive().is_accept
            assert stopping.stdout.readlines()[-1].endswith("has stopped\n")
        assert stopping.returncode == 0

    def test_a_second_stop_waits_too_and_cuts_nothing_off(self, site):
        start(site)
        nas = site.nas()
        nas.send("trent", "push")
        (push,) = site.simulator.pending()
        with begin(site, "stop") as first, begin(site, "stop") as second:
            for stopping in (first, second):
                assert stopping.stdout is not None
                assert stopping.stdout.readline().startswith("waiting for pending logins: 1 ")
            site.simulator.decide(push)
            assert nas.receive().is_accept
        assert (first.returncode, second.returncode) == (0, 0)

    def test_it_stops_a_gateway_that_runs_in_the_foreground(self, site):
        gateway = site.start().gateway
        assert site.radgate("stop").returncode == 0
        assert gateway.process.wait(20) == 0

    def test_it_finds_a_gateway_whose_folder_somebody_has_removed(self, site):
        pid = start(site)
        shutil.rmtree(site.folder / "run")
        until(lambda: site.radgate("status").returncode == 0)
        stopped = site.radgate("stop")
        assert (stopped.returncode, stopped.stdout) == (0, f"radgate (pid {pid}) has stopped\n")
        assert list((site.folder / "run").iterdir()) == []

    def test_5_when_nothing_runs(self, site):
        refused = site.radgate("stop")
        assert refused.returncode == 5
        assert refused.stderr == f"radgate: not running; nobody answers at {site.folder}/run/control.sock\n"

    def test_5_after_a_gateway_that_was_killed(self, site):
        pid = start(site)
        with Process(pid) as process:
            process.kill()
            assert process.ends()
        assert site.radgate("stop").returncode == 5
        assert start(site) != pid


class TestRestart:
    def test_another_process_serves_afterwards_with_the_new_settings(self, site):
        pid = start(site)
        assert not site.nas().login("alice", "no factor").is_accept
        site.configure(unrecognised_factor="auto")
        restarted = site.radgate("restart")
        assert restarted.returncode == 0
        assert restarted.stdout == f"radgate (pid {pid}) has stopped\n"
        assert restarted.stderr.startswith("radgate ready: ")
        assert pid_of(site) not in (None, pid)
        assert site.nas().login("alice", "no factor").is_accept

    def test_a_faulty_file_does_not_stop_a_gateway_that_serves(self, running):
        pid = pid_of(running)
        running.configure(failmode="sometimes")
        assert running.radgate("restart").returncode == 2
        assert pid_of(running) == pid
        assert running.nas().login("alice", "123456").is_accept

    def test_it_starts_what_it_has_stopped_even_if_nobody_hears_of_it(self, site):
        pid = start(site)
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-P", "-m", "gateway", "restart", "--config", str(site.config)]
        assert subprocess.run(command, stdout=write, timeout=60, check=False).returncode == 0
        os.close(write)
        assert pid_of(site) not in (None, pid)

    def test_where_nothing_runs_it_starts(self, site):
        assert site.radgate("restart").returncode == 0
        assert site.nas().login("alice", "123456").is_accept


class TestReload:
    def test_new_settings_serve_in_the_next_generation_of_the_same_gateway(self, site):
        pid = start(site)
        assert not site.nas().login("alice", "no factor").is_accept
        site.configure(unrecognised_factor="auto")
        reloaded = run_radgate("reload", "--config", str(site.config))
        first, *told = reloaded.stdout.splitlines()
        assert (reloaded.returncode, first) == (0, "radgate reloaded: generation 2 serves")
        assert told == [
            "sections: 0 removed, 0 added, 1 changed; clients 1 -> 1",
            "  changed: radius_server_duo_only (unrecognised_factor)",
        ]
        assert site.nas().login("alice", "no factor").is_accept
        status = status_of(site)
        assert (status["pid"], status["generation"]) == (pid, 2)

    def test_a_faulty_file_changes_nothing_and_every_problem_is_told(self, running):
        before = {worker["pid"] for worker in status_of(running)["workers"]}
        running.configure(failmode="sometimes", intreface="127.0.0.1")
        refused = running.radgate("reload")
        assert (refused.returncode, refused.stdout) == (2, "")
        *problems, last = refused.stderr.splitlines()
        assert [problem.split(" ")[2] for problem in problems] == ["failmode:", "intreface:"]
        assert last == "radgate: not reloaded; nothing was changed"
        status = status_of(running)
        assert status["generation"] == 1
        assert {worker["pid"] for worker in status["workers"]} == before
        assert running.nas().login("alice", "123456").is_accept

    def test_warnings_are_passed_on(self, site):
        start(site)
        with site.config.open("a") as file:
            file.write("new_key_of_a_later_version=1\n")
        reloaded = site.radgate("reload")
        assert reloaded.returncode == 0
        assert "new_key_of_a_later_version: warning: " in reloaded.stderr


class TestStatus:
    def test_json_is_what_the_gateway_knows_of_itself(self, running):
        assert running.nas().login("alice", "123456").is_accept
        status = status_of(running)
        assert (status["pid"], status["generation"]) == (pid_of(running), 1)
        assert [(worker["slot"], worker["state"]) for worker in status["workers"]] == [(0, "ready"), (1, "ready")]
        assert all(Path(f"/proc/{worker['pid']}").exists() for worker in status["workers"])
        assert [server["section"] for server in status["servers"]] == ["radius_server_duo_only"]

    def test_text_is_for_people(self, running):
        shown = run_radgate("status", "--config", str(running.config))
        assert (shown.returncode, shown.stderr) == (0, "")
        assert str(pid_of(running)) in shown.stdout
        assert "radius_server_duo_only" in shown.stdout

    def test_watch_shows_it_anew_until_ctrl_c(self, running):
        with begin(running, "status", "--watch") as watching:
            assert watching.stdout is not None
            shown = ""
            while shown.count(" radius_server_duo_only: ") < 2:
                line = watching.stdout.readline()
                assert line, shown
                shown += line
            watching.send_signal(signal.SIGINT)
            watching.stdout.read()
        assert watching.returncode == 0

    def test_a_file_that_has_got_errors_since_keeps_nobody_from_asking_and_stopping(self, site):
        pid = start(site)
        site.configure(failmode="sometimes", intreface="127.0.0.1")
        assert status_of(site)["pid"] == pid
        with Process(pid) as process:
            assert site.radgate("stop").returncode == 0
            assert process.ends()
