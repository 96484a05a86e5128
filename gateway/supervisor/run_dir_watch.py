"""Watching whether commands can find this gateway: whoever removes its `run_dir`, or files in it, leaves it serving
where nobody can ask or stop it, and the next start meets its ports.
"""

import asyncio
import contextlib
import logging
import os

from gateway.logs.setup import log_internal_error
from gateway.supervisor.control import ControlSocket
from gateway.supervisor.journals import Journals
from gateway.supervisor.run_dir import RunDir, RunDirUnusable

log = logging.getLogger("gateway.supervisor")

LOOK_EVERY_S = 1.0


class RunDirWatch:
    """Looks once a second, from `start` to `stop`, and makes anew what is gone.

    Args:
        run_dir: the folder.
        control: listens in it.
        journals: are made in it.
    """

    def __init__(self, run_dir: RunDir, control: ControlSocket, journals: Journals) -> None:
        self._run_dir = run_dir
        self._control = control
        self._journals = journals
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 -- our own mistake costs a look, not the supervisor
                log_internal_error("Internal error while looking after run_dir", error)

    async def look(self) -> None:
        """Make anew what is gone, or say once why that cannot be."""
        if not self._run_dir.is_in_place:
            try:
                self._run_dir.restore()
                await self._control.listen_anew()
            except (RunDirUnusable, OSError) as error:
                self._say_lost(str(error))
                return
            log.warning("run_dir %s, or a file in it, was gone and has been made anew", self._run_dir.path)
        self._trouble = ""
        with contextlib.suppress(OSError):  # the next journal is memory then, which is said
            self._journals.see_to_folder()

    def _say_lost(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            text = "No command finds this gateway any more, for its run_dir is gone: %s. kill -TERM %d ends it"
            log.error(text, trouble, os.getpid())
