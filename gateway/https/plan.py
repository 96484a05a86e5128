"""The plan of a connection pool, without any I/O: which call gets which connection, how many to open, which to close.

Rules:

- Two bounds, one for connections busy with brief calls and one for those whose call waits for a person (a long
  poll). Neither takes from the other: no login waits for a connection that another login's pending push occupies.
- The newest idle connection first, so that those not needed age and are closed. A call says how long a connection
  may have been idle to suit it; when the newest does not suit it, none does.
- Some idle connections are spared for brief calls: a long poll, whose answer is seconds away, waits for a new one
  rather than let the next login wait for a handshake.
- A connection that becomes free or has been opened serves the brief call that has waited longest and is not held back
  by its bound, else the long poll that has.
- Opening is bounded too: a handshake costs as much of the processor as ten logins, and only what the loop had to spare
  lately may go into handshakes. So a rush finds its connections as fast as they can be made, and a worker that is at
  its limit does not make its queue longer by opening connections that cannot help it. Long polls always get a few:
  each needs a connection of its own.
- Each container is in the order in which its connections came to it, so that those which wait too long, or have not
  been heard of for a while, are found without looking at the others.
- When an attempt to open fails, so do the calls that waited all the while, unless another attempt has succeeded in
  the meantime; then only the longest waiting one does, and no call waits for a connection that never comes.

Every call costs the same at 5 connections and at 500: all containers are ordered hash tables.
"""

from collections import OrderedDict
from itertools import islice, takewhile
from typing import Generic, NamedTuple, TypeVar

Call = TypeVar("Call")
Connection = TypeVar("Connection")


class PoolLimits(NamedTuple):
    """Bounds of one pool."""

    max_brief: int = 2_000
    """Connections busy with calls that wait for no person: with answers after 150 ms, 13,000 calls a second."""
    max_waiting: int = 5_000
    """Calls that wait for no person but for a connection."""
    max_patient: int = 20_000
    """Connections busy with, and calls queued as, long polls."""
    max_opening: int = 256
    """Attempts at once: most of their time is the other side's and the network's."""
    polls_a_tick: int = 8
    """Attempts for long polls that begin in each tick however busy the loop is."""
    max_idle: int = 1_000
    spare: int = 8
    """Idle connections that no long poll takes."""
    idle_timeout_s: float = 30.0


HANDSHAKE_S = 0.0008
"""How long opening a connection keeps the loop from other work, about."""
MOST_OPENINGS = 62
"""What an idle loop can afford in a tick of a twentieth of a second."""


def affordable_openings(busy_s: float, elapsed_s: float, tick_s: float) -> int:
    """Return how many connections may be opened within `tick_s`, one at least, by how busy the loop was lately."""
    idle_share = max(0.0, 1 - busy_s / elapsed_s) if elapsed_s > 0 else 0.0
    return max(1, int(idle_share * tick_s / HANDSHAKE_S))


class Opening(NamedTuple):
    """An attempt to open a connection, as of its beginning."""

    last_turn: int
    n_opened: int


