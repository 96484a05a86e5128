"""What a record says, once it is believed: it opens, belongs to this login and this state of it, and is not too old.

No age rests on this machine's clock: of a push it is by Duo's, and of all else, and as long as that is not known or is
seen to be behind, by the store's. Whoever writes to the store can set its clock back or put an old record there again,
but cannot make one.
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

    @property
    def duo_time(self) -> float | None:
        """Duo's time, Unix seconds; None while Duo has not told it."""
        return self._duo_time()

    def read(self, login: bytes, found: Found) -> Record | None:
        """Return what the record of a login says; None when it is not to be believed, or is of another version."""
        content = self._sealing.open(found.sealed, bound_to(found.state, login))
        if content is None:
            return None
        record = decode_record(found.state, content)
        if record is None or record.epoch > found.epoch:
            return None
        if isinstance(record, PushedRecord) and not self._is_young(record, found.age_s):
            return None
        return record

    def read_push(self, login: bytes, epoch: int, sealed: bytes, age_s: float) -> PushedRecord | None:
        """Return what the record of a push says that was taken over; None as above."""
        record = self.read(login, Found("", epoch, PUSHED, sealed, age_s))
        return record if isinstance(record, PushedRecord) else None

    def waited_s(self, login: bytes, join: Join) -> float:
        """Return for how long a joiner's login has been waiting; 0 for what was not sealed for this join."""
        return decode_waited(self._sealing.open(join.waited, bound_to(WAITED, login, join.nonce, join.packet)))

    def age_s(self, record: PushedRecord, age_in_store_s: float) -> float:
        """Return how long ago Duo was asked to push, in seconds."""
        duo_time = self._duo_time()
        if record.pushed_at is None or duo_time is None or duo_time < record.pushed_at - _CLOCK_ERROR_S:
            return age_in_store_s
        return max(0.0, duo_time - record.pushed_at)

    def _is_young(self, record: PushedRecord, age_in_store_s: float) -> bool:
        return 0.0 <= self.age_s(record, age_in_store_s) < BELIEVED_S
