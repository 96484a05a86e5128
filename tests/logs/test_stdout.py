"""Lines on standard output, whatever that is."""

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.logs.formatters import LineFormatter
from gateway.logs.lines import JsonLines
from gateway.logs.stdout import StdoutHandler, is_journal

INFO, WARNING = logging.INFO, logging.WARNING


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.fixture
def stream():
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def journal_of(descriptor: int) -> dict[str, str]:
    status = os.fstat(descriptor)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_a_pipe_gets_portions_that_are_never_mixed_with_another_writers(pipe):
    reader, writer = pipe
    handler = StdoutHandler(standard=writer, environment={})
    handler._gathering._lines = ["x" * 1000] * 10
    handler.flush()
    assert os.read(reader, 65536) == (b"x" * 1000 + b"\n") * 10
    assert handler.portion == 4096
    handler.close()


def test_a_pipe_that_nobody_reads_blocks_nobody_and_its_own_flags_stay(pipe):
    reader, writer = pipe
    handler = StdoutHandler(standard=writer, environment={})
    for _ in range(100):
        handler.write("x" * 4000, INFO)
    assert os.get_blocking(writer)
    os.read(reader, 1_000_000)
    handler.write("there is room again", INFO)
    assert b" lines before this one could not be written\nthere is room again\n" in os.read(reader, 1_000_000)
    handler.close()


def test_a_pipe_of_another_user_that_nobody_reads_blocks_nobody(pipe, monkeypatch):
    """It cannot be opened anew: what is shared with whoever started us is all that there is."""
    reader, writer = pipe

    def refuse(path: str, *_: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as context:
        context.setattr(os, "open", refuse)
        handler = StdoutHandler(standard=writer, environment={})
    for size in (4000, 10_000) * 50:
        handler.write("x" * size, INFO)
    assert os.get_blocking(writer)
    os.read(reader, 1_000_000)
    handler.write("there is room again", INFO)
    assert b" lines before this one could not be written\nthere is room again\n" in os.read(reader, 1_000_000)
    handler.close()


def test_a_stream_that_nobody_reads_blocks_nobody_and_tears_no_line(stream):
    near, far = stream
    handler = StdoutHandler(standard=near.fileno(), environment={})
    for _ in range(1000):
        handler.write("x" * 4000, INFO)
    far.setblocking(False)
    received = b""
    while True:
        try:
            received += far.recv(1_000_000)
        except BlockingIOError:
            break
    assert set(received.split(b"\n")) == {b"x" * 4000, b""}
    handler.write("there is room again", INFO)
    assert b"could not be written\nthere is room again\n" in far.recv(1_000_000)
    handler.close()


def test_the_journal_is_told_the_priority_of_each_line(stream):
    near, far = stream
    handler = StdoutHandler(standard=near.fileno(), environment=journal_of(near.fileno()))
    handler.setFormatter(LineFormatter(JsonLines()))
    handler.write("one", INFO)
    handler.write("two", WARNING)
    handler.emit(logging.makeLogRecord({"name": "gateway", "levelno": logging.ERROR, "msg": "three"}))
    received = far.recv(65536)
    assert received.startswith(b"<6>one\n<4>two\n<3>{")
    handler.close()


OF_ANOTHER_USER = "def refuse(*_): raise PermissionError(13, 'Permission denied')\nos.open = refuse"


@pytest.mark.parametrize("redirection", [">file 2>&1", ">file 2>file", "1<>file 2>&1", ">>file 2>&1"])
@pytest.mark.parametrize("before", ["", OF_ANOTHER_USER], ids=["own", "another user's"])
def test_in_a_file_log_and_standard_error_overwrite_nothing(tmp_path, redirection, before):
    assert written(tmp_path, redirection, before) == b"begins\none\nready\ntwo\n"


@pytest.mark.parametrize("redirection", [">file 2>&1", ">file 2>file"])
@pytest.mark.parametrize("before", ["", OF_ANOTHER_USER], ids=["own", "another user's"])
def test_a_file_that_is_emptied_meanwhile_goes_on_at_its_beginning(tmp_path, redirection, before):
    """As `copytruncate` of logrotate does."""
    assert written(tmp_path, redirection, before, "os.truncate('file', 0)") == b"ready\ntwo\n"


def written(folder: Path, redirection: str, before: str, meanwhile: str = "") -> bytes:
    """Return what a process leaves in a file that its shell has opened for it."""
    script = f"""
import logging, os, sys
from gateway.logs.stdout import StdoutHandler
print("begins", file=sys.stderr, flush=True)
{before}
handler = StdoutHandler(environment={{}})
handler.write("one", logging.INFO)
{meanwhile}
print("ready", file=sys.stderr, flush=True)
handler.write("two", logging.INFO)
"""
    command = f'"$0" -c "$1" {redirection}'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(["/bin/sh", "-c", command, sys.executable, script], cwd=folder, env=environment, check=True)
    return (folder / "file").read_bytes()


@pytest.mark.parametrize("value", ["", "1:2", "x"])
def test_another_stream_is_not_the_journal(stream, value):
    near, far = stream
    assert not is_journal(near.fileno(), {"JOURNAL_STREAM": value})
    assert not is_journal(near.fileno(), {})
    handler = StdoutHandler(standard=near.fileno(), environment={"JOURNAL_STREAM": value})
    handler.write("one", INFO)
    assert far.recv(100) == b"one\n"
    handler.close()
