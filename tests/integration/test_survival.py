"""Workers that die, hang or cannot start: the others serve, and each place is filled again."""

import os
import signal
from functools import partial
from typing import Any

import msgspec
import pytest

from gateway.ipc.worker_channel import STACK_SIGNAL
from tests.integration.site import Site
from tests.integration.test_console import until

pytestmark = pytest.mark.integration

N_WORKERS = 2


def workers(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(site.radgate("status", "--json").stdout)["workers"]
    return found


def is_replaced(site: Site, pid: int) -> bool:
    return bool({each["pid"] for each in workers(site) if each["slot"] == 0} - {0, pid})


def test_a_worker_that_stands_still_is_replaced(site: Site):
    """Ten seconds without a sign of life; what it had under way goes on."""
    site.simulator.post(
        "/api/users",
        {
            "username": "zoe",
            "devices": [{"device": "D1", "capabilities": ["push"]}],
            "answer": "person",
            "expires_after_s": 60,
        },
    )
    nas = site.start(gateway="workers=1").nas()
    nas.send("zoe", "push")
    (push,) = site.simulator.pending()
    (before,) = workers(site)
    os.kill(before["pid"], signal.SIGSTOP)
    until(lambda: "hangs: it gave no sign of life" in site.log_text)
    site.simulator.decide(push)
    assert nas.receive(30).is_accept
    assert site.simulator.get("/api/counts")["users"]["zoe"]["push"] == 1
    (after,) = workers(site)
    assert (after["restarts"], after["state"]) == (1, "ready")


def test_the_stacks_of_a_worker_are_written_to_the_log_when_asked_for(site: Site):
    site.start(gateway="workers=1")
    (worker,) = workers(site)
    os.kill(worker["pid"], STACK_SIGNAL)
    until(lambda: "gateway/worker/__main__.py" in site.log_text)
    assert site.nas().login("alice", "123456").is_accept


def test_a_log_that_was_moved_away_is_begun_anew_by_all(site: Site):
    nas = site.start().nas()
    log = site.folder / "log" / "authproxy.log"
    log.rename(log.with_suffix(".1"))
    site.gateway.signal(signal.SIGUSR1)
    until(log.exists)
    until(lambda: [nas.login(user, "123456").is_accept for user in ("alice", "dave", "josé")] and log.stat().st_size)
    for worker in workers(site):
        assert str(log) in {str(entry.readlink()) for entry in site.descriptors(worker["pid"])}


def test_a_worker_that_dies_again_and_again_is_started_less_and_less_often(site: Site):
    nas = site.start().nas()
    for _ in range(3):
        (pid,) = [each["pid"] for each in workers(site) if each["slot"] == 0]
        os.kill(pid, signal.SIGKILL)
        until(partial(is_replaced, site, pid))
    by_slot = {each["slot"]: each["restarts"] for each in workers(site)}
    assert by_slot == {0: 3, 1: 0}
    until(lambda: all(each["state"] == "ready" for each in workers(site)))
    assert nas.login("alice", "123456").is_accept
