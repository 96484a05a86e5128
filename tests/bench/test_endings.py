"""How programs end that start others: by each signal, with nothing of theirs left, no process and no folder."""

import contextlib
import itertools
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import endings
from bench.observe import children_of
from bench.processes import Program, StartError
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

PATIENCE_S = 150.0
KILLED = {"SIGTERM": 143, "SIGHUP": 129, "SIGKILL": -9}
Wait = Callable[["Running"], object]


class Running:
    """A program at work, with an onlooker; `folder` is where it puts its own."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self.folder = folder
        self._onlooker = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.bench.onlooker", sys.executable, "-P", "-m", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(self.folder), "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert self._onlooker.stdout is not None
        self._said = self._onlooker.stdout
        self.pid = int(self._said.readline())

    def end(self, number: int, send: Callable[[int, int], None] = os.kill) -> tuple[int, list[int]]:
        """Send a signal; return the program's exit status, and who outlived it for long."""
        send(self.pid, number)
        said, _ = self._onlooker.communicate(timeout=PATIENCE_S)
        status, *stayed = map(int, said.splitlines()[-1].split())  # what else it prints comes first
        return status, stayed

    def close(self) -> None:
        if self._onlooker.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._onlooker.wait()
        self._said.close()


def has_a_gateway(running: Running) -> bool:
    """Whether a gateway of the program's has workers that serve."""
    logs = running.folder.rglob("authproxy.log")
    return any(") is ready" in log.read_text() for log in logs)


def has_a_duo(running: Running) -> bool:
    return any(running.folder.rglob("application.json"))


def sends(running: Running) -> bool:
    """Whether its processes that send have begun."""
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children_of(running.pid)]
    return sum(b"spawn_main" in command for command in commands) == 2


PROGRAMS: dict[str, tuple[list[str], Wait]] = {
    "demo": (["bench.demo", "--keep"], has_a_gateway),
    "run": (["bench", "run", "passcode-limit", "--scale", "9"], has_a_gateway),
    "tune": (["bench", "tune", "--scale", "9", "--out", "/nowhere"], has_a_gateway),
    "peers": (["bench.peers", "--only", "radgate", "--logins", "1000000"], has_a_gateway),
    "costs": (["bench.costs", "growth"], has_a_gateway),
    "measure": (["bench.lean_duo.measure", "--answers", "100000000"], has_a_duo),
    "load": (
        ["bench.radius_load", "--target=127.0.0.1:9", "--duration=600", "--n-processes=2"],
        sends,
    ),
    "chaos": (["tests.chaos.everything", "--logins", "100000"], has_a_gateway),
}


@pytest.fixture
def run(tmp_path: Path, short_folder: Path) -> Iterator[Callable[[str], Running]]:
    """Start one of the programs and wait until it is at work."""
    opened: list[Running] = []

    def run(name: str) -> Running:
        arguments, is_at_work = PROGRAMS[name]
        (tmp_path / "secret").write_text("a secret for the tests alone")
        files = {"run": f"--out={tmp_path / 'out'}", "load": f"--secret-file={tmp_path / 'secret'}"}
        more = [files[name]] if name in files else []
        opened.append(Running([*arguments, *more], short_folder))
        until(lambda: is_at_work(opened[-1]))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


ONE_EACH = zip(PROGRAMS, itertools.cycle(KILLED), strict=False)  # a signal means the same to all of them


@pytest.mark.parametrize(("name", "signal_name"), [*ONE_EACH, ("demo", "SIGHUP"), ("demo", "SIGKILL")])
def test_a_signal_leaves_no_process_and_no_folder(run, name, signal_name):
    running = run(name)
    assert running.end(getattr(signal, signal_name)) == (KILLED[signal_name], [])
    assert list(running.folder.iterdir()) == []


@pytest.mark.parametrize(("signal_name", "status"), [*KILLED.items(), ("SIGINT", 130)])
def test_a_signal_to_all_that_a_terminal_has_in_its_foreground_leaves_nothing_either(run, signal_name, status):
    running = run("demo")
    assert running.end(getattr(signal, signal_name), os.killpg) == (status, [])
    assert list(running.folder.iterdir()) == []


def test_a_signal_that_is_ignored_stays_ignored_and_the_first_of_others_counts():
    """As under nohup; and whoever is impatient does not keep a program from ending in order."""
    code = """
import os, signal
from bench.endings import in_order
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with in_order():
    os.kill(os.getpid(), signal.SIGHUP)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        print("in order")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "in order\n", "")


def test_signals_mean_what_they_did_once_a_program_is_over():
    former = signal.getsignal(signal.SIGTERM)
    with endings.in_order():
        assert signal.getsignal(signal.SIGTERM) != former
    assert signal.getsignal(signal.SIGTERM) == former


def test_a_child_outlives_the_thread_that_asked_for_it():
    """The kernel takes the end of a thread for that of the process."""
    started = []
    thread = threading.Thread(target=lambda: started.append(Program(["bench.costs.echo"], stream="stdout")))
    thread.start()
    thread.join()
    with started[0] as program:
        program.wait_for("serving")
        assert program.stop() == -signal.SIGTERM


def test_a_child_has_the_cores_of_the_thread_that_asked_for_it():
    cores = os.sched_getaffinity(0)
    (chosen, *_) = cores
    os.sched_setaffinity(0, {chosen})
    try:
        with Program(["bench.costs.echo"], stream="stdout") as program:
            program.wait_for("serving")
            assert os.sched_getaffinity(program.process.pid) == {chosen}
    finally:
        os.sched_setaffinity(0, cores)


def test_a_child_whose_parent_was_gone_before_it_began_ends_itself():
    code = "from bench.endings import die_with; die_with(1); print('lives')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"")


def test_a_program_that_does_not_come_up_is_ended():
    with pytest.raises(StartError, match="did not say 'radgate ready'"):
        Program(["bench.costs.echo"], stream="stdout").until_ready("radgate ready", timeout_s=0.0)


def test_a_program_that_was_starting_when_we_were_interrupted_is_ended():
    begun, beginning = os.pipe()

    class InterruptError(Exception):
        pass

    def interrupt(*_: object) -> None:
        os.write(beginning, b"go on")
        raise InterruptError

    def be_interrupted() -> None:
        os.kill(os.getppid(), signal.SIGUSR1)
        os.read(begun, 5)

    before, former = set(children_of(os.getpid())), signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(InterruptError):
            endings.start(["sleep", "60"], preexec_fn=be_interrupted)
        assert set(children_of(os.getpid())) == before
    finally:
        signal.signal(signal.SIGUSR1, former)
        os.close(begun)
        os.close(beginning)


def test_a_folder_is_for_us_alone_and_gone_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a folder's name"))
    with pytest.raises(OSError, match="no folder can be made"), endings.scratch_folder("radgate-test-"):
        pass
    (tmp_path / "a folder's name").mkdir()
    with endings.scratch_folder("radgate-test-") as folder:
        assert folder.parent == tmp_path / "a folder's name"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "key").write_text("secret")
    assert not folder.exists()
