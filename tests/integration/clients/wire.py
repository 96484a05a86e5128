"""The network between a client program and the gateway: hands every packet on, and remembers it.

Each port of the client has one of its own at the gateway, so that what a client changes between its tries, the gateway
sees changed.
"""

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

from gateway.radius.packet import Packet, decode_packet

Address = tuple[str, int]
PATIENCE_S = 30.0


class Carried(NamedTuple):
    """A packet that went by.

    Attributes:
        client: the address of the client's that it came from or went to.
    """

    client: Address
    packet: Packet

    @property
    def code(self) -> int:
        """What kind of packet."""
        return self.packet.code

    @property
    def kinds(self) -> list[int]:
        """The attribute types in the order of the wire."""
        octets, kinds, offset = self.packet.octets, [], 20
        while offset < len(octets):
            kinds.append(octets[offset])
            offset += octets[offset + 1]
        return kinds


class Wire:
    """Between one address of a client's and the gateway.

    Attributes:
        requests, replies: what went by so far, in order.
    """

    def __init__(self, front: socket.socket, source: str, gateway_port: int) -> None:
        """Carry what arrives at a bound socket on, in a thread, until the context ends.

        Args:
            source: the address that the client has at the gateway.
        """
        self.requests: list[Carried] = []
        self.replies: list[Carried] = []
        self._front = front
        self._source = source
        self._gateway = ("127.0.0.1", gateway_port)
        self._upstreams: dict[Address, socket.socket] = {}
        self._changed = threading.Condition()
        self._waker, self._stop = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(front, selectors.EVENT_READ, self._from_client)
        self._selector.register(self._stop, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where the client has to send to."""
        return int(self._front.getsockname()[1])

    @property
    def logins(self) -> list[Carried]:
        """The requests, each once however often it was sent again as it was."""
        return list({each.packet.authenticator: each for each in reversed(self.requests)}.values())[::-1]

    @property
    def codes(self) -> list[int]:
        """What kinds of replies there were, each once."""
        return list(dict.fromkeys(each.code for each in self.replies))

    def tries(self, n: int) -> list[Carried]:
        """Return the first `n` requests, as soon as so many have reached the gateway."""
        self.wait_until(lambda: len(self.requests) >= n)
        return self.requests[:n]

    def answers(self, n: int) -> list[Carried]:
        """Return the first `n` replies, as soon as there are so many."""
        self.wait_until(lambda: len(self.replies) >= n)
        return self.replies[:n]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the next packets bring."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_S), f"came: {self.requests}; went: {self.replies}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._waker.close()
        self._thread.join()
        self._selector.close()
        for each in (self._front, self._stop, *self._upstreams.values()):
            each.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with suppress(ConnectionRefusedError):  # of a gateway that has stopped
                    key.data(key.fileobj)

    def _from_client(self, front: socket.socket) -> None:
        datagram, client = front.recvfrom(4096)
        self._upstream(client).send(datagram)
        self._note(self.requests, client, datagram)

    def _from_gateway(self, client: Address) -> Callable[[socket.socket], None]:
        def carry(upstream: socket.socket) -> None:
            datagram = upstream.recv(4096)
            self._note(self.replies, client, datagram)  # so that it is there when the client has understood it
            self._front.sendto(datagram, client)

        return carry

    def _upstream(self, client: Address) -> socket.socket:
        """Return the port that stands for one of the client's."""
        if client not in self._upstreams:
            upstream = self._upstreams[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            upstream.bind((self._source, 0))
            upstream.connect(self._gateway)
            self._selector.register(upstream, selectors.EVENT_READ, self._from_gateway(client))
        return self._upstreams[client]

    def _note(self, carried: list[Carried], client: Address, datagram: bytes) -> None:
        with self._changed:
            carried.append(Carried(client, decode_packet(datagram)))
            self._changed.notify_all()
