"""Standard streams that are closed, or that take nothing, and folders that are gone: a line each, never a traceback."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import streams
from gateway.cli.exits import Exit
from tests.cli.files import write_config

ROOT = Path(__file__).parents[2]
READERS = {"check": ["check"], "login": ["login", "alice"], "init": ["init"]}


def run(*arguments: str, redirection: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command as a shell does, which can close a stream and name where it goes."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "gateway", *arguments]
    kept = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=kept, timeout=60)


@pytest.mark.parametrize("command", READERS.values(), ids=READERS)
def test_a_closed_standard_input_is_an_empty_one(tmp_path, command):
    file = "-" if command == ["check"] else str(tmp_path / "authproxy.cfg")
    if command[0] == "login":
        write_config(tmp_path)
    ended = run(*command, "--config", file, redirection="<&-")
    assert ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (Exit.CONFIGURATION, Exit.NO_ANSWER)


def test_closed_outputs_are_no_files_of_ours(tmp_path):
    """What a command opens first would have the number of a closed stream, and be written over by what it says."""
    file = write_config(tmp_path)
    before = Path(file).read_bytes()
    assert run("check", "--config", file, redirection="<&- >&- 2>&-").returncode == Exit.OK
    assert Path(file).read_bytes() == before


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["--help"], ["explain", "--json"], ["check"]])
def test_an_output_that_takes_nothing_is_told(tmp_path, arguments):
    file = write_config(tmp_path)
    ended = run(*arguments, *(["--config", file] if arguments == ["check"] else []), redirection="> /dev/full")
    assert (ended.returncode, ended.stderr) == (
        Exit.CANNOT_WRITE,
        "radgate: cannot write to standard output: No space left on device\n",
    )


def test_where_nothing_can_be_told_the_status_tells(tmp_path):
    assert run("version", redirection="> /dev/full 2>&1").returncode == Exit.CANNOT_WRITE


@pytest.mark.parametrize("command", ["check", "status", "run"])
def test_a_relative_name_in_a_folder_that_is_gone(tmp_path, command):
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = f'rmdir "{gone}"; exec "$@"'
    arguments = ["sh", "-c", shell, "sh", sys.executable, "-m", "gateway", command, "--config", "authproxy.cfg"]
    kept = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=gone, env=kept, timeout=60)
    assert (ended.returncode, ended.stderr) == (
        Exit.CONFIGURATION,
        "authproxy.cfg: the current directory does not exist any more; cd elsewhere, or write the whole path\n",
    )


def test_an_error_of_anything_else_is_none_of_standard_output(capsys):
    assert streams.why_unwritten(OSError(errno.EINVAL, "?")) == ""
    assert streams.why_unwritten(OSError(errno.ENOSPC, "?", "/a/file")) == ""
    assert streams.why_unwritten(OSError(errno.ENOSPC, "?")) == "No space left on device"


def test_nothing_is_added_to_an_answer():
    assert "radgate" in json.loads(run("version", "--json", redirection="").stdout)
