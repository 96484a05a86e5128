"""Journals in files: what is found, by whom it is held, and what is left."""

import errno
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ipc.journal import Journal, Origin, create_journal
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.numbering import Numbering
from gateway.supervisor import journals as journals_module
from gateway.supervisor.journals import Journals
from gateway.supervisor.run_dir import RunDir
from tests.descriptors import n_descriptors

NUMBERING = Numbering(["0.0.0.0:1812"], 4)


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[RunDir]:
    run_dir = RunDir(tmp_path / "run")
    yield run_dir
    run_dir.release()


def written(journals: Journals, *logins: bytes) -> int:
    """A journal with these logins in it."""
    descriptor = journals.create(10, NUMBERING)
    journal = Journal(descriptor, journals.key)
    journal.begin(Origin(1, 0.0, os.getpid()))
    for number, octets in enumerate(logins):
        journal.keep_login(number, octets)
    journal.close()
    return descriptor


def names(run_dir: RunDir) -> list[str]:
    folder = run_dir.path / "journals"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def in_files_alone(max_logins: int, **options: Any) -> int:
    """As `create_journal`, but with memory that nobody has."""
    if "create" not in options:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return create_journal(max_logins, **options)


def die(journals: Journals, *descriptors: int) -> None:
    """Close what the kernel would close."""
    for descriptor in descriptors:
        os.close(descriptor)
    os.close(journals._folder)


def test_what_one_leaves_the_next_finds_the_oldest_first(run_dir: RunDir):
    first = Journals(run_dir)
    die(first, written(first, b"alice"), written(first, b"bob"), *(written(first) for _ in range(9)))
    second = Journals(run_dir)
    assert second.key == first.key
    assert len(second.found) == 11
    journals = [JournalReader(each, second.key) for each in second.found[:2]]
    assert [list(each.logins()) for each in journals] == [[b"alice"], [b"bob"]]
    assert [(each.numbering(), each.origin().pid) for each in journals] == [(NUMBERING, os.getpid())] * 2
    new = second.create(10, NUMBERING)
    assert "journal-12" in names(run_dir)
    for each in (*second.found, new):
        second.close(each)
    second.release()
    assert names(run_dir) == []


def test_what_somebody_has_is_held(run_dir: RunDir):
    first = Journals(run_dir)
    descriptor = written(first)
    second = Journals(run_dir)
    assert second.held == second.found
    die(first, descriptor)
    assert second.held == []
    assert second.end_holder(second.found[0]) == 0
    second.close(second.found[0])
    second.release()


def test_files_are_private_and_what_is_kept_stays(run_dir: RunDir):
    journals = Journals(run_dir)
    kept, not_kept = written(journals, b"alice"), written(journals)
    assert [journals.has_logins(each) for each in (kept, not_kept)] == [True, False]
    folder = run_dir.path / "journals"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    journals.close(kept, keeps=True)
    journals.close(not_kept)
    journals.release()
    assert names(run_dir) == ["journal-1", "key"]


@pytest.mark.parametrize("damage", ["missing", "short", "another boot"])
def test_without_their_key_they_are_nothing(run_dir: RunDir, damage: str):
    first = Journals(run_dir)
    die(first, written(first, b"alice"))
    key = run_dir.path / "journals" / "key"
    octets = {"missing": b"", "short": key.read_bytes()[:20], "another boot": key.read_bytes()[:-3] + b"xx\n"}[damage]
    key.unlink()
    if octets:
        key.write_bytes(octets)
    second = Journals(run_dir)
    assert second.key != first.key
    assert (second.found, names(run_dir)) == ([], ["key"])
    second.release()


def test_a_folder_that_is_made_anew_without_room_for_its_key_is_made_once_more(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
):
    """Without its key nothing of a journal can be read."""
    first = Journals(run_dir)
    shutil.rmtree(run_dir.path / "journals")

    def full_disk() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(first, "_write_key", full_disk)
        with pytest.raises(OSError, match="No space left"):
            first.see_to_folder()
    first.see_to_folder()
    die(first, written(first, b"alice"))
    second = Journals(run_dir)
    assert len(second.found) == 1
    second.close(second.found[0])
    second.release()


def test_without_room_memory_does_and_it_is_said_once(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(journals_module, "_ROOM", 1 << 60)
    journals = Journals(run_dir)
    with caplog.at_level(logging.WARNING):
        descriptors = [written(journals, b"alice") for _ in range(2)]
    (record,) = caplog.records
    assert record.getMessage() == (
        "Journals are only in memory, because none can be written in run_dir: No space left on device. "
        "If this process is killed, pending pushes are forgotten and may be sent again"
    )
    assert names(run_dir) == ["key"]
    for each in descriptors:
        assert journals.has_logins(each)
        journals.close(each, keeps=True)
    journals.release()
    assert names(run_dir) == []


def test_a_want_of_room_that_comes_back_is_said_again(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    journals, descriptors = Journals(run_dir), []
    for room in (1 << 60, 0, 1 << 60):
        monkeypatch.setattr(journals_module, "_ROOM", room)
        descriptors.append(written(journals))
    assert caplog.text.count("Journals are only in memory") == 2
    for each in descriptors:
        journals.close(each)
    journals.release()


def test_without_a_descriptor_there_is_no_journal(run_dir: RunDir, monkeypatch: pytest.MonkeyPatch):
    journals = Journals(run_dir)

    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(journals, "_create_file", none_left)
    with pytest.raises(OSError, match="Too many open files"):
        journals.create(10, NUMBERING)
    journals.release()


def test_a_file_that_cannot_be_filled_is_not_left_over(run_dir: RunDir, monkeypatch: pytest.MonkeyPatch):
    journals = Journals(run_dir)
    before = n_descriptors()
    write = os.pwrite

    def full_disk(descriptor: int, octets: bytes, offset: int) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name.startswith("journal-"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, octets, offset)

    monkeypatch.setattr(os, "pwrite", full_disk)
    monkeypatch.setattr(journals_module, "create_journal", in_files_alone)
    with pytest.raises(OSError, match="No space left"):
        journals.create(10, NUMBERING)
    assert n_descriptors() == before
    assert names(run_dir) == ["key"]
    journals.release()


def test_what_cannot_be_removed_is_said_and_given_up(run_dir: RunDir, caplog: pytest.LogCaptureFixture):
    """Who is told of the end of a worker hears of it behind this."""
    journals = Journals(run_dir)
    descriptor = journals.create(10, NUMBERING)
    path = run_dir.path / "journals" / "journal-1"
    path.unlink()
    path.mkdir()  # which is removed in another way
    before = n_descriptors()
    with caplog.at_level(logging.ERROR):
        journals.close(descriptor)
    assert n_descriptors() == before - 1
    assert "journal-1 in the folder of journals cannot be removed: Is a directory" in caplog.text
    path.rmdir()
    journals.release()


def test_links_and_pipes_in_the_folder_keep_nobody_waiting(run_dir: RunDir, tmp_path: Path):
    first = Journals(run_dir)
    die(first, written(first, b"alice"))
    folder = run_dir.path / "journals"
    (folder / "journal-7").symlink_to(tmp_path)
    os.mkfifo(folder / "journal-8")
    second = Journals(run_dir)
    (found,) = second.found
    second.close(found)
    second.release()
    assert names(run_dir) == ["journal-7", "journal-8", "key"]
