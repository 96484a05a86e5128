"""One gateway for each run_dir, and nothing left of it afterwards."""

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.supervisor import run_dir
from gateway.supervisor.run_dir import JOURNALS, PID_FILE, RunDir, RunDirUnusable, try_run_dir

HOLD_IT = """\
import sys
from gateway.supervisor.run_dir import RunDir
folder = RunDir(sys.argv[1])
folder.listen()
print("held", flush=True)
sys.stdin.read()
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Holder:
    """Another process that has locked a folder."""

    def __init__(self, path: Path) -> None:
        arguments = [sys.executable, "-P", "-c", HOLD_IT, str(path)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_folder_that_is_not_there_is_made_and_holds_our_pid(tmp_path):
    folder = RunDir(tmp_path / "deep" / "run")
    assert mode_of(folder.path) == (0o755 if os.geteuid() == 0 else 0o700)
    assert (folder.path / "radgate.pid").read_text() == f"{os.getpid()}\n"
    folder.release()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_the_socket_is_for_us_and_root_alone_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        folder = RunDir(tmp_path / "run")
        folder.listen().close()
        assert mode_of(folder.path / "control.sock") == 0o600
        assert os.umask(umask) == umask
        folder.release()
    finally:
        os.umask(before)


def test_a_folder_is_locked_once(tmp_path):
    folder = RunDir(tmp_path)
    with pytest.raises(RunDirUnusable) as refused:
        RunDir(tmp_path)
    assert str(refused.value) == (
        f"another radgate (pid {os.getpid()}) uses {tmp_path}; stop it, or write another run_dir in [gateway]"
    )
    assert (tmp_path / "radgate.pid").exists()
    folder.release()
    RunDir(tmp_path).release()


def test_a_living_gateways_folder_is_refused_and_a_killed_ones_is_taken_over(tmp_path):
    holder = Holder(tmp_path)
    with pytest.raises(RunDirUnusable, match=f"pid {holder.process.pid}"):
        RunDir(tmp_path)
    holder.kill()
    assert (tmp_path / "control.sock").exists()
    folder = RunDir(tmp_path)
    with folder.listen(), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "control.sock"))
    assert (tmp_path / "radgate.pid").read_text() == f"{os.getpid()}\n"
    folder.release()


def test_a_link_in_the_place_of_the_pid_file_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "radgate.pid").symlink_to(tmp_path / "precious")
    RunDir(tmp_path / "run").release()
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_a_successor_put_into_a_new_folder_of_that_name_stays(tmp_path):
    first = RunDir(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    second = RunDir(tmp_path / "run")
    first.release()
    assert (tmp_path / "run" / "radgate.pid").exists()
    second.release()


def test_a_folder_that_cannot_be_one_is_named_with_the_key_to_mend(tmp_path):
    (tmp_path / "file").write_text("")
    for path, reason in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "run", "Not a directory")):
        with pytest.raises(RunDirUnusable) as refused:
            RunDir(path)
        assert str(refused.value) == f"cannot use {path}: {reason}; correct run_dir in [gateway]"


@pytest.mark.parametrize("name", ["radgate.pid", "control.sock"])
def test_a_folder_in_the_place_of_a_file_is_named_by_who_looks_and_by_who_starts(tmp_path, name):
    (tmp_path / name).mkdir()
    tmp_path.chmod(0o755)
    for claim in (try_run_dir, RunDir):
        with pytest.raises(RunDirUnusable, match=f"{tmp_path / name} is a folder; remove it"):
            claim(tmp_path)


@pytest.mark.parametrize("claim", [try_run_dir, RunDir])
def test_a_full_disk_is_named_with_what_to_do(tmp_path, monkeypatch, claim):
    """The limit stands in for a tmpfs that is full: making files goes well there, and writing does not."""
    monkeypatch.setattr(run_dir, "_REMEDIES", {errno.EFBIG: run_dir._REMEDIES[errno.ENOSPC]})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(RunDirUnusable, match=f"cannot use {tmp_path}: .*; make room there, or write another run_d"):
            claim(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("claim", [try_run_dir, RunDir])
def test_a_folder_of_the_kernels_that_holds_no_files_of_others_is_refused(claim):
    with pytest.raises(RunDirUnusable, match="cannot use /proc/self/fd: "):
        claim("/proc/self/fd")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path, mode):
    path = tmp_path / "run"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(RunDirUnusable, match=f"others may write to {path}; chmod go-w"):
        RunDir(path)
    assert list(path.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_is_refused(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(RunDirUnusable, match=f"{tmp_path} belongs to user 65534; write another run_dir"):
        RunDir(tmp_path)


def test_a_name_too_long_for_a_socket_is_refused_and_nothing_stays_open(tmp_path):
    folder = RunDir(tmp_path / ("x" * 200))
    with pytest.raises(RunDirUnusable, match="too long; correct run_dir"):
        folder.listen()
    folder.release()
    assert not any(str(tmp_path) in str(entry.resolve()) for entry in Path("/proc/self/fd").iterdir())


def test_a_folder_was_left_where_a_pid_file_is_there_and_nobody_locks_it(tmp_path):
    folder = RunDir(tmp_path / "run")
    assert not folder.was_left
    folder.release()
    (folder.path / PID_FILE).write_text("4711\n")
    folder = RunDir(folder.path)
    assert folder.was_left
    folder.release()


def test_a_folder_that_this_process_has_locked_can_be_taken_over(tmp_path):
    first = RunDir(tmp_path / "run")
    second = RunDir(first.path, first.descriptor)
    assert second.descriptor == first.descriptor
    second.release()


def test_the_folder_of_journals_is_ours_alone(tmp_path):
    folder = RunDir(tmp_path / "run")
    os.close(folder.open_journals())
    assert stat.S_IMODE((folder.path / JOURNALS).stat().st_mode) == 0o700
    (folder.path / JOURNALS).chmod(0o755)
    with pytest.raises(PermissionError, match="others may use it"):
        folder.open_journals()
    folder.remove_journals()
    (folder.path / JOURNALS).symlink_to(tmp_path)
    with pytest.raises(OSError, match="Not a directory"):
        folder.open_journals()
    folder.release()
