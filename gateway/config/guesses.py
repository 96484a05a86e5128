"""What stands behind a key that was guessed: no problem shows it, for it may be anything, a secret too."""

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from gateway.config.ini import Entry, IniSection
from gateway.config.problems import Problem
from gateway.config.values import quoted

_STAND_IN = "what stands there"
_QUOTED = re.compile(r"(?<!\w)'.*?'(?!\w)")
_SHORTEST_BARE = 4  # characters: what is shorter is part of any text


def without_guessed(problems: Iterable[Problem], sections: Iterable[IniSection]) -> Iterator[Problem]:
    """Yield the problems of values, without the value where its key was guessed."""
    entries = (entry for section in sections for entry in section.entries.values() if entry.is_guessed)
    guessed = {entry.place: entry for entry in entries}
    for problem in problems:
        entry = guessed.get(problem.place)
        yield replace(problem, text=_without(problem.text, entry)) if entry is not None else problem


def _without(text: str, entry: Entry) -> str:
    text = _QUOTED.sub(_STAND_IN, text.replace(quoted(entry.value), _STAND_IN))
    if not _SHORTEST_BARE <= len(entry.value) <= len(text):
        return text
    return re.sub(rf"\S*(?<!\w){re.escape(entry.value)}(?!\w)", _STAND_IN, text, flags=re.IGNORECASE)
