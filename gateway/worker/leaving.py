"""How workers leave whose supervisor is gone: together."""

import asyncio
import contextlib
from typing import Final

from gateway.ipc.holders import signer

_LOOK_S: Final = 0.01


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
