"""Lines on their way to a file, and files that give way to the next one."""

import asyncio
import errno
import logging
import os
import resource
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.logs.file_handler import FileHandler
from gateway.logs.files import LogRotation, rotated_files
from gateway.logs.formatters import LineFormatter
from gateway.logs.lines import TextLines
from gateway.logs.losses import Losses
from gateway.statistics.layout import AUTHPROXY
from tests.descriptors import n_descriptors
from tests.logs.writing import WRITERS_LINE

INFO = logging.INFO


@pytest.fixture
def handler(tmp_path):
    with_path = FileHandler(tmp_path / "x.log")
    yield with_path
    with_path.close()


@contextmanager
def disk_of(n_octets: int) -> Iterator[None]:
    """A limit to the size of files is met as a full disk is: by a write that is shorter than it should be."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_octets, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def written(path: Path) -> str:
    return path.read_text()


def test_the_lines_of_a_turn_are_written_together(tmp_path):
    path = tmp_path / "deep" / "x.log"

    async def scene() -> None:
        handler = FileHandler(path, asyncio.get_running_loop())
        handler.write("one", INFO)
        handler.write("two", INFO)
        assert written(path) == ""
        await asyncio.sleep(0)
        assert written(path) == "one\ntwo\n"
        handler.close()

    asyncio.run(scene())


def test_without_a_loop_a_line_is_written_at_once(handler):
    handler.write("one", INFO)
    assert written(handler.path) == "one\n"


def test_a_full_disk_costs_lines_and_says_so_later(tmp_path):
    link = tmp_path / "x.log"
    link.symlink_to("/dev/full")
    handler = FileHandler(link)
    handler.write("lost", INFO)
    handler.write("lost too", INFO)
    link.unlink()
    handler.reopen()
    handler.write("kept", INFO)
    handler.write("and this", INFO)
    handler.close()
    assert written(link) == "2 lines before this one could not be written\nkept\nand this\n"


def test_a_line_that_a_full_disk_cut_off_does_not_spoil_the_next(handler):
    with disk_of(10):
        handler.write("12345", INFO)
        handler.write("cut off here", INFO)
    handler.write("whole", INFO)
    assert written(handler.path) == "12345\ncut \n1 lines before this one could not be written\nwhole\n"


def test_the_torn_line_of_a_process_that_died_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("whole\ntorn")
    first, second = FileHandler(path), FileHandler(path)
    first.write("one", INFO)
    second.write("two", INFO)
    assert written(path) == "whole\ntorn\none\ntwo\n"
    first.close()
    second.close()


def test_the_line_of_another_process_that_a_full_disk_cut_off_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "x.log"
    first, second = FileHandler(path), FileHandler(path)
    second.write("a", INFO)
    with disk_of(6):
        first.write("cut off here", INFO)
        second.write("lost", INFO)
    second.write("whole", INFO)
    assert written(path) == "a\ncut \n1 lines before this one could not be written\nwhole\n"
    first.close()
    second.close()


@pytest.mark.parametrize("text", ["", "whole\n"])
def test_a_file_of_whole_lines_is_gone_on_with(tmp_path, text):
    (tmp_path / "x.log").write_text(text)
    handler = FileHandler(tmp_path / "x.log")
    handler.write("one", INFO)
    handler.close()
    assert written(tmp_path / "x.log") == f"{text}one\n"


class TestLosses:
    """Lines that cannot be written are counted while that lasts, and for good."""

    def test_a_full_disk(self, tmp_path):
        losses, link = Losses(), tmp_path / AUTHPROXY
        link.symlink_to("/dev/full")
        handler = FileHandler(link, losses=losses)
        handler.write("lost", INFO)
        handler.write("lost too", INFO)
        assert (losses.n_lines, losses.errors) == ({AUTHPROXY: 2}, {AUTHPROXY: errno.ENOSPC})
        link.unlink()
        handler.reopen()
        handler.write("kept", INFO)
        handler.close()
        assert (losses.n_lines, losses.errors) == ({AUTHPROXY: 2}, {})

    def test_the_loss_is_told_once_there_is_room_even_if_nobody_logs_in_then(self, tmp_path, monkeypatch):
        monkeypatch.setattr("gateway.logs.line_handler.TRY_AGAIN_AFTER_S", 0.01)
        losses, link = Losses(), tmp_path / AUTHPROXY
        link.symlink_to("/dev/full")

        async def scene() -> None:
            handler = FileHandler(link, asyncio.get_running_loop(), losses=losses)
            handler.write("lost", INFO)
            await until(lambda: losses.errors)
            link.unlink()
            link.touch()
            await until(lambda: not losses.errors)
            handler.close()

        asyncio.run(scene())
        assert written(link) == "1 lines before this one could not be written\n"

    def test_a_file_that_was_removed_takes_no_line_and_one_that_was_moved_does(self, tmp_path):
        losses, path = Losses(), tmp_path / AUTHPROXY
        handler = FileHandler(path, losses=losses)
        path.rename(tmp_path / "moved")
        handler.look()
        handler.write("one", INFO)
        assert (losses.n_lines, losses.errors) == ({}, {})
        (tmp_path / "moved").unlink()
        handler.look()
        handler.write("two", INFO)
        assert (losses.n_lines, losses.errors) == ({AUTHPROXY: 1}, {AUTHPROXY: errno.ENOENT})
        path.touch()
        handler.look()
        handler.write("three", INFO)
        handler.close()
        assert losses.errors == {}
        assert written(path) == "1 lines before this one could not be written\nthree\n"


class TestSpareDescriptor:
    """A process that cannot open the file writes to the descriptor that another one has of it."""

    @pytest.fixture
    def other(self, tmp_path):
        other = FileHandler(tmp_path / "log" / AUTHPROXY)
        yield other
        other.close()

    def test_lines_get_there_and_the_file_is_opened_once_that_can_be(self, other):
        path, losses = other.path, Losses()
        path.rename(path.with_name("moved"))
        path.mkdir()
        handler = FileHandler(path, spare=other.descriptor, losses=losses)
        handler.look()
        handler.write("there", INFO)
        assert losses.errors == {AUTHPROXY: errno.EISDIR}
        assert written(path.with_name("moved")).endswith("there\n")
        path.rmdir()
        path.touch()
        handler.look()
        handler.write("here", INFO)
        handler.close()
        assert losses.errors == {}
        assert written(path) == "here\n"

    def test_it_is_left_alone(self, other):
        before = n_descriptors()
        handler = FileHandler(other.path, spare=other.descriptor)
        handler.close()
        assert n_descriptors() == before
        other.write("still here", INFO)
        assert written(other.path) == "still here\n"

    def test_without_one_there_is_no_log(self, tmp_path):
        (tmp_path / "x.log").mkdir()
        with pytest.raises(IsADirectoryError):
            FileHandler(tmp_path / "x.log")


async def until(is_so: Callable[[], object]) -> None:
    """Let the loop turn; the suite's own time limit is the bound."""
    while not is_so():  # noqa: ASYNC110 -- nobody tells
        await asyncio.sleep(0)


