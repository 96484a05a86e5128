"""All files of a log, in portions of bounded size."""

import gzip
import io
import os
from pathlib import Path

import pytest

from gateway.logs.history import PORTION, files_of, portions, portions_of


def write(path: Path, at: float, octets: bytes = b"") -> None:
    path.write_bytes(octets)
    os.utime(path, (at, at))


def test_files_of_a_log_the_oldest_first(tmp_path):
    names = ["log.3.gz", "log-20261122", "log.2", "log.1", "log"]
    for n, name in enumerate(names):
        write(tmp_path / name, 1_000.0 + n)
    for name in ("log.lock", "logs", "other", "log.1.bak", "log.gz.1x"):
        write(tmp_path / name, 1.0)
    assert [(each.path.name, each.written_at) for each in files_of(tmp_path / "log")] == [
        (name, 1_000.0 + n) for n, name in enumerate(names)
    ]


def test_portions_are_whole_lines(tmp_path):
    lines = [b"%06d " % n + b"x" * 90 for n in range(3 * PORTION // 98)]
    (tmp_path / "log").write_bytes(b"\n".join(lines))
    found = list(portions(tmp_path / "log"))
    assert len(found) == 4
    assert all(len(each) <= PORTION + 98 for each in found)
    assert b"\n".join(found).split(b"\n") == lines


def test_a_line_without_end_takes_no_more_memory_than_two_portions():
    octets = b"a\n" + b"x" * 10 * PORTION + b"\nb\n"
    found = list(portions_of(io.BytesIO(octets)))
    assert max(map(len, found)) <= 3 * PORTION
    assert found[0] == b"a"
    assert b"".join(found).endswith(b"b")


def test_compressed_files(tmp_path):
    (tmp_path / "log.1.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    assert list(portions(tmp_path / "log.1.gz")) == [b"one\ntwo"]


WHOLE = gzip.compress(b"x" * 1_000, mtime=0)


@pytest.mark.parametrize("octets", [b"no gzip", WHOLE[:-9], WHOLE[:12] + b"?"], ids=["none", "short", "wrong"])
def test_damaged_files_say_so(tmp_path, octets):
    (tmp_path / "log.gz").write_bytes(octets)
    with pytest.raises(OSError, match="damaged"):
        list(portions(tmp_path / "log.gz"))


def test_neither_links_nor_pipes_nor_folders_are_read(tmp_path):
    (tmp_path / "secret").write_bytes(b"x\n")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OSError, match=r"link|levels|regular|directory"):
            list(portions(tmp_path / name))
