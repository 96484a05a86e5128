"""What a record says, once it is believed: it opens, belongs to this login and this state of it, and is not too old.

No age rests on this machine's clock, and none of a push that is taken over on the store's: whoever writes there can set
that back, or put an old record there again, but cannot make one. How old a push is says Duo's clock alone. As long as
that is not known here, or is seen to be behind, its record says whom to join, and nobody takes it over.
"""

from collections.abc import Callable
from typing import Final

from gateway.fleet.script_answers import Found
from gateway.fleetapi.messages import WAITED, Join, decode_waited
from gateway.fleetapi.names import Sealing, bound_to
from gateway.fleetapi.records import PUSHED, PushedRecord, Record, decode_record

BELIEVED_S: Final = 90.0
"""A push that is older has ended: its record is there again, or still, because somebody put it there."""
_CLOCK_ERROR_S: Final = 5.0
"""Of Duo's time as two hosts know it: whole seconds, and the way of an answer. What is later than that is from the
future of a clock that is behind, as of a machine that stood still: it is younger than what that clock takes for young.
"""


class RecordReader:
    """Opens records."""

    __slots__ = ("_duo_time", "_sealing")

    def __init__(self, sealing: Sealing, duo_time: Callable[[], float | None]) -> None:
        self._sealing = sealing
        self._duo_time = duo_time

    def unix_time(self, instant: float, now: float) -> float | None:
        """Return Duo's time at an instant, Unix seconds; None while Duo has not told it."""
        duo_time = self._duo_time()
        return None if duo_time is None else duo_time - (now - instant)

    def read(self, login: bytes, found: Found) -> Record | None:
        """Return what the record of a login says; None when it is not to be believed, or is of another version."""
        content = self._sealing.open(found.sealed, bound_to(found.state, login))
        if content is None:
            return None
        record = decode_record(found.state, content)
        if record is None or record.epoch > found.epoch:
            return None
        if isinstance(record, PushedRecord):
            age_s = self.age_s(record)
            if not 0.0 <= (found.age_s if age_s is None else age_s) < BELIEVED_S:
                return None
        return record

    def read_push(self, login: bytes, epoch: int, sealed: bytes) -> tuple[PushedRecord, float] | None:
        """Return what the record of a push says that was taken over, and its age in seconds; None as above, and where
        Duo's clock does not tell that it is young.
        """
        record = self.read(login, Found("", epoch, PUSHED, sealed, 0.0))
        if not isinstance(record, PushedRecord):
            return None
        age_s = self.age_s(record)
        return None if age_s is None else (record, age_s)

    def waited_s(self, login: bytes, join: Join) -> float:
        """Return for how long a joiner's login has been waiting; 0 for what was not sealed for this join."""
        return decode_waited(self._sealing.open(join.waited, bound_to(WAITED, login, join.nonce, join.packet)))

    def age_s(self, record: PushedRecord) -> float | None:
        """Return how long ago Duo was asked to push, in seconds; None where nobody knows, or not yet."""
        duo_time = self._duo_time()
        if record.pushed_at is None or duo_time is None or duo_time < record.pushed_at - _CLOCK_ERROR_S:
            return None
        return max(0.0, duo_time - record.pushed_at)

    def waits_for_time(self, login: bytes, found: Found) -> bool:
        """Whether this is the record of a push whose age is known once Duo has told its time, and not before."""
        record = self.read(login, found)
        return isinstance(record, PushedRecord) and record.pushed_at is not None and self.age_s(record) is None
