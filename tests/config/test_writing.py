"""Files that are there as a whole or not at all."""

import errno
import os

import pytest

from gateway.config.writing import create_file, explain_error, replace_file


def test_a_new_file_is_for_its_owner_alone_and_never_replaces_one(tmp_path):
    path = tmp_path / "deep" / "x.cfg"
    create_file(path, b"one")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o600)
    with pytest.raises(FileExistsError):
        create_file(path, b"two")
    assert path.read_bytes() == b"one"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_replaced_file_keeps_its_mode_and_owner(tmp_path, mode):
    path = tmp_path / "x.cfg"
    path.write_bytes(b"one")
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, 1, 2)
    before = path.stat()
    replace_file(path, b"two")
    after = path.stat()
    assert path.read_bytes() == b"two"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_nor_does_it_take_the_group_of_a_folder_that_gives_its_own(tmp_path):
    path = tmp_path / "x.cfg"
    path.write_bytes(b"one")
    os.chown(tmp_path, -1, 2)
    tmp_path.chmod(0o2755)
    replace_file(path, b"two")
    assert path.stat().st_gid == os.getgid()


def test_where_owner_or_group_cannot_be_kept_it_stays_as_it_is(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    path = tmp_path / "x.cfg"
    path.write_bytes(b"one")
    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result([0o100600, 1, 1, 1, 65533, 65533, 0, 0, 0, 0]))
    with pytest.raises(PermissionError) as refused:
        replace_file(path, b"two")
    status = path.stat()
    assert explain_error(refused.value) == (
        f"{path}: its owner and group ({status.st_uid}:{status.st_gid}) cannot be kept, but by root: run this as root"
    )
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"one", [path])


def test_a_link_stays_one(tmp_path):
    path, link = tmp_path / "x.cfg", tmp_path / "link.cfg"
    path.write_bytes(b"one")
    link.symlink_to(path)
    replace_file(link, b"two")
    assert link.is_symlink()
    assert path.read_bytes() == b"two"


def test_what_cannot_be_replaced_stays_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "x.cfg"
    path.write_bytes(b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"two")
    with pytest.raises(OSError, match="No space"):
        create_file(tmp_path / "y.cfg", b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EMFILE, "; raise LimitNOFILE"), (errno.EAGAIN, "; raise TasksMax="), (errno.ENOENT, "")]
)
def test_what_to_do_about_an_error_is_told_where_it_is_known(number, said):
    assert explain_error(OSError(number, "no")).startswith(f"no{said}")
