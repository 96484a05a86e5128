"""One Access-Request and where it came from: what waits for an answer, and is told apart from others."""

from typing import TYPE_CHECKING, Final, TypeAlias, final

from mypy_extensions import mypyc_attr

from gateway.engine.nas import Nas
from gateway.engine.records import PacketRecord
from gateway.engine.replies import REPLY_CODES
from gateway.engine.verdict import Verdict
from gateway.engine.waiter import Waiter
from gateway.radius.packet import Packet
from gateway.radius.reply import encode_reply, reply_basis
from gateway.values import Value

if TYPE_CHECKING:
    from gateway.engine.pending import PendingLogin


Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
TransactionKey: TypeAlias = str  # it remembers its hash, which a tuple does not
Path: TypeAlias = list[tuple[int, int, bytes]]
_NO_PATH: Final[Path] = []
_CHARACTERS: Final = [chr(number) for number in range(256)]


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Peer(Value):
    """Where a request came from and by which way the answer goes back.

    Attributes:
        address: the source as the socket gives it: host, port, and for IPv6 flow label and scope.
        listener: which listening address it came to.
        path: for the network side alone: the local address that was asked.
        bucket: which of the sockets that share the listening address it came to; all packets of a user come to one.
    """

    __slots__ = ("_name", "address", "bucket", "listener", "path")

    def __init__(self, address: Address, listener: int, path: Path = _NO_PATH, bucket: int = 0) -> None:
        self.address = address
        self.listener = listener
        self.path = path
        self.bucket = bucket
        self._name = ""

    def key(self, identifier: int) -> TransactionKey:
        """Return what RFC 5080 section 2.2.2 tells requests apart by, before the Request Authenticator."""
        if not self._name:
            self._name = f"{self.address} {self.listener} "
        return self._name + _CHARACTERS[identifier]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Peer) or self.listener != other.listener or self.bucket != other.bucket:
            return False
        return self.address == other.address and self.path == other.path

    __hash__ = Value.__hash__


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
        self.pending: PendingLogin | None = None
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
            nas.signature_place,
            verdict.attributes,
        )

    def record(self) -> PacketRecord:
        """Return what another worker must know to answer it."""
        peer = self.peer
        return PacketRecord(
            self.nas.section.generation,
            peer.address,
            peer.listener,
            peer.path,
            reply_basis(self.packet),
            self.digest,
            self.received_at,
        )
