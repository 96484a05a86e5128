"""How workers leave: who is told to stop with an answer for whom it can; without a supervisor all of them together."""

import asyncio
import contextlib
import logging
from typing import Final, Protocol

from gateway.ipc.holders import signer
from gateway.ipc.orders import LEAVE_TIMEOUT_S
from gateway.words.english import counted

HEARD_S: Final = 1.0
"""Other hosts of the fleet beat twice in it: by then a worker that has just begun has heard of them."""
_LOOK_S: Final = 0.01

log = logging.getLogger("gateway.worker")


class Service(Protocol):
    """What is under way; see `worker.service.Service`."""

    @property
    def n_pending(self) -> int:
        """How many logins have no answer."""

    def leave(self) -> None:
        """Leave them to other hosts, but for what these know nothing of."""

    async def drain(self, timeout_s: float) -> bool:
        """Return once every login has its answer: False if some had none by then."""

    async def finish_brief(self, timeout_s: float) -> None:
        """Return once what waits for no person has its answer."""


class Fleet(Protocol):
    """Who else there is; see `fleet.client.FleetClient`."""

    @property
    def has_others(self) -> bool:
        """Whether another host can go on with what this one leaves."""


async def until_drained(
    service: Service, fleet: Fleet | None, slot: int, timeout_s: float, *, has_successors: bool
) -> None:
    """Finish what is pending, for so long at most; what waits for a person is left to other hosts where there are any.

    Args:
        service: of this worker.
        fleet: None where nothing can be left to other hosts.
        slot: of this worker, for the log.
        timeout_s: `drain_timeout_s`.
        has_successors: whether other workers of this host have what is left at the end.
    """
    left_s = timeout_s
    if fleet is not None and not fleet.has_others:
        await service.drain(min(HEARD_S, left_s))
        left_s = max(0.0, left_s - HEARD_S)
    if fleet is not None and fleet.has_others:
        await _leave_to_others(service, slot, min(LEAVE_TIMEOUT_S, left_s))
        left_s = max(0.0, left_s - LEAVE_TIMEOUT_S)
    if not await service.drain(left_s):
        logins = counted(service.n_pending, "login")
        without = f"{logins} {'gets' if service.n_pending == 1 else 'get'} no answer"
        fate = f"its successor goes on with {logins}" if has_successors else without
        log.warning("Worker %d stops after %g s; %s", slot, timeout_s, fate)


async def _leave_to_others(service: Service, slot: int, timeout_s: float) -> None:
    """Leave to other hosts what waits for a person, once all else has its answer, if they can go on with it."""
    await service.finish_brief(timeout_s)
    n_pending = service.n_pending
    service.leave()
    if n_left := n_pending - service.n_pending:
        log.info("Worker %d leaves %s to other hosts", slot, counted(n_left, "login"))


async def until_nobody_reads(board_fd: int, timeout_s: float) -> None:
    """Keep our sockets until the other workers have heard of the supervisor's end, too, `timeout_s` at most.

    Whoever reads has joined the board's file, and parts from it to read no more. With the last process that has it a
    socket leaves its group, and the kernel steers its users to the others. One in the middle of a rush would read them
    before it hears, and push whom this worker has pushed.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while signer(board_fd):  # noqa: ASYNC110 -- the kernel tells nobody
                await asyncio.sleep(_LOOK_S)
