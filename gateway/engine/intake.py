"""From octets to a request that is believed and new, and what it asks for.

The order of checks is that of the RFCs: nothing that an unauthenticated sender can forge touches the duplicate cache or
costs memory that lasts. What is not signed has to prove its secret by its password; else it is discarded here, or
rejected without a trace, see `Requests.refused`.
"""

from gateway.engine.authenticity import refuse_accounting, refuse_packet, refuse_signature
from gateway.engine.digests import Digests
from gateway.engine.discarding import Discards
from gateway.engine.duplicates import DuplicateCache, SentReply
from gateway.engine.effects import KeepReply, Outbox, PassOn, SendReply
from gateway.engine.modes.asked import Asked
from gateway.engine.modes.reading import is_probe
from gateway.engine.nas import Nas, NasTable
from gateway.engine.outages import Outages
from gateway.engine.peer import Peer
from gateway.engine.person import needs_another_bucket
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import PROBE_TEXT, Verdict
from gateway.radius.dictionary import ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_REQUEST, ACCOUNTING_REQUEST, STATUS_SERVER
from gateway.radius.discards import DecodeError, DiscardReason
from gateway.radius.packet import Packet, packet_length
from gateway.radius.reply import encode_accounting_response, encode_reply
from gateway.words.reasons import Reason


class Requests:
    """Who is given the requests that are believed and new."""

    __slots__ = ()

    def login_asked(self, transaction: Transaction, asked: Asked, now: float) -> None:
        """Take a request for a login."""
        raise NotImplementedError

    def refused(self, transaction: Transaction, verdict: Verdict, now: float) -> None:
        """Take a request that its mode cannot read, and rejects; of one that is not signed nothing is kept."""
        raise NotImplementedError


