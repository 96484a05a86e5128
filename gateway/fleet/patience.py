"""How long a login waits for the store, and when none waits any more.

A claim that is late costs its login the patience, and then the login goes on alone. So patience follows what answers
take: three times the 99th percentile. Three late answers in a row, each asked for after the one before was known to be
late, and nobody waits: the store is away. One that was late alone says little, and what was under way with it nothing
more. Late is what was looked for and was not there (`Store.look`); an answer that took long may have waited for a busy
loop of ours. While the store is away it is asked for a sign of life a few times a second; three in a row in time, and
it is back.

Who has just started has a rush to read, and much of it was begun before, or at another host: a claim that is not waited
for would push again. So the store is given longer for the first seconds. Pure: instants come in.
"""

from collections import deque
from enum import StrEnum
from typing import Final

from gateway.fleetapi.resp import Refused

LEAST_S: Final = 0.005
MOST_S: Final = 0.050
FIRST_S: Final = 0.020
ARRIVAL_S: Final = 3.0  # from the first connection
ARRIVAL_PATIENCE_S: Final = 0.250
N_LATE: Final = 3  # in a row, and it is away
N_IN_TIME: Final = 3  # in a row, and it is back
PROBE_INTERVAL_S: Final = 0.2

_N_REMEMBERED: Final = 256
_N_A_LOOK: Final = 32  # times between two looks at them
_FACTOR: Final = 3.0


class Away(StrEnum):
    """Why nobody waits for the store; the value stands in metrics."""

    NOT_CONNECTED = "not_connected"
    LATE = "late"
    FULL = "full"
    READ_ONLY = "read_only"
    NOT_ALLOWED = "not_allowed"
    CLUSTER = "cluster"
    REFUSED = "refused"


_REFUSALS: Final[dict[str, Away]] = {
    "OOM": Away.FULL,
    "MISCONF": Away.READ_ONLY,
    "READONLY": Away.READ_ONLY,
    "MASTERDOWN": Away.READ_ONLY,
    "LOADING": Away.READ_ONLY,
    "NOREPLICAS": Away.READ_ONLY,
    "NOAUTH": Away.NOT_ALLOWED,
    "WRONGPASS": Away.NOT_ALLOWED,
    "NOPERM": Away.NOT_ALLOWED,
    "MOVED": Away.CLUSTER,
    "ASK": Away.CLUSTER,
    "CLUSTERDOWN": Away.CLUSTER,
}
_ADVICE: Final[dict[Away, str]] = {
    Away.FULL: "it is full: give it more memory, or let it evict keys that expire (maxmemory-policy volatile-ttl)",
    Away.READ_ONLY: "it does not take writes now: is it a replica, is it starting, is its disk full?",
    Away.NOT_ALLOWED: "it does not permit what radgate does: see the password and the user's rights",
    Away.CLUSTER: "it is one node of a cluster, which radgate does not follow: name an address that has all keys",
    Away.REFUSED: "it refuses what a claim does",
}


