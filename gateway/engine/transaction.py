"""One Access-Request and where it came from: what waits for an answer, and is told apart from others."""

from gateway.engine.nas import Nas
from gateway.engine.peer import Peer, TransactionKey
from gateway.engine.records import PacketRecord
from gateway.engine.replies import REPLY_CODES
from gateway.engine.verdict import Verdict
from gateway.engine.waiter import Awaited, Waiter
from gateway.radius.packet import Packet
from gateway.radius.reply import encode_reply, reply_basis


class Transaction(Waiter):
    """One Access-Request until its reply.

    Attributes:
        packet: the request, or what is left of it, see `radius.reply.reply_basis`.
        digest: of the whole request, keyed, which tells it from others of its key.
        pending: the login that it waits for, None before it has one and if it never gets one.
        is_superseded: a newer request took its Identifier: it must not be answered any more.
    """

    __slots__ = ("digest", "is_superseded", "key", "nas", "packet", "peer", "pending", "received_at")
    reply = None  # what a duplicate of it gets: silence

    def __init__(
        self, packet: Packet, nas: Nas, peer: Peer, digest: bytes, now: float, key: TransactionKey | None = None
    ) -> None:
        self.packet = packet
        self.nas = nas
        self.peer = peer
        self.received_at = now
        self.key = key or peer.key(packet.identifier)
        self.digest = digest
        self.pending: Awaited | None = None
        self.is_superseded = False

    def encode(self, verdict: Verdict) -> bytes:
        """Return the reply; `radgate login` is told the reason, too."""
        nas = self.nas
        return encode_reply(
            REPLY_CODES[verdict.outcome],
            self.packet,
            nas.shared_secret,
            verdict.reply_message,
            verdict.explanation if nas.is_login_client else "",
            nas.signature_position,
            verdict.attributes,
        )

    def record(self) -> PacketRecord:
        """Return what another worker must know to answer it."""
        peer = self.peer
        return PacketRecord(
            self.nas.generation,
            peer.address,
            peer.listener,
            peer.path,
            reply_basis(self.packet),
            self.digest,
            self.received_at,
        )
