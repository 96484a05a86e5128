"""What each case took when it was last looked at where the hot path is compiled, by build of Python."""

from pathlib import Path
from typing import TypeAlias

import msgspec

from tests.micro.instructions import Instructions

FILE = Path(__file__).with_name("compiled_baseline.json")
TOLERANCE = 0.05

Entries: TypeAlias = dict[str, Instructions]
"""Case -> what it takes."""
Baselines: TypeAlias = dict[str, Entries]
"""Build of Python -> its entries."""


def load() -> Baselines:
    """Return the baselines of all builds."""
    return msgspec.json.decode(FILE.read_bytes(), type=Baselines)


def store(baselines: Baselines) -> None:
    """Write the file."""
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(baselines, order="deterministic")) + b"\n")


def updated(baselines: Baselines, build: str, entries: Entries) -> Baselines:
    """Return the baselines with these entries in the place of a build's.

    Where a case has changed, what other builds took for it is of older code: it goes, and is missing until it is
    measured anew.
    """
    known = baselines.get(build, {})
    stale = {name for name in known if name not in entries or changes(known[name], entries[name])}
    others = {
        other: {name: entry for name, entry in cases.items() if name not in stale}
        for other, cases in baselines.items()
        if other != build
    }
    return {**others, build: entries}


def changes(before: Instructions, now: Instructions) -> list[str]:
    """Return what is more, or less, by over 5 %, as texts: what became less deserves a new baseline, too.

    What others take is looked at alone: of the quick form it is the lesser part of all.
    """
    return [
        f"{name} {new}, not {old}"
        for name, old, new in (
            ("own", before.own, now.own),
            ("calls", before.calls, now.calls),
            ("of others", before.total - before.own, now.total - now.own),
        )
        if abs(new - old) > TOLERANCE * old
    ]
