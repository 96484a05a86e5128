"""Logs that cannot be written or opened, and slots that nobody serves: users are served, and it is said."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.integration.site import Site
from tests.integration.test_console import ANY_PORT, console_pid, get, new_console, status_of, until, url_of

pytestmark = pytest.mark.integration

N_WORKERS = 2

USERS = ("alice", "dave", "josé", "erin", "bob", "carol")


def log_of(site: Site) -> Path:
    return site.folder / "log" / "authproxy.log"


def what_is_known(site: Site) -> dict[str, Any]:
    """Return what the status says of the log."""
    (known,) = status_of(site)["logs"]
    return dict(known)


def serving(site: Site) -> dict[int, Any]:
    """Return the workers by slot; those of former settings, which may be leaving, are none."""
    status = status_of(site)
    return {each["slot"]: each for each in status["workers"] if each["generation"] == status["generation"]}


def kill_workers(site: Site, *slots: int) -> None:
    """Kill workers, and return once their successors serve."""
    before = {slot: worker["pid"] for slot, worker in serving(site).items()}
    for slot in slots:
        os.kill(before[slot], signal.SIGKILL)

    def is_back() -> bool:
        workers = serving(site)
        return all(workers[slot]["state"] == "ready" and workers[slot]["pid"] != before[slot] for slot in slots)

    until(is_back)


def all_are_answered(site: Site) -> bool:
    nas = site.nas()
    return all(nas.login(user, "no factor").code for user in USERS)


def has_open(site: Site, path: Path, pid: int) -> bool:
    return str(path) in {str(entry.readlink()) for entry in site.descriptors(pid)}


def health_of(url: str) -> tuple[int, list[str]]:
    """Return the HTTP status of `/healthz`, and the reasons."""
    try:
        return 200, json.loads(get(url + "healthz"))["reasons"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["reasons"]


def test_workers_and_console_that_cannot_open_the_log_serve_and_it_is_said_until_they_can(site: Site):
    site.start(gateway=ANY_PORT)
    url, log = url_of(site.gateway), log_of(site)
    console = console_pid(site)
    moved = log.with_name("moved")
    log.rename(moved)
    log.mkdir()
    kill_workers(site, 0, 1)
    os.kill(console, signal.SIGKILL)
    assert all_are_answered(site)
    until(lambda: what_is_known(site)["lost_to"] == ["worker 0", "worker 1", "supervisor"])
    assert what_is_known(site)["trouble"] == "worker 0, worker 1, supervisor: Is a directory"
    assert "LOG LOST: authproxy.log (worker 0, worker 1, supervisor: Is a directory)" in site.radgate("status").stdout
    until(lambda: "radgate: LOG LOST: authproxy.log (" in site.gateway.heard())
    assert site.radgate("reload").returncode == 0
    until(lambda: health_of(url) == (200, []))  # the console has been told of the workers
    new_console(site, console)
    until(lambda: 'radgate_log_lost{log="authproxy.log"} 1\n' in get(url + "metrics"))
    log.rmdir()
    until(lambda: what_is_known(site)["trouble"] == "")
    until(lambda: "authproxy.log can be written again" in log.read_text())
    until(lambda: all(has_open(site, log, worker["pid"]) for worker in status_of(site)["workers"]))
    assert all_are_answered(site)
    site.stop()
    assert {f"worker={slot}" for slot in (0, 1)} <= set(re.findall(r"worker=\d", log.read_text()))
    assert re.findall(r"worker=\d", moved.read_text())
    assert site.gateway_said.count("LOG LOST") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_became_read_only(site: Site):
    """What is open goes on; new files cannot be opened."""
    site.start(gateway="workers=2")
    folder = site.folder / "log"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(folder)], check=True, timeout=20)
    try:
        kill_workers(site, 0)
        assert all_are_answered(site)
        until(lambda: what_is_known(site)["trouble"] == "supervisor: Read-only file system")
        assert site.radgate("reload").returncode == 0
        kill_workers(site, 0, 1)
        assert all_are_answered(site)
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=20)
    until(lambda: what_is_known(site)["trouble"] == "")
    assert what_is_known(site)["lines_lost"] == 0
    site.stop()
    assert site.log_text.count(" reason=") == 2 * len(USERS)


def test_lines_that_a_full_disk_cost_are_counted_whatever_becomes_of_the_workers(site: Site):
    log = log_of(site)
    log.parent.mkdir()
    log.symlink_to("/dev/full")
    site.start(gateway=ANY_PORT)
    url = url_of(site.gateway)
    assert all_are_answered(site)
    known = what_is_known(site)
    assert known["lines_lost"] >= len(USERS)
    assert "No space left on device" in known["trouble"]
    kill_workers(site, 0, 1)
    assert site.radgate("reload").returncode == 0
    assert all_are_answered(site)
    n_lost = what_is_known(site)["lines_lost"]
    assert n_lost >= known["lines_lost"] + len(USERS)
    log.unlink()
    until(lambda: what_is_known(site)["trouble"] == "")
    until(lambda: "authproxy.log can be written again; " in log.read_text())
    n_lost = what_is_known(site)["lines_lost"]
    until(lambda: f'radgate_log_lines_lost_total{{log="authproxy.log"}} {n_lost}\n' in get(url + "metrics"))
    assert f"log lines lost: authproxy.log {n_lost}\n" in site.radgate("status").stdout


def test_a_reload_to_a_folder_that_takes_no_log_changes_nothing(site: Site):
    site.start(gateway="workers=1")
    elsewhere = site.folder / "elsewhere"
    elsewhere.write_text("a file where the folder should be")
    text = site.config.read_text()
    site.config.write_text(text.replace(f"log_dir={site.folder / 'log'}", f"log_dir={elsewhere}"))
    refused = site.radgate("reload")
    assert refused.returncode == 2
    reason = f"a worker could not start with it: radgate worker N: cannot write logs to {elsewhere}: "
    assert reason in re.sub(r"worker \d:", "worker N:", refused.stderr)
    assert "log_dir= in [main]" in refused.stderr
    assert all_are_answered(site)


@pytest.fixture
def roots(site: Site) -> Path:
    """Trusted roots that can be spoilt."""
    copy = site.folder / "roots.pem"
    shutil.copy(site.simulator.ca, copy)
    return copy


def test_a_slot_that_nobody_serves_is_not_healthy_and_its_users_are_spoken_of(site: Site, roots: Path):
    site.start(gateway=ANY_PORT, ca=str(roots))
    url = url_of(site.gateway)
    until(lambda: health_of(url) == (200, []))  # the console has been told
    kill_workers(site, 0, 1)
    until(lambda: health_of(url) == (200, []))  # and that others serve
    roots.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    (worker,) = [worker for worker in status_of(site)["workers"] if worker["slot"] == 1]
    os.kill(worker["pid"], signal.SIGKILL)
    until(lambda: health_of(url)[0] == 503)
    status, reasons = health_of(url)
    assert (status, len(reasons)) == (503, 1)
    assert re.fullmatch(r"nobody serves slot 1 \(\w+\) for \d+ s: its users get no answer", reasons[0])
    assert "NOBODY SERVES slot 1 (" in site.radgate("status").stdout
    unserved = re.search(r'radgate_worker_unserved_seconds\{slot="1"\} (\S+)', get(url + "metrics"))
    assert unserved is not None
    assert float(unserved[1]) > 0
    assert re.search(f'exited: exit status 3 said="radgate worker 1: [^"]*{roots}', site.log_text)
    shutil.copy(site.simulator.ca, roots)
    until(lambda: health_of(url) == (200, []))
