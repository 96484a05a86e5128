"""What each case took when it was last looked at, by version of Python, and what has changed since."""

import sys
from pathlib import Path
from typing import TypeAlias

import msgspec

from tests.micro.counting import Work

FILE = Path(__file__).with_name("baseline.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TOLERANCE = 0.15


class Entry(msgspec.Struct, frozen=True):
    """What a case took; `ratio` is its time in units of `times.reference`, for people to compare."""

    instructions: int
    c_calls: int
    ratio: float

    @property
    def work(self) -> Work:
        """What can be counted of it."""
        return Work(self.instructions, self.c_calls)


Baselines: TypeAlias = dict[str, dict[str, Entry]]
"""Version of Python -> case -> entry."""


def load() -> Baselines:
    """Return the baselines of all versions."""
    return msgspec.json.decode(FILE.read_bytes(), type=Baselines)


def store(baselines: Baselines) -> None:
    """Write the file."""
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(baselines, order="deterministic")) + b"\n")


def updated(baselines: Baselines, version: str, entries: dict[str, Entry]) -> Baselines:
    """Return the baselines with these entries in the place of a version's.

    Where a case has changed, what other versions took for it is of older code: it goes, and is missing until it is
    measured anew.
    """
    known = baselines.get(version, {})
    stale = {name for name in known if name not in entries or changes(known[name].work, entries[name].work)}
    others = {
        other: {name: entry for name, entry in cases.items() if name not in stale}
        for other, cases in baselines.items()
        if other != version
    }
    return {**others, version: entries}


def changes(before: Work, now: Work) -> list[str]:
    """Return what is more, or less, by over 15 %, as texts: what became less work deserves a new baseline, too."""
    return [
        f"{name} {new}, not {old}"
        for name, old, new in zip(Work._fields, before, now, strict=True)
        if abs(new - old) > TOLERANCE * old
    ]
