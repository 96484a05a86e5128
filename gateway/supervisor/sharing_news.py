"""What the log says of whether logins are shared: each reason why not once, and once that they are again."""

import logging
import re
from typing import Final

from gateway.supervisor.sharing import Sharing

log = logging.getLogger("gateway.fleet")

STEADY_S: Final = 5.0
"""They are shared again once they have been for so long: at its limits a store comes and goes many times a minute."""
_MAX_TOLD: Final = 16  # reasons until they are shared again
_WAITED: Final = re.compile(r" within [0-9.]+ s\b")  # what name servers leave of the time: another one each time


class SharingNews:
    """What has been said; instants are monotonic seconds."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._is_told_shared = False
        self._shared_since: float | None = None

    def tell(self, sharing: Sharing, now: float) -> None:
        """Say what is new."""
        if sharing.why_not:
            self._shared_since = None
            self._tell_trouble(sharing)
        elif not self._is_told_shared:
            self._tell_return(now)

    def _tell_trouble(self, sharing: Sharing) -> None:
        reason = _WAITED.sub("", sharing.why_not).partition(" (")[0]  # the store says one thing in more than one way
        if reason in self._told or len(self._told) >= _MAX_TOLD:
            return
        self._told.add(reason)
        self._is_told_shared = False
        if sharing.n_alone:
            log.warning("Logins are not shared by %s; these workers decide alone", sharing.detail)
        else:
            log.warning("The fleet's store cannot be used: %s; this host decides alone", sharing.detail)

    def _tell_return(self, now: float) -> None:
        if self._shared_since is None:
            self._shared_since = now
        if not self._told or now - self._shared_since >= STEADY_S:
            log.info("The fleet's store is there; logins are shared with other hosts")
            self._is_told_shared = True
            self._told.clear()
