"""A configuration that may be shown, and everything that must be found and hidden wherever else it stands.

Nothing is shown because it looks harmless: only the values of known keys that hold no secret and have no error. What
is hidden there is hidden in any other text too, in the forms that it may take on its way: base64, hexadecimal, percent
signs, the escapes of logs and JSON. So a secret in a place where nobody expects one stays unseen.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import msgspec

from gateway.config.ini import Entry, IniSection, parse_ini
from gateway.config.kinds import FOREIGN, KEYS, section_kind
from gateway.config.problems import Problem
from gateway.config.schema import CONTINUED, key_pattern
from gateway.config.secret_keys import secret_keys
from gateway.config.settings import Secret, Settings

SHORTEST_SECRET = 4  # octets: a shorter one would be found everywhere
SHORTEST_SUSPECT = 6
LONGEST_WORD = 16
_SHORTEST_BASE64 = 4
_INDEXED = 4  # octets by which texts that are looked for are found

_SECRET_WORDS = re.compile("secret|skey|password|passwd|token|rikey")
_SKEY_LIKE = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z0-9]{40}(?![A-Za-z0-9])")
_USER_INFO = re.compile(r"[^\s:@/]*:([^\s@]+)@")
_PIECE = re.compile(r"[^\s=:,;]+")
_INLINE_COMMENT = re.compile(r"\s[;#]")
_ENTRY = re.compile(r"[;#\s]*([^=:]*?)\s*[=:]\s*(.*)")
_READ_KEYS = frozenset().union(*KEYS.values())
_PLAIN_KEYS = _READ_KEYS.union(*FOREIGN.values())
_WORDS = frozenset(word for key in _PLAIN_KEYS for word in key.split("_"))


class Redaction(NamedTuple):
    """The text of a configuration with `*****[SIZE]` for what is not to be seen, and all of that."""

    text: str
    hidden: set[bytes]


def mark(hidden: bytes) -> bytes:
    """Return what stands in the place of hidden octets."""
    return b"*****[%d]" % len(hidden)


def redact_config(octets: bytes, problems: Iterable[Problem]) -> Redaction:
    """Return a configuration file as it may be shown; `problems` are those of this file that reading it has met."""
    sections, _ = parse_ini(octets)
    faulty = {problem.place.line for problem in problems if problem.is_error}
    headers = {section.place.line: section for section in sections}
    entries = {entry.place.line: entry for section in sections for entry in section.entries.values()}
    shown: list[str] = []
    hidden: set[bytes] = set()
    text = octets.decode("utf-8-sig", "backslashreplace").replace("\r\n", "\n").replace("\r", "\n")
    last: Entry | None = None
    for number, line in enumerate(text.split("\n"), 1):
        is_faulty = number in faulty
        last = None if number in headers else entries.get(number, last)
        if number not in entries and last is not None and _goes_on(line, last):
            shown.append("")  # it is shown with the value that it is a part of
            continue
        shown.append(_show(line, headers.get(number), entries.get(number), is_faulty=is_faulty))
        hidden.update(_suspects(line, entries.get(number), is_faulty=is_faulty))
    return Redaction("\n".join(shown), hidden)


def _goes_on(line: str, entry: Entry) -> bool:
    """Whether a line continues the value of the entry before it."""
    return entry.key in CONTINUED and line[:1].isspace() and line.strip()[:1] in ("(", ")")


def _show(line: str, header: IniSection | None, entry: Entry | None, *, is_faulty: bool) -> str:
    if not line.strip():
        return ""
    if header is not None and section_kind(header.name):
        return f"[{header.name}]"
    if entry is None or not _is_name(entry.key):
        return _marked(line)
    is_plain = key_pattern(entry.key) in _PLAIN_KEYS and _is_plain(entry) and not is_faulty
    return f"{entry.key}={entry.value if is_plain else _marked(entry.value)}"


def _marked(text: str) -> str:
    return mark(text.strip().encode()).decode()


def _is_name(key: str) -> bool:
    """Whether this is a key, of another version perhaps, and not a secret in front of some sign."""
    words = key_pattern(key).split("_")
    return _WORDS.issuperset(words) or (
        len(words) > 1 and all(map(str.isalpha, words)) and not _WORDS.isdisjoint(words)
    )


def _is_plain(entry: Entry) -> bool:
    """Whether the value of a known key is none to hide."""
    is_secret = _is_secret_key(entry.key) or _USER_INFO.search(entry.value) or _INLINE_COMMENT.search(entry.value)
    return not is_secret


def _is_secret_key(key: str) -> bool:
    """Whether the value is a secret, by the list, or for a key that nobody knows by its words."""
    keys = secret_keys(key)
    if keys is not None:
        return key not in keys.files
    return key_pattern(key) not in _READ_KEYS and bool(_SECRET_WORDS.search(key) and "_file" not in key)


def _suspects(line: str, entry: Entry | None, *, is_faulty: bool) -> Iterator[bytes]:
    """Yield what must not be seen in other texts either, of a line that is not shown as it is."""
    match = _ENTRY.fullmatch(line)
    key, value = (entry.key, entry.value) if entry else (match[1].lower(), match[2]) if match else ("", line.strip())
    found = [each[1] for each in _USER_INFO.finditer(line)]
    if _is_secret_key(key):
        bare = _INLINE_COMMENT.split(value)[0].strip()
        found += [value, bare, *(text.strip("\"'") for text in (value, bare))]
    for text in found:
        if len(text.encode()) >= SHORTEST_SECRET:
            yield text.encode()
    if line.strip().startswith((";", "#", "[")) or (key_pattern(key) in _PLAIN_KEYS and not is_faulty):
        return
    whole = value if _is_name(key) else line.strip()
    for text in (value, whole, *filter(_is_suspect, _PIECE.findall(whole))):
        if len(text.encode()) >= SHORTEST_SUSPECT:
            yield text.encode()


def _is_suspect(piece: str) -> bool:
    """Whether a part of a line that was not understood is neither a word nor a key, of which logs are full."""
    return not (piece.isalpha() and piece.islower() and len(piece) < LONGEST_WORD) and not _is_name(piece.lower())


def secrets_of(settings: Settings) -> set[bytes]:
    """Return every secret that the settings hold, from whatever file they came."""
    return {octets for octets in _secrets_in(settings) if len(octets) >= SHORTEST_SECRET}


def _secrets_in(value: Any) -> Iterator[bytes]:
    if isinstance(value, Secret):
        yield value.octets
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _secrets_in(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _secrets_in(each)


class Replacer:
    """Puts other octets into the place of many, in one walk through a text; the longest that begin at a place go first.

    With `whole_words` only where no letter, digit or dash touches them.
    """

    def __init__(self, replacements: Mapping[bytes, bytes], *, whole_words: bool = False) -> None:
        self._replacements = replacements
        self._whole_words = whole_words
        self._index: dict[bytes, list[bytes]] = {}
        for form in sorted(replacements, key=len, reverse=True):
            self._index.setdefault(form[:_INDEXED], []).append(form)
        self._sizes = sorted({len(beginning) for beginning in self._index}, reverse=True)

    def replace(self, octets: bytes) -> bytes:
        """Return the text with all of them replaced."""
        parts, done = [], 0
        for place in self._candidates(octets):
            if place >= done and (found := self._match(octets, place)) is not None:
                parts += [octets[done:place], self._replacements[found]]
                done = place + len(found)
        return b"".join([*parts, octets[done:]])

    def _candidates(self, octets: bytes) -> list[int]:
        """Return the places where one of them may begin; most of the time that a megabyte takes goes here."""
        index = self._index
        found = [place for size in self._sizes for place in range(len(octets)) if octets[place : place + size] in index]
        return found if len(self._sizes) == 1 else sorted(set(found))

    def _match(self, octets: bytes, place: int) -> bytes | None:
        for size in self._sizes:
            for form in self._index.get(octets[place : place + size], ()):
                end = place + len(form)
                if octets.startswith(form, place) and not (self._whole_words and _is_part(octets, place, end)):
                    return form
        return None


def _is_part(octets: bytes, start: int, end: int) -> bool:
    return any(map(_is_of_word, (octets[start - 1 : start] if start else b"", octets[end : end + 1])))


def _is_of_word(octet: bytes) -> bool:
    return octet.isalnum() or octet in (b"-", b"_") or octet > b"\x7f"


class Redactor:
    """Hides secrets, in whatever form they stand in a text."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._replacer = Replacer({form: mark(secret) for secret in secrets for form in forms_of(secret)})

    def redact(self, octets: bytes) -> bytes:
        """Return the text without them, and without anything that looks like a secret key of Duo."""
        return _SKEY_LIKE.sub(lambda match: mark(match[0]), self._replacer.replace(octets))


