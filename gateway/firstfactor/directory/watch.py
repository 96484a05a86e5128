"""Which hosts answer: one that fails rests, and is looked at afterwards until it is back; what changes is told once."""

from typing import Final

from gateway.firstfactor.directory.host import Host
from gateway.firstfactor.directory.searches import Searches
from gateway.firstfactor.directory.switchboard import Switchboard
from gateway.firstfactor.host_states import HEARD, SILENT, UP
from gateway.unavailable import Trouble

REST_S: Final = 60.0
PROBE_INTERVAL_S: Final = 10.0


class Watch:
    """Looks after the hosts of one section."""

    def __init__(self, board: Switchboard, searches: Searches) -> None:
        self._board = board
        self._searches = searches

    def searched(self, host: Host, now: float) -> None:
        """Note that a host searches: before its rest is over that alone does not bring it back, its binds may fail."""
        host.heard_at = now
        if now >= host.rest_until:
            self.is_back(host, now)

    def is_back(self, host: Host, now: float) -> None:
        """Note that a host does what it is for."""
        host.heard_at = now
        if host.state is not UP:
            host.rest_until = now
            host.move(HEARD)
            self._board.tell(host)

    def failed(self, host: Host, text: str, trouble: Trouble, now: float) -> None:
        """Note that it does not, and let it rest."""
        host.failed(now, text, trouble)
        was_up = host.state is UP
        host.move(SILENT)
        if was_up:
            self._board.tell(host)
            host.rest_until = now + REST_S
            if not host.is_watched:
                host.is_watched = True
                self._board.timers.at(host.rest_until, self._look, host)

    def _look(self, host: Host, now: float) -> None:
        """See whether a host is back that rests no more, until it is."""
        if host.state is UP:
            host.is_watched = False
        elif now < host.rest_until:
            self._board.timers.at(host.rest_until, self._look, host)
        else:
            if host.is_barred(now) and host.trouble is not None:
                host.failed(now, host.complaint, host.trouble)  # still, though nobody tries
            self._searches.look(host, now)
            self._board.timers.at(now + PROBE_INTERVAL_S, self._look, host)
