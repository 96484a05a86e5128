"""What there is to know of each key of the configuration file, from where it stands already: no list of its own.

Names and defaults are those of the tables of keys (`gateway/config/kinds.py`), meanings are the comments of
conf/authproxy.full.cfg, and what may be written is what the reader of the key says when it is given nonsense.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.config.kinds import KINDS, SERVED
from gateway.config.problems import ConfigError
from gateway.config.reading import parse_settings
from gateway.config.schema import SINGLE
from gateway.config.surroundings import FileContent

ROOT = Path(__file__).resolve().parents[1]
FULL = ROOT / "conf" / "authproxy.full.cfg"
NONSENSE = "what?"
HEADING = re.compile(r";?\[(\w+)\]")
ENTRY = re.compile(r";([a-z_0-9]+)=(.+)")
WORDS = re.compile(r"[a-z0-9_]+(, [a-z0-9_]+)* or [a-z0-9_]+")
MAY_BE_WRITTEN = re.compile(r"; write (?!it as in)([^;=]*)$")


class Key(NamedTuple):
    """A key as the tables spell it, N for a number; `default` or `example` is empty, `allowed` may be."""

    name: str
    default: str
    example: str
    meaning: str
    allowed: str

    @property
    def words(self) -> list[str]:
        """The words of which one must be written, if there are only so many."""
        return re.split(", | or ", self.allowed) if WORDS.fullmatch(self.allowed) else []


class Section(NamedTuple):
    """A kind of section, and its keys in the order of the sample.

    Attributes:
        has_common: those of the first kind of server sections are its keys, too, and not among these.
    """

    name: str
    is_single: bool
    meaning: str
    keys: list[Key]
    has_common: bool = False


def sections() -> list[Section]:
    """Return all kinds of sections that are read."""
    return [
        Section(name, name in SINGLE, meaning, [key_of(name, *each) for each in entries], name in SERVED[1:])
        for name, meaning, entries in sample()
    ]


def sample() -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """Yield what the sample has: section, its comment, and name, value and comment of each key."""
    comment: list[str] = []
    found = []
    for line in FULL.read_text().splitlines():
        if heading := HEADING.fullmatch(line):
            found.append((heading[1], " ".join(comment), []))
        elif entry := ENTRY.fullmatch(line):
            found[-1][2].append((entry[1], entry[2], " ".join(comment)))
        comment = [*comment, line[2:]] if line.startswith("; ") else []
    yield from found


def key_of(section: str, written: str, value: str, meaning: str) -> Key:
    """Return what there is to know of a key, by the name that it has in the sample."""
    name = written if written in KINDS[section].keys else re.sub("[0-9]+", "N", written)
    default = KINDS[section].keys[name]
    return Key(name, default, "" if default else value, meaning, allowed(section, written))


def allowed(section: str, key: str) -> str:
    """Return what may be written, in the words of whoever reads the key; empty if that is anything."""

    def read_file(path: str) -> FileContent:
        raise FileNotFoundError(2, "No such file", path)

    text = f"[{section}]\n{key}={NONSENSE}\n"
    if key.startswith("message_authenticator_in_replies"):
        text += "radius_ip_1=10.0.0.1\n"  # whose replies they are
    if KINDS[section].read_client:
        text += f"[{SERVED[1]}]\nclient={section}\n"  # or it would be ignored
    try:
        _, problems = parse_settings(text.encode(), "/etc/radgate/authproxy.cfg", read_file)
    except ConfigError as error:
        problems = error.problems
    told = [problem.text for problem in problems if problem.key == key and problem.is_error]
    said = MAY_BE_WRITTEN.search(told[0]) if told else None
    return said[1] if said else ""
