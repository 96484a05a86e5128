"""Names that are not known, or not known where they stand. A mistyped `failmode` must never start."""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from gateway.config.first_factors import named_clients
from gateway.config.ini import Entry, IniSection
from gateway.config.kinds import (
    FIRST_FACTORS,
    FOREIGN,
    KEYS,
    KINDS,
    OTHER_LDAP,
    OTHER_RADIUS,
    OWN_KEYS,
    SERVED,
    Treatment,
    section_kind,
    treatment,
)
from gateway.config.problems import Problem, Severity
from gateway.config.schema import SINGLE, WITHOUT_EFFECT, key_pattern, number_in
from gateway.config.secret_keys import OTHER_SPELLINGS, SERVICE_PASSWORD, secret_keys
from gateway.config.slips import not_ascii

_KEY_LIKENESS = 0.8  # `fail_mod` is like `failmode`, `http_proxy_user` is not like `http_proxy_host`
_FIRST_FACTOR_LIKENESS = 0.6  # what decides who checks passwords must not be ignored
_SECTION_LIKENESS = 0.7  # `mian` is like `main`
_SURE_LIKENESS = 0.92  # `radius_server_duo` is too little like `radius_server_auto` to be meant for it
_FAMILY_LIKENESS = 0.8  # `raidus_server` is like `radius_server`
_ENDING_LIKENESS = 0.6  # `duo` is like `duo_only`, `accounting` is not like `concat`
_SHORTEST_SWAPPED = 4
_LONGEST_NAME = 64  # comparing takes time with the square of the length
_DIGITS = re.compile("[0-9]+")
_SEPARATORS = re.compile("[^a-z0-9]")
_SECTIONS = tuple(KINDS)
_ALL_SERVED = f"{', '.join(SERVED[:-1])} and {SERVED[-1]} are"
_OTHER_WORDS = {
    "radius_client": {
        "retry": "retries", "retry_time": "retry_wait", "retry_interval": "retry_wait", "shared_secret": "secret",
        "server": "host", "address": "host", "ip": "host", "ip_address": "host", "password": "secret",
        "server_port": "port",
    },
    "ad_client": {
        "server": "host", "address": "host", "ip": "host", "ip_address": "host", "base_dn": "search_dn",
        **dict.fromkeys(("password", "bind_pw", "bindpw", "bind_password"), SERVICE_PASSWORD.clear),
    },
}  # fmt: skip
"""What others call keys, where no likeness tells."""
_KINDS_OF_VALUES = (
    re.compile("pass|secret|token|credential|pwd|skey|(^|_)(pw|key)(_|$)"),
    re.compile("(^|_)port(_|$)"),
)
"""Words that say what stands there: nothing without the word is meant by a name that has it."""
_ADVISED = {kind: tuple(sorted(keys - OTHER_SPELLINGS)) for kind, keys in KEYS.items()}


def name_problems(sections: list[IniSection]) -> Iterator[Problem]:
    """Yield what is wrong with the names of sections and keys; keys only where the section matters.

    What is mistyped is read from here on as what was meant: nothing is called missing, and the values are checked too.
    """
    by_name = {section.name: section for section in sections}
    kinds = [(section, section_kind(section.name) or _meant_kind(section.name)) for section in sections]
    serves = any(kind in SERVED for _, kind in kinds)
    for section, kind in kinds:
        if kind not in FIRST_FACTORS:
            yield from _section_problems(section, kind, by_name, serves=serves)
    named = named_clients(sections)
    for section, kind in kinds:
        if kind in FIRST_FACTORS:
            yield from _first_factor_problems(section, kind, named, by_name)
        is_idle = kind in FIRST_FACTORS and section.name not in named
        if kind is not None and treatment(kind) is Treatment.READ and not is_idle:
            for entry in list(section.entries.values()):
                yield from _key_problems(section, entry, kind, by_name)


def _section_problems(
    section: IniSection, kind: str | None, by_name: dict[str, IniSection], *, serves: bool
) -> Iterator[Problem]:
    if kind is None:
        yield _warning(section, "is not known, ignored; remove it, or correct it if it is mistyped")
    elif treatment(kind) is not Treatment.READ:
        yield _unserved_section(section, kind, serves=serves)
    elif section_kind(section.name) is None:
        yield _mistyped_section(section, kind, by_name)


def _first_factor_problems(
    section: IniSection, kind: str, named: frozenset[str], by_name: dict[str, IniSection]
) -> Iterator[Problem]:
    """A name that nobody has behind `client=` matters only if it is mistyped, and somebody may mean it."""
    is_known = section_kind(section.name) is not None
    is_parked = re.match(f"{kind}[^a-z]", section.name) is not None  # with a name of its own behind the kind's
    if not is_known and (section.name in named or not is_parked):
        yield _mistyped_section(section, kind, by_name)
    elif section.name not in named:
        yield _warning(section, "ignored: no server section that is served names it; remove the section")


