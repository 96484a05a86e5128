"""What a person reads in an Access-Challenge: the menu as Duo's proxy writes it, or in one line, and the enrolment.

Many RADIUS clients show the first Reply-Message alone, which has room for 253 octets: a menu that needs more begins
with the question, and has no greeting.
"""

import re
from collections.abc import Sequence
from typing import Final

from gateway.duoapi.calls import PHONE, PUSH, SMS, Device, Factor
from gateway.engine.challenges.menu import Option, options_of
from gateway.engine.factor_order import PASSCODE_TEXT
from gateway.radius.dictionary import MAX_ATTRIBUTE_VALUE_SIZE

MAX_SHORT: Final = 120  # octets

_ENROLMENT: Final = "Enroll an authentication device to proceed"
_INVITATION: Final = "Enter a passcode or select one of the following options:"
_PHRASES: Final[dict[Factor, str]] = {PUSH: "Duo Push", PHONE: "Phone call", SMS: "SMS passcodes"}
_MAX_NAME: Final = 40  # characters
_MAX_SHORT_NAME: Final = 12  # characters
_NUMBER: Final = re.compile(r"[0-9Xx*+(). -]*([0-9]{4})")


def console_text(user_name: str, menu: Sequence[Device]) -> str:
    """Return the menu in several lines, the question last; with nothing to choose from it asks for a passcode."""
    greeting = f"Duo two-factor login for {user_name}"
    options = options_of(menu)
    if not options:
        return f"{greeting}\n\n{PASSCODE_TEXT}"
    lines = "\n".join(f"{number}. {_line(option)}" for number, option in enumerate(options, 1))
    question = f"Passcode or option (1-{len(options)})"
    text = f"{greeting}\n\n{_INVITATION}\n\n{lines}\n\n{question}"
    return text if len(text.encode()) <= MAX_ATTRIBUTE_VALUE_SIZE else f"{question}\n\n{lines}"


def short_text(menu: Sequence[Device]) -> str:
    """Return the menu in one line of ASCII, `MAX_SHORT` octets at most; what is left out can be chosen all the same."""
    text = "Passcode or"
    for number, option in enumerate(options_of(menu), 1):
        piece = f" {number}={option.factor} {_short_name(option.device.name)}".rstrip()
        if len(text) + len(piece) > MAX_SHORT:
            break
        text += piece
    return text if menu else PASSCODE_TEXT


def enrolment_text(status_msg: str, portal_url: str) -> str:
    """Return what to tell a user whom Duo does not know yet. The address is for the user alone: it enrols a device."""
    return f"{status_msg or _ENROLMENT} {portal_url}".strip()


def _line(option: Option) -> str:
    name, next_code = _masked(option.device.name)[:_MAX_NAME], option.device.sms_nextcode
    phrase = f"{_PHRASES[option.factor]} to {name}" if name else _PHRASES[option.factor]
    hint = option.factor is SMS and next_code
    return f"{phrase} (next code starts with: {next_code[:1]})" if hint else phrase


def _masked(name: str) -> str:
    """Return the name of a device; of a telephone number no more than its end, whatever Duo has sent."""
    number = _NUMBER.fullmatch(name)
    return f"XXX-XXX-{number[1]}" if number else name


def _short_name(name: str) -> str:
    number = _NUMBER.fullmatch(name)
    if number:
        return f"XXX-{number[1]}"
    return name[:_MAX_SHORT_NAME].strip() if name.isascii() else ""
