"""A server with several addresses, to all of which the way is long."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.https.peer import Peer, Visit, serve, tls_peer


class FarAway:
    """Peers whose handshakes take until there has been an attempt at each of them; the first one's alone ends well.

    Attributes:
        n_left: visitors who have gone again.
    """

    def __init__(self, target_port: int, n_peers: int) -> None:
        self._target_port = target_port
        self._n_to_come = n_peers
        self._all_came = asyncio.Event()
        self.n_left = 0

    async def near(self, visit: Visit) -> None:
        self._came()
        await self._all_came.wait()
        await visit.hand_on("127.0.0.1", self._target_port)

    async def silent(self, visit: Visit) -> None:
        self._came()
        await visit.until_client_leaves()
        self.n_left += 1

    def _came(self) -> None:
        self._n_to_come -= 1
        if self._n_to_come == 0:
            self._all_came.set()


@contextlib.asynccontextmanager
async def far_away(server_file: str, n_peers: int) -> AsyncIterator[tuple[FarAway, list[int]]]:
    """The ports of peers that are far away."""
    async with contextlib.AsyncExitStack() as stack:
        target: Peer = await stack.enter_async_context(tls_peer(serve, server_file))
        far = FarAway(target.port, n_peers)
        scripts = [far.near, *(n_peers - 1) * [far.silent]]
        peers = [await stack.enter_async_context(tls_peer(script, None)) for script in scripts]
        yield far, [peer.port for peer in peers]
