"""`radgate login`: a real RADIUS login through the running gateway, with the reason that the gateway gives."""

import argparse
import base64
import getpass
import sys
from typing import Any, NamedTuple

from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.terminal import as_json, printable, typed
from gateway.config.control_address import read_control_address
from gateway.radius.dictionary import Code
from gateway.supervisor.control_client import ControlError, Declined, NotRunning, ask
from gateway.words.explanations import REASONS

TIMEOUT_S = 90.0  # a push lives 60 s at Duo
LONGEST_S = 600.0
MARGIN_S = 15.0  # for the gateway, beyond that
EXPLANATION = "reason="  # how the text for the operator begins, behind the one for the person
HINT = " hint="  # how its end begins
_WITH_REMEDY = {str(reason) for reason, explanation in REASONS.items() if explanation.remedy}
DESCRIPTION = """\
Try a real RADIUS login: the running gateway sends it to itself, asks Duo, and tells its reply, how long that took, and
the reason as in the log. The person is really pushed.
"""
EPILOG = """examples:
  radgate login alice push
  radgate login alice          # asks for a passcode, which others must not see

The running gateway performs it, with its own secrets: wherever those are kept, the
command needs none. Like status it is for root and the gateway's user.

exit status: 0 accepted, 1 rejected, 2 no such section, 4 no answer, or nothing runs;
radgate explain REASON says what a reason means"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    text = "try a login through the running gateway"
    parser = add_command(subparsers, common, "login", text, DESCRIPTION, EPILOG)
    parser.add_argument("user", metavar="USER", help="the name as the RADIUS client would send it")
    parser.add_argument(
        "factor", metavar="FACTOR", nargs="?", help="push, phone, sms, push2 …, or a passcode; asked for when left out"
    )
    parser.add_argument("--server", metavar="NAME", help="the server section to ask, or its name= (default: the first)")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=TIMEOUT_S, help="give up after this long"
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Log in and tell how it went."""
    run_dir = read_control_address(options.config).run_dir  # what it lacks is told before anything is asked
    factor = _octets(options.factor) if options.factor is not None else _ask_factor()
    question = {
        "user": _base64(_octets(options.user)),
        "password": _base64(factor),
        "server": options.server and typed(options.server),
        "timeout_s": options.timeout,
    }
    try:
        answer = ask(run_dir, "login", options.timeout + MARGIN_S, login=question)
    except Declined as declined:
        if not declined.problems:
            raise
        print(*declined.problems, sep="\n", file=sys.stderr)
        return Exit.CONFIGURATION
    except NotRunning as error:
        raise ControlError(str(error)) from error  # nobody to ask is no answer
    told = _told(answer)
    if options.json:
        print(as_json(told._asdict()))
    else:
        _print(told)
    return Exit.OK if answer["reply"] == Code.ACCESS_ACCEPT.label else Exit.REJECTED


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"write seconds above 0, at most {LONGEST_S:g}")
    return seconds


def _octets(text: str) -> bytes:
    """Return UTF-8, as RADIUS has it; what this locale could not read goes out as it was typed."""
    return text.encode("utf-8", "surrogateescape")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _ask_factor() -> bytes:
    """Ask without an echo: a passcode on the command line could be read by other users of this machine.

    Raises:
        EOFError: nothing more can be read.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.buffer.readline()
        if not line:
            raise EOFError
        return line.rstrip(b"\n")
    return _octets(getpass.getpass("Passcode, or push, phone, sms [push]: ") or "push")


class _Told(NamedTuple):
    """What the gateway answered; texts that a terminal can show."""

    reply: str
    took_s: float
    message: str
    reason: str
    explanation: str
    hint: str


def _told(answer: dict[str, Any]) -> _Told:
    message, _, rest = printable(answer["text"]).partition(EXPLANATION)
    happened, _, hint = rest.partition(HINT)
    reason, _, explanation = happened.partition(": ")
    return _Told(answer["reply"], answer["took_s"], message.rstrip(), reason, explanation, hint)


def _print(told: _Told) -> None:
    print(f"{told.reply} after {told.took_s:.3f} s: {told.message}")
    if told.reason:
        print(f"  {EXPLANATION}{': '.join(filter(None, (told.reason, told.explanation)))}")
    if told.hint:
        print(f"  hint: {told.hint}")
    if told.reason in _WITH_REMEDY:
        print(f"  more: radgate explain {told.reason}")
