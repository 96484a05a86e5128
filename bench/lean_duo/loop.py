"""An event loop that stays awake: epoll for sockets, a heap for instants.

It never sleeps while there is traffic: on a virtual machine the price of waking a sleeping core is charged to whoever
sends to it, here the gateway, some 10 to 20 µs for each send, which a real Duo across a network does not cost. Between
events it yields the core to whoever else runs there. Only after a while of quiet does it sleep in the kernel.
"""

import heapq
import os
import select
import time
from collections.abc import Callable

AWAKE_S = 0.05  # of quiet, before it sleeps
_EVENTS_A_TURN = 128  # so that instants do not wait for long

Handler = Callable[[int], None]


class Loop:
    """Calls handlers of sockets that are ready, and actions whose instant has come.

    Attributes:
        now: the instant at which this turn began, after any sleep, of the monotonic clock.
    """

    def __init__(self, awake_s: float = AWAKE_S) -> None:
        """Prepare; `awake_s` is how long it stays awake without traffic."""
        self._awake_s = awake_s
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._n_scheduled = 0
        self._is_stopped = False
        self.now = time.monotonic()

    def watch(self, descriptor: int, handler: Handler, events: int = select.EPOLLIN) -> None:
        """Call `handler` with the events of a descriptor, again and again while they hold."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, events)

    def watch_for(self, descriptor: int, events: int) -> None:
        """Change which events of a watched descriptor are told."""
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Watch no more; to be called before the descriptor is closed."""
        del self._handlers[descriptor]
        self._epoll.unregister(descriptor)

    def call_at(self, at: float, action: Callable[[], None]) -> None:
        """Call `action` at an instant, once; there is no way back."""
        self._n_scheduled += 1  # ties are served in order, and actions are never compared
        heapq.heappush(self._due, (at, self._n_scheduled, action))

    def stop(self) -> None:
        """Return from `run` at the end of this turn."""
        self._is_stopped = True

    def close(self) -> None:
        """Give the epoll descriptor back."""
        self._epoll.close()

    def run(self) -> None:
        """Serve until `stop` is called."""
        poll, handlers, monotonic = self._epoll.poll, self._handlers, time.monotonic
        awake_until = 0.0
        self._is_stopped = False
        while not self._is_stopped:
            timeout = 0.0 if self.now < awake_until else self._patience()
            ready = poll(timeout, _EVENTS_A_TURN)
            self.now = now = monotonic()
            if ready:
                awake_until = now + self._awake_s
                for descriptor, events in ready:
                    handler = handlers.get(descriptor)  # none if an earlier one of this turn has closed it
                    if handler is not None:
                        handler(events)
            elif not timeout:
                os.sched_yield()
            if self._due and self._due[0][0] <= now:
                self._act(now)

    def _act(self, now: float) -> None:
        """Do what is due; what an action schedules for this very instant waits for the next turn."""
        due = []
        while self._due and self._due[0][0] <= now:
            due.append(heapq.heappop(self._due)[2])
        for action in due:
            action()

    def _patience(self) -> float | None:
        """Seconds until the next instant, None for ever."""
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
