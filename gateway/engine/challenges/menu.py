"""What a person may choose from: for each device in Duo's order its push, call and passcodes by SMS, numbered through.

A menu is no more than the devices of which it was made, so that State can hold it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.duoapi.calls import PASSCODE, PHONE, PUSH, SMS, Device, Factor
from gateway.engine.typed_factor import TypedFactor, number_among, read_factor

FACTORS: Final = (PUSH, PHONE, SMS)
"""What a device is offered for, in this order."""

MAX_DEVICES: Final = 20
"""Of further ones nobody reads; they can be had by `push21`, without a challenge."""

_LONGEST_NUMBER: Final = 2  # digits: a passcode has six or more


class Option(NamedTuple):
    """One line of a menu: the n-th device that can do a factor."""

    factor: Factor
    ordinal: int
    device: Device


class Choice(NamedTuple):
    """What was answered. `device` is Duo's name of the device, empty where it is not known or does not matter: then
    the ordinal says which, and 0 is Duo's choice.
    """

    typed: TypedFactor
    device: str = ""


def menu_of(devices: Iterable[Device]) -> tuple[Device, ...]:
    """Return the devices that have an option; a hardware token has none."""
    return tuple([device for device in devices if not device.capabilities.isdisjoint(FACTORS)][:MAX_DEVICES])


def options_of(menu: Sequence[Device]) -> list[Option]:
    """Return the lines of a menu, the one with number 1 first."""
    counted = Counter[Factor]()
    options = []
    for device in menu:
        for factor in FACTORS:
            if factor in device.capabilities:
                counted[factor] += 1
                options.append(Option(factor, counted[factor], device))
    return options


def read_answer(text: str, menu: Sequence[Device]) -> Choice | None:
    """Return what was answered to a menu: the number of an option, a factor word, with a number or without, or a
    passcode; None for all else, which is no answer.

    Without a menu, because Duo has told no devices or a passcode was asked for, a word is for Duo to understand.
    """
    text = text.strip()
    options = options_of(menu)
    if len(text) <= _LONGEST_NUMBER and text.isascii() and text.isdigit():
        return _chosen(options, int(text))
    typed = read_factor(text)
    if typed is None or typed.factor is PASSCODE or not options:
        return Choice(typed) if typed is not None else None
    capable = [option for option in options if option.factor is typed.factor]
    return _chosen(capable, number_among(typed, [option.device.device for option in capable]))


def _chosen(options: Sequence[Option], number: int) -> Choice | None:
    if not 1 <= number <= len(options):
        return None
    factor, ordinal, device = options[number - 1]
    return Choice(TypedFactor(factor, ordinal), device.device)
