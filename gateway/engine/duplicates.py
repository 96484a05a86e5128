"""What has been asked, and what was answered: so that a retransmission gets the same octets again, and never a second
push.

A request is known by its source, the socket it came to and its Identifier (RFC 5080 section 2.2.2). The same octets
again are a duplicate; other octets are a new request that takes the place of the old one, whose reply is sent no
more. Replies are kept for a window after they were sent, and so is silence; each is kept anew while its request goes on
coming, for the same octets are never a new login. The oldest leave first when there are too many, pending requests
never.
"""

from collections import deque
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.engine.peer import TransactionKey
from gateway.engine.transaction import Transaction
from gateway.values import Value

_KEPT_ANEW_AFTER: Final = 0.25
"""Of a window: each time takes a place, and a record in the journal."""


@final
@mypyc_attr(acyclic=True)
class SentReply(Value):
    """What is left of an answered transaction: enough to know its duplicates, and the octets for them, or none."""

    __slots__ = ("digest", "expires_at", "key", "reply")

    def __init__(self, key: TransactionKey, digest: bytes, reply: bytes, expires_at: float) -> None:
        self.key = key
        self.digest = digest
        self.reply = reply
        self.expires_at = expires_at


class DuplicateCache:
    """Transactions by key: pending ones, and answered ones for `window_s` seconds, `max_replies` at most."""

    def __init__(self, window_s: float, max_replies: int) -> None:
        self._window_s = window_s
        self._max_replies = max_replies
        self._known: dict[TransactionKey, Transaction | SentReply] = {}
        self._sent: deque[SentReply] = deque()  # by the instant of the reply, which is that of the expiry too

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: TransactionKey, digest: bytes, now: float) -> Transaction | SentReply | None:
        """Return what a packet with this key and digest repeats, octet for octet, or None if it is a new request."""
        known = self._known.get(key)
        if known is None or known.digest != digest:
            return None
        if isinstance(known, SentReply) and known.expires_at <= now:
            return None
        return known

    def has_reply(self, transaction: Transaction) -> bool:
        """Whether this very request, maybe another worker's, was replied to."""
        known = self._known.get(transaction.key)
        return known is not None and known.digest == transaction.digest and bool(known.reply)

    def add(self, transaction: Transaction) -> Transaction | None:
        """Keep a new pending transaction; return the one that it supersedes, if that one still waits for its reply."""
        older = self._known.get(transaction.key)
        self._known[transaction.key] = transaction
        if not isinstance(older, Transaction):
            return None
        older.is_superseded = True
        return older

    def as_replied(self, transaction: Transaction, reply: bytes, now: float) -> SentReply:
        """Return what is left of a transaction once it has its reply."""
        return SentReply(transaction.key, transaction.digest, reply, now + self._window_s)

    def replied(self, transaction: Transaction, reply: bytes, now: float) -> None:
        """Keep the reply for retransmissions, and forget what is too old or too much."""
        self.adopt(self.as_replied(transaction, reply, now), now)

    def prolonged(self, sent: SentReply, now: float) -> SentReply | None:
        """Keep a reply, whose request has come again, for another window; None if most of this one is left."""
        if sent.expires_at - now > (1 - _KEPT_ANEW_AFTER) * self._window_s:
            return None
        anew = SentReply(sent.key, sent.digest, sent.reply, now + self._window_s)
        self.adopt(anew, now)
        return anew

    def silence(self, key: TransactionKey, digest: bytes, now: float) -> None:
        """Let the retransmissions of a request that was given up meet silence for the window."""
        if key not in self._known:
            self.adopt(SentReply(key, digest, b"", now + self._window_s), now)

    def adopt(self, sent: SentReply, now: float) -> Transaction | None:
        """Keep a reply, maybe another worker's; return the transaction of ours that it is for, if one is pending.

        A newer request that has taken the Identifier stays, and so does a reply that is newer or was kept anew.
        """
        known = self._known.get(sent.key)
        if isinstance(known, SentReply):
            if known.expires_at > sent.expires_at:
                return None
            known = None
        elif known is not None and known.digest != sent.digest:
            return None
        self._known[sent.key] = sent
        self._sent.append(sent)
        self.expire(now)
        return known

    def forget(self, transaction: Transaction) -> None:
        """Forget a pending transaction: its retransmission will be a new request."""
        if self._known.get(transaction.key) is transaction:
            del self._known[transaction.key]

    def expire(self, now: float) -> None:
        """Forget replies whose window is over, and the oldest ones beyond the bound."""
        queue = self._sent
        while queue and (queue[0].expires_at <= now or len(queue) > self._max_replies):
            sent = queue.popleft()
            if self._known.get(sent.key) is sent:
                del self._known[sent.key]

    def __repr__(self) -> str:
        n_pending = sum(isinstance(known, Transaction) for known in self._known.values())
        return f"<DuplicateCache pending={n_pending} sent={len(self._sent)}>"
