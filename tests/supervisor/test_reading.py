"""Settings by way of a child process, which may do anything."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from gateway.config.read_outcome import ReadOutcome
from gateway.config.reading import read_settings
from gateway.config.settings import decode_settings
from gateway.supervisor import reading
from gateway.supervisor.reading import read_in_child
from tests.cli.files import write_config
from tests.config.files import MINIMAL, SKEY
from tests.descriptors import n_descriptors

Result = TypeVar("Result")

HUNG = "import time; time.sleep(3600)"
BROKEN = "import os, sys; os.write(int(sys.argv[2]), b'nonsense'); sys.exit(7)"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def run(scene: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(scene)


def read(path: str) -> ReadOutcome:
    return run(read_in_child(path))


@pytest.fixture
def instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put another program in the reader's place."""

    def replace(code: str) -> None:
        (tmp_path / "reader_of_this_test.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(reading, "READING_MODULE", "reader_of_this_test")

    return replace


def test_settings_arrive_as_they_are(tmp_path):
    config = write_config(tmp_path, MINIMAL + "new_key_of_a_later_version=1\n")
    outcome = read(config)
    assert outcome.settings_octets is not None
    settings, problems = read_settings(config)
    assert decode_settings(outcome.settings_octets) == settings
    assert outcome.warnings == [problem.render(config) for problem in problems]
    assert outcome.problems == []


def test_problems_arrive_with_their_lines(tmp_path):
    config = write_config(tmp_path, MINIMAL + "fialmode=secure\nport=99999\nnew_key=1\n")
    outcome = read(config)
    assert outcome.settings_octets is None
    assert [line.split(" ")[0] for line in outcome.problems] == [f"{config}:7", f"{config}:8"]
    assert [line.split(" ")[0] for line in outcome.warnings] == [f"{config}:9"]


def test_a_missing_file_is_a_problem(tmp_path):
    outcome = read(str(tmp_path / "missing.cfg"))
    assert outcome.problems[0].startswith(f"{tmp_path}/missing.cfg: cannot read ")


def test_large_settings_arrive_too(tmp_path):
    """More than a pipe would hold."""
    lines = "".join(f"radius_ip_{n}=10.{n >> 8}.{n & 255}.1\nradius_secret_{n}={'s' * 32}\n" for n in range(2, 3_000))
    outcome = read(write_config(tmp_path, MINIMAL + lines))
    assert outcome.problems == []
    assert outcome.settings_octets is not None
    assert len(decode_settings(outcome.settings_octets).servers[0].clients) == 2_999


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (BROKEN, "status 7"),
        (KILLED, "status -9"),
        ("raise RuntimeError('secret')", "status 1: RuntimeError"),
        ("import nothing_like_it", "status 1: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("import sys; sys.exit('first\\nlast words')", "status 1: last words"),
    ],
)
def test_a_child_that_dies_is_a_problem_with_its_last_words(instead, code, end):
    instead(code)
    assert read("/x.cfg").problems == [f"/x.cfg: the process that read it ended with {end}; radgate check says more"]


def test_a_limit_that_the_outcome_does_not_fit_in_is_named(tmp_path):
    config = write_config(tmp_path)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, former[1]))
    try:
        (problem,) = read(config).problems
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert "status 1: File too large; raise ulimit -f, LimitFSIZE= in the systemd unit" in problem


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


async def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 -- there is no event to wait for
        await asyncio.sleep(0)


def test_a_child_that_hangs_is_given_up_ended_and_reaped(instead):
    instead(HUNG)
    before = children()

    async def scene() -> ReadOutcome:
        outcome = await read_in_child("/x.cfg", timeout_s=0.01)
        await wait_until(lambda: children() == before)
        return outcome

    assert run(scene()).problems == ["/x.cfg: reading it took longer than 0.01 s"]


def test_a_gateway_that_stops_meanwhile_leaves_no_child_behind(instead):
    instead(HUNG)
    before = children()

    async def scene() -> None:
        task = asyncio.create_task(read_in_child("/x.cfg"))
        await wait_until(lambda: children() > before)
        task.cancel()
        await wait_until(lambda: children() == before)
        assert task.cancelled()

    run(scene())


def test_no_process_to_be_had_is_a_problem(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert read("/x.cfg").problems == [
        "/x.cfg: no process can be started to read it: /nowhere/python: No such file or directory"
    ]


def test_other_children_of_the_supervisor_are_left_to_it(tmp_path):
    """Workers are reaped by the arbiter, through their pidfd."""
    worker = subprocess.Popen([sys.executable, "-c", "raise SystemExit(5)"])
    pidfd = os.pidfd_open(worker.pid)
    assert read(write_config(tmp_path)).problems == []
    assert worker.wait() == 5
    os.close(pidfd)


def test_no_descriptor_stays_open_and_nothing_secret_is_shown(tmp_path):
    before = n_descriptors()
    outcome = read(write_config(tmp_path))
    assert n_descriptors() == before
    assert SKEY not in repr(outcome)
    assert SKEY.encode() in (outcome.settings_octets or b"")
