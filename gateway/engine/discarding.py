"""What gets no answer is counted, and told of where it is time to."""

from gateway.engine.discard_notices import DiscardNotices
from gateway.engine.effects import Outbox
from gateway.engine.nas import Nas, NasTable
from gateway.engine.peer import Peer
from gateway.engine.places import Places
from gateway.radius.discards import DiscardReason


class Discards:
    """Takes note of datagrams that are worth a number, and perhaps a line."""

    __slots__ = ("_notices", "_outbox", "_places", "_tables")

    def __init__(self, tables: list[NasTable], places: Places, outbox: Outbox) -> None:
        """Take the clients of each listening address; `places` tells who has most of them when there is none left."""
        self._tables = tables
        self._places = places
        self._outbox = outbox
        self._notices = DiscardNotices()

    def discard(self, reason: DiscardReason, peer: Peer, nas: Nas | None, now: float) -> None:
        """Count a datagram that gets no answer, and tell of it, if it is time to."""
        section = nas.section if nas is not None else self._tables[peer.listener].sections[0]
        section.counters.discarded(reason)
        notice = self._notices.discarded(reason, peer.address[0], peer.listener, nas, now)
        if notice is not None:
            if reason is DiscardReason.OVERLOAD:
                notice.detail = self._places.greatest
            self._outbox.add(notice)

    def note_other_credentials(self, nas: Nas, peer: Peer, now: float) -> None:
        """Tell of a request that was rejected for want of a PAP password, if it is time to."""
        choose = self._notices.other_credentials(nas, peer.address[0], now)
        if choose is not None:
            self._outbox.add(choose)

    def refusal_has_line(self, nas: Nas, peer: Peer, now: float) -> bool:
        """Whether one more rejection of an unsigned request has a line of its own; tell of those that had none."""
        if not nas.refusals.may_have_one(now):
            return False
        left_out = self._notices.refusals_left_out(nas, peer.address[0])
        if left_out is not None:
            self._outbox.add(left_out)
        return True

    def note_unsigned(self, nas: Nas, peer: Peer, now: float) -> None:
        """Count a request without Message-Authenticator that was taken, and tell of it, if it is time to."""
        nas.section.counters.unsigned()
        unsigned = self._notices.unsigned(nas, peer.address[0], now)
        if unsigned is not None:
            self._outbox.add(unsigned)
