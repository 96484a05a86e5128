"""A configuration that people write on: sections, clients, keys and secrets come, change and go. Pure.

What a reload should say follows from the two files as they are known here, and from nothing of the gateway's. Each
section listens on an address of its own, all on one port.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

FEWEST, MOST, BEGIN_WITH = 12, 28, 20  # sections
AT_ONCE = 3  # sections that come or go with one change

_IKEYS = tuple(f"DIMADEUPMADEUPMADE{number:02}" for number in range(3))
_KEYS = {
    "failmode": ("safe", "secure"),
    "api_timeout": ("11", "12", "13"),
    "reject_delay_s": ("1", "2"),
    "require_message_authenticator": ("yes", "no"),
}
_MISTAKES = (
    "[radius_server_duo_only999]\nport=1812\n",
    "[radius_server_duo_onyl]\n",
    "[fleet]\nname=b\n",
    "reject_delay_s\n",
    "portt=1812\n",
    "[unfinished\n",
)
_OBSTACLES = ("workers=1024\n", "workers=2\nuser=no-such-user\n")  # a restart is needed for so many workers
_GATEWAY_LINES = ("workers=2\n", "workers=1\n", "workers=2\nduplicate_window_s=31\n")


class Verdict(StrEnum):
    """What becomes of a file."""

    TAKEN = "taken"
    MISTAKEN = "mistaken"
    GUARDED = "guarded"
    HINDERED = "hindered"


@dataclass(frozen=True)
class Section:
    """What changes in a server section; clients are (address, secret) by their number."""

    ikey: str
    clients: Mapping[int, tuple[str, str]]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class File:
    """What changes in a file: sections by their number, each application's skey, and lines of [gateway]."""

    sections: Mapping[int, Section]
    skeys: Mapping[str, str]
    gateway: str = _GATEWAY_LINES[0]

    def values(self) -> dict[str, tuple[Section, str]]:
        """Return all that a section is, by its name."""
        return {_name(number): (each, self.skeys[each.ikey]) for number, each in self.sections.items()}

    def clients(self) -> dict[str, tuple[str, str]]:
        """Return every client, by section and number."""
        sections = self.sections.items()
        return {f"{_name(number)} {n}": value for number, each in sections for n, value in each.clients.items()}


class Change(NamedTuple):
    """What somebody has written, and what should become of it; a `mistake` stands at the end of the file."""

    file: File
    verdict: Verdict = Verdict.TAKEN
    mistake: str = ""


class Numbers(NamedTuple):
    """How many of a kind come, go and stay with another value."""

    removed: int
    added: int
    changed: int


def first_file(chance: random.Random) -> File:
    """Return a file to begin with."""
    return _with_more(File({}, {ikey: _secret(chance) for ikey in _IKEYS}), chance, BEGIN_WITH)


def file_text(file: File, base: str, port: int, api_host: str) -> str:
    """Return the text of a file: `base` is what stays, and ends with [gateway]."""
    return "\n".join([base + file.gateway, *_section_texts(file, port, api_host)])


def numbers(before: Mapping[str, object], after: Mapping[str, object]) -> Numbers:
    """Return what is different, counted."""
    n_changed = sum(after[name] != value for name, value in before.items() if name in after)
    return Numbers(len(before.keys() - after), len(after.keys() - before), n_changed)


def draw_change(file: File, chance: random.Random) -> Change:
    """Return what somebody writes next."""
    if len(file.sections) < FEWEST:
        return Change(_with_more(file, chance, BEGIN_WITH - len(file.sections)))
    return chance.choice(_CHANGES)(file, chance)


# What is written.


def _comes(file: File, chance: random.Random) -> Change:
    if len(file.sections) >= MOST:
        return _goes(file, chance)
    return Change(_with_more(file, chance, chance.randint(1, AT_ONCE)))


def _goes(file: File, chance: random.Random) -> Change:
    gone = set(chance.sample(sorted(file.sections), chance.randint(1, AT_ONCE)))
    return Change(replace(file, sections={n: each for n, each in file.sections.items() if n not in gone}))


def _changes_place(file: File, chance: random.Random) -> Change:
    """One goes, another comes, and the order is another one, which is none of a reload's business."""
    numbers = [*file.sections]
    chance.shuffle(numbers)
    shuffled = replace(file, sections={number: file.sections[number] for number in numbers})
    return Change(_with_more(_goes(shuffled, chance).file, chance, 1))


def _keys(file: File, chance: random.Random) -> Change:
    for _ in range(chance.randint(1, AT_ONCE)):
        file = _edited(file, chance, lambda each: replace(each, keys=_other_keys(each, chance)))
    return Change(file)


