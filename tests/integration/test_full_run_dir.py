"""`run_dir` is filled by another program while the gateway runs: it costs nobody a login, and no process its life."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.pending import N_PUSHES, approve_all, ask, people, pushes, until_named
from tests.integration.site import Site
from tests.integration.test_console import until
from tests.integration.test_lost_logs import kill_workers
from tests.integration.test_survival import workers

pytestmark = [pytest.mark.integration, pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")]

N_WORKERS = 2


@pytest.fixture
def folder(site: Site) -> Iterator[Path]:
    """A `run_dir` that is a file system, with room for a few journals."""
    folder = site.folder / "run"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m,mode=755", "none", str(folder)]
    subprocess.run(mount, check=True, timeout=20)
    site.start(gateway="max_pending=1000")
    yield folder
    site.simulator.post("/api/reset", {})
    site.stop()
    subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)


def fill(folder: Path) -> None:
    """Leave no room in a file system."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        room = os.fstatvfs(file.fileno())
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)


def test_nobody_is_pushed_twice_and_whoever_dies_is_succeeded(site: Site, folder: Path):
    users = people(site)
    before, after = users[: N_PUSHES // 2], users[N_PUSHES // 2 :]
    asked = ask(site, before)
    fill(folder)
    asked += [(nas := site.nas(), nas.send(user, "push")) for user in after]
    site.simulator.until(pending=N_PUSHES)
    until_named(site)
    kill_workers(site, 0, 1)
    for nas, octets in asked:
        nas.send_octets(octets)
    approve_all(site)
    assert all(nas.receive().is_accept for nas, _ in asked)
    assert pushes(site, users) == [1] * N_PUSHES
    assert [each["restarts"] for each in workers(site)] == [1, 1]
    assert "Journals are only in memory, because none can be written in run_dir: No space left" in site.log_text


@pytest.mark.parametrize("command", ["reload", "upgrade"])
def test_other_settings_and_other_code_are_taken(site: Site, folder: Path, command: str):
    assert site.nas().login("alice", "123456").is_accept
    fill(folder)
    done = site.radgate(command)
    assert (done.returncode, done.stderr) == (0, "")
    assert site.nas().login("bob", "123456").is_accept
    assert "SIGBUS" not in site.log_text


def test_it_ends_well(site: Site, folder: Path):
    assert site.nas().login("alice", "123456").is_accept
    fill(folder)
    assert site.stop() == 0


def test_who_was_killed_for_a_full_disk_is_told_of_with_the_likely_cause(site: Site, folder: Path):
    (first, _) = workers(site)
    os.kill(first["pid"], signal.SIGBUS)
    until(lambda: f"(pid {first['pid']}) exited: killed by SIGBUS; run_dir, " in site.log_text)
