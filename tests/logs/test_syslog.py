"""Lines as datagrams to a syslog of our own."""

import errno
import logging
import os
import re
import socket
from functools import partial
from pathlib import Path

import pytest

from gateway.config.values import facility
from gateway.logs.formatters import LineFormatter
from gateway.logs.lines import TextLines
from gateway.logs.losses import Losses
from gateway.logs.setup import LogPlan, start_logging, stop_logging
from gateway.logs.syslog import SyslogHandler, facility_number, priority
from gateway.statistics.layout import SYSLOG

INFO = logging.INFO


@pytest.fixture
def address(tmp_path):
    return str(tmp_path / "log")


@pytest.fixture
def syslog(address):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.settimeout(20)
        unix.bind(address)
        yield unix


@pytest.fixture
def handler(address):
    made = SyslogHandler("LOG_LOCAL3", address=address)
    made.setFormatter(LineFormatter(TextLines()))
    yield made
    made.close()


def test_a_line_is_a_datagram_with_priority_time_and_process(syslog, handler):
    handler.write("the line", logging.WARNING)
    handler.write("another", INFO)
    received = syslog.recv(9000).decode()
    assert re.fullmatch(rf"<156>[A-Z][a-z]{{2}} [ 123]\d \d\d:\d\d:\d\d radgate\[{os.getpid()}\]: the line", received)
    assert syslog.recv(9000).startswith(b"<158>")


@pytest.mark.parametrize(
    ("name", "number"), [("LOG_KERN", 0), ("LOG_USER", 1), ("LOG_AUTHPRIV", 10), ("LOG_LOCAL0", 16), ("LOG_LOCAL7", 23)]
)
def test_facilities_have_the_numbers_of_the_rfc(name, number):
    assert facility_number(facility(name)) == number
    assert [priority(level) for level in (10, 20, 30, 40, 50)] == [7, 6, 4, 3, 2]


def test_every_facility_that_can_be_configured_has_a_number():
    from gateway.config.values import _FACILITIES

    assert {facility_number(f"LOG_{name}") for name in _FACILITIES} == set(range(12)) | set(range(16, 24))


def test_a_syslog_that_does_not_read_blocks_nobody_and_is_told_what_it_missed(syslog, handler):
    for _ in range(2000):
        handler.write("x" * 1000, INFO)
    syslog.setblocking(False)
    n_received = 0
    try:
        while syslog.recv(9000):
            n_received += 1
    except BlockingIOError:
        pass
    handler.write("there is room again", INFO)
    assert f"{2000 - n_received} lines before this one could not be written" in syslog.recv(9000).decode()
    assert syslog.recv(9000).endswith(b": there is room again")


def test_a_syslog_that_comes_back_is_found_again(address, handler):
    handler.write("lost", INFO)
    for _ in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
            unix.bind(address)
            unix.settimeout(20)
            handler.write("taken", INFO)
            lines = [unix.recv(9000), unix.recv(9000)]
            assert b"1 lines before this one could not be written" in lines[0]
            assert lines[1].endswith(b": taken")
        Path(address).unlink()
        handler.write("lost", INFO)


def test_what_syslog_does_not_take_is_counted(address):
    losses = Losses()
    handler = SyslogHandler("LOG_USER", address=address, losses=losses)
    handler.write("lost", INFO)
    assert (losses.n_lines, losses.errors) == ({SYSLOG: 1}, {SYSLOG: errno.ENOENT})
    handler.close()


def test_a_process_without_a_free_descriptor_logs_to_syslog_once_there_is_one(syslog, address, monkeypatch):
    handler = SyslogHandler("LOG_USER", address=address)
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", refuse_descriptor)
        handler.write("lost", INFO)
    handler.write("taken", INFO)
    assert b"1 lines before this one could not be written" in syslog.recv(9000)
    assert syslog.recv(9000).endswith(b": taken")
    handler.close()


def refuse_descriptor(*_: object) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_both_ways_lead_to_file_and_syslog_and_what_syslog_does_not_take_is_told_in_the_file(
    tmp_path, address, monkeypatch
):
    monkeypatch.setattr("gateway.logs.setup.SyslogHandler", partial(SyslogHandler, address=address))
    event_log = start_logging(LogPlan(tmp_path, syslog="LOG_USER"))
    event_log.event(0.0, INFO, "gateway.worker", "while there is none", {})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
        unix.bind(address)
        unix.settimeout(20)
        event_log.event(0.0, INFO, "gateway.worker", "short way", {"reason": "duo_allowed"})
        logging.getLogger("gateway.worker").warning("long way")
        received = [unix.recv(9000).decode() for _ in range(3)]
    stop_logging()
    for handler in logging.getLogger("gateway").handlers:
        handler.close()
    logging.getLogger("gateway").handlers.clear()
    text = (tmp_path / "authproxy.log").read_text()
    assert f"[gateway.logs#error] Syslog at {address} does not take lines: No such file or directory\n" in text
    assert "while there is none" in text
    assert "lines before this one could not be written" in received[0]
    assert all(line.partition("]: ")[2] + "\n" in text for line in received[1:])