def _client_comes(file: File, chance: random.Random) -> Change:
    return Change(_edited(file, chance, lambda each: replace(each, clients={**each.clients, **_client(each, chance)})))


def _client_goes(file: File, chance: random.Random) -> Change:
    def without_one(section: Section) -> Section:
        gone = chance.choice(sorted(section.clients))
        rest = {n: client for n, client in section.clients.items() if n != gone}
        return replace(section, clients=rest or _client(section, chance))

    return Change(_edited(file, chance, without_one))


def _shared_secret(file: File, chance: random.Random) -> Change:
    def with_another(section: Section) -> Section:
        n = chance.choice(sorted(section.clients))
        return replace(section, clients={**section.clients, n: (section.clients[n][0], _secret(chance))})

    return Change(_edited(file, chance, with_another))


def _secret_key(file: File, chance: random.Random) -> Change:
    return Change(replace(file, skeys={**file.skeys, chance.choice(_IKEYS): _secret(chance)}))


def _application(file: File, chance: random.Random) -> Change:
    return Change(_edited(file, chance, lambda each: replace(each, ikey=chance.choice(_IKEYS))))


def _gateway(file: File, chance: random.Random) -> Change:
    return Change(replace(file, gateway=chance.choice(_GATEWAY_LINES)))


def _nothing(file: File, _chance: random.Random) -> Change:
    return Change(file)


def _mistake(file: File, chance: random.Random) -> Change:
    return Change(_keys(file, chance).file, Verdict.MISTAKEN, chance.choice(_MISTAKES))


def _obstacle(file: File, chance: random.Random) -> Change:
    return Change(replace(_keys(file, chance).file, gateway=chance.choice(_OBSTACLES)), Verdict.HINDERED)


def _cut(file: File, chance: random.Random) -> Change:
    """Far more than half of it goes, as of a file that was not written to its end."""
    kept = [*file.sections][: chance.randint(0, FEWEST // 4)]
    return Change(replace(file, sections={number: file.sections[number] for number in kept}), Verdict.GUARDED)


_CHANGES: tuple[Callable[[File, random.Random], Change], ...] = (
    _comes,
    _comes,
    _goes,
    _changes_place,
    _keys,
    _client_comes,
    _client_goes,
    _shared_secret,
    _secret_key,
    _application,
    _gateway,
    _nothing,
    _mistake,
    _obstacle,
    _cut,
)


# Parts of a file.


def _name(number: int) -> str:
    return f"radius_server_duo_only{number}"


def _secret(chance: random.Random) -> str:
    return f"{chance.getrandbits(160):040x}"


def _with_more(file: File, chance: random.Random, n_more: int) -> File:
    free = [number for number in range(2, 250) if number not in file.sections]
    return replace(file, sections={**file.sections, **{n: _section(chance) for n in chance.sample(free, n_more)}})


def _section(chance: random.Random) -> Section:
    keys = {key: chance.choice(values) for key, values in _KEYS.items()}
    clients = {n: (_address(n, chance), _secret(chance)) for n in range(1, chance.randint(2, 5))}
    return Section(chance.choice(_IKEYS), clients, keys)


def _client(section: Section, chance: random.Random) -> dict[int, tuple[str, str]]:
    number = max(section.clients) + 1
    return {number: (_address(number, chance), _secret(chance))}


def _address(number: int, chance: random.Random) -> str:
    return f"10.{number // 250}.{number % 250}.{chance.randint(1, 250)}"


def _other_keys(section: Section, chance: random.Random) -> dict[str, str]:
    key = chance.choice(sorted({"name", *_KEYS}))
    value = f"Directory {_secret(chance)[:8]}" if key == "name" else chance.choice(_KEYS[key])  # two have no name alike
    return {**section.keys, key: value}


def _edited(file: File, chance: random.Random, edit: Callable[[Section], Section]) -> File:
    number = chance.choice(sorted(file.sections))
    return replace(file, sections={**file.sections, number: edit(file.sections[number])})


def _section_texts(file: File, port: int, api_host: str) -> Iterator[str]:
    for number, section in file.sections.items():
        yield f"[{_name(number)}]\nikey={section.ikey}\nskey={file.skeys[section.ikey]}\napi_host={api_host}"
        yield f"interface=127.0.1.{number}\nport={port}"
        yield from (f"{key}={value}" for key, value in section.keys.items())
        for n, (address, secret) in section.clients.items():
            yield f"radius_ip_{n}={address}\nradius_secret_{n}={secret}"
