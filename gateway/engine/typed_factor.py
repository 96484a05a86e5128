"""What a typed text means as a second factor: a passcode, a factor word, or neither.

Surrounding blanks are dropped and the letter case of factor words is ignored; blanks inside an all-digit passcode are
dropped, for Duo Mobile shows `123 456`. 6 to 10 digits or 44 modhex characters (a YubiKey's output) are a passcode.
"""

import re
from collections.abc import Sequence
from string import ascii_lowercase
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import AUTO, PASSCODE, Factor
from gateway.values import Value

_AUTO_WORD: Final = re.compile(r"auto([1-9][0-9]?)?", re.IGNORECASE | re.ASCII)
_FACTOR_WORD: Final = re.compile(r"(push|phone|sms)([1-9][0-9]?)?", re.IGNORECASE | re.ASCII)  # no ſ for an s
_MODHEX: Final = re.compile(r"[cbdefghijklnrtuv]{44}", re.IGNORECASE | re.ASCII)


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class TypedFactor(Value):
    """What the user asked for; `ordinal` 0 is "no number typed", `passcode` is empty but for `Factor.PASSCODE`."""

    __slots__ = ("factor", "ordinal", "passcode")

    def __init__(self, factor: Factor, ordinal: int = 0, passcode: str = "") -> None:
        self.factor = factor
        self.ordinal = ordinal
        self.passcode = passcode

    def __repr__(self) -> str:
        """Hide the passcode."""
        return f"<TypedFactor {self.factor}{self.ordinal or ''}>"


def read_factor(text: str) -> TypedFactor | None:
    """Return the factor that the text names, or None if it names none."""
    text = text.strip()
    if _is_passcode(text):  # most logins of a rush; no factor word looks like it
        return TypedFactor(PASSCODE, 0, text)
    word = _FACTOR_WORD.fullmatch(text)
    if word:
        return TypedFactor(Factor(word[1].lower()), int(word[2] or 0))
    digits = "".join(text.split())
    if _is_passcode(digits):
        return TypedFactor(PASSCODE, 0, digits)
    if _MODHEX.fullmatch(text):
        return TypedFactor(PASSCODE, 0, text.lower())
    return None


def read_factor_or_auto(text: str) -> TypedFactor | None:
    """Return the factor that the text names, where `auto` is one that can be typed, or None if it names none."""
    known = read_factor(text)  # most are passcodes
    if known is not None:
        return known
    word = _AUTO_WORD.fullmatch(text.strip())
    return TypedFactor(AUTO, int(word[1] or 0)) if word else None


def number_among(typed: TypedFactor, capable: Sequence[str]) -> int:
    """Return which of the devices that can do the factor is meant, from 1 on: the n-th, or the first without a number.

    v1 numbers phones whatever they can do, and names them so, `push2`: that one is meant where there is one.
    """
    numbers, number = [name.lstrip(ascii_lowercase) for name in capable], str(typed.ordinal)
    return numbers.index(number) + 1 if number in numbers else typed.ordinal or 1


def _is_passcode(text: str) -> bool:
    return 6 <= len(text) <= 10 and text.isdigit() and text.isascii()


def meaning_of(typed: TypedFactor | None, octets: bytes) -> str:
    """Return what is the same for all ways to type the same thing; what names no factor means just its octets."""
    if typed is None:
        return "text " + octets.strip().decode("latin-1")
    if typed.factor is PASSCODE:
        return "passcode 0 " + typed.passcode
    return f"{typed.factor} {typed.ordinal} {typed.passcode}"
