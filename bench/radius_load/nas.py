"""One source address and port of a NAS: its socket, its 256 Identifiers, and what it asked under each."""

import ipaddress
import os
import socket
from collections import deque
from itertools import cycle, islice

from bench.radius_load.plan import Kind
from gateway.radius.client import encode_access_request, encode_attribute, verify_reply
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR, STATE
from gateway.radius.discards import DecodeError
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret

Address = tuple[str, int]
N_IDENTIFIERS = 256
_BUFFER_OCTETS = 1_048_576  # room for a reply under every Identifier


class Login:
    """One login: who, of which kind, and for how many packets of it an answer is awaited."""

    __slots__ = ("index", "kind", "n_open", "user")

    def __init__(self, index: int, kind: Kind, user: int, n_open: int) -> None:
        self.index = index
        self.kind = kind
        self.user = user
        self.n_open = n_open


class Request:
    """One packet, its octets the same however often it is sent.

    Attributes:
        nas: that asks.
        superseded: what it asked before under this Identifier.
        controller: which of the NAS that ask for this login at the same time; 0 is the first.
        server: index of the target.
        state: of the Access-Challenge that it answers; empty for the first request of a login.
        first_at: when it was first sent.
        wait_s, spoke: how long the NAS waits now, and the timer of that.
        is_open: an answer is awaited.
        reply: the first one that could be believed.
    """

    __slots__ = (
        "authenticator",
        "controller",
        "first_at",
        "identifier",
        "is_open",
        "login",
        "n_sent",
        "nas",
        "octets",
        "reply",
        "server",
        "spoke",
        "state",
        "superseded",
        "wait_s",
    )

    def __init__(
        self, nas: "Nas", identifier: int, login: Login, controller: int, server: int, typed: bytes, state: bytes
    ) -> None:
        self.nas = nas
        self.superseded = nas.requests[identifier]
        self.identifier = identifier
        self.login = login
        self.controller = controller
        self.server = server
        self.state = state
        self.first_at = 0.0
        self.n_sent = 0
        self.wait_s: float | None = None
        self.spoke = 0
        self.is_open = True
        self.reply: bytes | None = None
        self.authenticator = os.urandom(16)
        name, more = login.kind.user_name(login.user), encode_attribute(STATE, state) if state else b""
        self.octets = encode_access_request(identifier, self.authenticator, nas.shared_secret, name, typed, more)


class Nas:
    """One source address and port towards one server."""

    __slots__ = ("fileno", "free", "requests", "shared_secret", "socket")

    def __init__(self, host: str, server: Address, shared_secret: SharedSecret) -> None:
        """Bind and connect; the kernel chooses the port.

        Raises:
            OSError: that is not possible.
        """
        self.shared_secret = shared_secret
        self.free = deque(range(N_IDENTIFIERS))  # the one that was free for longest is used next
        self.requests: list[Request | None] = [None] * N_IDENTIFIERS
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
        self.socket.bind((host, 0))
        self.socket.connect(server)
        self.fileno = self.socket.fileno()

    def ask(self, login: Login, controller: int, server: int, now: float, typed: bytes, state: bytes = b"") -> Request:
        """Return a new request under a free Identifier; with State it answers an Access-Challenge."""
        identifier = self.free.popleft()
        request = Request(self, identifier, login, controller, server, typed, state)
        request.first_at = now
        if request.superseded is not None:
            request.superseded.superseded = None
        self.requests[identifier] = request
        return request

    def send(self, octets: bytes) -> bool:
        """Return whether the kernel took it."""
        for _ in range(2):  # a socket first tells, once, that nobody listened to the packet before
            try:
                self.socket.send(octets)
            except ConnectionRefusedError:
                continue
            except OSError:
                return False
            return True
        return False

    def asked(self, datagram: bytes) -> tuple[Request, bool]:
        """Return the request that a datagram answers, and whether it is signed by a Message-Authenticator too.

        Raises:
            ValueError: nothing that was asked under its Identifier lately, or not by who knows the secret.
        """
        request = self.requests[datagram[1]] if len(datagram) > 1 else None
        while request is not None:
            try:
                return request, is_signed(datagram, request.authenticator, self.shared_secret)
            except ValueError:
                request = request.superseded
        raise ValueError("this answers nothing that was asked")


def is_signed(datagram: bytes, request_authenticator: bytes, shared_secret: SharedSecret) -> bool:
    """Whether a reply to this request carries a Message-Authenticator; both authenticators are verified.

    Raises:
        ValueError: it is no reply to this request: no RADIUS packet, or one of the authenticators is wrong.
    """
    try:
        verify_reply(datagram, request_authenticator, shared_secret)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    except ValueError:
        reply = decode_packet(datagram)
        as_sent = reply.octets[:4] + request_authenticator + reply.octets[20:]
        if reply.has(MESSAGE_AUTHENTICATOR) or shared_secret.response_authenticator(as_sent) != reply.authenticator:
            raise
        return False
    return True


def source_addresses(network: str, n_nas: int) -> list[str]:
    """Return addresses of the network, one for each NAS, again from the first when they are used up."""
    return [str(host) for host in islice(cycle(ipaddress.IPv4Network(network).hosts()), n_nas)]
