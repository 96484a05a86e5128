"""People whose phones the test answers, a gateway that waits for them, and what it leaves for the next start."""

import os
import select
import signal
from itertools import count
from pathlib import Path
from typing import Any

from tests.integration.site import Nas, Site
from tests.integration.test_console import until

N_PUSHES = 10
_NUMBERS = count()


def kill_supervisor(site: Site) -> None:
    """End it as the kernel does when memory runs out; its workers have ended when this returns."""
    gateway = site.gateway
    pidfds = [os.pidfd_open(pid) for pid in gateway.worker_pids()]
    gateway.signal(signal.SIGKILL)
    gateway.stop()
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], 20)[0]
        os.close(pidfd)


def people(site: Site, n: int = N_PUSHES) -> list[str]:
    """Users whose phones are answered by the test, and whom no other test knows."""
    users = [f"person{number}" for _, number in zip(range(n), _NUMBERS, strict=False)]
    for user in users:
        device = {"device": f"D-{user}", "capabilities": ["push"]}
        site.simulator.post("/api/users", {"username": user, "devices": [device], "answer": "person"})
    return users


def ask(site: Site, users: list[str]) -> list[tuple[Nas, bytes]]:
    """Begin a push for each, from a NAS of its own, and return once Duo has named all of them."""
    asked = []
    for user in users:
        nas = site.nas()
        asked.append((nas, nas.send(user, "push")))
    site.simulator.until(pending=len(users))
    return asked


def until_named(site: Site) -> None:
    """Return once the gateway knows each push by its name: it asks what became of it."""

    def polled() -> set[str]:
        calls = site.simulator.get("/api/calls?limit=10000")
        return {call["txid"] for call in calls if call["path"].endswith("/auth_status")}

    until(lambda: polled() >= {push["txid"] for push in site.simulator.pending()})


def approve_all(site: Site) -> None:
    site.simulator.post("/api/pending", {"decision": "approve"})


def pushes(site: Site, users: list[str]) -> list[int]:
    counted: dict[str, Any] = site.simulator.get("/api/counts")["users"]
    return [counted[user]["push"] for user in users]


def left(site: Site) -> list[Path]:
    """What is there for the next start to find."""
    folder = site.folder / "run" / "journals"
    return sorted(folder.iterdir()) if folder.exists() else []
