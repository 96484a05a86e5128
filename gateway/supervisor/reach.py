"""Which Duo applications other hosts reach, by their own words. Pure; instants are monotonic seconds."""

from collections.abc import Iterable
from typing import Final

HOLD_S: Final = 10.0
"""For so long a host's last word counts. A store that restarts or fails over, a reload and an upgrade are over by then,
and nobody gets in by fail mode meanwhile; two hosts that believed each other for good would both be silent.
"""


class Reach:
    """What each host has said last. It may take that back at once; that nothing is heard of it says little."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[frozenset[str], float]] = {}

    def said(self, instance: str, applications: Iterable[str], now: float) -> None:
        """A host reaches these, and no others."""
        self._words = {each: word for each, word in self._words.items() if now - word[1] < HOLD_S}
        self._words[instance] = frozenset(applications), now

    def taken_back(self, instance: str) -> None:
        """A host is not to be relied on any more, by its own word."""
        self._words.pop(instance, None)

    def is_reached(self, application: str, now: float) -> bool:
        """Whether some host reaches this one."""
        return any(application in reached and now - at < HOLD_S for reached, at in self._words.values())
