"""Logins that another worker began, and replies that it sent: what they come to here.

While the other one waits for Duo's answer, so do the packets that join here. Once it is gone, the login goes on here.
"""

from gateway.engine.conduct import Conduct
from gateway.engine.duplicates import DuplicateCache, SentReply
from gateway.engine.effects import KeepReply, Outbox
from gateway.engine.endings import Endings
from gateway.engine.keeping import Keeping
from gateway.engine.login_states import ELSEWHERE
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin, PendingLogins
from gateway.engine.records import LoginRecord
from gateway.engine.same_logins import SameLogins
from gateway.engine.verdict import Verdict


class Succession:
    """Takes up what predecessors leave."""

    __slots__ = ("_conduct", "_duplicates", "_endings", "_keeping", "_outbox", "_pending", "_same")

    def __init__(
        self,
        pending: PendingLogins,
        same: SameLogins,
        duplicates: DuplicateCache,
        keeping: Keeping,
        conduct: Conduct,
        endings: Endings,
        outbox: Outbox,
    ) -> None:
        self._pending = pending
        self._same = same
        self._duplicates = duplicates
        self._keeping = keeping
        self._conduct = conduct
        self._endings = endings
        self._outbox = outbox

    def adopt(self, pending: PendingLogin) -> None:
        """Take up a login that another worker began, and waits for Duo's answer to.

        Packets whose replies are known wait no more: the login had its verdict, and only its end was not written down.
        If none waits it is forgotten, unless other hosts are to hear what became of it.
        """
        waiting = [each for each in pending.transactions if not self._duplicates.has_reply(each)]
        if pending.transactions and not waiting:
            pending.last_peer = None  # it was told of when it was answered
            if pending.login.held is None:
                pending.login.decided_elsewhere()
                return
        pending.transactions = waiting
        pending.digest = pending.key
        self._same.adopt(pending.key)
        client = pending.transactions[-1].nas.name if pending.transactions else ""
        address = pending.last_peer.address[0] if pending.last_peer is not None else ""
        self._pending.add(
            pending, self._pending.places.asking(pending.section.name, client, address, pending.started_at)
        )
        for transaction in pending.transactions:
            self._duplicates.add(transaction)
        self._keeping.keep(pending)

    def adopt_reply(self, sent: SentReply, peer: Peer, now: float) -> None:
        """Take up a reply that another worker sent to this peer."""
        ours = self._duplicates.adopt(sent, now)
        if ours is not None and isinstance(ours.pending, PendingLogin):
            ours.pending.leave(ours)
        self._outbox.add(KeepReply(sent, peer))

    def heard_elsewhere(self, pending: PendingLogin, record: LoginRecord) -> None:
        """Take note of how far the other worker is with an adopted login."""
        if pending.login.state is ELSEWHERE:
            pending.login.heard_elsewhere(record)
            self._keeping.keep(pending)

    def decided_elsewhere(self, pending: PendingLogin, verdict: Verdict | None, now: float) -> None:
        """Answer what has joined an adopted login, with the verdict of the worker that waited for Duo's answer."""
        if pending.login.state is ELSEWHERE and verdict is not None:
            self._endings.finish_elsewhere(pending, verdict, now)
        elif pending.login.state is ELSEWHERE:
            self._endings.abandon(pending)

    def left_alone(self, pending: PendingLogin, at: float, now: float) -> None:
        """Go on with an adopted login at an instant: the worker that waited for Duo's answer is gone."""
        if pending.login.state is ELSEWHERE:
            pending.elsewhere = None
            pending.duo_s = now - pending.started_at  # how much of it was the other worker's, nobody can tell
            step = pending.login.resume(at, now)
            if step is not None:
                self._conduct.begin(pending, step, now)  # so far its deadline was the other worker's
            else:
                self._endings.abandon(pending)
