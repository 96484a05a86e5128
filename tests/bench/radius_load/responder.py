"""A RADIUS server of a few lines, in a thread: it answers as the test says, for the load generator to be watched."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Self

from gateway.radius.dictionary import USER_NAME, USER_PASSWORD, Code
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

SECRET = "a secret for tests alone"
SHARED_SECRET = SharedSecret(SECRET.encode())

Behaviour = Callable[[Packet, int], Sequence[bytes]]  # request, how often it came before -> replies


def accept(request: Packet, n_before: int) -> list[bytes]:
    return [encode_reply(Code.ACCESS_ACCEPT, request, SHARED_SECRET, "Success. Logging you in...")]


def reject(request: Packet, n_before: int) -> list[bytes]:
    return [encode_reply(Code.ACCESS_REJECT, request, SHARED_SECRET)]


def silence(request: Packet, n_before: int) -> list[bytes]:
    return []


def duo(request: Packet, n_before: int) -> list[bytes]:
    """Answer as the convention for user names and passcodes wants it."""
    (name,), (hidden,) = request.values(USER_NAME), request.values(USER_PASSWORD)
    typed = SHARED_SECRET.reveal_user_password(hidden, request.authenticator)
    is_right = typed == b"123456" or (typed == b"push" and name.startswith(b"u"))
    return accept(request, n_before) if is_right else reject(request, n_before)


class Responder:
    """Listens on a port of its own until it is closed.

    Attributes:
        target: address and port.
        heard: of every datagram, in order: where it came from, and its octets.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.target: tuple[str, int] = self._udp.getsockname()
        self.heard: list[tuple[tuple[str, int], bytes]] = []
        self._thread = threading.Thread(target=self._serve)

    @property
    def packets(self) -> list[Packet]:
        return [decode_packet(datagram) for _, datagram in self.heard]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; whatever was sent before has been heard then."""
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.sendto(b"", self.target)
            self._thread.join()
            self._udp.close()

    def _serve(self) -> None:
        n_times: Counter[bytes] = Counter()
        while True:
            datagram, source = self._udp.recvfrom(4096)
            if not datagram:
                return
            self.heard.append((source, datagram))
            for reply in self._behaviour(decode_packet(datagram), n_times[datagram]):
                self._udp.sendto(reply, source)
            n_times[datagram] += 1
