"""What both simulated Duos count, and what somebody waits for who waits for counts. Pure: neither clock nor I/O."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

UNKNOWN = "unknown"  # a call that Duo does not have
CALLS = ("ping", "check", "preauth", "auth", "auth_status", UNKNOWN)
USUAL_WITHIN_S = 20.0
MOST_WITHIN_S = 600.0
LOOK_S = 0.005  # between two looks at the counts: what is counted need not know that somebody waits


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What has been since the start, or since the last reset, and what is right now.

    Attributes:
        n_calls: calls of any kind.
        calls: how many of each of `CALLS` there were, in either flavour of the API.
        pushes: pushes and phone calls that were begun.
        pending: those that nobody has decided.
        polls: requests that wait for a person.
        connections: of API clients, open.
        accepted: connections of API clients, ever; a reset does not touch it.
    """

    n_calls: int
    calls: Mapping[str, int]
    pushes: int
    pending: int
    polls: int
    connections: int
    accepted: int


_TOTALS = frozenset(Counts.__struct_fields__) - {"calls"}


class Wish(NamedTuple):
    """Which counts somebody waits for, a total or one of `CALLS` and how many at least, and for how many seconds."""

    at_least: Mapping[str, int]
    within_s: float

    def is_met_by(self, counts: Counts) -> bool:
        """Whether it has come to that."""
        return all(_count(counts, name) >= least for name, least in self.at_least.items())


def read_wish(query: Iterable[tuple[str, str]]) -> Wish:
    """Return the wish of a query, `pending=2&auth_status=1&within_s=5`; without `within_s` it is for 20 s.

    Raises:
        ValueError: a name that nothing has, or no number.
    """
    words = dict(query)
    within_s = float(words.pop("within_s", USUAL_WITHIN_S))
    if not 0 <= within_s <= MOST_WITHIN_S:
        raise ValueError(f"within_s: from 0 to {MOST_WITHIN_S:g}")
    for name in words:
        if name not in _TOTALS and name not in CALLS:
            raise ValueError(f"{name}: write {', '.join(sorted(_TOTALS))}, {', '.join(CALLS)} or within_s")
    return Wish({name: int(text) for name, text in words.items()}, within_s)


def _count(counts: Counts, name: str) -> int:
    return counts.calls.get(name, 0) if name in CALLS else int(getattr(counts, name))
