"""How a login ends: everyone who waits is answered, and it is told of; or it is forgotten, and may begin anew."""

from collections.abc import Sequence
from typing import Final

from gateway.engine.duplicates import DuplicateCache
from gateway.engine.effects import Finished, Outbox
from gateway.engine.keeping import Keeping
from gateway.engine.pending import PendingLogin, PendingLogins
from gateway.engine.primary import Primary
from gateway.engine.replying import Replies, due_at, is_delayed
from gateway.engine.same_logins import SameLogins
from gateway.engine.timers import Timers
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import CHALLENGE, Verdict, rejection
from gateway.words.reasons import Reason

_NOBODY: Final[Sequence[Transaction]] = ()


class Endings:
    """Ends logins."""

    __slots__ = ("_duplicates", "_keeping", "_outbox", "_pending", "_replies", "_same", "_timers")

    def __init__(
        self,
        pending: PendingLogins,
        same: SameLogins,
        duplicates: DuplicateCache,
        replies: Replies,
        keeping: Keeping,
        timers: Timers,
        outbox: Outbox,
    ) -> None:
        self._pending = pending
        self._same = same
        self._duplicates = duplicates
        self._replies = replies
        self._keeping = keeping
        self._timers = timers
        self._outbox = outbox

    def finish(self, pending: PendingLogin, verdict: Verdict, now: float) -> None:
        """Answer everyone who waits, and tell of it."""
        login = pending.login
        primary = login.primary
        if primary is not None:
            verdict = _said(primary, verdict, pending.transactions)
        n_packets = self._answer(pending, verdict, now)
        duration_s = now - pending.started_at
        pending.section.counters.finished(verdict.reason, duration_s, max(0.0, duration_s - pending.duo_s))
        peer = pending.last_peer
        if peer is None:  # a login of another worker's whose last packet was superseded there
            return
        if primary is not None and primary.speaks_eap and verdict.outcome is CHALLENGE:
            return  # a round of many: the last one has the line
        self._outbox.add(
            Finished(
                peer,
                pending.last_identifier,
                login.user_name,
                pending.section.name,
                verdict,
                login.factor or "",
                duration_s,
                n_packets,
                pending.duo_s,
                login.other_host,
                primary.told if primary is not None else None,
            )
        )

    def finish_elsewhere(self, pending: PendingLogin, verdict: Verdict, now: float) -> None:
        """Answer everyone who waits here for a login that another worker has finished, and told of."""
        pending.login.decided_elsewhere()
        self._answer(pending, verdict, now)
        pending.section.counters.left()

    def abandon(self, pending: PendingLogin) -> None:
        """Forget a login that Duo has not acted on: a retransmission begins it anew."""
        for transaction in pending.transactions:
            self._duplicates.forget(transaction)
        pending.login.decided_elsewhere()  # or will be: its timers and late answers mean nothing any more
        pending.section.counters.left()
        self._remove(pending, None, _NOBODY)

    def _answer(self, pending: PendingLogin, verdict: Verdict, now: float) -> int:
        """Answer everyone who waits, newest packet first: it is the one that the NAS is most likely to wait for.

        Return how many there were.
        """
        transactions, pending.transactions = pending.transactions, []
        if pending.let_go is not None:
            for key, digest in pending.let_go:
                self._duplicates.silence(key, digest, now)
        if transactions and is_delayed(verdict):
            self._hold_back(pending, verdict, transactions[-1], now)
        for transaction in reversed(transactions):
            transaction.pending = None
            self._replies.reply(transaction, verdict, now)
        self._remove(pending, verdict, transactions)
        return len(transactions)

    def _hold_back(self, pending: PendingLogin, verdict: Verdict, newest: Transaction, now: float) -> None:
        """Let the login be known until its newest packet has its rejection: who asks again must not be counted again.

        Clients with little patience ask from a new port before they can have heard. Only a rejection can be joined:
        what was approved lets nobody else in.
        """
        until = due_at(newest)
        if until > now and pending.section.coalesce:
            self._same.hold_back(pending.key, verdict, until)
            self._timers.at(until, self._same.rejection_left, pending.key)

    def _remove(self, pending: PendingLogin, verdict: Verdict | None, answered: Sequence[Transaction]) -> None:
        self._pending.remove(pending)
        self._same.ended(pending.key)
        self._keeping.forget(pending, verdict, answered)


def _said(primary: Primary, verdict: Verdict, transactions: Sequence[Transaction]) -> Verdict:
    """Return the verdict that the newest packet can be told, for which the NAS waits: this one, if all of it fits."""
    if not transactions or transactions[-1].can_say(verdict):
        return verdict
    failure = rejection(Reason.REPLY_TOO_LONG)
    primary.ends(failure)
    return failure
