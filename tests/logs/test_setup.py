"""The loggers of a process, from a plan to files."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.logs.setup import (
    LogPlan,
    LogUnusable,
    log_descriptors,
    log_loop_error,
    reopen_logs,
    start_logging,
    stop_logging,
)
from gateway.statistics.layout import AUTHEVENTS, AUTHPROXY
from tests.descriptors import n_descriptors

INFO = logging.INFO


@pytest.fixture
def restore_logging():
    yield
    stop_logging()
    for name in ("gateway", "gateway.authevents"):
        for handler in logging.getLogger(name).handlers:
            handler.close()
        logging.getLogger(name).handlers.clear()


def written(path: Path) -> str:
    return path.read_text()


def test_logging_starts_with_a_plan(tmp_path, restore_logging):
    event_log = start_logging(LogPlan(tmp_path, json=True, auth_events=True))
    logging.getLogger("gateway.worker").info("hello %s", "there", extra={"fields": {"key": 1}})
    logging.getLogger("gateway.worker").debug("unseen")
    event_log.event(0.0, INFO, "gateway.worker", "short way", {"reason": "duo_allowed"})
    logging.getLogger("gateway.authevents").info("{}")
    first, second = written(tmp_path / "authproxy.log").splitlines()
    assert '"message":"hello there","key":1' in first
    assert '"reason":"duo_allowed"' in second
    assert written(tmp_path / "authevents.log") == "{}\n"


def test_all_files_of_a_plan_have_a_spare_descriptor(tmp_path, restore_logging):
    plan = LogPlan(tmp_path, auth_events=True)
    start_logging(plan)
    spares = {name: os.dup(descriptor) for name, descriptor in log_descriptors(plan).items()}
    assert list(spares) == plan.names == [AUTHPROXY, AUTHEVENTS]
    for name in plan.names:
        (tmp_path / name).rename(tmp_path / f"{name}.1")
        (tmp_path / name).mkdir()
    start_logging(plan, spares=spares).event(0.0, INFO, "gateway.worker", "here", {})
    assert "here" in written(tmp_path / f"{AUTHPROXY}.1")
    assert log_descriptors(LogPlan(tmp_path / "elsewhere")) == {}
    for spare in spares.values():
        os.close(spare)


def test_a_mistake_is_logged_where_no_descriptor_is_left(tmp_path):
    """What the line needs is imported at the start."""
    path = tmp_path / AUTHPROXY
    subprocess.run([sys.executable, "-m", "tests.logs.exhausted", str(tmp_path)], check=True, timeout=60)
    assert written(path).count('error=ValueError traceback="') == 1


def test_a_log_that_was_moved_away_is_begun_anew(tmp_path, restore_logging):
    event_log = start_logging(LogPlan(tmp_path, auth_events=True))
    event_log.event(0.0, INFO, "gateway.worker", "before", {})
    for name in ("authproxy.log", "authevents.log"):
        (tmp_path / name).rename(tmp_path / f"{name}.1")
    reopen_logs()
    event_log.event(0.0, INFO, "gateway.worker", "after", {})
    logging.getLogger("gateway.authevents").info("{}")
    assert "after" in written(tmp_path / "authproxy.log")
    assert "after" not in written(tmp_path / "authproxy.log.1")
    assert written(tmp_path / "authevents.log") == "{}\n"


def test_a_log_that_cannot_be_begun_anew_goes_on_where_it_was(tmp_path, restore_logging):
    event_log = start_logging(LogPlan(tmp_path))
    (tmp_path / "authproxy.log").rename(tmp_path / "authproxy.log.1")
    (tmp_path / "authproxy.log").mkdir()
    reopen_logs()
    event_log.event(0.0, INFO, "gateway.worker", "after", {})
    text = written(tmp_path / "authproxy.log.1")
    assert "The log cannot be reopened: Is a directory" in text
    assert "after" in text


def test_a_start_that_fails_changes_nothing_and_leaves_no_file_open(tmp_path, restore_logging):
    start_logging(LogPlan(tmp_path))
    (tmp_path / "other" / "authproxy.log").mkdir(parents=True)
    before = n_descriptors()
    with pytest.raises(LogUnusable, match=f"cannot write logs to {tmp_path}/other: Is a directory; write log_dir="):
        start_logging(LogPlan(tmp_path / "other", auth_events=True))
    assert n_descriptors() == before
    logging.getLogger("gateway.worker").info("here")
    assert "here" in written(tmp_path / "authproxy.log")


def test_starting_again_leaves_no_file_open(tmp_path, restore_logging):
    start_logging(LogPlan(tmp_path, auth_events=True, syslog="LOG_USER"))
    before = n_descriptors()
    for _ in range(3):
        start_logging(LogPlan(tmp_path, auth_events=True, syslog="LOG_USER"))
    assert n_descriptors() == before


def test_what_ends_with_its_loop_is_no_error(caplog):
    """A worker that leaves closes its loop while Duo is asked what became of pushes."""
    loop = asyncio.new_event_loop()
    log_loop_error(loop, {"exception": ValueError("ours")})
    loop.close()
    log_loop_error(loop, {"exception": RuntimeError("Event loop is closed")})
    assert [record.message for record in caplog.records] == ["Internal error in a callback"]
