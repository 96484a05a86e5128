"""Names that are not known, or not known where they stand. A mistyped `failmode` must never start."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache

from gateway.config.ini import Entry, Section
from gateway.config.problems import Problem, Severity
from gateway.config.schema import (
    FOREIGN,
    GATEWAY,
    KEYS,
    MAIN,
    SERVED,
    SINGLE,
    TREATMENTS,
    UNADVISED,
    WITHOUT_EFFECT,
    Treatment,
    key_pattern,
    section_kind,
)

_KEY_LIKENESS = 0.8  # `fail_mod` is like `failmode`, `http_proxy_user` is not like `http_proxy_host`
_SECTION_LIKENESS = 0.7  # `mian` is like `main`
_SURE_LIKENESS = 0.92  # `radius_server_duo` is too little like `radius_server_auto` to be meant for it
_SHORTEST_SWAPPED = 4
_LONGEST_NAME = 64  # comparing takes time with the square of the length
_DIGITS = re.compile("[0-9]+")
_SEPARATORS = re.compile("[^a-z0-9]")
_SECTIONS = tuple(TREATMENTS)
_ADVISED = {kind: tuple(sorted(keys - UNADVISED)) for kind, keys in KEYS.items()}


def name_problems(sections: list[Section]) -> Iterator[Problem]:
    """Yield what is wrong with the names of sections and keys; keys only where the section matters.

    What is mistyped is read from here on as what was meant: nothing is called missing, and the values are checked too.
    """
    names = {section.name for section in sections}
    for section in sections:
        if section_kind(section.name) is None:
            meant = _meant_section(section.name)
            yield _unknown_section(section, meant)
            if meant is not None and meant not in names:
                section.name = meant
        kind = section_kind(section.name)
        if kind in KEYS:
            for entry in list(section.entries.values()):
                yield from _key_problems(section, entry, kind)
        elif kind is not None:
            yield _unserved_section(section, kind)


def _unknown_section(section: Section, meant: str | None) -> Problem:
    if meant is None:
        return _warning(section, "is not known, ignored; remove it, or correct it if it is mistyped")
    return Problem(section.name, "", f"is not known; write [{meant}]", section.line)


def _meant_section(name: str) -> str | None:
    if name == "default":  # Python's configparser has defaults for all sections there
        return "main"
    kind = _closest(name, _SECTIONS, _SECTION_LIKENESS)
    if kind is None:
        return None
    if TREATMENTS[kind] is Treatment.OTHER_SERVER and not _closest(name, (kind,), _SURE_LIKENESS):
        kind = SERVED
    number = _DIGITS.search(name)
    return kind + number[0] if number and kind not in SINGLE else kind


def _unserved_section(section: Section, kind: str) -> Problem:
    match TREATMENTS[kind]:
        case Treatment.OTHER_SERVER:
            text = f"is not served, only {SERVED} is; keep Duo's proxy for it, on another port, and remove it here"
            return Problem(section.name, "", text, section.line)
        case Treatment.FIRST_FACTOR:
            return _warning(section, f"ignored: {SERVED} checks no first factor; remove the section")
        case _:
            return _warning(section, "ignored: it does not concern RADIUS; keep Duo's proxy for it")


def _key_problems(section: Section, entry: Entry, kind: str) -> Iterator[Problem]:
    pattern = key_pattern(entry.key)
    if pattern in KEYS[kind]:
        return
    if pattern in WITHOUT_EFFECT:
        yield _key_problem(entry, f"has no effect here: {WITHOUT_EFFECT[pattern]}", Severity.WARNING)
    elif home := _home(pattern):
        yield _misplaced(entry, kind, home)
    elif meant := _closest(entry.key, _ADVISED[kind], _KEY_LIKENESS):
        number = _DIGITS.search(entry.key)
        meant = meant.replace("N", number[0] if number else "1")
        yield _key_problem(entry, f"is not known; write {meant}")
        section.entries.setdefault(meant, entry._replace(key=meant))
    else:
        yield _key_problem(entry, "is not known, ignored; remove it, or correct it if it is mistyped", Severity.WARNING)


def _misplaced(entry: Entry, kind: str, home: str) -> Problem:
    """Duo's proxy ignores a key in the wrong place; not so what is written for us, or decides who gets in."""
    if home in FOREIGN:
        return _key_problem(entry, f"has no effect here, it is a key of [{home}]; remove it", Severity.WARNING)
    severity = Severity.WARNING if home == "main" and kind != "gateway" else Severity.ERROR
    return _key_problem(entry, f"has no effect here; write it in [{home}]", severity)


def _home(pattern: str) -> str | None:
    """Return the section where the key has an effect, or where Duo's proxy gives it one."""
    for section, keys in (("main", MAIN), ("gateway", GATEWAY), (SERVED, KEYS[SERVED])):
        if pattern in keys:
            return section
    return next((section for section, keys in FOREIGN.items() if pattern in keys), None)


@lru_cache(maxsize=1024)
def _closest(name: str, known: tuple[str, ...], likeness: float) -> str | None:
    """Return the known name that was probably meant: separators and numbers do not count, some letters may differ."""
    if len(name) > _LONGEST_NAME:
        return None
    by_letters = {_letters(other): other for other in known}
    letters = _letters(name)
    swapped = [other for other in by_letters if _is_swapped(letters, other)]
    found = swapped or get_close_matches(letters, by_letters, n=1, cutoff=likeness)
    return by_letters[found[0]] if found else None


def _is_swapped(name: str, known: str) -> bool:
    """Whether two neighbouring letters of a name have changed places; for short names no likeness tells."""
    if len(name) != len(known) or len(name) < _SHORTEST_SWAPPED:
        return False
    differ = [place for place in range(len(name)) if name[place] != known[place]]
    if len(differ) != 2 or differ[1] != differ[0] + 1:
        return False
    first, second = differ
    return (name[first], name[second]) == (known[second], known[first])


def _letters(name: str) -> str:
    return _SEPARATORS.sub("", _DIGITS.sub("n", name.lower()))


def _key_problem(entry: Entry, text: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(entry.section, entry.key, text, entry.line, severity)


def _warning(section: Section, text: str) -> Problem:
    return Problem(section.name, "", text, section.line, Severity.WARNING)