class Intake:
    """The way of every datagram until it is a request: discarded, answered at once, passed on, sent again, or new.

    What follows for the world goes to the outbox.
    """

    __slots__ = (
        "_digests",
        "_discards",
        "_duplicates",
        "_n_buckets",
        "_outages",
        "_outbox",
        "_requests",
        "_tables",
    )

    def __init__(
        self,
        tables: list[NasTable],
        n_buckets: int,
        digests: Digests,
        duplicates: DuplicateCache,
        outages: Outages,
        discards: Discards,
        outbox: Outbox,
        requests: Requests,
    ) -> None:
        """Take the clients of each listening address, in the order of the listeners' numbers; `n_buckets` sockets share
        each address.
        """
        self._tables = tables
        self._n_buckets = n_buckets
        self._digests = digests
        self._duplicates = duplicates
        self._outages = outages
        self._discards = discards
        self._outbox = outbox
        self._requests = requests

    def received(self, datagram: bytes, peer: Peer, now: float) -> None:
        """Decide about octets from the network: anything at all."""
        nas = None
        try:
            length = packet_length(datagram)
            nas = self._tables[peer.listener].find(peer.address[0])
            if nas is None:
                self._not_found(datagram, length, peer, now)
            else:
                self._packet_received(Packet(datagram, length), nas, peer, now)
        except DecodeError as error:
            self._discards.discard(error.reason, peer, nas, now)

    def _not_found(self, datagram: bytes, length: int, peer: Peer, now: float) -> None:
        """Take a packet of a client that has two secrets; of nobody else."""
        source = peer.address[0]
        rotation = self._tables[peer.listener].rotation(source)
        if rotation is None:
            self._discards.discard(DiscardReason.UNKNOWN_CLIENT, peer, None, now)
            return
        try:
            packet = Packet(datagram, length)
            self._packet_received(packet, rotation.sender_of(packet, source, now), peer, now)
        except DecodeError as error:
            self._discards.discard(error.reason, peer, rotation.present, now)

    def _packet_received(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        section = nas.section
        if packet.code == ACCESS_REQUEST:
            if section.probe_usernames and is_probe(packet, section.probe_usernames):
                self._probed(packet, nas, peer, now)
            else:
                self._access_requested(packet, nas, peer, now)
        elif packet.code == STATUS_SERVER:
            self._status_asked(packet, nas, peer, now)
        elif packet.code == ACCOUNTING_REQUEST and section.acknowledges_accounting:
            self._accounted(packet, nas, peer, now)
        else:
            self._discards.discard(DiscardReason.UNEXPECTED_CODE, peer, nas, now)

    def _status_asked(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        """Say that we live, whatever else the packet holds (RFC 5997 section 3): no login, no cache, no Duo."""
        reason = refuse_signature(packet, nas)
        if reason is None and not nas.may_ask_status(now):
            reason = DiscardReason.STATUS_REFUSED
        if reason is None and self._is_isolated(nas):
            reason = DiscardReason.ISOLATED
        if reason is not None:
            self._discards.discard(reason, peer, nas, now)
        else:
            octets = encode_reply(ACCESS_ACCEPT, packet, nas.shared_secret, "", "", nas.signature_position)
            self._outbox.add(SendReply(octets, peer))

    def _probed(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        """Reject a balancer's health probe at once: no login, no cache, no Duo; but a wrong secret is told of."""
        found = refuse_packet(packet, nas, peer.address[0]) or nas.section.mode.read(packet, nas, peer.address[0])
        if self._is_isolated(nas) and not isinstance(found, DiscardReason):
            found = DiscardReason.ISOLATED
        if isinstance(found, DiscardReason):
            self._discards.discard(found, peer, nas, now)
            return
        if not packet.signed_at:
            self._discards.note_unsigned(nas, peer, now)
        octets = encode_reply(ACCESS_REJECT, packet, nas.shared_secret, PROBE_TEXT, "", nas.signature_position)
        self._outbox.add(SendReply(octets, peer))

    def _accounted(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        """Say that accounting has arrived; nothing of it is kept."""
        reason = refuse_accounting(packet, nas)
        if reason is not None:
            self._discards.discard(reason, peer, nas, now)
        else:
            octets = encode_accounting_response(packet, nas.shared_secret, nas.signature_position)
            self._outbox.add(SendReply(octets, peer))

    def _access_requested(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        source = peer.address[0]
        reason = refuse_packet(packet, nas, source)
        if reason is None and self._n_buckets > 1:
            bucket = needs_another_bucket(packet, peer.bucket, self._n_buckets)
            if bucket is not None:  # it is counted there
                self._outbox.add(PassOn(packet.octets, peer, bucket))
                return
        nas.requests.add()
        if reason is not None:
            self._discards.discard(reason, peer, nas, now)
            return
        # A Message-Authenticator that was verified names these very octets, and nobody else can make it.
        digest = packet.signature or self._digests.packet(packet.octets)
        key = peer.key(packet.identifier)
        known = self._duplicates.find(key, digest, now)
        if known is not None:
            nas.section.counters.retransmitted()
            if isinstance(known, SentReply):
                self._repeated(known, peer, now)
            return
        found = nas.section.mode.read(packet, nas, source)
        if not isinstance(found, Asked) and isinstance(found, DiscardReason):  # an enumeration is slower to know
            self._discards.discard(found, peer, nas, now)
            return
        if not packet.signed_at:
            self._discards.note_unsigned(nas, peer, now)
        transaction = Transaction(packet, nas, peer, digest, now, key)
        if isinstance(found, Asked):
            self._requests.login_asked(transaction, found, now)
        else:
            if found.reason is Reason.UNSUPPORTED_CREDENTIALS:
                self._discards.note_other_credentials(nas, peer, now)
            self._requests.refused(transaction, found, now)

    def _repeated(self, sent: SentReply, peer: Peer, now: float) -> None:
        """Send a reply again, or be silent again, and remember it for longer."""
        kept = self._duplicates.prolonged(sent, now)
        if not sent.reply:
            return
        if kept is not None:
            self._outbox.add(KeepReply(kept, peer))
        self._outbox.add(SendReply(sent.reply, peer))

    def _is_isolated(self, nas: Nas) -> bool:
        """Whether this host is silent for the clients of a section."""
        return nas.section.policy.application in self._outages.isolated
