"""A configuration file with its secrets encrypted, or in clear again; all else as it was, to the octet."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from gateway.config.ini import Entry, parse_ini
from gateway.config.problems import ConfigError, Problem
from gateway.config.protection import CannotReveal, clear_key, is_protected, protect, protected_key, reveal
from gateway.config.secret_keys import SECRETS_KEY_FILE
from gateway.config.spelling import name_problems

_LINE_END = re.compile(rb"(\r\n|\r|\n)")
_ENTRY = re.compile(r"(\s*)([^=:]*?)(\s*[=:][^\S\r\n]*)(.*?)(\s*)", re.DOTALL)
_NOT_OF_A_LINE = re.compile(r"[\r\n\0]")


class Clear(NamedTuple):
    """An entry, and its key and value as they are without encryption."""

    entry: Entry
    key: str
    value: bytes


def protect_entries(
    octets: bytes, secrets_key: bytes, make_nonce: Callable[[], bytes], key_file: str, *, names_key: bool | None = None
) -> bytes:
    """Return the file with every secret encrypted, and with `secrets_key_file=` if it has none or an empty one.

    Args:
        octets: the file.
        secrets_key: to encrypt with.
        make_nonce: returns another one for each secret.
        key_file: where that key is.
        names_key: whether it must name that; None is to do so if it has a secret.

    Raises:
        ConfigError: names are not understood, or a secret is encrypted with another key already.
    """
    entries = _clear_entries(octets, secrets_key)
    changed = {}
    for entry, _, value in entries:
        key = protected_key(entry.key)
        if key and value:
            changed[entry.place.line] = (key, protect(value, entry.section, entry.key, secrets_key, make_nonce()))
    named = next((each.entry for each in entries if each.key == SECRETS_KEY_FILE), None)
    names_key = bool(changed) if names_key is None else names_key
    if names_key and named is not None and not named.value:
        changed[named.place.line] = (named.key, key_file)
    rewritten = _rewrite(octets, changed)
    if names_key and named is None:
        rewritten = _with_key_file(rewritten, key_file)
    return _checked(rewritten, secrets_key, entries)


def reveal_entries(octets: bytes, secrets_key: bytes) -> bytes:
    """Return the file with every secret in clear, and without `secrets_key_file=`.

    Raises:
        ConfigError: names are not understood, or a secret cannot be decrypted, or is nothing that fits into a line.
    """
    entries = _clear_entries(octets, secrets_key)
    changed = {each.entry.place.line: (each.key, _as_text(each)) for each in entries if each.key != each.entry.key}
    key_files = {each.entry.place.line for each in entries if each.key == SECRETS_KEY_FILE}
    return _checked(_rewrite(octets, changed, key_files), secrets_key, entries)


def _clear_entries(octets: bytes, secrets_key: bytes) -> list[Clear]:
    """Return every entry of a file whose names are all understood: no mistyped one must hide a secret.

    Raises:
        ConfigError: a name is not, or a secret cannot be decrypted.
    """
    sections, problems = parse_ini(octets)
    problems = [problem for problem in (*problems, *name_problems(sections)) if problem.is_error]
    found = []
    for section in sections:
        for entry in section.entries.values():
            try:
                found.append(_clear(entry, secrets_key))
            except CannotReveal as error:
                problems.append(Problem(entry.section, entry.key, str(error), entry.place))
    if problems:
        raise ConfigError(problems)
    return found


def _clear(entry: Entry, secrets_key: bytes) -> Clear:
    key = clear_key(entry.key)
    if key is None or not is_protected(entry.value):
        return Clear(entry, entry.key, entry.value.encode())
    return Clear(entry, key, reveal(entry.value, entry.section, key, secrets_key))


def _as_text(clear: Clear) -> str:
    text = clear.value.decode(errors="replace")
    if text.encode() != clear.value or text != text.strip() or _NOT_OF_A_LINE.search(text):
        entry, instead = clear.entry, f"write it into a file and {clear.key}_file=PATH here"
        raise ConfigError(
            [Problem(entry.section, entry.key, f"is nothing that a line can hold; {instead}", entry.place)]
        )
    return text


def _checked(rewritten: bytes, secrets_key: bytes, entries: list[Clear]) -> bytes:
    """Return the file, having made sure that it says what it said before."""
    if _content(_clear_entries(rewritten, secrets_key)) != _content(entries):
        raise ValueError("the file would not say the same")
    return rewritten


def _content(entries: list[Clear]) -> list[tuple[str, str, bytes]]:
    return [(entry.section, key, value) for entry, key, value in entries if key != SECRETS_KEY_FILE]


def _rewrite(octets: bytes, changed: Mapping[int, tuple[str, str]], left_out: Collection[int] = ()) -> bytes:
    """Return the lines with other keys and values in some, by their number, and without others."""
    lines = [
        _rewrite_line(line, *changed[number]) if number in changed else line
        for number, line in enumerate(_lines(octets), 1)
        if number not in left_out
    ]
    return b"".join(lines)


def _rewrite_line(line: bytes, key: str, value: str) -> bytes:
    match = _ENTRY.fullmatch(line.decode())
    return f"{match[1]}{key}{match[3]}{value}{match[5]}".encode() if match else line


def _with_key_file(octets: bytes, key_file: str) -> bytes:
    """Return the file with `secrets_key_file`, first in [gateway], which is put at the end if there is none."""
    end = (_LINE_END.search(octets) or [b"\n"])[0]
    lines = _lines(octets)
    sections = {section.name: section.place.line for section in parse_ini(octets)[0]}
    place = sections.get("gateway", len(lines))
    head = [] if "gateway" in sections else [end, b"[gateway]" + end]
    if not lines[place - 1].endswith((b"\r", b"\n")):
        lines[place - 1] += end
    return b"".join([*lines[:place], *head, f"{SECRETS_KEY_FILE}={key_file}".encode() + end, *lines[place:]])


def _lines(octets: bytes) -> list[bytes]:
    """Return the lines with their ends, as `ini` counts them."""
    parts = [*_LINE_END.split(octets), b""]
    lines = [line + end for line, end in zip(parts[::2], parts[1::2], strict=True)]
    return lines if lines[-1] else lines[:-1]
