"""`python -m gateway.supervisor.login_helper FD`: a real RADIUS login at the running gateway, in a process of its own.

The supervisor, which parses no packet, starts it for `radgate login`: the shared secret comes in a memfd, and what
became of the login goes back by it. Neither leaves our processes.
"""

import os
import socket
import sys
import time

import msgspec

from gateway.ipc.memory import read_memfd
from gateway.radius.client import encode_access_request, encode_attribute, verify_reply
from gateway.radius.dictionary import REPLY_MESSAGE, STATE, Code
from gateway.radius.discards import DecodeError
from gateway.radius.packet import Packet
from gateway.radius.shared_secret import SharedSecret
from gateway.supervisor.helper import write_answer
from gateway.this_process import keep_memory_private

RETRANSMIT_S = 5.0


class LoginOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, from where, as whom, and for how long; see `config.login_client.LoginClient`."""

    family: int
    source: str
    destination: str
    port: int
    shared_secret: bytes
    user: bytes
    password: bytes
    state: bytes = b""
    timeout_s: float

    def __repr__(self) -> str:
        return f"<LoginOrders from {self.source} to {self.destination}:{self.port}>"


class LoginOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a login.

    Attributes:
        reply: what the gateway answered, such as Access-Accept; empty without an answer.
        text: its Reply-Messages, or why there is no answer.
        took_s: seconds until then.
        state: of a challenge, for its answer; it lets nobody in. Else empty.
    """

    reply: str
    text: str
    took_s: float
    state: bytes = b""

    def __repr__(self) -> str:
        return f"<LoginOutcome {self.reply}>"


def main(arguments: list[str]) -> int:
    """Log in and write what became of it; the exit status is 0."""
    keep_memory_private()
    descriptor = int(arguments[0])
    orders = msgspec.msgpack.decode(read_memfd(descriptor), type=LoginOrders)
    write_answer(descriptor, msgspec.msgpack.encode(log_in(orders)))
    return 0


def log_in(orders: LoginOrders) -> LoginOutcome:
    """Return what became of a login."""
    started = time.monotonic()
    try:
        reply = _exchange(orders)
    except (OSError, ValueError, DecodeError) as error:
        return LoginOutcome(reply="", text=_why(error, orders), took_s=time.monotonic() - started)
    text = b"".join(reply.values(REPLY_MESSAGE)).decode("utf-8", "replace")
    state = (reply.value(STATE) or b"") if reply.code == Code.ACCESS_CHALLENGE else b""
    return LoginOutcome(reply=Code(reply.code).label, text=text, took_s=time.monotonic() - started, state=state)


def _why(error: Exception, orders: LoginOrders) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    text = f"cannot ask {orders.destination}, port {orders.port}, from {orders.source}: {error.strerror}"
    return f"{text}; compare interface= of the section with what `ip address` shows"


def _exchange(orders: LoginOrders) -> Packet:
    """Ask, again every few seconds as any RADIUS client would, until an answer comes.

    Raises:
        OSError: no answer in time, or none can come.
        ValueError, DecodeError: the answer is not one of the gateway's, or no packet can hold the name.
    """
    shared_secret = SharedSecret(orders.shared_secret)
    authenticator = os.urandom(16)
    state = encode_attribute(STATE, orders.state) if orders.state else b""
    request = encode_access_request(authenticator[0], authenticator, shared_secret, orders.user, orders.password, state)
    deadline = time.monotonic() + orders.timeout_s
    with socket.socket(orders.family, socket.SOCK_DGRAM) as udp:
        udp.bind((orders.source, 0))
        udp.connect((orders.destination, orders.port))
        while (left_s := deadline - time.monotonic()) > 0:
            udp.send(request)
            udp.settimeout(min(RETRANSMIT_S, left_s))
            try:
                return verify_reply(udp.recv(4096), authenticator, shared_secret)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                raise OSError(f"nothing listens on {orders.destination}:{orders.port}") from None
    raise OSError(f"no answer within {orders.timeout_s:g} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
