"""`radgate login`: a real RADIUS login through the running gateway, with the reason that the gateway gives."""

import argparse
import getpass
import os
import socket
import sys
import time
from typing import Any

from gateway.cli.exits import Exit
from gateway.cli.terminal import printable
from gateway.config.operator import OperatorClient, operator_client
from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import read_settings
from gateway.config.settings import ServerSettings, Settings
from gateway.engine.explanations import DOCUMENT
from gateway.radius.client import encode_access_request, verify_reply
from gateway.radius.dictionary import REPLY_MESSAGE, Code
from gateway.radius.discards import DecodeError
from gateway.radius.packet import Packet
from gateway.radius.shared_secret import SharedSecret

TIMEOUT_S = 90.0  # a push lives 60 s at Duo
RETRANSMIT_S = 5.0
EXPLANATION = "reason="  # how the text for the operator begins, behind the one for the person
HINT = " hint="  # how its end begins
_EXAMPLE = """examples:
  radgate login alice push
  radgate login alice          # asks for a passcode, which others must not see

exit status: 0 accepted, 1 rejected, 4 no answer; what the reasons mean stands
in docs/troubleshooting.md"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "try a login through the running gateway"
    parser = subparsers.add_parser(
        "login",
        parents=[common],
        help=text,
        description=text,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("user", metavar="USER")
    parser.add_argument(
        "factor", metavar="FACTOR", nargs="?", help="push, phone, sms, push2 …, or a passcode; asked for when left out"
    )
    parser.add_argument("--server", metavar="SECTION", help="the server section to ask (default: the first)")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=TIMEOUT_S, help="give up after this long")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Log in and tell how it went."""
    settings, _ = read_settings(options.config)
    server = _choose_server(settings, options.server)
    factor = options.factor if options.factor is not None else _ask_factor()
    client = operator_client(settings, server)
    started = time.monotonic()
    try:
        reply = _exchange(client, options.user, factor, options.timeout)
    except (OSError, ValueError, DecodeError) as error:
        print(f"radgate: {error}", file=sys.stderr)
        return Exit.NO_ANSWER
    _tell(reply, time.monotonic() - started)
    return Exit.OK if reply.code == Code.ACCESS_ACCEPT else Exit.REJECTED


def _choose_server(settings: Settings, section: str | None) -> ServerSettings:
    for server in settings.servers:
        if section in (None, server.section):
            return server
    known = ", ".join(server.section for server in settings.servers)
    raise ConfigError([Problem(str(section), "", f"no such server section; there is {known}")], settings.path)


def _ask_factor() -> str:
    """Ask without an echo: a passcode on the command line could be read by other users of this machine.

    Raises:
        EOFError: nothing more can be read.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.buffer.readline()
        if not line:
            raise EOFError
        return line.rstrip(b"\n").decode("utf-8", "surrogateescape")
    return getpass.getpass("Passcode, or push, phone, sms [push]: ") or "push"


def _exchange(client: OperatorClient, user: str, factor: str, timeout_s: float) -> Packet:
    """Ask, again every few seconds as any RADIUS client would, until an answer comes.

    Raises:
        OSError: no answer in time, or none can come.
        ValueError, DecodeError: the answer is not one of the gateway's.
    """
    shared_secret = SharedSecret(client.shared_secret)
    authenticator = os.urandom(16)
    name, password = (text.encode("utf-8", "surrogateescape") for text in (user, factor))
    request = encode_access_request(authenticator[0], authenticator, shared_secret, name, password)
    deadline = time.monotonic() + timeout_s
    with socket.socket(client.family, socket.SOCK_DGRAM) as udp:
        udp.bind((client.source, 0))
        udp.connect((client.destination, client.port))
        while (left_s := deadline - time.monotonic()) > 0:
            udp.send(request)
            udp.settimeout(min(RETRANSMIT_S, left_s))
            try:
                return verify_reply(udp.recv(4096), authenticator, shared_secret)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                raise OSError(
                    f"nothing listens on {client.destination}:{client.port}; is the gateway running?"
                ) from None
    raise OSError(f"no answer within {timeout_s:g} s; was the file changed since the gateway started?")


def _tell(reply: Packet, took_s: float) -> None:
    text = printable(b"".join(reply.values(REPLY_MESSAGE)).decode("utf-8", "replace"))
    message, _, explanation = text.partition(EXPLANATION)
    print(f"{Code(reply.code).label} after {took_s:.3f} s: {message}")
    if explanation:
        happened, _, hint = explanation.partition(HINT)
        print(f"  {EXPLANATION}{happened}")
        if hint:
            print(f"  hint: {hint}")
        print(f"  more: {DOCUMENT}#{happened.partition(':')[0]}")
