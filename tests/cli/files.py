"""Configuration files on disk for the tests of the commands."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.config.files import MINIMAL

PROBLEM = re.compile(r"(?P<file>[^:\n]+)(:(?P<line>\d+))?( \[(?P<section>[^\]]+)\])?( (?P<key>\w+))?: (?P<text>.+)")
"""`FILE:LINE [section] key: text`; line, section and key only where there are any."""


def write_config(folder: Path, text: str = MINIMAL, name: str = "authproxy.cfg") -> str:
    """Write a configuration file that only we may read; return its path."""
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def problem_of(line: str) -> tuple[str, str | None, str | None, str | None]:
    """Return file, line, section and key of a rendered problem."""
    match = PROBLEM.fullmatch(line)
    assert match is not None, line
    return match["file"], match["line"], match["section"], match["key"]


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return its status and what it said on stdout and stderr."""
    from gateway.cli.main import main

    status = main(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


def run_process(*arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    given: dict[str, Any] = {"stdin": subprocess.DEVNULL, "timeout": 60, **options}
    command = [sys.executable, "-P", "-m", "gateway", *arguments]
    return subprocess.run(command, capture_output=True, check=False, **given)
