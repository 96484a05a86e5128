"""The last logins of all workers, gathered from their ledgers."""

import os
from collections import deque
from itertools import islice
from typing import NamedTuple

from gateway.ipc.ledger import FinishedLogin, Ledger, LoginRing

N_SHOWN = 200


class RecentLogin(NamedTuple):
    """A login and the worker that had it."""

    slot: int
    record: FinishedLogin


class _Source:
    """A worker's ring, and how far it has been read."""

    def __init__(self, slot: int, ring: LoginRing) -> None:
        self._slot = slot
        self._ring = ring
        self._last = 0

    def news(self) -> list[RecentLogin]:
        written = self._ring.read(self._last)
        if written:
            self._last = written[-1].number
        return [RecentLogin(self._slot, each.record) for each in written]


class RecentLogins:
    """The last logins, numbered from 1 on in the order in which they were found."""

    def __init__(self) -> None:
        self.n_found = 0
        self._logins: deque[RecentLogin] = deque(maxlen=N_SHOWN)
        self._sources: dict[int, list[_Source]] = {}

    def follow(self, ledgers: list[int]) -> None:
        """Read these ledgers from now on: descriptors, which are taken over.

        One that is not among them any more is read once more, and forgotten.
        """
        known = self._sources
        named = {os.fstat(descriptor).st_ino: descriptor for descriptor in ledgers}
        for inode, descriptor in named.items():
            if inode not in known:
                ledger = Ledger(descriptor)
                known[inode] = [_Source(slot, ledger.ring(slot)) for slot in range(ledger.n_slots)]
        for descriptor in ledgers:
            os.close(descriptor)
        self.look()
        for inode in known.keys() - named.keys():
            del known[inode]

    def look(self) -> None:
        """Take up what workers have written since."""
        found = [each for sources in self._sources.values() for source in sources for each in source.news()]
        self._logins.extend(sorted(found, key=lambda each: each.record.at))
        self.n_found += len(found)

    def after(self, number: int) -> list[RecentLogin]:
        """Return the logins behind this number that are still known."""
        n_new = min(max(self.n_found - number, 0), len(self._logins))
        return list(islice(self._logins, len(self._logins) - n_new, None))
