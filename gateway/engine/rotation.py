"""A client that changes its shared secret, and has two of them meanwhile: which one was a packet sent with?

That is decided once, at the door. Each secret has a `Nas` of its own, and whatever follows knows one secret as ever:
the password is opened, and the reply signed, with the one that has proven itself. A client of one secret never comes
here: `NasTable.find` finds it, and no other.

Message-Authenticator proves a secret, and so does the authenticator of accounting. An unsigned Access-Request has
nothing but its password, and the password has to prove the secret anyway, as its mode reads it: what another secret
makes of one is a passcode or the name of a factor less often than once in 100 million times, and anything else that is
taken less often than once in some 65,000 times. So a factor goes before all else, and of two that prove alike the
secret that the address has proven last. That one it is, too, where nothing proves any: an unsigned CHAP or MS-CHAP
depends on no secret, and what neither secret opens is refused.
"""

from typing import Final

from gateway.engine.authenticity import refuse_accounting, refuse_packet, refuse_signature
from gateway.engine.modes.asked import Asked
from gateway.engine.nas import Nas, TwoSecrets
from gateway.engine.sender import Sender
from gateway.radius.dictionary import ACCESS_REQUEST, ACCOUNTING_REQUEST
from gateway.radius.packet import Packet
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import SecretUses

_MAX_REMEMBERED_SOURCES: Final = 65_536


class Rotation(TwoSecrets):
    """One client, with each of its secrets; `uses` counts who uses which."""

    __slots__ = ("_both", "_last", "_uses")

    def __init__(self, present: Nas, next_secret: SharedSecret, uses: SecretUses) -> None:
        super().__init__(present, next_secret)
        self._both = (self.present, self.next)
        self._uses = uses
        self._last: dict[str, Nas] = {}  # by address

    def sender_of(self, packet: Packet, source: str, now: float) -> Nas:
        """Return the client with the secret that a packet was sent with; a packet that proves none is not noted."""
        found = self._proven_by(packet, source)
        if found is None:
            return self._last.get(source, self.present)
        self._uses.used(source, found is self.next, now)
        if self._last.get(source) is not found and (len(self._last) < _MAX_REMEMBERED_SOURCES or source in self._last):
            self._last[source] = found
        return found

    def _proven_by(self, packet: Packet, source: str) -> Nas | None:
        if packet.code == ACCESS_REQUEST and not packet.signed_at:
            return self._explains_password(packet, source)
        refuse = refuse_accounting if packet.code == ACCOUNTING_REQUEST else refuse_signature
        for nas in self._both:
            if refuse(packet, nas) is None:
                return nas
        return None

    def _explains_password(self, packet: Packet, source: str) -> Nas | None:
        if refuse_packet(packet, self.present, source) is not None:  # it must not be read, with whatever secret
            return None
        last = self._last.get(source, self.present)
        other = self.next if last is self.present else self.present
        of_last, of_other = _weight(packet, last, source), _weight(packet, other, source)
        if of_other > of_last:
            return other
        return last if of_last else None


def _weight(packet: Packet, nas: Nas, source: str) -> int:
    """Return how well the password of an unsigned request proves a client's secret, as its mode sees it; 0 for not at
    all.
    """
    stranger = Sender(nas.shared_secret)  # nobody has proven it: what is known of it then, this packet has told
    found = nas.section.mode.read(packet, stranger, source)
    if not stranger.is_proven(source):
        return 0
    if not isinstance(found, Asked):
        return 1
    return 2 if found.factor is None else 3