def is_read(name: str, named: Collection[str] | None = None) -> bool:
    """Whether the section of this name, as it is or as it was meant, is one that is read.

    `named` are the client sections that somebody may name; None for all.
    """
    kind = section_kind(name) or _meant_kind(name) or ""
    is_idle = kind in FIRST_FACTORS and named is not None and name not in named
    return treatment(kind) is Treatment.READ and not is_idle


def _meant_kind(name: str) -> str | None:
    """Return the kind of section that an unknown name was probably meant for; None if it is like no other."""
    if name == "default":  # Python's configparser has defaults for all sections there
        return "main"
    letters = _letters(_DIGITS.sub("", name))
    longest_first = sorted(_SECTIONS, key=len, reverse=True)
    extended = (kind for kind in longest_first if re.match(rf"{kind}[^a-z]", name))
    return (
        next(extended, None) or _closest(name, _SECTIONS, _SURE_LIKENESS) or _of_family(letters) or _closest_lone(name)
    )


def _of_family(letters: str) -> str | None:
    """Return the kind of server whose name begins with that of its family, or the family if its ending is unknown."""
    for family, without_ending in ((OTHER_RADIUS, SERVED[0]), (OTHER_LDAP, OTHER_LDAP)):
        stem = _letters(family)
        if SequenceMatcher(None, letters[: len(stem)], stem).ratio() < _FAMILY_LIKENESS:
            continue
        ending = letters[len(stem) :]
        kinds = {_letters(kind)[len(stem) :]: kind for kind in _SECTIONS if kind.startswith(family)}
        close = get_close_matches(ending, kinds, n=1, cutoff=_ENDING_LIKENESS)
        return kinds[close[0]] if close else family if ending else without_ending
    return OTHER_LDAP if letters.startswith("ldap") else None


def _closest_lone(name: str) -> str | None:
    """Return what the name is like among the kinds without a family, whose names are short."""
    return _closest(name, tuple(kind for kind in _SECTIONS if "_server_" not in kind), _SECTION_LIKENESS)


def _mistyped_section(section: IniSection, kind: str, by_name: dict[str, IniSection]) -> Problem:
    """Say what to write, which must not stand there already; read the section as that."""
    name, place = section.name, section.place
    odd = _odd_letter(name)
    if kind in SINGLE and kind in by_name:
        there = by_name[kind].place.told_at(place)
        text = f"is not known{odd}; [{kind}] is there already, in line {there}: put the keys together there"
        return Problem(name, "", text, place)
    section.name = _free_name(kind, name, by_name)
    by_name[section.name] = section
    rule = _number_rule(kind) if name.startswith(kind) and kind not in SINGLE else ""
    return Problem(name, "", f"is not known{odd}; write [{section.name}]{rule}", place)


def _number_rule(kind: str) -> str:
    """Return what may follow a kind in a section's name, and where a name of one's own goes."""
    named = "; the name goes into name=" if "name" in KINDS[kind].keys else ""
    return f" (only a number may follow{named})"