def forms_of(secret: bytes) -> set[bytes]:
    """Return a secret as it may stand in a text: as it is, escaped, or encoded alone or among other octets."""
    text = secret.decode("utf-8", "backslashreplace")
    forms = {secret, *_escaped(text), *_percent(secret), *_base64(secret)}
    return forms | {secret.hex().encode(), secret.hex().upper().encode(), secret.hex(":").encode()}


def _escaped(text: str) -> Iterator[bytes]:
    octets = text.encode("utf-8", "backslashreplace")
    as_json = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    for form in (text.lower(), text.upper(), *as_json, repr(text)[1:-1], repr(octets)[2:-1]):
        yield form.encode("utf-8", "backslashreplace")
    yield text.encode("unicode_escape")
    yield text.encode("latin-1", "backslashreplace")


def _percent(secret: bytes) -> Iterator[bytes]:
    every_octet = "".join(f"%{octet:02X}" for octet in secret)
    for form in (quote(secret, safe=""), quote(secret), quote_plus(secret), every_octet):
        yield form.encode()
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), form).encode()


def _base64(secret: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of the secret at each of three places, without what depends on its neighbours."""
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        n_bits = 8 * (shift + len(secret))
        encoded = base64.b64encode(bytes(shift) + secret)[first : n_bits // 6]
        if len(encoded) >= _SHORTEST_BASE64:
            yield encoded
            yield encoded.replace(b"+", b"-").replace(b"/", b"_")
