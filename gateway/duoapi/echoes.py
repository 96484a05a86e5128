"""What Duo, or a box on the way to it, says may repeat what it was sent: a passcode, or our Authorization header.

Every text of an answer passes `shown` when it is read, and whatever a login ends with passes `without_passcode` once
more, for a login knows its passcode also where Duo was not told it. Nearly every text is a short sentence without a
digit, and is as it was after one search. In others

- the passcode goes, as it is or in capitals; with blanks, dashes, tags or `+` between its signs; with signs as
  percent, JSON, JavaScript or HTML escapes; as the numbers of its octets, hexadecimal, decimal, octal or binary,
  whatever stands between them; in base64, once or twice, also of UTF-16 or on several lines, with whatever surrounds
  it there; without its leading zeros; and what is left of it where the text ends within it. That it is part of a
  longer text of digits or letters does not save it.
- credentials go: `Basic` with what follows, the integration key with a signature, long hexadecimal, long base64.

Texts are cut after that, never before: half a passcode is half a passcode.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize

MAX_TEXT: Final = 1_000  # characters of a text that goes to a person and into the log
MARK: Final = "***"
_MAX_LOOKED_AT: Final = 4_000  # characters: looking costs a microsecond or so for each
MAX_PAGE: Final = 2_000  # octets of a page that is not Duo's, of which a few are shown
_MAX_FORM: Final = 500  # characters that a passcode takes at most: a YubiKey's 44, each as `\U00000063`

may_echo: Final = re.compile(r"\d|[^ ]{16}|[a-z][A-Z]|(?:\b\w{1,4}\W+){10}").search
"""Whether a text is worth a look: it holds a digit, a long word, one with a capital inside, or many short ones.

Base64 of digits may be without a digit (`MDAwMDAw`), but no six of them are without such a capital.
"""

_MANY_HARMLESS: Final = 512
_MAX_REMEMBERED: Final = 200  # characters
_harmless: Final[set[str]] = set()  # what is shown as it is: Duo has few texts, and a look costs as much as a signature

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
    r"(?is)%(?:25)*([0-9a-f]{2})|\\(?:u00|x|u\{0*)([0-9a-f]{2})\}?|&\#x0*([0-9a-f]{2});|&\#0*([0-9]{2,3});|&nbsp;"
    r"|</?[a-z]{1,9}>|."
)
_BASE64: Final = (re.compile(r"[A-Za-z0-9+/_-]{6,}=*"), re.compile(r"[A-Za-z0-9+/_\s-]{6,}=*"))  # then across lines
_NUMBER_BASES: Final = "xdob"
_NOT_OF_NUMBERS: Final = re.compile(r"[^1-9]")  # zeros fill up; `0x`, `u`, `amp` and the like stand in between
_SHORTEST: Final = 4  # signs: of what is left of a passcode
_SAME_IN_URLS: Final = str.maketrans("-_", "+/")


def is_harmless(text: str) -> bool:
    """Whether a text is no more worth a look: it holds neither a digit nor a long word."""
    if text in _harmless:
        return True
    if may_echo(text):
        return False
    if len(text) <= _MAX_REMEMBERED and text.isascii() and text.isprintable():
        if len(_harmless) >= _MANY_HARMLESS:
            _harmless.clear()
        _harmless.add(text)
    return True


def shown(text: str | None, passcode: str = "") -> str:
    """Return a text as a person may see it: cleaned, no longer than one reads, and blanks for control characters."""
    if not text or text in _harmless:
        return text or ""
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
    encoded = _in_base64(passcode)
    for runs in _BASE64:
        text = runs.sub(lambda run: MARK if _holds(run[0], encoded) else run[0], text)
    return _without(text, passcode)


def _holds(run: str, encoded: set[str]) -> bool:
    """Whether a run of base64 holds one of these."""
    plain = "".join(run.split()).translate(_SAME_IN_URLS)
    return any(form in plain for form in encoded)


def _in_base64(passcode: str) -> set[str]:
    """Return what a passcode may be in base64: as it is or in capitals, of octets or UTF-16, once or twice."""
    texts = {passcode, passcode.lower(), passcode.upper()}
    once = {
        form for text in texts for code in ("utf-8", "utf-16-le", "utf-16-be") for form in _base64(text.encode(code))
    }
    return once | {form for text in once for form in _base64(text.encode())}


def _base64(octets: bytes) -> Iterator[str]:
    """Yield what octets are in base64 without what depends on their neighbours, wherever in a group of three they
    begin.
    """
    for n_before in range(3):
        padded = bytes(n_before) + octets
        yield b64encode(padded).decode()[(0, 2, 3)[n_before] : len(padded) * 8 // 6]


def _without(text: str, passcode: str) -> str:
    """Return a text with a mark wherever its signs, unescaped and without blanks between them, are the passcode or the
    numbers of its octets.
    """
    matches = [(match, _unescaped(match)) for match in _SIGN.finditer(text)]
    signs = [(sign, match) for match, sign in matches if sign.isalnum()]
    plain = "".join(sign for sign, _ in signs)
    pieces, end = [], 0
    for start, stop in sorted(_spans(plain, passcode.lower())):
        pieces += [text[end : signs[start][1].start()], MARK]
        end = max(end, signs[stop - 1][1].end())
    return "".join([*pieces, text[end:]])


def _spans(plain: str, passcode: str) -> Iterator[tuple[int, int]]:
    """Yield where signs are the passcode, in small letters: from, to."""
    for form in {passcode, passcode.encode().hex(), passcode.upper().encode().hex()}:
        yield from _places(plain, form)
    left = len(passcode) - 1
    while left >= _SHORTEST and not plain.endswith(passcode[:left]):
        left -= 1
    if left >= _SHORTEST:
        yield len(plain) - left, len(plain)
    number = passcode.lstrip("0")
    if _SHORTEST <= len(number) < len(passcode):
        yield from _places(plain, number)
    kept = [index for index, sign in enumerate(plain) if sign in "123456789"]
    digits = "".join([plain[index] for index in kept])
    for form in _numbers(passcode):
        for start, stop in _places(digits, form):
            end = kept[stop - 1] + 1
            yield kept[start], end + len(plain[end:]) - len(plain[end:].lstrip("0"))


def _numbers(passcode: str) -> set[str]:
    """Return the octets of a passcode as numbers in every base, without zeros and letters."""
    texts = (passcode, passcode.upper())
    written = {"".join(format(octet, base) for octet in text.encode()) for text in texts for base in _NUMBER_BASES}
    return {_NOT_OF_NUMBERS.sub("", each) for each in written}


def _places(plain: str, form: str) -> Iterator[tuple[int, int]]:
    start = plain.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = plain.find(form, start + 1)


def _unescaped(match: re.Match[str]) -> str:
    """Return one small letter or other sign."""
    octet = match[1] or match[2] or match[3]
    sign = chr(int(octet, 16) if octet else int(match[4])) if octet or match[4] else match[0]
    if sign.isascii():
        return sign.lower()
    if sign.isdecimal():  # of whatever script
        return str(int(sign))
    lower = normalize("NFKC", sign).lower()
    return lower if len(lower) == 1 else sign
