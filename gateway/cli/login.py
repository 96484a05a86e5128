"""`radgate login`: a real RADIUS login through the running gateway, with the reason that the gateway gives."""

import argparse
import base64
import sys
from typing import Any, NamedTuple

from gateway.cli import prompts
from gateway.cli.asking import ask_status, asking
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.cli.prompts import octets
from gateway.cli.terminal import as_json, printable, typed
from gateway.config.schema import without_number
from gateway.config.settings import DUO_ONLY_CLIENT
from gateway.config.values import BadValueError
from gateway.engine.typed_factor import read_factor_or_auto
from gateway.radius.dictionary import Code
from gateway.supervisor.control_client import ControlError, Declined, NotRunning, ask
from gateway.words.explanations import REASONS

TIMEOUT_S = 90.0  # a push lives 60 s at Duo
LONGEST_S = 600.0
MARGIN_S = 15.0  # for the gateway, beyond that
DUO_ONLY, AUTO, CONCAT, CHALLENGE = "duo_only", "auto", "concat", "challenge"  # modes, as status has them
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

Where a first factor is checked, its password is asked for, or read from a file; where
the section challenges, its question is shown and the answer asked for. FACTOR is typed
behind the password then, or is the first answer.

The running gateway performs it, with its own secrets: wherever those are kept, the
command needs none. Like status it is for root and the gateway's user.

exit status: 0 accepted, 1 rejected or a question left open, 2 no such section or factor, or nothing typed,
4 no answer, or nothing runs; radgate explain REASON says what a reason means"""


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
        "--password-file", metavar="PATH", help="the file with the password of the first factor; - is standard input"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=TIMEOUT_S, help="give up after this long"
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Log in and tell how it went."""
    try:
        with asking(options.config) as address:
            answer = _log_in(address.run_dir, options)
    except Declined as declined:
        if not declined.problems:
            raise
        print(*declined.problems, sep="\n", file=sys.stderr)
        return Exit.CONFIGURATION
    except NotRunning as error:
        raise ControlError(str(error)) from error  # nobody to ask is no answer
    except BadValueError as error:
        print(f"radgate: {error}", file=sys.stderr)
        return Exit.CONFIGURATION
    told = _told(answer)
    if options.json:
        print(as_json(told._asdict()))
    else:
        _print(told)
    return Exit.OK if answer["reply"] == Code.ACCESS_ACCEPT.label else Exit.REJECTED


def _log_in(run_dir: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the end of the login: of the last challenge, if nobody answers it."""
    section = _section(ask_status(run_dir), options.server)
    question = {
        "user": _base64(octets(options.user)),
        "server": options.server and typed(options.server),
        "timeout_s": options.timeout,
        **_typed_first(section, options),
    }
    answers = [octets(options.factor)] if section.mode == CHALLENGE and options.factor is not None else []
    answer = ask(run_dir, "login", options.timeout + MARGIN_S, login=question)
    question.pop("factor", None)
    while "state" in answer:
        try:
            given = answers.pop() if answers else _ask_answer(answer["text"])
        except EOFError:
            break
        question |= {"password": _base64(given), "state": answer["state"]}
        answer = ask(run_dir, "login", options.timeout + MARGIN_S, login=question)
    return answer


class _Section(NamedTuple):
    """What is typed at a section, and who checks a password there; as of one whose gateway does not say."""

    mode: str = DUO_ONLY
    client: str = DUO_ONLY_CLIENT


def _section(status: dict[str, Any], wanted: str | None) -> _Section:
    """Return what the running gateway says of the section that is to be asked, or of none."""
    names = {wanted.casefold()} if wanted is not None else set()
    for each in status.get("servers", []):
        if not names or names & {each["section"], each.get("name", "").casefold()}:
            return _Section(each.get("mode", DUO_ONLY), each.get("client", DUO_ONLY_CLIENT))
    return _Section()


def _typed_first(section: _Section, options: argparse.Namespace) -> dict[str, str]:
    """Return what is typed into the first field: a factor, or a password with a factor behind it or without."""
    factor = options.factor
    if section.mode in (AUTO, CONCAT) and factor is not None:
        _check_factor(octets(factor))  # before a password is asked for
    if section.mode == DUO_ONLY:
        return {"password": _base64(octets(factor) if factor is not None else _ask_factor())}
    asked = {"password": _base64(_first_factor(section, options.user, options.password_file))}
    if section.mode == CONCAT and factor is None:
        return asked | {"factor": _base64(_check_factor(_ask_factor()))}
    return asked | ({"factor": _base64(octets(factor))} if factor is not None and section.mode != CHALLENGE else {})


def _check_factor(factor: bytes) -> bytes:
    """Return a factor that is to stand behind a password: what is none would be sent as a part of the password.

    Raises:
        BadValueError: it is none.
    """
    if read_factor_or_auto(factor.decode(errors="replace")) is None:
        raise BadValueError(
            "that is no factor: it may be push, phone, sms or auto, with a number for the n-th device (push2), a "
            "passcode of 6 to 10 digits, or the 44 letters of a YubiKey; nothing was sent"
        )
    return factor


def _first_factor(section: _Section, user: str, password_file: str | None) -> bytes:
    """Return the password; none where nobody checks it.

    Raises:
        BadValueError: there is none to be had.
    """
    if password_file is None and without_number(section.client) == DUO_ONLY_CLIENT:
        return b""
    try:
        if password_file is not None:
            return prompts.read_password(password_file)
        return prompts.ask(f"Password of {printable(user)} for [{section.client}]: ")
    except EOFError as error:
        where = "--password-file is empty" if password_file is not None else "type it at a terminal, or name a file"
        text = f"no password was given for [{section.client}]: {where} (--password-file PATH; - is standard input)"
        raise BadValueError(text) from error


def _ask_factor() -> bytes:
    try:
        return prompts.ask("Passcode, or push, phone, sms [push]: ", "push")
    except EOFError as error:
        raise BadValueError("no factor was given: name FACTOR, or type it at a terminal") from error


def _ask_answer(text: str) -> bytes:
    """Show what a challenge asks, and return the answer; beside the outcome, which programs read."""
    shown = text.partition(EXPLANATION)[0].rstrip()
    print(*map(printable, shown.split("\n")), sep="\n", file=sys.stderr)
    return prompts.ask("Answer: ")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"write seconds above 0, at most {LONGEST_S:g}")
    return seconds


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


class _Told(NamedTuple):
    """What the gateway answered; texts that a terminal can show, of one line but for the message."""

    reply: str
    took_s: float
    message: str
    reason: str
    explanation: str
    hint: str


def _told(answer: dict[str, Any]) -> _Told:
    text, _, rest = answer["text"].partition(EXPLANATION)
    message = "\n".join(map(printable, text.rstrip().splitlines()))
    happened, _, hint = printable(rest).partition(HINT)
    reason, _, explanation = happened.partition(": ")
    return _Told(answer["reply"], answer["took_s"], message, reason, explanation, hint)


def _print(told: _Told) -> None:
    print(f"{told.reply} after {told.took_s:.3f} s: " + told.message.replace("\n", "\n    "))
    if told.reason:
        print(f"  {EXPLANATION}{': '.join(filter(None, (told.reason, told.explanation)))}")
    if told.hint:
        print(f"  hint: {told.hint}")
    if told.reason in _WITH_REMEDY:
        print(f"  more: radgate explain {told.reason}")
