"""Finds the logins that workers have written into their ledgers, and keeps them."""

import contextlib
import logging
import os
from typing import NamedTuple

from gateway.console.kept import KeptLogins, RecentLogin
from gateway.ipc.ledger import Ledger, LoginRing

log = logging.getLogger("gateway.console")

FORGET_AFTER_S = 10.0  # without a ledger among those that are there


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


class _Followed(NamedTuple):
    """A ledger's rings, and when it was last among those that are there."""

    sources: list[_Source]
    named_at: float


class RecentLogins:
    """Reads the ledgers of all workers and generations.

    Attributes:
        kept: what was found there, also in ledgers that are gone.
    """

    def __init__(self) -> None:
        self.kept = KeptLogins()
        self._followed: dict[int, _Followed] = {}

    def follow(self, ledgers: list[int], now: float) -> None:
        """Read these ledgers from now on: descriptors, which are taken over.

        One that is not among them is read for a while yet. It may be among the next, and would be read from its
        beginning again.
        """
        try:
            for descriptor in ledgers:
                self._follow(descriptor, now)
        finally:
            for descriptor in ledgers:
                os.close(descriptor)
        self.look()
        self._followed = {
            inode: each for inode, each in self._followed.items() if now - each.named_at <= FORGET_AFTER_S
        }

    def _follow(self, descriptor: int, now: float) -> None:
        """Read a ledger; if no descriptor is left to map it, the next answer brings it again."""
        inode = os.fstat(descriptor).st_ino
        known = self._followed.get(inode)
        with contextlib.suppress(OSError):
            self._followed[inode] = _Followed(known.sources if known else _sources_of(descriptor), now)

    def look(self) -> None:
        """Take up what workers have written since."""
        found = [each for known in self._followed.values() for source in known.sources for each in source.news()]
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
