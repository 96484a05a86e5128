"""Workers of a gateway that is gone, as long as they live: nobody may take over from one that could still answer."""

import asyncio
import logging

from gateway.ipc.orders import LEAVE_TIMEOUT_S
from gateway.supervisor.journals import Journals
from gateway.supervisor.run_dir import RunDirUnusable
from gateway.supervisor.stderr import say
from gateway.words.english import counted

log = logging.getLogger("gateway.supervisor")

FORMER_GONE_S = LEAVE_TIMEOUT_S + 2.0  # within which one that does not hang has ended
_KILLED_GONE_S = 5.0
_LOOK_EVERY_S = 0.02


async def former_workers_gone(journals: Journals) -> None:
    """Return once each of them has ended; those that hang are killed.

    Raises:
        RunDirUnusable: one does not end all the same.
    """
    if not journals.held:
        return
    say(waiting(f"{counted(len(journals.held), 'journal')} in use"))
    if await _ended_within(journals, FORMER_GONE_S):
        return
    for descriptor in journals.held:
        _end_holder(journals, descriptor)
    if not await _ended_within(journals, _KILLED_GONE_S):
        raise RunDirUnusable("workers of a gateway that died do not end; end them, or write another run_dir")


def waiting(why: str) -> str:
    """Return the line for people who wait for them, too."""
    return f"radgate: a gateway died here; waiting up to {FORMER_GONE_S:g} s for its workers to end: {why}"


def _end_holder(journals: Journals, descriptor: int) -> None:
    pid = journals.end_holder(descriptor)
    if pid:
        log.error("A worker of the previous gateway (pid %d) hangs and is killed", pid)
    else:
        log.error("A worker of the previous gateway hangs and cannot be found: its journal does not say whose it is")


async def _ended_within(journals: Journals, timeout_s: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while journals.held:
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_LOOK_EVERY_S)
    return True
