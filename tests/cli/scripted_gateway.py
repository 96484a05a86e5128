"""A control socket with a scripted arbiter behind it, for commands that ask a running gateway."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from gateway.supervisor.control import ControlSocket
from gateway.supervisor.run_dir import RunDir
from tests.cli.files import write_config
from tests.config.files import MINIMAL
from tests.supervisor.scripted import ScriptedArbiter

STATUS: dict[str, Any] = {
    "version": "1.2.3",
    "pid": 4711,
    "uptime_s": 1.0,
    "generation": 1,
    "hot_path": {"is_compiled": True, "why_not": ""},
    "workers": [],
    "servers": [],
    "applications": [],
    "logs": [],
}


def config_of(folder: Path, more: str = "") -> str:
    return write_config(folder, f"{MINIMAL}[gateway]\nrun_dir={folder / 'run'}\nconsole=off\n{more}")


async def some_turns() -> None:
    """Let a loop do what was left for its next turns: connections that have just been closed are over then."""
    for _ in range(5):
        await asyncio.sleep(0)


class ScriptedGateway:
    """A control socket on a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.arbiter = ScriptedArbiter(STATUS)
        self.config = config_of(folder)
        self._folder = RunDir(folder / "run")
        self._control = ControlSocket(self._folder, self.arbiter)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._control.open(), self._loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._control.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(some_turns())
        self._loop.close()
        self._folder.release()
