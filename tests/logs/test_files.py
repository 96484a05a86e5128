"""How log files are opened, and to whom they are given."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from gateway.logs.files import open_log, try_folder, try_log
from tests.descriptors import n_descriptors


def test_a_log_is_for_its_owner_and_group(tmp_path):
    os.close(open_log(tmp_path / "log" / "x.log"))
    assert (tmp_path / "log" / "x.log").stat().st_mode & 0o007 == 0


def test_with_an_owner_a_link_is_not_followed_and_only_a_new_folder_changes_hands(tmp_path):
    owner = (os.getuid(), os.getgid())
    secret = tmp_path / "secret"
    secret.write_text("")
    folder = tmp_path / "log"
    os.close(open_log(folder / "x.log", owner))
    (folder / "y.log").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        open_log(folder / "y.log", owner)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """The name of a log, beside a folder that holds a file."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "y.log").touch()
    return tmp_path / "x.log"


def test_where_a_file_must_have_a_name_the_folder_is_tried_by_one(tmp_path, monkeypatch):
    """As on NFS."""
    opened = os.open

    def refuse_nameless(path: Path, flags: int, *more: Any, **options: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        descriptor: int = opened(path, flags, *more, **options)
        return descriptor

    monkeypatch.setattr(os, "open", refuse_nameless)
    try_folder(tmp_path, b"1")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        try_folder(Path("/proc/self/fd"))


@pytest.mark.parametrize("target", ["there/y.log", "there/new.log"])
def test_a_link_to_a_file_or_to_where_one_can_be_made_is_followed(link, target):
    link.symlink_to(link.parent / target)
    try_log(link)
    os.close(open_log(link))
    assert (link.parent / target).exists()


@pytest.mark.parametrize("attempt", [try_log, open_log])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("gone/y.log", "No such file or directory"),
        ("x.log", "Too many levels of symbolic links"),
        ("there/y.log/z.log", "Not a directory"),
        ("there", "Is a directory"),
    ],
)
def test_any_other_is_refused_with_its_target_by_who_looks_and_by_who_opens(link, attempt, target, reason):
    link.symlink_to(link.parent / target)
    with pytest.raises(OSError, match=reason) as refused:
        attempt(link)
    assert refused.value.strerror == (
        f"x.log is a symbolic link to {link.parent / target}: {reason}; mend or remove it"
    )


def test_looking_at_a_link_makes_nothing(tmp_path):
    path = tmp_path / "x.log"
    path.symlink_to(tmp_path / "new.log")
    try_log(path)
    assert list(tmp_path.iterdir()) == [path]
    for attempt in (try_log, open_log):
        with pytest.raises(OSError, match=f"x.log is a symbolic link to {tmp_path}/new.log, and none is followed for"):
            attempt(path, (os.getuid(), os.getgid()))


@pytest.mark.parametrize("is_read", [False, True])
def test_with_an_owner_a_pipe_is_refused_and_not_waited_for(tmp_path, is_read):
    path = tmp_path / "x.log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if is_read else os.dup(0)
    before = n_descriptors()
    with pytest.raises(OSError, match="regular file" if is_read else "No such device"):
        open_log(path, (os.getuid(), os.getgid()))
    assert n_descriptors() == before
    os.close(reader)


def test_with_an_owner_a_file_that_has_another_name_too_is_refused_and_stays_as_it_is(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("")
    (tmp_path / "x.log").hardlink_to(precious)
    former = precious.stat()
    with pytest.raises(OSError, match="another name"):
        open_log(tmp_path / "x.log", (65534, 65534))
    assert (precious.stat().st_uid, precious.stat().st_gid) == (former.st_uid, former.st_gid)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mode", [0o750, 0o755])
def test_the_owner_can_open_the_log_in_a_folder_that_systemd_made_for_root(mode):
    """`LogsDirectory=` with `LogsDirectoryMode=0750`, and `user=` in [gateway]."""
    with tempfile.TemporaryDirectory() as name:
        above, folder, nobody = Path(name), Path(name, "log"), 65534
        above.chmod(0o755)
        folder.mkdir()
        folder.chmod(mode)
        os.close(open_log(folder / "x.log", (nobody, nobody)))
        assert folder.stat().st_uid == 0
        opening = f"import os; os.setgroups([]); os.setgid({nobody}); os.setuid({nobody}); open('{folder}/x.log', 'a')"
        assert subprocess.run([sys.executable, "-c", opening], check=False).returncode == 0
