"""What one worker remembers of its challenges: which tokens were used, and what does not fit into one.

Both are bounded, and are for as long as a token can be opened, by Duo's clock. Until Duo has told its time that is the
machine's, which may be ahead of what a predecessor had been told: what it hands on and seems to have expired is not
forgotten before.
"""

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.records import ChallengeRecord, kept_record, used_record
from gateway.engine.challenges.used import AGAIN_S, UsedTokens

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEPT: Final = 20_000


class UnixClock:
    """Duo's clock as the engine knows it: the memory is told, and it asks nobody.

    Attributes:
        ahead_s: what to add to a monotonic instant for Unix seconds.
    """

    __slots__ = ("ahead_s",)

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def at(self, now: float) -> float:
        """Return Unix seconds of a monotonic instant."""
        return now + self.ahead_s


def _nobody(_record: ChallengeRecord, _life_s: float) -> None:
    """Write nothing down, and tell nobody."""


class ChallengeMemory:
    """The memory of one worker, of all its sections.

    Attributes:
        note: writes down what a successor must know, before anything else is done; it hears for how many seconds.
        share: lets other hosts have what is kept, for so many seconds.
    """

    __slots__ = ("_doubtful", "_is_told", "_kept", "_most", "_queue", "_used", "clock", "note", "share")

    def __init__(self, clock: UnixClock, most: int = MAX_KEPT) -> None:
        """Keep so many things at most; the one that expires first is forgotten for one more."""
        self.clock = clock
        self.note: Callable[[ChallengeRecord, float], None] = _nobody
        self.share: Callable[[ChallengeRecord, float], None] = _nobody
        self._is_told = False
        self._doubtful: list[ChallengeRecord] = []  # of predecessors: expired, if the machine's clock is right
        self._used = UsedTokens()
        self._most = most
        self._kept: dict[bytes, Kept] = {}
        self._queue: list[tuple[int, bytes]] = []

    def told(self, unix_now: float, now: float) -> None:
        """Set the clock to Duo's time, but not back behind what may have been forgotten: that could be used again."""
        self.clock.ahead_s = max(unix_now, self._used.floor) - now
        self._is_told = True
        if self._doubtful:
            doubtful, self._doubtful = self._doubtful, []
            for record in doubtful:
                self.adopt(record, now)

    def keep(self, name: bytes, kept: Kept, until: int, now: float) -> None:
        """Keep what belongs to a token until it expires, in Unix seconds."""
        record = self._keep(name, kept, until, now)
        if record is not None:
            self.share(record, until - self.clock.at(now))

    def _keep(self, name: bytes, kept: Kept, until: int, now: float) -> ChallengeRecord | None:
        """Keep it here, and return what others may have of it."""
        unix_now = self.clock.at(now)
        self._forget_expired(unix_now)
        while len(self._kept) >= self._most:
            self._forget_first()
        if len(self._queue) >= 2 * self._most:  # most of it was taken
            self._queue = sorted(each for each in self._queue if each[1] in self._kept)
        self._kept[name] = kept
        heappush(self._queue, (until, name))
        record = kept_record(name, until, kept)
        if record is not None:
            self.note(record, until - unix_now)
        return record

    def use(self, name: bytes, until: int, now: float, packet: bytes = b"") -> bool:
        """Take note that the packet with this authenticator uses a token; return whether no other one has."""
        unix_now = self.clock.at(now)
        is_unused = self._used.use(name, until, unix_now, packet)
        if is_unused:
            self.note(used_record(name, until, packet, int(unix_now)), until - unix_now)
        return is_unused

    def adopt(self, record: ChallengeRecord, now: float) -> None:
        """Remember what another worker did; it is written down once, whoever tells of it."""
        name, until, unix_now = record.name, record.until, self.clock.at(now)
        if name in self._used:
            return
        if until <= unix_now:
            self._adopt_expired(record)
        elif record.is_used:
            self._adopt_used(record, unix_now)
        elif name not in self._kept:
            self._keep(name, record.kept, until, now)

    def _adopt_expired(self, record: ChallengeRecord) -> None:
        """Wait for Duo's time to tell whether it has expired; where it has, no clock that is set back revives it."""
        if not self._is_told and len(self._doubtful) < self._most:
            self._doubtful.append(record)
        elif record.is_used:
            self._used.pass_over(record.until)

    def _adopt_used(self, record: ChallengeRecord, unix_now: float) -> None:
        """What is kept for it stays, while the packet that used it may come again."""
        self._used.adopt(record.name, record.until)
        may_again_until = record.used_at + AGAIN_S
        if record.packet and unix_now < may_again_until:
            self._used.may_come_again(record.name, record.packet, may_again_until)
        else:
            self._kept.pop(record.name, None)
        self.note(record, record.until - unix_now)

    def take(self, name: bytes) -> Kept | None:
        """Return what is kept for a token, and keep it no more; None if it is lost, or was in another worker."""
        return self._kept.pop(name, None)

    def _forget_expired(self, unix_now: float) -> None:
        while self._queue and self._queue[0][0] <= unix_now:
            self._forget_first()

    def _forget_first(self) -> None:
        self._kept.pop(heappop(self._queue)[1], None)

    def __repr__(self) -> str:
        return f"<ChallengeMemory kept={len(self._kept)} used={len(self._used)}>"