class PoolPlan(Generic[Call, Connection]):
    """Tells calls and connections where to go. The caller does what is returned, and reports what became of it."""

    __slots__ = (
        "_brief",
        "_busy",
        "_idle",
        "_limits",
        "_n_affordable",
        "_n_for_polls",
        "_n_opened",
        "_n_opening",
        "_patient",
        "_polling",
        "_turn",
    )

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._idle: dict[Connection, float] = {}  # idle since; the newest is last
        self._busy: dict[Connection, float] = {}  # with a brief call since; the newest is last
        self._polling: dict[Connection, float] = {}  # the same with a long poll
        self._brief: OrderedDict[Call, int] = OrderedDict()  # waiting calls and their turn
        self._patient: OrderedDict[Call, int] = OrderedDict()
        self._n_opening = 0
        self._n_opened = 0
        self._n_affordable = MOST_OPENINGS
        self._n_for_polls = limits.polls_a_tick
        self._turn = 0

    def ask(self, call: Call, waits_for_person: bool, max_idle_s: float, now: float) -> Connection | None:
        """Return the connection that `call` gets at once, now busy with it; without one the call waits.

        Args:
            call: not asked before, or gone since.
            waits_for_person: whether it is a long poll; see `has_room` first.
            max_idle_s: how long the connection may have been idle; below 0 no idle one suits.
            now: the instant.
        """
        if len(self._idle) > self._limits.spare if waits_for_person else self._idle and self._has_brief_room:
            connection, since = self._idle.popitem()
            if now - since <= max_idle_s:
                (self._polling if waits_for_person else self._busy)[connection] = now
                return connection
            self._idle[connection] = since
        self._turn += 1
        (self._patient if waits_for_person else self._brief)[call] = self._turn
        return None

    def has_room(self, waits_for_person: bool) -> bool:
        """Whether another call, a long poll or a brief one, may be asked."""
        if waits_for_person:
            return len(self._polling) + len(self._patient) < self._limits.max_patient
        return len(self._brief) < self._limits.max_waiting

    def afford(self, n_openings: int) -> None:
        """Permit so many openings in the tick that begins now."""
        self._n_affordable = n_openings
        self._n_for_polls = self._limits.polls_a_tick

    def begin_openings(self) -> list[Opening]:
        """Return the attempts to begin now; each ends with `opened` or `open_failed`."""
        if not self._brief and not self._patient:
            return []
        limits = self._limits
        for_brief = min(len(self._brief), limits.max_brief - len(self._busy))
        n_wanted = min(for_brief + len(self._patient), limits.max_opening) - self._n_opening
        n_more = max(0, min(n_wanted, self._n_affordable))
        n_for_polls = max(0, min(n_wanted - n_more, len(self._patient), self._n_for_polls))
        self._n_affordable -= n_more
        self._n_for_polls -= n_for_polls
        n_more += n_for_polls
        self._n_opening += n_more
        return [Opening(self._turn, self._n_opened)] * n_more

    def warm(self, n_connections: int) -> list[Opening]:
        """Return the attempts that are missing until there are so many connections; no call waits for them yet."""
        n_missing = max(0, n_connections - self.n_idle - self.n_busy - self._n_opening)
        self._n_opening += n_missing
        return [Opening(self._turn, self._n_opened)] * n_missing

    def opened(self, connection: Connection, now: float) -> Call | None:
        """Return the call that the new connection serves, None when it idles."""
        self._n_opening -= 1
        self._n_opened += 1
        return self._serve(connection, now, is_new=True)

    def open_failed(self, opening: Opening) -> list[Call]:
        """Return the calls that fail with the attempt; they wait no longer."""
        self._n_opening -= 1
        if self._n_opened > opening.n_opened:
            taken = self._take_next(may_be_patient=True)
            return [] if taken is None else [taken[0]]
        room = self._limits.max_brief - len(self._busy)
        candidates = [*islice(self._brief.items(), room), *self._patient.items()]
        failing = [call for call, turn in candidates if turn <= opening.last_turn]
        for call in failing:
            self.forget(call)
        return failing

    def released(self, connection: Connection, now: float) -> Call | None:
        """Return the call that a connection serves next after it has done its last, None when it idles."""
        del (self._busy if connection in self._busy else self._polling)[connection]
        return self._serve(connection, now, is_new=False)

    def closed(self, connection: Connection) -> None:
        """Forget a connection, busy or idle, or unknown."""
        for connections in (self._busy, self._polling, self._idle):
            connections.pop(connection, None)

    def forget(self, call: Call) -> None:
        """Let a waiting call wait no longer."""
        if self._brief.pop(call, None) is None:
            self._patient.pop(call, None)

    def expire_idle(self, now: float) -> list[Connection]:
        """Return the connections to close because they idled too long or are too many; they are forgotten."""
        n_too_many = len(self._idle) - self._limits.max_idle
        expired: list[Connection] = []
        for connection, since in self._idle.items():
            if len(expired) >= n_too_many and now - since < self._limits.idle_timeout_s:
                break
            expired.append(connection)
        return self._without(expired)

    def drop_idle(self, before: float) -> list[Connection]:
        """Return the connections to close because they have idled since an instant earlier than `before`; they are
        forgotten.
        """
        dropped: list[Connection] = []
        for connection, since in self._idle.items():
            if since >= before:
                break
            dropped.append(connection)
        return self._without(dropped)

    def busy_since(self, before: float) -> list[Connection]:
        """Return the connections whose brief call has been with them since `before`, the oldest first."""
        return [connection for connection, _ in takewhile(lambda item: item[1] <= before, self._busy.items())]

    def polling_since(self, after: float, before: float) -> list[Connection]:
        """Return the connections that have had their long poll since `before` but not since `after`."""
        newest_first = takewhile(lambda item: item[1] > after, reversed(self._polling.items()))
        return [connection for connection, since in newest_first if since <= before]

    @property
    def n_idle(self) -> int:
        """Open connections without a call."""
        return len(self._idle)

    @property
    def n_busy(self) -> int:
        """Connections with a call, of either kind."""
        return len(self._busy) + len(self._polling)

    @property
    def n_opening(self) -> int:
        """Attempts to open a connection."""
        return self._n_opening

    @property
    def n_waiting(self) -> int:
        """Calls without a connection."""
        return len(self._brief) + len(self._patient)

    def __repr__(self) -> str:
        return f"<PoolPlan idle={self.n_idle} busy={self.n_busy} opening={self._n_opening} waiting={self.n_waiting}>"

    @property
    def _has_brief_room(self) -> bool:
        return len(self._busy) < self._limits.max_brief

    def _without(self, dropped: list[Connection]) -> list[Connection]:
        """Forget idle connections at once: a dictionary finds its first entry slowly when many before it went."""
        for connection in dropped:
            del self._idle[connection]
        return dropped

    def _serve(self, connection: Connection, now: float, is_new: bool) -> Call | None:
        taken = self._take_next(may_be_patient=is_new or len(self._idle) >= self._limits.spare)
        if taken is None:
            self._idle[connection] = now
            return None
        call, waits_for_person = taken
        (self._polling if waits_for_person else self._busy)[connection] = now
        return call

    def _take_next(self, may_be_patient: bool) -> tuple[Call, bool] | None:
        """The longest waiting brief call, if its bound permits one, else the longest waiting long poll, if one may be
        served; and whether it is one.
        """
        if self._brief and self._has_brief_room:
            return self._brief.popitem(last=False)[0], False
        if may_be_patient and self._patient:
            return self._patient.popitem(last=False)[0], True
        return None
