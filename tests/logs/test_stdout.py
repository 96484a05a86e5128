"""Lines on standard output, whatever that is."""

import logging
import os
import socket

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


@pytest.mark.parametrize("value", ["", "1:2", "x"])
def test_another_stream_is_not_the_journal(stream, value):
    near, far = stream
    assert not is_journal(near.fileno(), {"JOURNAL_STREAM": value})
    assert not is_journal(near.fileno(), {})
    handler = StdoutHandler(standard=near.fileno(), environment={"JOURNAL_STREAM": value})
    handler.write("one", INFO)
    assert far.recv(100) == b"one\n"
    handler.close()
