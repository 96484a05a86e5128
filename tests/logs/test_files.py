"""How log files are opened, and to whom they are given."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gateway.logs.files import open_log
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
