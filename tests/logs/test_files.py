"""Lines on their way to a file."""

import asyncio
import logging
import os
from pathlib import Path

import pytest

from gateway.logs.files import LineHandler, open_log
from gateway.logs.lines import TextFormatter
from gateway.logs.setup import LogPlan, reopen_logs, start_logging, stop_logging


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


def test_a_log_that_was_moved_away_is_begun_anew(tmp_path, restore_logging):
    event_log = start_logging(LogPlan(tmp_path, auth_events=True))
    event_log.event(logging.INFO, "gateway.worker", "before", {})
    for name in ("authproxy.log", "authevents.log"):
        (tmp_path / name).rename(tmp_path / f"{name}.1")
    reopen_logs()
    event_log.event(logging.INFO, "gateway.worker", "after", {})
    logging.getLogger("gateway.authevents").info("{}")
    assert "after" in (tmp_path / "authproxy.log").read_text()
    assert "after" not in (tmp_path / "authproxy.log.1").read_text()
    assert (tmp_path / "authevents.log").read_text() == "{}\n"


def test_a_log_that_cannot_be_begun_anew_goes_on_where_it_was(tmp_path, restore_logging):
    event_log = start_logging(LogPlan(tmp_path))
    (tmp_path / "authproxy.log").rename(tmp_path / "authproxy.log.1")
    (tmp_path / "authproxy.log").mkdir()
    reopen_logs()
    event_log.event(logging.INFO, "gateway.worker", "after", {})
    text = (tmp_path / "authproxy.log.1").read_text()
    assert "The log cannot be opened anew: Is a directory" in text
    assert "after" in text


def test_starting_again_leaves_no_file_open(tmp_path, restore_logging):
    def n_open() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    start_logging(LogPlan(tmp_path, auth_events=True))
    before = n_open()
    for _ in range(3):
        start_logging(LogPlan(tmp_path, auth_events=True))
    assert n_open() == before
