"""The figures can be had; what they are is no matter here."""

import subprocess
import sys

import pytest

from bench.costs import floods, logins, memory

pytestmark = pytest.mark.integration


def run(*arguments):
    command = [sys.executable, "-W", "error", "-m", "bench.costs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_starts_are_measured_by_the_command():
    ended = run("starts", "--runs", "1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "from start to ready, two workers" in ended.stdout
    assert "memory of a worker at start (RSS)" in ended.stdout


@pytest.mark.parametrize(("arguments", "said"), [(["dreams"], "'logins', 'starts'"), (["--runs", "0"], "above 0")])
def test_arguments_that_mean_nothing(arguments, said):
    ended = run(*arguments)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_logins(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(logins, "WARM_UP", 1)
    logins.show(tmp_path, 2, n_logins=logins.WINDOW)
    assert [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        "CPU of the worker per passcode login",
        "logins per second",
    ] * 2


def test_floods(tmp_path, capsys):
    floods.show(tmp_path, 1, n_packets=100)
    echo, *others = capsys.readouterr().out.splitlines()
    assert echo.endswith("  1.00 of the echo")
    assert all(" /s " in line for line in (echo, *others))
    assert len(others) == 2


def test_memory(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(memory, "WARM_UP", memory.WINDOW)
    memory.show(tmp_path, 1, n_requests=1000)
    assert "octets each" in capsys.readouterr().out
