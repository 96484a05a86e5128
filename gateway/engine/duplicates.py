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

from gateway.engine.nas import Nas
from gateway.radius.packet import Packet


class Peer(msgspec.Struct):
    """Where a request came from and by which way the answer goes back.

    Attributes:
        address: the source as the socket gives it: host, port, and for IPv6 flow label and scope.
        listener: which listening address it came to.
        path: for the network side alone: the socket and the local address that was asked.
    """

    address: tuple[str, int] | tuple[str, int, int, int]
    listener: int
    path: object = None


class Transaction:
    """One Access-Request and everything done until its reply.

    Attributes:
        packet: the request; given up once it is answered.
        reply: the octets sent, None while pending.
        expires_at: when an answered transaction is forgotten.
        is_superseded: a newer request took its Identifier: it must not be answered any more.
    """

    __slots__ = ("_digest", "expires_at", "is_superseded", "key", "nas", "packet", "peer", "received_at", "reply")

    def __init__(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        self.packet = packet
        self.nas = nas
        self.peer = peer
        self.received_at = now
        self.key = transaction_key(packet, peer)
        self.reply: bytes | None = None
        self.expires_at = 0.0
        self.is_superseded = False
        self._digest = hash(packet.octets)

    def is_repeated_by(self, packet: Packet) -> bool:
        """Whether the packet has the same octets, Request Authenticator and all; Python's string hash is keyed and
        unforgeable enough.
        """
        return self._digest == hash(packet.octets)


def transaction_key(packet: Packet, peer: Peer) -> Hashable:
    """Return what RFC 5080 section 2.2.2 tells requests apart by, before the Request Authenticator."""
    return peer.address, peer.listener, packet.identifier


class DuplicateCache:
    """Transactions by key: pending ones, and answered ones for `window_s` seconds, `max_answered` at most."""

    def __init__(self, window_s: float, max_answered: int) -> None:
        self._window_s = window_s
        self._max_answered = max_answered
        self._transactions: dict[Hashable, Transaction] = {}
        self._answered: deque[Transaction] = deque()  # by the instant of the answer, which is that of the expiry too

    def __len__(self) -> int:
        return len(self._transactions)

    def find(self, packet: Packet, peer: Peer, now: float) -> Transaction | None:
        """Return the transaction that this packet repeats, or None if it is a new request."""
        known = self._transactions.get(transaction_key(packet, peer))
        if known is None or not known.is_repeated_by(packet):
            return None
        if known.reply is not None and known.expires_at <= now:
            return None
        return known

    def add(self, transaction: Transaction) -> Transaction | None:
        """Keep a new pending transaction; return the one that it supersedes, if that one still waits for its answer."""
        older = self._transactions.get(transaction.key)
        self._transactions[transaction.key] = transaction
        if older is None or older.reply is not None:
            return None
        older.is_superseded = True
        return older

    def answered(self, transaction: Transaction, reply: bytes, now: float) -> None:
        """Keep the reply for retransmissions, and forget what is too old or too much."""
        transaction.reply = reply
        transaction.expires_at = now + self._window_s
        self._answered.append(transaction)
        self.expire(now)

    def expire(self, now: float) -> None:
        """Forget answers whose window is over, and the oldest ones beyond the bound."""
        answered = self._answered
        while answered and (answered[0].expires_at <= now or len(answered) > self._max_answered):
            transaction = answered.popleft()
            if self._transactions.get(transaction.key) is transaction:
                del self._transactions[transaction.key]

    def __repr__(self) -> str:
        pending = sum(transaction.reply is None for transaction in self._transactions.values())
        return f"<DuplicateCache pending={pending} answered={len(self._answered)}>"
