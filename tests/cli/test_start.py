"""`radgate start` where the gateway does not come up: another program is in its place."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli import start
from tests.cli.files import run_main, write_config
from tests.config.files import MINIMAL
from tests.descriptors import n_descriptors

HANG = "echo $$ > pid.new\nmv pid.new pid\necho hanging >&2\nexec sleep 3600"
STUBBORN = "trap '' TERM\n" + HANG.replace("exec sleep 3600", "while true; do sleep 0.01; done")
REFUSED = "radgate: cannot start: Too many open files; raise LimitNOFILE in the systemd unit, or ulimit -Hn\n"
Try = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def attempt(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Try:
    """Start a shell script as if it were the gateway; return the status, and what is said on stdout and stderr."""

    def attempt(script: str) -> tuple[int, str, str]:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.chdir(tmp_path)
        write_config(tmp_path, f"{MINIMAL}[gateway]\nrun_dir={tmp_path / 'run'}\n", "a.cfg")
        return run_main(capsys, "start", "--config", "a.cfg")

    return attempt


def has_ended(folder: Path) -> bool:
    return not Path("/proc", (folder / "pid").read_text().strip()).exists()


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("echo one >&2; echo two >&2; exit 2", 2, "one\ntwo\n"),
        ("printf 'no newline' >&2; exit 3", 3, "no newline"),
        ("echo unseen; exit 7", 7, ""),
        ("kill -KILL $$", 3, ""),
        ("exit 0", 3, ""),
        ("echo not radgate ready >&2; exit 2", 2, "not radgate ready\n"),
        ("printf '\\377\\n' >&2; exit 2", 2, "\ufffd\n"),
    ],
)
def test_its_status_is_ours_and_what_it_says_is_passed_on(attempt, script, status, said):
    assert attempt(script) == (status, "", said)


def test_what_is_not_ready_in_time_is_ended(attempt, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "START_TIMEOUT_S", 0.3)
    status, _, err = attempt(HANG)
    assert status == 3
    assert err.endswith("radgate: not ready after 0.3 s, ended; authproxy.log says more\n")
    assert not (tmp_path / "pid").exists() or has_ended(tmp_path)


@pytest.mark.parametrize("script", [HANG, STUBBORN], ids=["obedient", "stubborn"])
def test_an_interrupt_ends_it_too(attempt, tmp_path, monkeypatch, script):
    def interrupt_once_it_runs(_: float) -> None:
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    class Popen(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout == start._LOOK_EVERY_S:
                interrupt_once_it_runs(timeout)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    monkeypatch.setattr(start, "_END_TIMEOUT_S", 0.1)
    assert attempt(script)[0] == 130
    assert has_ended(tmp_path)


def test_the_gateway_finds_a_relative_file_from_elsewhere(attempt, tmp_path):
    assert attempt('echo "$@" >&2; exit 2')[2] == f"-P -m gateway run --config {tmp_path}/a.cfg\n"


def test_3_when_no_process_can_be_had(attempt, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    n_open = n_descriptors()
    monkeypatch.setattr(start, "_run_detached", refuse)
    assert attempt("") == (3, "", REFUSED)
    assert n_descriptors() == n_open


def test_3_when_what_it_says_has_no_place(attempt, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "memfd_create", refuse)
    assert attempt("") == (3, "", REFUSED)
