"""Lines on their way to a file."""

import asyncio
import logging
import os

import pytest

from gateway.logs.files import LineHandler, open_log
from gateway.logs.lines import TextFormatter
from gateway.logs.setup import LogPlan, start_logging, stop_logging


@pytest.fixture
def restore_logging():
    yield
    stop_logging()
    for name in ("gateway", "gateway.authevents"):
        logging.getLogger(name).handlers.clear()


def test_the_lines_of_a_turn_are_written_together(tmp_path):
    descriptor = open_log(tmp_path / "deep" / "x.log")

    async def scene() -> None:
        handler = LineHandler(descriptor, asyncio.get_running_loop())
        handler.write("one")
        handler.write("two")
        assert (tmp_path / "deep" / "x.log").read_text() == ""
        await asyncio.sleep(0)
        assert (tmp_path / "deep" / "x.log").read_text() == "one\ntwo\n"

    asyncio.run(scene())


def test_without_a_loop_a_line_is_written_at_once(tmp_path):
    LineHandler(open_log(tmp_path / "x.log")).write("one")
    assert (tmp_path / "x.log").read_text() == "one\n"


def test_a_full_disk_costs_lines_and_says_so_later(tmp_path):
    full = os.open("/dev/full", os.O_WRONLY)
    handler = LineHandler(full)
    handler.write("lost")
    handler.write("lost too")
    os.dup2(open_log(tmp_path / "x.log"), full)
    handler.write("kept")
    assert (tmp_path / "x.log").read_text() == "kept\n2 lines before this one could not be written\n"


def test_a_log_is_for_its_owner_and_group(tmp_path):
    os.close(open_log(tmp_path / "log" / "x.log"))
    assert (tmp_path / "log" / "x.log").stat().st_mode & 0o007 == 0


def test_logging_starts_with_a_plan(tmp_path, restore_logging):
    event_log = start_logging(LogPlan(tmp_path, json=True, auth_events=True))
    logging.getLogger("gateway.worker").info("hello %s", "there", extra={"fields": {"key": 1}})
    logging.getLogger("gateway.worker").debug("unseen")
    event_log.event(logging.INFO, "gateway.worker", "short way", {"reason": "duo_allowed"})
    logging.getLogger("gateway.authevents").info("{}")
    first, second = (tmp_path / "authproxy.log").read_text().splitlines()
    assert '"message":"hello there","key":1' in first
    assert '"reason":"duo_allowed"' in second
    assert (tmp_path / "authevents.log").read_text() == "{}\n"


def test_the_handler_formats_records(tmp_path):
    handler = LineHandler(open_log(tmp_path / "x.log"))
    handler.setFormatter(TextFormatter())
    handler.emit(logging.makeLogRecord({"name": "gateway", "levelno": 20, "msg": "m"}))
    assert "[gateway#info] m\n" in (tmp_path / "x.log").read_text()


def test_a_pipe_gets_portions_that_are_never_mixed_with_another_writers():
    reader, writer = os.pipe()
    handler = LineHandler(writer)
    handler._lines = ["x" * 1000] * 10
    handler.flush()
    assert os.read(reader, 65536) == (b"x" * 1000 + b"\n") * 10
    assert handler._portion == 4096
    os.close(reader)
    os.close(writer)


def test_with_an_owner_a_link_is_not_followed_and_only_a_new_folder_changes_hands(tmp_path):
    owner = (os.getuid(), os.getgid())
    secret = tmp_path / "secret"
    secret.write_text("")
    folder = tmp_path / "log"
    os.close(open_log(folder / "x.log", owner))
    (folder / "y.log").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        open_log(folder / "y.log", owner)
