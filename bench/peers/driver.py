"""A NAS that keeps a number of logins in flight, a closed loop, and takes the time of each.

It never sleeps, as the lean Duo does not: on a virtual machine waking a sleeping peer is charged to whoever sends to
it. Packets are made before the clock starts and replies verified after it has stopped, so that little but `send` and
`recv` stands between the peer and its next login.
"""

import os
import socket
import time
from typing import NamedTuple

from bench import processes
from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.dictionary import AUTHENTICATOR_SIZE, Code
from gateway.radius.discards import DecodeError
from gateway.radius.shared_secret import SharedSecret

SECRET = processes.SECRET.encode()
PASSCODE = b"123456"
N_USERS = 256  # more than there are logins in flight: no two logins of one user are pending at once
MOST_USERS = 1_000_000  # whose names are told apart
MOST_IN_FLIGHT = 128  # half of the Identifiers of one port: a slow login holds up no other
SILENCE_S = 10.0  # after which a login counts as lost
_N_IDENTIFIERS = 256
_SHARED_SECRET = SharedSecret(SECRET)


class DriverError(Exception):
    """A login was lost, rejected, or answered by somebody who does not know the shared secret."""


class Burst(NamedTuple):
    """What the NAS saw.

    Attributes:
        elapsed_s: from the first request to the last reply.
        latencies_s: of each login, in order of their replies.
    """

    elapsed_s: float
    latencies_s: list[float]

    @property
    def n_logins(self) -> int:
        """Logins, all accepted."""
        return len(self.latencies_s)


def log_in(
    port: int,
    n_logins: int,
    window: int,
    *,
    longest_s: float = 5.0,
    authenticator: bytes | None = None,
    password: bytes = PASSCODE,
    first_user: int | None = None,
) -> Burst:
    """See `n_logins` accepted, `window` at a time (1..128), or as many as can be begun within `longest_s`.

    All type the same password. They carry the same Request Authenticator where `authenticator` is given, which no NAS
    does (RFC 2865 section 3). `N_USERS` people log in by turns; with `first_user` each login is somebody else's, from
    that number on.

    Raises:
        DriverError: not every login was accepted.
    """
    users = range(n_logins) if first_user is None else range(first_user, first_user + n_logins)
    n_users = N_USERS if first_user is None else MOST_USERS
    requests = [request(number, user % n_users, password, authenticator) for number, user in enumerate(users)]
    nas = _Nas(port, requests)
    try:
        elapsed_s = nas.run(min(window, MOST_IN_FLIGHT), longest_s)
    finally:
        nas.close()
    _see_all_accepted(requests, nas.replies)
    return Burst(elapsed_s, nas.latencies_s)


class _Nas:
    """One port of a NAS: request number n has Identifier n modulo 256, and waits until that is free."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.connect(("127.0.0.1", port))
        self._udp.setblocking(False)
        self._requests = requests
        self._pending: dict[int, tuple[int, float]] = {}  # Identifier -> number of the request, instant of sending
        self.replies: list[tuple[int, bytes]] = []
        self.latencies_s: list[float] = []

    def run(self, window: int, longest_s: float) -> float:
        """Send all, or those that can be sent in time, and receive every reply; return the seconds it took."""
        pending, n_requests, clock = self._pending, len(self._requests), time.monotonic
        started = heard = clock()
        sent = 0
        while sent < n_requests or pending:
            while sent < n_requests and len(pending) < window and sent % _N_IDENTIFIERS not in pending:
                pending[sent % _N_IDENTIFIERS] = sent, clock()
                self._udp.send(self._requests[sent])
                sent += 1
            now = clock()
            if self._receive():
                heard = now
            elif now - heard > SILENCE_S:
                raise DriverError(f"{len(pending)} of {sent} logins were not answered for {SILENCE_S:.0f} s")
            if now - started > longest_s:
                n_requests = sent
        return clock() - started

    def close(self) -> None:
        self._udp.close()

    def _receive(self) -> bool:
        """Take all replies that have come, and let the others on this core run; return whether there were any."""
        n_before = len(self.replies)
        try:
            while True:
                reply = self._udp.recv(4096)
                number, sent_at = self._pending.pop(reply[1])
                self.latencies_s.append(time.monotonic() - sent_at)
                self.replies.append((number, reply))
        except BlockingIOError:
            os.sched_yield()
        except ConnectionRefusedError as error:
            raise DriverError("nobody listens on the port any more") from error
        except KeyError as error:
            raise DriverError("a login was answered twice") from error
        return len(self.replies) > n_before


def request(number: int, user: int, password: bytes = PASSCODE, authenticator: bytes | None = None) -> bytes:
    """Return the Access-Request number n, of user number n."""
    drawn = authenticator or os.urandom(AUTHENTICATOR_SIZE)
    return encode_access_request(number % _N_IDENTIFIERS, drawn, _SHARED_SECRET, b"u%06d" % user, password)


def verdict(reply: bytes, request_authenticator: bytes) -> Code:
    """Return the code of a reply that a NAS would believe.

    Raises:
        DriverError: it would not.
    """
    try:
        return Code(verify_reply(reply, request_authenticator, _SHARED_SECRET).code)
    except (DecodeError, ValueError) as error:
        raise DriverError(f"a reply that no NAS would believe: {error}") from error


def _see_all_accepted(requests: list[bytes], replies: list[tuple[int, bytes]]) -> None:
    for number, reply in replies:
        code = verdict(reply, requests[number][4:20])
        if code is not Code.ACCESS_ACCEPT:
            raise DriverError(f"a login was answered with {code.label}")
