"""One Access-Request and where it came from: what waits for an answer, and is told apart from others."""

from collections.abc import Hashable
from typing import Protocol

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


class Waiting(Protocol):
    """What transactions wait for: a pending login."""

    def leave(self, transaction: "Transaction") -> None:
        """Let a superseded transaction go."""


class Transaction:
    """One Access-Request until its reply.

    Attributes:
        pending: the login that it waits for, None before it has one and if it never gets one.
        is_superseded: a newer request took its Identifier: it must not be answered any more.
    """

    __slots__ = ("digest", "is_superseded", "key", "nas", "packet", "peer", "pending", "received_at")
    reply = None  # what a duplicate of it gets: silence

    def __init__(self, packet: Packet, nas: Nas, peer: Peer, now: float) -> None:
        self.packet = packet
        self.nas = nas
        self.peer = peer
        self.received_at = now
        self.key = transaction_key(packet, peer)
        self.digest = hash(packet.octets)
        self.pending: Waiting | None = None
        self.is_superseded = False


def transaction_key(packet: Packet, peer: Peer) -> Hashable:
    """Return what RFC 5080 section 2.2.2 tells requests apart by, before the Request Authenticator."""
    return peer.address, peer.listener, packet.identifier
