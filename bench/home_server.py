"""`python -m bench.home_server`: a RADIUS server that checks passwords, for who wants to try a first factor.

It knows a few users, says Class to those whom it accepts, and answers at once: a gateway that waits for a slow one is
idle in between, and that costs more than being busy. It answers Status-Server, and `--silent` lets it read everything
and say nothing.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, Final

import uvloop

from bench.endings import in_order
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import USER_PASSWORD, Code
from gateway.radius.discards import DecodeError
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

USERS: Final = {"alice": "correct horse", "bob": "correct horse", "dave": "correct horse", "trent": "correct horse"}
SECRET: Final = "a secret for home servers alone"
ANYBODY: Final[Mapping[str, str]] = {}
"""In the place of users: whoever types a password is let in."""

_CLASS: Final = 25


def answer(request: Packet, secret: SharedSecret, users: Mapping[str, str]) -> bytes | None:
    """Return the reply to a request; None for one that gets none: it is not signed, or of an unknown code."""
    if not secret.has_signed(request):
        return None
    if request.code == Code.STATUS_SERVER:
        return encode_reply(Code.ACCESS_ACCEPT, request, secret)
    if request.code != Code.ACCESS_REQUEST:
        return None
    name = request.user_name.decode(errors="replace")
    password = secret.reveal_user_password(request.value(USER_PASSWORD) or b"", request.authenticator)
    if password and (users is ANYBODY or users.get(name) == password.decode(errors="replace")):
        attributes = encode_attribute(_CLASS, b"staff")
        return encode_reply(Code.ACCESS_ACCEPT, request, secret, attributes=attributes)
    return encode_reply(Code.ACCESS_REJECT, request, secret, "Wrong user name or password.")


class HomeServer(asyncio.DatagramProtocol):
    """The server on its socket.

    Args:
        delay_s: how long it takes for an answer.
        is_silent: it takes for ever.
        log: gets the name of each user who is asked about, a line for each; not for a retransmission.
    """

    def __init__(
        self,
        secret: str,
        users: Mapping[str, str],
        *,
        delay_s: float = 0.0,
        is_silent: bool = False,
        log: IO[bytes] | None = None,
    ) -> None:
        self._secret = SharedSecret(secret.encode())
        self._users = users
        self._delay_s = delay_s
        self._is_silent = is_silent
        self._log = log
        self._heard: set[bytes] = set()

    def connection_made(self, transport: Any) -> None:
        """Take the socket."""
        self._transport: asyncio.DatagramTransport = transport

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        """Answer a request."""
        try:
            request = decode_packet(data)
        except DecodeError:
            return
        reply = answer(request, self._secret, self._users)
        if self._log is not None and request.code == Code.ACCESS_REQUEST and request.authenticator not in self._heard:
            self._heard.add(request.authenticator)
            self._log.write(request.user_name + b"\n")
        if reply is None or self._is_silent:
            return
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._transport.sendto, reply, address)
        else:
            self._transport.sendto(reply, address)


async def serve(port: int, server: HomeServer) -> None:
    """Serve on loopback until cancelled; the first line on standard output says where."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", port))
    host, chosen = transport.get_extra_info("sockname")
    print(f"home server ready on {host}:{chosen}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        transport.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    people = ", ".join(f"{name} ({password})" for name, password in USERS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench.home_server",
        description="A RADIUS server that checks passwords, for who wants to try a first factor.",
        epilog=f"Users and their passwords: {people}.",
    )
    parser.add_argument("--port", type=int, default=0, help="default: one that the kernel chooses")
    parser.add_argument("--secret-file", type=Path, help=f"what it shares with the gateway (default: {SECRET!r})")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="how long each answer takes")
    parser.add_argument("--anybody", action="store_true", help="let in whoever types a password")
    parser.add_argument("--log", type=Path, metavar="FILE", help="note there who is asked about")
    parser.add_argument("--silent", action="store_true", help="read everything and say nothing")
    options = parser.parse_args(arguments)
    secret = options.secret_file.read_text().strip() if options.secret_file else SECRET
    users = ANYBODY if options.anybody else USERS
    try:
        with in_order(), options.log.open("wb", buffering=0) if options.log else nullcontext() as log:
            server = HomeServer(secret, users, delay_s=options.delay, is_silent=options.silent, log=log)
            uvloop.run(serve(options.port, server))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
