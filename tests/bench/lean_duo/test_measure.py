"""The figures of the lean Duo can be had; what they are is no matter here."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration


def test_a_small_measurement() -> None:
    command = [sys.executable, "-W", "error", "-m", "bench.lean_duo.measure"]
    small = ["--answers", "20", "--runs", "1", "--connections", "2", "--polls", "5"]
    ended = subprocess.run([*command, *small], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "answers by the second of its CPU" in ended.stdout
    assert "5 approved in" in ended.stdout
    assert "5 of the polls answered with it" in ended.stdout
