"""Requests that wait: for news of a transaction, or in a black hole."""

import asyncio


class Patience:
    """Who waits for what; `count` is how many."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self.count = 0

    def __repr__(self) -> str:
        return f"<Patience count={self.count} topics={len(self._waiting)}>"

    async def wait(self, topic: str, patience_s: float | None = None) -> None:
        """Return when `topic` is woken, or after `patience_s`; None = however long it takes."""
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(topic, set())
        waiting.add(future)
        self.count += 1
        try:
            async with asyncio.timeout(patience_s):
                await future
        except TimeoutError:
            pass
        finally:
            self.count -= 1
            waiting.discard(future)
            if not waiting and self._waiting.get(topic) is waiting:
                del self._waiting[topic]

    def wake(self, topic: str) -> None:
        """Let everybody who waits for `topic` go on."""
        for future in self._waiting.pop(topic, ()):
            if not future.done():
                future.set_result(None)
