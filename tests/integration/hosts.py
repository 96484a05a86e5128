"""Two gateways that act as one, their store, and the Duo that both ask."""

import base64
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.observe import ask_gateway
from bench.processes import GatewayProcess, SimulatorProcess
from tests.integration.shared import CHAP
from tests.integration.site import LogLine, Site, parse_line
from tests.integration.test_console import until

FLEET = """
[fleet]
engine={engine}
fleet_key_file={key}
name={name}
patience_ms=500
"""
"""A store that is there is late for nobody, as it is by default, 20 ms, on a machine that is busy with other tests."""


class Host(Site):
    """One of the gateways.

    Attributes:
        name: under which the others know it.
        is_fresh: whether no test has used it; who shares it says so.
    """

    def __init__(
        self, folder: Path, simulator: SimulatorProcess, engine: str, key: Path, name: str, fleet: str = ""
    ) -> None:
        """Take the way to the store, the file of the fleet's key, and further lines of [fleet]."""
        super().__init__(folder, simulator)
        folder.mkdir()
        self.name = name
        self.key = key
        self.is_fresh = True
        self._fleet = FLEET.format(engine=engine, key=key, name=name) + fleet

    def start(self, *, gateway: str = "", **options: Any) -> "Host":
        """Configure and run the gateway, as a host of the fleet."""
        super().start(gateway=f"{gateway}\n{self._fleet}", **options)
        return self

    @property
    def runs(self) -> bool:
        """Whether its process lives."""
        return self._gateway is not None and self._gateway.process.poll() is None

    def start_again(self) -> None:
        """Run it as it is configured, once it has ended."""
        if self._gateway is not None:
            self._gateway.stop()
        self._gateway = GatewayProcess(self.config)

    # What it knows.

    def status(self) -> dict[str, Any]:
        """Return what `status.json` holds."""
        found: dict[str, Any] = ask_gateway(self.folder / "run", "status")["status"]
        return found

    def claims(self) -> dict[str, int]:
        """Return what became of claims, by outcome."""
        found: dict[str, int] = self.status()["fleet"]["claims"]
        return found

    def until_counted(self, **more: int) -> None:
        """Return once it has counted so many of each outcome."""
        until(lambda: all(self.claims()[outcome] >= count for outcome, count in more.items()))

    def until_counted_since(self, before: dict[str, int], **more: int) -> None:
        """Return once it has counted so many more of each outcome."""
        self.until_counted(**{outcome: before[outcome] + count for outcome, count in more.items()})

    def until_alive(self, *names: str) -> None:
        """Return once it hears these hosts, itself among them, and no others that do not leave."""
        until(lambda: sorted(names) == self._alive())

    def _alive(self) -> list[str]:
        hosts = self.status()["fleet"]["hosts"]
        return sorted(host["name"] for host in hosts if host["state"] in ("ready", "arriving"))

    def until_sharing(self) -> None:
        """Return once its worker shares logins: after one of somebody's, which is not counted as alone."""
        nas = self.nas()

        def is_shared() -> bool:
            before = self._n_shared()
            nas.login("olivia", "654321")
            return self._n_shared() > before

        until(is_shared)

    def _n_shared(self) -> int:
        claims = self.claims()
        return claims["granted"] + claims["joined"]

    def lines_of(self, user: str) -> list[LogLine]:
        """Return the lines of a user's finished logins so far."""
        marks = (f", {user}, ", "reason=")
        return [parse_line(line) for line in self.log_text.splitlines() if all(mark in line for mark in marks)]

    def line_of(self, user: str) -> LogLine:
        """Return the line of a user's only login, once it is written."""
        until(lambda: self.lines_of(user))
        (line,) = self.lines_of(user)
        return line

    def settle(self) -> None:
        """Return once its only worker has done all that belongs to what it has counted: it counts a login as joined
        just before its journal has it. A login that needs no Duo is answered behind that.
        """
        nas = self.nas()
        nas.send_credentials(b"settle", CHAP)
        nas.receive()

    # What can be done to it.

    def kill_worker(self) -> None:
        """End its only worker; the supervisor starts another one."""
        (pid,) = self.gateway.worker_pids()
        os.kill(pid, signal.SIGKILL)


def fleet_key(folder: Path, name: str = "fleet.key") -> Path:
    """Write a new key of a fleet, and return where it is."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    return path


@contextmanager
def some_hosts(
    folder: Path, simulator: SimulatorProcess, engine: str, *options: dict[str, Any]
) -> Iterator[list[Host]]:
    """Run `gw-a`, `gw-b` … until each shares logins and hears the others.

    Each has options of `Site.start`, and `engine`, `key` and `fleet` where it has its own way to the store, its own
    key, or further lines in [fleet].
    """
    shared = fleet_key(folder)
    with ExitStack() as stack:
        hosts = []
        for letter, given in zip("abcdef", options, strict=False):
            own = {"engine": engine, "key": shared, **given}
            name, fleet = f"gw-{letter}", {key: own.pop(key) for key in ("engine", "key", "fleet") if key in own}
            host = Host(folder / name, simulator, name=name, **fleet)
            stack.callback(host.stop)
            hosts.append(host.start(**own))
        until_together(*hosts)
        yield hosts


def until_together(*hosts: Host) -> None:
    """Return once each host shares logins, and hears those that have its key."""
    for host in hosts:
        host.until_sharing()
        host.until_alive(*(each.name for each in hosts if each.key == host.key))
