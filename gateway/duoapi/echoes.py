"""What Duo, or a box on the way to it, says may repeat what it was sent: a passcode, or our Authorization header.

Every text of an answer passes `shown` when it is read, and whatever a login ends with passes `without_passcode` once
more, for a login knows its passcode also where Duo was not told it. Nearly every text is a short sentence without a
digit, and is as it was after one search. In others

- the passcode goes, as it is or in capitals; with blanks or dashes between its signs, or `+`; with signs as percent,
  JSON, JavaScript or HTML escapes; in hexadecimal; in base64, with whatever surrounds it there. That it is part of a
  longer text of digits or letters does not save it.
- credentials go: `Basic` with what follows, the integration key with a signature, long hexadecimal, long base64.

Texts are cut after that, never before: half a passcode is half a passcode.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

MAX_TEXT: Final = 1_000  # characters of a text that goes to a person and into the log
MARK: Final = "***"
_MAX_LOOKED_AT: Final = 4_000  # characters: looking costs a microsecond or so for each
MAX_PAGE: Final = 2_000  # octets of a page that is not Duo's, of which a few are shown
_MAX_FORM: Final = 300  # characters that a passcode takes at most: a YubiKey's 44, each as `\u0063`

may_echo: Final = re.compile(r"\d|[^ ]{16}").search
"""Whether a text is worth a look: it holds a digit or a long word."""

_MANY_HARMLESS: Final = 512
_MAX_REMEMBERED: Final = 200  # characters
_harmless: Final[set[str]] = set()  # texts that were looked at: Duo has few, and a look costs as much as a signature

_CREDENTIALS: Final = re.compile(
    r"""
    \b basic (?: \s | \+ | %20 | \\u0020 )+ [a-z0-9+/=_%\\-]{20,}
    | \b RE[kl] [a-z0-9+/_-]{17,} =*                        # base64 of an integration key and what follows it
    | \b DI[a-z0-9]{18} (?: : | %3a ) [0-9a-f]{8,}
    | [0-9a-f]{40,}
    | (?= [a-z+/_-]{0,59} [0-9] ) (?: [a-z0-9+/_-] | %2[bf] | \\/ ){60,} (?: = | %3d )*
    | (?<= \b passcode ) (?: = | %3d ) [0-9]+               # one that was cut off on its way here
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SIGN: Final = re.compile(
    r"(?is)%(?:25)*([0-9a-f]{2})|\\(?:u00|x|u\{0*)([0-9a-f]{2})\}?|&\#x0*([0-9a-f]{2});|&\#0*([0-9]{2,3});|&nbsp;|."
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{6,}=*")
_SAME_IN_URLS: Final = str.maketrans("-_", "+/")


def is_harmless(text: str) -> bool:
    """Whether a text is no more worth a look: it holds neither a digit nor a long word."""
    if text in _harmless:
        return True
    if may_echo(text):
        return False
    if len(text) <= _MAX_REMEMBERED:
        if len(_harmless) >= _MANY_HARMLESS:
            _harmless.clear()
        _harmless.add(text)
    return True


def shown(text: str | None, passcode: str = "") -> str:
    """Return a text as a person may see it: cleaned, no longer than one reads, and blanks for control characters."""
    text = text or ""
    if not (text.isascii() and text.isprintable() and is_harmless(text)):
        cut = text[:_MAX_LOOKED_AT]
        is_cut = len(cut) < len(text)
        text = cleaned(cut, passcode)[: -_MAX_FORM if is_cut else None]
        text = text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)
    return text[:MAX_TEXT]


def cleaned(text: str, passcode: str = "") -> str:
    """Return a text without the passcode, if there is one, and without our credentials."""
    return text if is_harmless(text) else _CREDENTIALS.sub(MARK, without_passcode(text, passcode))


def without_passcode(text: str, passcode: str) -> str:
    """Return a text without the passcode, which is empty if there is none."""
    if not passcode or is_harmless(text):
        return text
    text = _BASE64.sub(lambda run: MARK if _encodes(run[0], passcode) else run[0], text)
    octets = passcode.lower().encode(), passcode.upper().encode()
    return _without(text, {passcode.lower(), *(each.hex() for each in octets)})


def _encodes(run: str, passcode: str) -> bool:
    """Whether base64 holds a passcode, wherever in a group of three octets it begins."""
    plain = run.translate(_SAME_IN_URLS)
    return any(form in plain for each in {passcode, passcode.lower(), passcode.upper()} for form in _base64(each))


def _base64(passcode: str) -> Iterator[str]:
    """Yield what the octets of a passcode are in base64 without what depends on their neighbours."""
    for n_before in range(3):
        octets = bytes(n_before) + passcode.encode()
        yield b64encode(octets).decode()[(0, 2, 3)[n_before] : len(octets) * 8 // 6]


def _without(text: str, forms: set[str]) -> str:
    """Return a text with a mark wherever its signs, unescaped and without blanks between them, are one of these."""
    matches = [(match, _unescaped(match)) for match in _SIGN.finditer(text)]
    signs = [(sign, match) for match, sign in matches if sign.isalnum()]
    plain = "".join(sign for sign, _ in signs)
    pieces, end = [], 0
    for start, stop in sorted(place for form in forms for place in _places(plain, form)):
        pieces += [text[end : signs[start][1].start()], MARK]
        end = max(end, signs[stop - 1][1].end())
    return "".join([*pieces, text[end:]])


def _places(plain: str, form: str) -> Iterator[tuple[int, int]]:
    start = plain.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = plain.find(form, start + 1)


def _unescaped(match: re.Match[str]) -> str:
    """Return one small letter or other sign."""
    octet = match[1] or match[2] or match[3]
    sign = chr(int(octet, 16) if octet else int(match[4])) if octet or match[4] else match[0]
    if sign.isdecimal():  # of whatever script
        return str(int(sign))
    lower = sign.lower()
    return lower if len(lower) == 1 else sign
