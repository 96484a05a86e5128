"""Which tokens were used: each is good for one answer, for as long as it could be opened.

How many are remembered is bounded. When it is full, the one that expires first is forgotten; and whatever expires no
later than a forgotten one counts as used. So nobody is asked twice with one token, wherever the clock is set to.

A worker may have died with a token in use, and the packet that used it comes again to its successor: that is no other
use. For a moment, and once: a packet that was answered is known by its reply.
"""

from heapq import heappop, heappush
from typing import Final

MAX_USED: Final = 100_000
AGAIN_S: Final = 10.0  # a NAS that waits sends the same octets again within seconds


class UsedTokens:
    """The names of used tokens, with the instants until which they could be opened: Unix seconds of Duo's clock.

    Attributes:
        floor: what expires then, or before, counts as used: it may have been forgotten.
    """

    __slots__ = ("_again", "_most", "_names", "_queue", "floor")

    def __init__(self, most: int = MAX_USED) -> None:
        """Remember so many at most."""
        self._most = most
        self._names: dict[bytes, int] = {}
        self._queue: list[tuple[int, bytes]] = []
        self._again: dict[bytes, tuple[bytes, float]] = {}  # by which packet, and until when it may come again
        self.floor = 0

    def use(self, name: bytes, until: int, now: float, packet: bytes = b"") -> bool:
        """Take note that a packet uses a token; return whether no other one has."""
        self._forget_expired(now)
        if name in self._names:
            packet_before, may_again_until = self._again.pop(name, (b"", 0.0))
            return bool(packet) and packet == packet_before and now < may_again_until
        if until <= self.floor:
            return False
        self.adopt(name, until)
        return True

    def may_come_again(self, name: bytes, packet: bytes, until: float) -> None:
        """Take note that the packet which used a token at a predecessor may have no answer yet."""
        if name in self._names:
            self._again[name] = (packet, until)

    def adopt(self, name: bytes, until: int) -> None:
        """Take note of a token that another worker has seen used."""
        if until <= self.floor or name in self._names:
            return
        self._names[name] = until
        heappush(self._queue, (until, name))
        if len(self._queue) > self._most:
            self._forget_first()

    def pass_over(self, until: int) -> None:
        """Let all that expires then, or before, count as used."""
        self.floor = max(self.floor, until)

    def _forget_expired(self, now: float) -> None:
        while self._queue and self._queue[0][0] <= now:
            self._forget_first()

    def _forget_first(self) -> None:
        until, name = heappop(self._queue)
        del self._names[name]
        self._again.pop(name, None)
        self.pass_over(until)

    def __contains__(self, name: bytes) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<UsedTokens {len(self)}>"
