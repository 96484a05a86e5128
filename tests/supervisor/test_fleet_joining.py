"""A fleet that cannot be joined at once, because the store's trusted roots cannot be read."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import certifi
import msgspec
import pytest
import uvloop

from gateway.config.settings import FleetSettings, Secret, Settings
from gateway.supervisor import fleet_watch
from gateway.supervisor.fleet_watch import FleetWatch
from tests.config.files import MINIMAL, parse

STATUS: dict[str, Any] = {"uptime_s": 7.0, "workers": [], "servers": [], "applications": []}
NO_FLEET = parse(MINIMAL)[0]


class Joining:
    """A host whose fleet has a file of trusted roots, which is not there yet."""

    def __init__(self, folder: Path) -> None:
        self.roots = folder / "roots.pem"
        fleet = FleetSettings(
            engine="rediss://127.0.0.1:1", ca_certs_file=str(self.roots), keys=(Secret(bytes(32)),), name="gw-a"
        )
        self.settings: Settings = msgspec.structs.replace(NO_FLEET, fleet=fleet)
        self.n_news = 0
        self.watch = FleetWatch("a" * 16, lambda: STATUS, self.note)

    def write_roots(self) -> None:
        """Let them be there."""
        self.roots.write_bytes(Path(certifi.where()).read_bytes())

    def note(self) -> None:
        """It may have become isolated, or be so no more."""
        self.n_news += 1

    async def tries(self) -> None:
        """Let time pass in which it would try again."""
        await asyncio.sleep(0.05)


Scene = Callable[[Joining], Coroutine[Any, Any, None]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    monkeypatch.setattr(fleet_watch, "JOIN_EVERY_S", 0.002)

    def run(scene: Scene) -> None:
        async def main() -> None:
            host = Joining(tmp_path)
            host.watch.follow(host.settings)
            assert host.watch.status() is None
            try:
                await scene(host)
            finally:
                await host.watch.stop()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    return run


def test_it_is_told_once_and_tried_until_they_can_be_read(play, caplog):
    async def scene(host: Joining) -> None:
        await host.tries()
        assert host.n_news > 2  # else who is isolated by then would stay so
        host.write_roots()
        await host.tries()
        assert host.watch.status() is not None

    play(scene)
    assert caplog.text.count("The fleet cannot be joined: no trusted roots in ") == 1


@pytest.mark.parametrize("ends", [FleetWatch.say_leaving, lambda watch: watch.follow(NO_FLEET)])
def test_nor_is_it_tried_any_more_by_one_that_leaves_or_has_another_file(play, ends):
    async def scene(host: Joining) -> None:
        ends(host.watch)
        host.write_roots()
        await host.tries()
        assert host.watch.status() is None

    play(scene)
