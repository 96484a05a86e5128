"""Logins that are to end when they have taken too long, in the order in which that comes.

Nearly all are decided long before. A timer for each would keep it until then, with what was typed; here what is decided
is forgotten as soon as nothing older is under way.
"""

from collections import deque
from collections.abc import Callable

from gateway.engine.login_states import DECIDED
from gateway.engine.pending import PendingLogin
from gateway.engine.timers import Timers


class Deadlines:
    """Of all logins of an engine: for each length one queue, and one timer, which is that of its head or earlier."""

    __slots__ = ("_expire", "_queues", "_timers")

    def __init__(self, timers: Timers, expire: Callable[[PendingLogin, float], None]) -> None:
        """`expire` is told of each login that is not decided in time."""
        self._timers = timers
        self._expire = expire
        self._queues: dict[float, deque[PendingLogin]] = {}

    def begin(self, pending: PendingLogin, length_s: float, now: float) -> None:
        """Let a login have so long from its start; one that another worker began is older than those before it."""
        queue = self._queues.get(length_s)
        if pending.started_at < now:
            self._timers.at(pending.started_at + length_s, self._expire, pending)
        elif queue is None:
            self._queues[length_s] = deque([pending])
            self._timers.at(now + length_s, self._run, length_s)
        else:
            _forget_decided(queue)
            queue.append(pending)

    def _run(self, length_s: float, now: float) -> None:
        """Let those expire whose time has come, and come back for the next one."""
        queue = self._queues[length_s]
        _forget_decided(queue)
        while queue and queue[0].started_at + length_s <= now:
            self._expire(queue.popleft(), now)
            _forget_decided(queue)
        if queue:
            self._timers.at(queue[0].started_at + length_s, self._run, length_s)
        else:
            del self._queues[length_s]

    def __repr__(self) -> str:
        return f"<Deadlines {sum(map(len, self._queues.values()))}>"


def _forget_decided(queue: deque[PendingLogin]) -> None:
    while queue and queue[0].login.state is DECIDED:
        queue.popleft()
