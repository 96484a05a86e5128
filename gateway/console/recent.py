"""Finds the logins that workers have written into their ledgers, and keeps them."""

import contextlib
import logging
import os

from gateway.console.kept import KeptLogins, RecentLogin
from gateway.ipc.ledger import Ledger, LoginRing

log = logging.getLogger("gateway.console")


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
        try:
            named = {os.fstat(descriptor).st_ino: descriptor for descriptor in ledgers}
            for inode in named.keys() - self._sources.keys():
                self._begin(inode, named[inode])
        finally:
            for descriptor in ledgers:
                os.close(descriptor)
        self.look()
        for inode in self._sources.keys() - named.keys():
            del self._sources[inode]

    def _begin(self, inode: int, descriptor: int) -> None:
        """Read a ledger from its beginning; if no descriptor is left to map it, the next answer brings it again."""
        with contextlib.suppress(OSError):
            self._sources[inode] = _sources_of(descriptor)

    def look(self) -> None:
        """Take up what workers have written since."""
        found = [each for sources in self._sources.values() for source in sources for each in source.news()]
        self.kept.add(sorted(found, key=lambda each: each.record.at))


def _sources_of(descriptor: int) -> list[_Source]:
    """Return the rings of a ledger; none where it is another version's.

    Raises:
        OSError: it cannot be mapped.
    """
    try:
        ledger = Ledger(descriptor)
    except ValueError:
        log.warning("The last logins of some workers are not listed: they are of another version")
        return []
    return [_Source(slot, ledger.ring(slot)) for slot in range(ledger.n_slots)]
