"""`python -m bench.peers` as a program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.peers", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_measures_two_peers_by_turns(tmp_path: Path) -> None:
    result = run(
        *("--only", "radgate", "floor", "--runs", "2", "--logins", "20", "--windows", "4,8"),
        *("--json", str(tmp_path / "peers.json")),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "floor of Python" in result.stdout
    assert [line for line in result.stderr.splitlines() if line.startswith("round 2")] == [
        "round 2 of 2: radgate",
        "round 2 of 2: floor",
    ]
    radgate, floor = json.loads((tmp_path / "peers.json").read_text())["peers"]
    assert 0 < radgate["pushes_held"] <= 200
    assert [sorted(each) for each in floor["rounds"]] == [["4", "8"], ["4", "8"]]
    assert floor["figures"]["cpu_ratio"][0] > 0


def test_window_out_of_range() -> None:
    result = run("--windows", "16,500")
    assert result.returncode == 2
    assert "numbers from 1 to 128" in result.stderr
