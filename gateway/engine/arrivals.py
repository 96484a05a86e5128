"""What becomes of a request that is believed and new: it joins the same login, begins one, or is refused a place."""

from gateway.engine.conduct import Conduct
from gateway.engine.digests import login_key
from gateway.engine.discarding import Discards
from gateway.engine.duplicates import DuplicateCache
from gateway.engine.effects import Finished, Outbox, SendReply
from gateway.engine.intake import Requests
from gateway.engine.keeping import Keeping
from gateway.engine.login import Login
from gateway.engine.modes.asked import Asked
from gateway.engine.modes.reading import shown_user_name
from gateway.engine.outages import Outages
from gateway.engine.pending import PendingLogin, PendingLogins
from gateway.engine.person import account_of, person_key
from gateway.engine.replying import Replies
from gateway.engine.same_logins import SameLogins
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict, rejection
from gateway.radius.discards import DiscardReason
from gateway.words.reasons import Reason


class Arrivals(Requests):
    """Takes the requests that are believed and new."""

    __slots__ = (
        "_conduct",
        "_discards",
        "_duplicates",
        "_keeping",
        "_outages",
        "_outbox",
        "_pending",
        "_replies",
        "_same",
    )

    def __init__(
        self,
        pending: PendingLogins,
        same: SameLogins,
        duplicates: DuplicateCache,
        outages: Outages,
        keeping: Keeping,
        conduct: Conduct,
        replies: Replies,
        discards: Discards,
        outbox: Outbox,
    ) -> None:
        self._pending = pending
        self._same = same
        self._duplicates = duplicates
        self._outages = outages
        self._keeping = keeping
        self._conduct = conduct
        self._replies = replies
        self._discards = discards
        self._outbox = outbox

    def login_asked(self, transaction: Transaction, asked: Asked, now: float) -> None:
        """Join the same login if it is pending, else begin one, if there is a place for it."""
        section = transaction.nas.section
        account = account_of(asked.user_name)
        key = login_key(
            section.name,
            account,
            asked.meaning,
            asked.ipaddr,
            transaction.packet.attributes_of(section.session_attributes),
        )
        known_as = self._same.known_as(key)
        same = self._pending.same(known_as) if section.coalesce else None
        if same is not None:
            self._join(same, transaction)
            return
        if section.policy.application in self._outages.isolated:
            self._discards.discard(DiscardReason.ISOLATED, transaction.peer, transaction.nas, now)
            return
        held_back = self._same.rejection(known_as)
        if held_back is not None:
            self._join_rejection(held_back, transaction, now)
            return
        person = person_key(section.name, account)
        n_of_person = self._pending.of_person(person)
        holder = self._pending.places.asking(section.name, transaction.nas.name, transaction.peer.address[0], now)
        if not self._pending.places.may_have(holder, n_of_person, now):
            self._discards.discard(DiscardReason.OVERLOAD, transaction.peer, transaction.nas, now)
        elif 0 < section.max_pending_per_user <= n_of_person:
            self._take_up(transaction)
            verdict = rejection(Reason.TOO_MANY_PENDING)
            verdict.attributes = asked.primary.refusal if asked.primary is not None else b""
            self._refuse(transaction, asked.user_name, verdict, now)
        else:
            login = Login(section.policy, asked.user_name, asked.ipaddr)
            step = section.mode.begin(login, asked, now)
            number, bucket = self._pending.next_number(), transaction.peer.bucket
            pending = PendingLogin(number, login, section, key, bucket, now, person)
            self._take_up(transaction)
            pending.join(transaction)
            self._pending.add(pending, holder)
            self._conduct.begin(pending, step, now)

    def refused(self, transaction: Transaction, verdict: Verdict, now: float) -> None:
        """Reject a request that its mode cannot read.

        One that is not signed anybody may have sent, so nothing of it is kept: no place in the cache, no delay, no
        record. It is answered at once, its retransmission anew with the same octets, and of many few have a line.
        """
        user_name = shown_user_name(transaction.packet)
        if transaction.packet.signed_at:
            self._take_up(transaction)
            self._refuse(transaction, user_name, verdict, now)
            return
        transaction.nas.section.counters.refused(verdict.reason)
        self._outbox.add(SendReply(transaction.encode(verdict), transaction.peer))
        if self._discards.refusal_has_line(transaction.nas, transaction.peer, now):
            self._tell_refusal(transaction, user_name, verdict)

    def _take_up(self, transaction: Transaction) -> None:
        """Put a new request into the cache; one that loses its Identifier to it is answered no more."""
        older = self._duplicates.add(transaction)
        if older is not None and isinstance(older.pending, PendingLogin):
            older.pending.leave(older)
            self._keeping.keep_again(older.pending)

    def _join(self, same: PendingLogin, transaction: Transaction) -> None:
        """Let a packet wait for a pending login; the newest may always, the oldest then no more."""
        self._take_up(transaction)
        oldest = same.join(transaction)
        if oldest is not None:
            self._duplicates.forget(oldest)
        transaction.nas.section.counters.coalesced()
        self._keeping.keep_again(same)

    def _join_rejection(self, held_back: tuple[Verdict, float], transaction: Transaction, now: float) -> None:
        """Let a packet have the rejection that its login is about to get, at the same time."""
        verdict, due = held_back
        self._take_up(transaction)
        transaction.nas.section.counters.coalesced()
        self._replies.reply(transaction, verdict, now, due)

    def _refuse(self, transaction: Transaction, user_name: str, verdict: Verdict, now: float) -> None:
        """Reject a request that never became a login."""
        transaction.nas.section.counters.refused(verdict.reason)
        self._replies.reply(transaction, verdict, now)
        self._tell_refusal(transaction, user_name, verdict)

    def _tell_refusal(self, transaction: Transaction, user_name: str, verdict: Verdict) -> None:
        identifier, section = transaction.packet.identifier, transaction.nas.section.name
        self._outbox.add(Finished(transaction.peer, identifier, user_name, section, verdict, "", 0.0, 1))
