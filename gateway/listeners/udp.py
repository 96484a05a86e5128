"""UDP sockets of a worker: datagrams in, replies out from the very address that was asked.

A socket is drained by `recvmsg` when it becomes readable; IP_PKTINFO tells the local address, and is handed back with
the reply, so that a machine with several addresses answers from the right one (RFC 2865 section 3) while the kernel
still chooses the interface.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

from gateway.engine.peer import Address, Peer

_BUFFER_SIZE: Final = 4096  # octets; what is longer is padding (RFC 2865 section 3), and the kernel drops it
_ANCILLARY_SIZE: Final = 128
_DATAGRAMS_A_TURN: Final = 64  # then the other sockets of the loop have their turn
_MAX_PEERS: Final = 1_024  # remembered: a directory asks from few ports
_CALM_TURNS: Final = 8  # after one that found a datagram alone
_PKTINFO: Final = struct.Struct("@I4s4s")  # in_pktinfo: interface, the local address, the header's destination
_PKTINFO6: Final = struct.Struct("@16sI")  # in6_pktinfo: address, interface
IP_PKTINFO: Final = 8  # linux/in.h; Python 3.11 does not name it
# linux/in.h, linux/in6.h: a reply may be fragmented on its way. With DF, and ICMP filtered, it would be lost for good.
IP_MTU_DISCOVER: Final = 10
IPV6_MTU_DISCOVER: Final = 23
PMTUDISC_DONT: Final = 0

Ancillary = list[tuple[int, int, bytes]]
_NO_WAY: Final[Ancillary] = []


def open_socket(family: int, host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a bound, non-blocking UDP socket that tells the local address of each datagram.

    `shared` puts it into the SO_REUSEPORT group of its address. An IPv6 socket serves IPv6 alone.

    Raises:
        OSError: the address is not of this machine, or in use.
    """
    udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if shared:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            udp.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)
        else:
            udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            udp.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
        udp.bind((host, port))
    except BaseException:
        udp.close()
        raise
    return udp


class UdpListener:
    """One bound socket: hands each datagram on with its `Peer`, and sends replies.

    Attributes:
        n_received: datagrams.
        n_unsent: replies that the kernel would not take; the NAS asks again and gets the same octets.
    """

    def __init__(
        self, udp: socket.socket, number: int, bucket: int, on_datagram: Callable[[bytes, Peer], None]
    ) -> None:
        """Take a socket, the number of its address, and which of the sockets that share the address it is."""
        self._udp = udp
        self.number = number
        self._bucket = bucket
        self._on_datagram = on_datagram
        self._way_back: dict[bytes, Ancillary] = {}  # control message -> what to hand back: a few local addresses
        self._last_pktinfo = b""
        self._last_way = _NO_WAY
        self._peers: dict[Address, Peer] = {}
        self._n_calm = 0  # turns that look for no second datagram
        self.n_received = 0
        self.n_unsent = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read."""
        loop.add_reader(self._udp.fileno(), self._drain)

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read no more; replies can still be sent."""
        loop.remove_reader(self._udp.fileno())

    def send(self, octets: bytes, peer: Peer) -> None:
        """Send a reply to where the request came from."""
        try:
            self._udp.sendmsg((octets,), peer.path, 0, peer.address)
        except OSError:
            self.n_unsent += 1

    def _drain(self) -> None:
        """Read what is there, 64 datagrams at most.

        Where they come one at a time, most turns spare the look that finds nothing. What is left lying makes the socket
        readable in the next turn.
        """
        if self._n_calm:
            self._n_calm -= 1
            self._receive(1)
        elif self._receive(_DATAGRAMS_A_TURN) == 1:
            self._n_calm = _CALM_TURNS

    def _receive(self, n_most: int) -> int:
        receive, hand_on = self._udp.recvmsg, self._on_datagram
        for n_received in range(n_most):
            try:
                datagram, ancillary, _, address = receive(_BUFFER_SIZE, _ANCILLARY_SIZE)
            except BlockingIOError:
                return n_received
            self.n_received += 1
            hand_on(datagram, self._peer(address, ancillary))
        return n_most

    def _peer(self, address: Address, ancillary: Ancillary) -> Peer:
        """Return who sent a datagram. So many are remembered; a flood of forged addresses only makes them forgotten."""
        way = self._way(ancillary)
        peer = self._peers.get(address)
        if peer is None or peer.path is not way:
            if len(self._peers) >= _MAX_PEERS:
                self._peers.clear()
            peer = self._peers[address] = Peer(address, self.number, way, self._bucket)
        return peer

    def _way(self, ancillary: Ancillary) -> Ancillary:
        """Return the control message that makes the reply leave from the address that was asked."""
        for level, kind, octets in ancillary:
            if octets == self._last_pktinfo:
                return self._last_way
            if kind in (IP_PKTINFO, socket.IPV6_PKTINFO):
                self._last_pktinfo = octets
                self._last_way = self._way_back.setdefault(octets, [(level, kind, _without_interface(octets))])
                return self._last_way
        return _NO_WAY


def _without_interface(pktinfo: bytes) -> bytes:
    """Return the control message with the interface left to the routing table."""
    if len(pktinfo) == _PKTINFO.size:
        _, local, _ = _PKTINFO.unpack(pktinfo)
        return _PKTINFO.pack(0, local, bytes(4))
    address, interface = _PKTINFO6.unpack(pktinfo)
    is_link_local = address[0] == 0xFE and address[1] & 0xC0 == 0x80
    return _PKTINFO6.pack(address, interface if is_link_local else 0)
