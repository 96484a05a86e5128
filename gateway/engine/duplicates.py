"""What has been asked, and what was answered: so that a retransmission gets the same octets again, and never a second
push.

A request is known by its source, the socket it came to and its Identifier (RFC 5080 section 2.2.2). The same octets
again are a duplicate; other octets are a new request that takes the place of the old one, whose answer is sent no
more. Answers are kept for a window after they were sent; the oldest leave first when there are too many, pending
requests never.
"""

from collections import deque
from collections.abc import Hashable

import msgspec

from gateway.engine.transaction import Peer, Transaction, transaction_key
from gateway.radius.packet import Packet


class Answered(msgspec.Struct):
    """What is left of an answered transaction: enough to know its duplicates, and the octets for them."""

    key: Hashable
    digest: int
    reply: bytes
    expires_at: float


class DuplicateCache:
    """Transactions by key: pending ones, and answered ones for `window_s` seconds, `max_answered` at most."""

    def __init__(self, window_s: float, max_answered: int) -> None:
        self._window_s = window_s
        self._max_answered = max_answered
        self._known: dict[Hashable, Transaction | Answered] = {}
        self._answered: deque[Answered] = deque()  # by the instant of the answer, which is that of the expiry too

    def __len__(self) -> int:
        return len(self._known)

    def find(self, packet: Packet, peer: Peer, now: float) -> Transaction | Answered | None:
        """Return what this packet repeats, octet for octet, or None if it is a new request.

        Octets are compared by Python's hash of them, which is keyed anew in each process and cannot be forged.
        """
        known = self._known.get(transaction_key(packet, peer))
        if known is None or known.digest != hash(packet.octets):
            return None
        if isinstance(known, Answered) and known.expires_at <= now:
            return None
        return known

    def add(self, transaction: Transaction) -> Transaction | None:
        """Keep a new pending transaction; return the one that it supersedes, if that one still waits for its answer."""
        older = self._known.get(transaction.key)
        self._known[transaction.key] = transaction
        if not isinstance(older, Transaction):
            return None
        older.is_superseded = True
        return older

    def answered(self, transaction: Transaction, reply: bytes, now: float) -> None:
        """Keep the reply for retransmissions, and forget what is too old or too much."""
        answered = Answered(transaction.key, transaction.digest, reply, now + self._window_s)
        self._known[transaction.key] = answered
        self._answered.append(answered)
        self.expire(now)

    def expire(self, now: float) -> None:
        """Forget answers whose window is over, and the oldest ones beyond the bound."""
        queue = self._answered
        while queue and (queue[0].expires_at <= now or len(queue) > self._max_answered):
            answered = queue.popleft()
            if self._known.get(answered.key) is answered:
                del self._known[answered.key]

    def __repr__(self) -> str:
        n_pending = sum(isinstance(known, Transaction) for known in self._known.values())
        return f"<DuplicateCache pending={n_pending} answered={len(self._answered)}>"
