"""Which Python `make` takes, and what it says where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "tools" / "find_python"
GOOD = f'exec {sys.executable} "$@"'
TOO_OLD = 'case "$2" in *ensurepip*) exit 1 ;; esac; echo Python 3.9.2'  # says no when asked, and who it is
BROKEN = "echo 'pyenv: command not found' >&2; exit 127"


@pytest.fixture
def find(tmp_path: Path):
    def run(*named: str, **pythons: str) -> "subprocess.CompletedProcess[str]":
        for name, text in pythons.items():
            path = tmp_path / name.replace("_", ".")
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
        search = f"{tmp_path}{os.pathsep}/nowhere"
        return subprocess.run(
            ["/bin/sh", PROGRAM, *named], env={"PATH": search}, capture_output=True, text=True, timeout=60
        )

    return run


def test_that_of_the_path_comes_first(find):
    found = find(python3=GOOD, python3_12=BROKEN)
    assert (found.returncode, found.stdout, found.stderr) == (0, f"{sys.executable}\n", "")


@pytest.mark.parametrize("first", [TOO_OLD, BROKEN])
def test_a_newer_one_is_taken_where_that_will_not_do(find, first):
    assert find(python3=first, python3_15=BROKEN, python3_11=GOOD).stdout == f"{sys.executable}\n"


def test_the_one_that_is_named_is_taken_and_no_other(find):
    assert find("python3.12", python3=BROKEN, python3_12=GOOD).stdout == f"{sys.executable}\n"
    assert find("python3.13", python3=GOOD, python3_13=TOO_OLD).returncode == 1


def test_where_there_is_none_each_that_was_looked_at_is_named(find):
    found = find(python3=TOO_OLD, python3_13=BROKEN)
    assert (found.returncode, found.stdout) == (1, "")
    assert "  python3: Python 3.9.2\n" in found.stderr
    assert "  python3.13: does not run\n" in found.stderr
    assert "python3-venv" in found.stderr
