"""What the small servers of this package have in common: settings, a UDP socket, and the RADIUS of a login.

Their RADIUS is the gateway's own codec, so that the difference lies in how they ask Duo. A retransmission gets the
same octets again, a pending login's is dropped.
"""

import json
import signal
import socket
import sys
from pathlib import Path
from typing import NamedTuple

from gateway.radius.dictionary import USER_NAME, USER_PASSWORD, Code
from gateway.radius.discards import DecodeError
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

Address = tuple[str, int]


class Settings(NamedTuple):
    """Whom to ask, and whom to believe."""

    api_host: str
    ca: str
    ikey: str
    secret_key: str
    shared_secret: str

    @property
    def host(self) -> str:
        """Duo's, without the port."""
        return self.api_host.rpartition(":")[0]

    @property
    def port(self) -> int:
        """Duo's."""
        return int(self.api_host.rpartition(":")[2])

    def __repr__(self) -> str:
        return f"<Settings {self.api_host}>"


def read_settings() -> Settings:
    """Return what the file named on the command line says."""
    return Settings(**json.loads(Path(sys.argv[1]).read_text()))


def open_udp() -> socket.socket:
    """Return a socket on a port that the kernel chose."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
    udp.bind(("127.0.0.1", 0))
    return udp


def announce(udp: socket.socket) -> None:
    """Say that logins are welcome; SIGTERM ends the process at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print("serving", udp.getsockname()[1], flush=True)


class Login(NamedTuple):
    """Who wants in, with what, and where the reply goes."""

    user: str
    password: str
    request: Packet
    address: Address

    def __repr__(self) -> str:
        return f"<Login {self.user!r}>"


class RadiusServer:
    """Datagrams to logins, verdicts to replies; remembers the last reply to each port and Identifier."""

    def __init__(self, udp: socket.socket, shared_secret: SharedSecret) -> None:
        self._udp = udp
        self._shared_secret = shared_secret
        self._known: dict[tuple[Address, int], tuple[bytes, bytes]] = {}  # -> authenticator, reply; empty: pending

    def take(self, datagram: bytes, address: Address) -> Login | None:
        """Return the new login in a datagram; what is none is dropped or answered again."""
        try:
            request = decode_packet(datagram)
        except DecodeError:
            return None
        if request.code != Code.ACCESS_REQUEST or not self._shared_secret.has_signed(request):
            return None
        if self._is_retransmission(request, address):
            return None
        user, hidden = request.value(USER_NAME), request.value(USER_PASSWORD)
        if user is None or hidden is None:
            return None
        password = self._shared_secret.reveal_user_password(hidden, request.authenticator)
        if password is None:
            return None
        return Login(user.decode("utf-8", "replace"), password.decode("utf-8", "replace"), request, address)

    def answer(self, login: Login, text: str, *, is_allowed: bool) -> None:
        """Send the verdict, and keep it for a retransmission."""
        code = Code.ACCESS_ACCEPT if is_allowed else Code.ACCESS_REJECT
        request = login.request
        reply = encode_reply(code, request, self._shared_secret, text)
        self._known[login.address, request.identifier] = request.authenticator, reply
        self._udp.sendto(reply, login.address)

    def _is_retransmission(self, request: Packet, address: Address) -> bool:
        authenticator, reply = self._known.get((address, request.identifier), (b"", b""))
        if authenticator != request.authenticator:
            self._known[address, request.identifier] = request.authenticator, b""
            return False
        if reply:
            self._udp.sendto(reply, address)
        return True
