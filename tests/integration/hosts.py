"""Two gateways that act as one, their store, and the Duo that both ask."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.processes import SimulatorProcess
from tests.fleet.redis_server import RedisServer
from tests.integration.site import Site

_FLEET = """
[fleet]
engine={engine}
fleet_key_file={key}
name={name}
"""


class Host(Site):
    """One of the gateways."""

    def __init__(self, folder: Path, simulator: SimulatorProcess, engine: str, key: Path, name: str) -> None:
        super().__init__(folder, simulator)
        folder.mkdir()
        self.name = name
        self._fleet = _FLEET.format(engine=engine, key=key, name=name)

    def start(self, *, gateway: str = "", **options: Any) -> "Host":
        """Configure and run the gateway, as a host of the fleet."""
        super().start(gateway=f"{gateway}\n{self._fleet}", **options)
        return self


@contextmanager
def two_hosts(folder: Path, simulator: SimulatorProcess, store: RedisServer, **options: Any) -> Iterator[list[Host]]:
    """Run two hosts, `gw-a` and `gw-b`."""
    key = folder / "fleet.key"
    key.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    key.chmod(0o600)
    hosts = [Host(folder / name, simulator, f"unix://{store.path}", key, name) for name in ("gw-a", "gw-b")]
    try:
        yield [host.start(**options) for host in hosts]
    finally:
        for host in hosts:
            host.stop()