class Patience:
    """What one process knows of the store's answers. It begins as away, not connected."""

    __slots__ = (
        "_arrived_at",
        "_first_s",
        "_is_arriving",
        "_least_s",
        "_left_at",
        "_most_s",
        "_n_in_time",
        "_n_late",
        "_n_new",
        "_noticed_at",
        "_probed_at",
        "_reason",
        "_times",
        "_why",
        "patience_s",
    )

    def __init__(self, first_s: float = FIRST_S) -> None:
        """Begin with `first_s`, as configured; the bounds are 5 and 50 ms, or that if it is beyond them."""
        self.patience_s = first_s
        """How long a claim is waited for."""
        self._first_s = first_s
        self._arrived_at: float | None = None  # when the arrival is over; None: it was never connected
        self._is_arriving = False
        self._least_s = min(LEAST_S, first_s)
        self._most_s = max(MOST_S, first_s)
        self._times: deque[float] = deque(maxlen=_N_REMEMBERED)
        self._n_new = 0
        self._n_late = 0
        self._n_in_time = 0
        self._noticed_at = -1.0
        self._probed_at = -1.0
        self._left_at = -1.0
        self._why: Away | None = Away.NOT_CONNECTED
        self._reason = "not connected yet"

    @property
    def away(self) -> Away | None:
        """Why nobody waits; None: claims are waited for."""
        return self._why

    @property
    def is_away(self) -> bool:
        """Whether nobody waits."""
        return self._why is not None

    @property
    def reason(self) -> str:
        """What an administrator should know of it, one line; "" while all is well."""
        return self._reason

    def answered(self, asked_at: float, now: float) -> None:
        """An answer has come: of all that came in one piece the one that was asked for first."""
        took = max(0.0, now - asked_at)
        self._times.append(took)
        self._n_new += 1
        if self._is_arriving:
            self._end_arrival(now)
        elif self._n_new >= _N_A_LOOK:
            self._follow()
        if took <= self.patience_s:
            self._n_late = 0
        if self._why is Away.LATE:
            self._count(asked_at, took)

    def waited(self, asked_at: float, now: float) -> None:
        """The answer to a claim was looked for when the patience was over, and has not come."""
        self._n_in_time = 0
        if self._is_arriving:
            self._end_arrival(now)
        if asked_at < self._noticed_at:
            return
        self._noticed_at = now
        self._n_late += 1
        if self._n_late >= N_LATE and self._why is None:
            late_ms = 1000 * self.patience_s
            self._leave(Away.LATE, f"{N_LATE} answers in a row took longer than {late_ms:.0f} ms", now)

    def refused(self, refusal: Refused, now: float) -> None:
        """The store answered with an error, which may be of one command alone."""
        if refusal.code in _REFUSALS:
            self.probe_refused(refusal, now)

    def probed(self, asked_at: float, now: float) -> None:
        """A probe was done: what refused claims may do them again."""
        if self._why is not None and self._why is not Away.LATE:  # that is any answer's to end
            self._count(asked_at, now - asked_at)

    def probe_refused(self, refusal: Refused, now: float) -> None:
        """A probe was answered with an error."""
        why = _REFUSALS.get(refusal.code, Away.REFUSED)
        self._leave(why, f"{_ADVICE[why]} ({refusal.text})", now)

    def lost(self, reason: str, now: float) -> None:
        """There is no connection, for this reason."""
        self._leave(Away.NOT_CONNECTED, reason, now)

    def connected(self, now: float) -> None:
        """There is a connection, and what it began with was answered."""
        if self._arrived_at is None:
            self._arrived_at = now + ARRIVAL_S
            self._is_arriving = True
            self.patience_s = max(self._first_s, ARRIVAL_PATIENCE_S)
        self._n_late = 0
        self._noticed_at = -1.0
        self._return()

    def wants_probe(self, now: float) -> bool:
        """Whether the store is to be asked for a sign of life now: it is away, and was not asked lately."""
        if self._why is None or self._why is Away.NOT_CONNECTED or now - self._probed_at < PROBE_INTERVAL_S:
            return False
        self._probed_at = now
        return True

    def _count(self, asked_at: float, took: float) -> None:
        """Count what was done while the store is away, and in time; be back once there is enough of it in a row."""
        if took > self.patience_s:
            self._n_in_time = 0
        elif asked_at >= self._left_at and self._why is not Away.NOT_CONNECTED:
            self._n_in_time += 1
            if self._n_in_time >= N_IN_TIME:
                self._return()

    def _leave(self, why: Away, reason: str, now: float) -> None:
        self._why = why
        self._left_at = now
        self._reason = reason
        self._n_in_time = 0

    def _return(self) -> None:
        self._why = None
        self._reason = ""
        self._n_in_time = 0

    def _end_arrival(self, now: float) -> None:
        """Be as patient as with any other, once it is over."""
        if self._arrived_at is None or now < self._arrived_at:
            return
        self._is_arriving = False
        self.patience_s = self._first_s
        if self._n_new >= _N_A_LOOK:
            self._follow()

    def _follow(self) -> None:
        """Take three times the 99th percentile of the last answers as patience."""
        self._n_new = 0
        ordered = sorted(self._times)
        at = _FACTOR * ordered[int(0.99 * (len(ordered) - 1))]
        self.patience_s = min(self._most_s, max(self._least_s, at))

    def __repr__(self) -> str:
        return f"<Patience patience_ms={1000 * self.patience_s:.1f} away={self._why}>"