def _free_name(kind: str, name: str, taken: Collection[str]) -> str:
    """Return the kind with the number that the name has, or else the first one that is free."""
    wanted = [kind] if kind in SINGLE else [f"{kind}{number_in(name)}"]
    candidates = [*wanted, kind, *(f"{kind}{n}" for n in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken or kind in SINGLE)


def _unserved_section(section: IniSection, kind: str, *, serves: bool) -> Problem:
    """`serves` says whether another section is left to be served: the file is of use then."""
    if kind == OTHER_RADIUS:
        if serves:
            return _warning(section, f"is not known, ignored; if {_one_served(section.name)} is meant, write that")
        text = f"is not known; write {_one_served(section.name)}, or remove the section"
        return Problem(section.name, "", text, section.place)
    if treatment(kind) is not Treatment.OTHER_SERVER:
        return _warning(section, "ignored: it does not concern RADIUS; keep Duo's proxy for it")
    remedy = "keep Duo's proxy for it, on another port"
    if serves:
        return _warning(section, f"ignored: only {_ALL_SERVED} served; {remedy}")
    text = f"is not served, only {_ALL_SERVED}; {remedy}, and write a section here that is"
    return Problem(section.name, "", text, section.place)


def _one_served(name: str) -> str:
    """Return `[a], [b] or [c]`, what is most like the name first."""
    nearest = sorted(SERVED, key=lambda kind: -SequenceMatcher(None, name, kind).ratio())
    *others, last = (f"[{kind}]" for kind in nearest)
    return f"{', '.join(others)} or {last}"


def _key_problems(section: IniSection, entry: Entry, kind: str, by_name: Mapping[str, IniSection]) -> Iterator[Problem]:
    pattern = key_pattern(entry.key)
    if pattern in KEYS[kind]:
        return
    if pattern in WITHOUT_EFFECT:
        yield _key_problem(entry, f"has no effect here: {WITHOUT_EFFECT[pattern]}", Severity.WARNING)
    elif home := _home(pattern):
        yield _misplaced(entry, kind, home, by_name)
    elif meant := _meant_key(entry.key, kind):
        yield _mistyped_key(section, entry, meant)
    else:
        yield _key_problem(
            entry,
            f"is not known{_odd_letter(entry.key)}, ignored; remove it, or correct it if it is mistyped",
            Severity.WARNING,
        )


def _meant_key(key: str, kind: str) -> str | None:
    """Return the key that an unknown one was probably meant for."""
    likeness = _FIRST_FACTOR_LIKENESS if kind in FIRST_FACTORS else _KEY_LIKENESS
    return _OTHER_WORDS.get(kind, {}).get(key) or _closest(key, _of_like_value(key, kind), likeness)


def _of_like_value(key: str, kind: str) -> tuple[str, ...]:
    """Return the keys that an unknown one may be meant for: a password is no port, whatever their letters say."""
    words = [word for word in _KINDS_OF_VALUES if word.search(key)]
    return tuple(
        known
        for known in _ADVISED[kind]
        if all(word.search(known) for word in words) or _letters(known) == _letters(key)
    )


def _mistyped_key(section: IniSection, entry: Entry, pattern: str) -> Problem:
    """Say what to write, which must not stand there already; read the entry as that."""
    number = number_in(entry.key)
    meant = pattern.replace("N", number) if number else _free_key(section, pattern)
    if _is_given(section, meant) and number and _letters(pattern) != _letters(entry.key):
        meant = _next_key(section, pattern)  # `radius_ip_1b` is one more
    there = section.entries.setdefault(meant, entry._replace(key=meant, is_guessed=True))
    odd = _odd_letter(entry.key)
    if there.place == entry.place:
        return _key_problem(entry, f"is not known{odd}; write {meant}")
    return _key_problem(entry, f"is not known{odd}; {meant} is there, in line {there.place}: remove one of the two")


def _is_given(section: IniSection, key: str) -> bool:
    """Whether the section has the key, or another one that gives the same secret."""
    keys = secret_keys(key)
    return any(each in section.entries for each in (keys.all if keys else (key,)))


def _next_key(section: IniSection, pattern: str) -> str:
    """Return the key with the first number of which nothing is given; one that takes no number as it is."""
    keys = (pattern.replace("N", str(number)) for number in range(1, len(section.entries) + 2))
    return next((key for key in keys if not _is_given(section, key)), pattern)


def _free_key(section: IniSection, pattern: str) -> str:
    """Return the key with the first number that is free; one that takes no number as it is."""
    keys = (pattern.replace("N", str(number)) for number in range(1, len(section.entries) + 2))
    return next((key for key in keys if key not in section.entries), pattern)


def _misplaced(entry: Entry, kind: str, home: str, by_name: Mapping[str, IniSection]) -> Problem:
    """Duo's proxy ignores a key in the wrong place; not so what is written for us, or decides who gets in."""
    if _is_foreign(home, kind):
        return _key_problem(entry, f"has no effect here, it is a key of [{home}]; remove it", Severity.WARNING)
    severity = Severity.WARNING if home == "main" and kind != "gateway" else Severity.ERROR
    pattern = key_pattern(entry.key)
    homes = [each for name, each in by_name.items() if pattern in OWN_KEYS.get(section_kind(name) or "", ())]
    holder = next((section for section in homes if entry.key in section.entries), None)
    if holder is not None:
        line = holder.entries[entry.key].place.told_at(entry.place)
        return _key_problem(entry, f"has no effect here, [{holder.name}] has it in line {line}; remove it", severity)
    name = homes[0].name if len(homes) == 1 else section_kind(homes[0].name) if homes else home
    return _key_problem(entry, f"has no effect here; write it in [{name}]", severity)


def _is_foreign(home: str, kind: str) -> bool:
    """Whether the key is one that Duo's proxy knows in sections of another sort alone, and ignores in this one."""
    if home not in OWN_KEYS or KINDS[home].read_client is not None:
        return True
    return home in SERVED and kind in SERVED


def _home(pattern: str) -> str | None:
    """Return the first kind of section where the key has an effect, or where Duo's proxy gives it one."""
    keys = (*OWN_KEYS.items(), *FOREIGN.items())
    return next((section for section, known in keys if pattern in known), None)


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


def _odd_letter(name: str) -> str:
    odd = not_ascii(name)
    return f" ({odd} is in it)" if odd else ""


def _key_problem(entry: Entry, text: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(entry.section, entry.key, text, entry.place, severity)


def _warning(section: IniSection, text: str) -> Problem:
    return Problem(section.name, "", text, section.place, Severity.WARNING)
