"""Finds the logins that workers have written into their ledgers, and keeps them."""

import os

from gateway.console.kept import KeptLogins, RecentLogin
from gateway.ipc.ledger import Ledger, LoginRing


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
    """Reads the ledgers of all workers and generations.

    Attributes:
        kept: what was found there, also in ledgers that are gone.
    """

    def __init__(self) -> None:
        self.kept = KeptLogins()
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
        self.kept.add(sorted(found, key=lambda each: each.record.at))
