"""One Access-Request and where it came from: what waits for an answer, and is told apart from others."""

from typing import TYPE_CHECKING, Final

from gateway.engine.nas import Nas
from gateway.engine.peer import Peer, TransactionKey
from gateway.engine.records import PacketRecord
from gateway.engine.replies import REPLY_CODES
from gateway.engine.verdict import Verdict, rejection
from gateway.engine.waiter import Awaited, Waiter
from gateway.radius.attributes import AttributeKind, attributes_in
from gateway.radius.credentials import refusal_of
from gateway.radius.dictionary import EAP_MESSAGE
from gateway.radius.packet import Packet
from gateway.radius.reply import encode_reply, has_room, reply_basis
from gateway.words.reasons import Reason

if TYPE_CHECKING:
    from gateway.engine.passed_on import PassedOn

_EAP: Final = AttributeKind(0, EAP_MESSAGE)


class Transaction(Waiter):
    """One Access-Request until its reply.

    Attributes:
        packet: the request, or what is left of it, see `radius.reply.reply_basis`.
        digest: of the whole request, keyed, which tells it from others of its key.
        pending: the login that it waits for, None before it has one and if it never gets one.
        is_superseded: a newer request took its Identifier: it must not be answered any more.
        shared_as: what it is called among hosts; empty before that was asked for.
    """

    __slots__ = ("digest", "is_superseded", "key", "nas", "packet", "peer", "pending", "received_at", "shared_as")
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
        self.shared_as = b""

    def encode(self, verdict: Verdict) -> bytes:
        """Return the reply; `radgate login` is told the reason, too."""
        try:
            if verdict.passed_on is None:
                return self._encode(verdict, verdict.reply_message, verdict.attributes)
            return self._encode_passed(verdict, verdict.passed_on)
        except ValueError:  # it does not fit beside the Proxy-States, or the home server is in no settings any more
            return self._encode_failure(rejection(Reason.REPLY_TOO_LONG))

    def can_say(self, verdict: Verdict) -> bool:
        """Whether a reply has room for all that a verdict has for the NAS but its texts, which may be cut off."""
        attributes = verdict.attributes
        try:
            if verdict.passed_on is not None:
                attributes += self.nas.section.mode.passed(verdict.passed_on, self.nas.shared_secret, self.packet)[1]
        except ValueError:  # the home server is in no settings any more
            return False
        return has_room(self.packet, attributes)

    def _encode_passed(self, verdict: Verdict, passed_on: "PassedOn") -> bytes:
        """Return the reply with all that a home server has said: a user never gets in with a part of it."""
        nas = self.nas
        text, attributes = nas.section.mode.passed(passed_on, nas.shared_secret, self.packet)
        text = f"{text}\n{verdict.reply_message}" if text and verdict.reply_message else text or verdict.reply_message
        return self._encode(verdict, text, verdict.attributes + attributes)

    def _encode_failure(self, failure: Verdict) -> bytes:
        """Return a rejection that fits: in the request's own protocol, if that does."""
        try:
            return self._encode(failure, failure.reply_message, refusal_of(self.packet))
        except ValueError:
            return self._encode(failure, failure.reply_message, b"")

    def _encode(self, verdict: Verdict, text: str, attributes: bytes) -> bytes:
        """Return the reply; beside EAP it has no text (RFC 3579 section 2.6.5)."""
        nas = self.nas
        if attributes and any(each.kind == _EAP for each in attributes_in(attributes)):
            text = ""
        return encode_reply(
            REPLY_CODES[verdict.outcome],
            self.packet,
            nas.shared_secret,
            text,
            verdict.explanation if nas.is_login_client else "",
            nas.signature_position,
            attributes,
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