def test_the_handler_formats_records(handler):
    handler.setFormatter(LineFormatter(TextLines()))
    handler.emit(logging.makeLogRecord({"name": "gateway", "levelno": 20, "msg": "m"}))
    assert "[gateway#info] m\n" in written(handler.path)


def test_a_pipe_that_nobody_reads_blocks_nobody(tmp_path):
    path = tmp_path / "x.log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    handler = FileHandler(path)
    for _ in range(100):
        handler.write("x" * 4000, INFO)
    os.read(reader, 1_000_000)
    handler.write("there is room again", INFO)
    assert b" lines before this one could not be written\nthere is room again\n" in os.read(reader, 1_000_000)
    handler.close()
    os.close(reader)


class TestRotation:
    @pytest.fixture
    def handler(self, tmp_path):
        rotating = FileHandler(tmp_path / "x.log", rotation=LogRotation(10, 3))
        yield rotating
        rotating.close()

    def names(self, path: Path) -> dict[str, str]:
        return {each.name: written(each) for each in sorted(path.parent.iterdir())}

    def test_a_file_that_is_not_full_stays(self, handler):
        handler.write("12345678", INFO)
        handler.look()
        assert self.names(handler.path) == {"x.log": "12345678\n"}

    def test_full_files_get_numbers_and_the_oldest_goes(self, handler):
        for number in range(5):
            handler.write(f"line number {number}", INFO)
            handler.look()
        handler.write("now", INFO)
        assert self.names(handler.path) == {
            "x.log": "now\n",
            "x.log.1": "line number 4\n",
            "x.log.2": "line number 3\n",
            "x.log.3": "line number 2\n",
        }
        assert [each.name for each in rotated_files(handler.path)] == ["x.log.1", "x.log.2", "x.log.3"]

    def test_0_keeps_all(self, tmp_path):
        handler = FileHandler(tmp_path / "x.log", rotation=LogRotation(1, 0))
        for number in range(12):
            handler.write(str(number), INFO)
            handler.look()
        handler.close()
        assert len(rotated_files(tmp_path / "x.log")) == 12
        assert written(tmp_path / "x.log.12") == "0\n"

    def test_0_octets_never_rotate(self, tmp_path):
        handler = FileHandler(tmp_path / "x.log", rotation=LogRotation(0, 3))
        handler.write("x" * 100_000, INFO)
        handler.look()
        handler.close()
        assert list(self.names(tmp_path / "x.log")) == ["x.log"]

    def test_a_smaller_number_of_files_removes_those_that_are_too_many(self, handler):
        for number in (1, 2, 3, 7):
            handler.path.with_name(f"x.log.{number}").write_text("old")
        handler.write("line number 1", INFO)
        handler.look()
        assert list(self.names(handler.path)) == ["x.log", "x.log.1", "x.log.2", "x.log.3"]

    @pytest.mark.parametrize(
        "name", ["x.log.20261123", "x.log-20261123", "x.log.gz", "x.log.1.gz", "y.log.1", "x.log.0"]
    )
    def test_what_others_have_put_there_stays(self, handler, name):
        handler.path.with_name(name).write_text("theirs")
        handler.write("line number 1", INFO)
        handler.look()
        assert handler.path.with_name(name).read_text() == "theirs"

    def test_other_processes_notice(self, handler):
        other = FileHandler(handler.path)
        other.write("line number 1", INFO)
        handler.look()
        other.write("still in the former file", INFO)
        other.look()
        other.write("in the new one", INFO)
        other.close()
        assert self.names(handler.path) == {
            "x.log": "in the new one\n",
            "x.log.1": "line number 1\nstill in the former file\n",
        }

    def test_what_waits_to_be_written_goes_to_the_former_file_before_the_new_one_is_begun(self, handler):
        handler._gathering._lines = ["held back, and long"]
        handler.path.rename(handler.path.with_name("x.log.1"))
        handler.look()
        assert written(handler.path.with_name("x.log.1")) == "held back, and long\n"

    def test_a_file_that_somebody_removed_is_made_again_by_the_one_that_rotates(self, handler):
        other = FileHandler(handler.path)
        handler.path.unlink()
        other.look()
        assert not handler.path.exists()
        handler.look()
        other.look()
        other.write("here", INFO)
        other.close()
        assert written(handler.path) == "here\n"

    def test_what_cannot_be_rotated_is_told_once_and_written_on(self, handler, caplog):
        handler.path.with_name("x.log.3").mkdir()
        logger = logging.getLogger("gateway")
        logger.propagate, before = True, logger.propagate
        handler.write("line number 1", INFO)
        handler.look()
        handler.look()
        logger.propagate = before
        (record,) = set(caplog.records)  # each may be caught twice, there and on its way up
        assert f"{handler.path} cannot be rotated" in record.getMessage()
        handler.path.with_name("x.log.3").rmdir()
        handler.look()
        assert written(handler.path.with_name("x.log.1")) == "line number 1\n"

    def test_a_pipe_in_the_logs_place_is_told_once_and_the_former_file_is_written_on(self, tmp_path, caplog):
        owner = (os.getuid(), os.getgid())
        handler = FileHandler(tmp_path / "x.log", owner=owner, rotation=LogRotation(10, 3))
        handler.path.rename(tmp_path / "moved")
        os.mkfifo(handler.path)
        logger = logging.getLogger("gateway")
        logger.propagate, before = True, logger.propagate
        handler.look()
        handler.look()
        logger.propagate = before
        assert len(set(caplog.records)) == 1
        handler.write("one", INFO)
        handler.close()
        assert written(tmp_path / "moved") == "one\n"

    def test_many_processes_lose_and_tear_no_line_and_write_none_twice(self, tmp_path):
        """Every line of every process stands once in one of the files, in order."""
        path, n_writers, n_rotations = tmp_path / "x.log", 3, 12
        rotating = FileHandler(path, rotation=LogRotation(20_000, 0))
        command = [sys.executable, "-m", "tests.logs.writing", str(path)]
        writers = [
            subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for number in range(n_writers)
        ]
        try:
            while len(rotated_files(path)) < n_rotations:
                assert all(writer.poll() is None for writer in writers)
                rotating.look()
            counts = [int(writer.communicate(timeout=60)[0]) for writer in writers]
        finally:
            for writer in writers:
                writer.kill()
                writer.communicate()
            rotating.close()
        found = defaultdict(list)
        for file in [*reversed(rotated_files(path)), path]:
            for line in file.read_text().splitlines():
                match = WRITERS_LINE.fullmatch(line)
                assert match is not None, line
                found[int(match[1])].append(int(match[2]))
        assert {number: len(lines) for number, lines in found.items()} == dict(enumerate(counts))
        assert all(lines == list(range(len(lines))) for lines in found.values())
