"""What v1's preauth offers, `"factors": {"default": "push1", "1": "push1", "2": "phone1"}`, as devices, one a word.

A word has the number of a phone, whatever that can do besides. What a person knows the phone by stands in the line of
the prompt beside it that has the word's own number. The first word of a phone, but for SMS, is also what Duo's own
choice means there: `auto2` is a device, too.
"""

import re
from collections.abc import Mapping
from typing import Final

from gateway.duoapi.calls import Device
from gateway.duoapi.echoes import shown

MOST_WORDS: Final = 60  # three for each of 20 phones
NO_PHONE: Final = (Device("token"),)
"""Of whoever is offered nothing: as v2 lists a token, which can do nothing that is chosen."""

_MOST_OF_PROMPT: Final = 4_000  # characters
_WORD: Final = re.compile(r"(push|phone|sms)([1-9][0-9]?)", re.ASCII)
_LINE: Final = re.compile(
    r"^[ \t]*([0-9]{1,2})\. [^\n]*? to ([^\n(]+)(?:\(next code starts with: ([0-9]))?", re.ASCII | re.MULTILINE
)


def is_word(text: str) -> bool:
    """Whether v1 understands it as a phone and what to do with it, as in `push2`."""
    return _WORD.fullmatch(text) is not None


def offered(factors: Mapping[str, str] | None, prompt: str) -> tuple[Device, ...]:
    """Return a device for each word that is known, in the order of their numbers; none where there is no list."""
    if factors is None:
        return ()
    lines = {line[1]: line for line in _LINE.finditer(prompt[:_MOST_OF_PROMPT])}
    found = [(number, _WORD.fullmatch(factors.get(number, ""))) for number in map(str, range(1, MOST_WORDS + 1))]
    words = {number: word for number, word in found if word is not None}
    first = {word[2]: word for word in reversed(words.values()) if word[1] != "sms"}
    devices = [_device(word, lines.get(number), first.get(word[2]) is word) for number, word in words.items()]
    return tuple(devices) or NO_PHONE


def _device(word: re.Match[str], line: re.Match[str] | None, is_first: bool) -> Device:
    name, next_code = (shown(line[2].strip()), line[3]) if line is not None else ("", "")
    capabilities = frozenset((word[1], "auto") if is_first else (word[1],))
    return Device(word[0], capabilities, name or f"phone {word[2]}", next_code or "")
