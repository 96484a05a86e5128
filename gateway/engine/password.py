"""What the User-Password of a duo_only login means: a passcode, a factor word, or neither.

Surrounding blanks are dropped and the letter case of factor words is ignored; blanks inside an all-digit passcode are
dropped, for Duo Mobile shows `123 456`. 6 to 10 digits or 44 modhex characters (a YubiKey's output) are a passcode.
"""

import re
from typing import Final

import msgspec

from gateway.duoapi.calls import PASSCODE, Factor

_FACTOR_WORD: Final = re.compile(r"(push|phone|sms)([1-9][0-9]?)?", re.IGNORECASE | re.ASCII)  # no ſ for an s
_DIGITS: Final = re.compile(r"[0-9]{6,10}")
_MODHEX: Final = re.compile(r"[cbdefghijklnrtuv]{44}", re.IGNORECASE | re.ASCII)


class TypedFactor(msgspec.Struct, gc=False):
    """What the user asked for; `ordinal` 0 is "no number typed", `passcode` is empty but for `Factor.PASSCODE`."""

    factor: Factor
    ordinal: int = 0
    passcode: str = ""

    def __repr__(self) -> str:
        """Hide the passcode."""
        return f"<TypedFactor {self.factor}{self.ordinal or ''}>"


def read_password(text: str) -> TypedFactor | None:
    """Return the factor that the text names, or None if it names none."""
    text = text.strip()
    if _DIGITS.fullmatch(text):  # most logins of a rush; no factor word looks like it
        return TypedFactor(PASSCODE, 0, text)
    word = _FACTOR_WORD.fullmatch(text)
    if word:
        return TypedFactor(Factor(word[1].lower()), int(word[2] or 0))
    digits = "".join(text.split())
    if _DIGITS.fullmatch(digits):
        return TypedFactor(PASSCODE, passcode=digits)
    if _MODHEX.fullmatch(text):
        return TypedFactor(PASSCODE, passcode=text.lower())
    return None


def meaning_of(typed: TypedFactor | None, octets: bytes) -> str:
    """Return what is the same for all ways to type the same thing; what names no factor means just its octets."""
    if typed is None:
        return "text " + octets.strip().decode("latin-1")
    return f"{typed.factor} {typed.ordinal} {typed.passcode}"
