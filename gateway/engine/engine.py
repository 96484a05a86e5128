"""What happens to a worker, and what follows: a request joins a login or begins one, an answer of Duo moves it on, and
once it is decided everyone who waits is answered.

The engine is told what happened and when, and returns what to do about it.
"""

from collections.abc import Sequence
from typing import Final

from gateway.engine.asking import Answer
from gateway.engine.digests import Digests, login_key
from gateway.engine.duplicates import DuplicateCache, SentReply
from gateway.engine.effects import (
    Effect,
    Finished,
    ForgetLogin,
    KeepLogin,
    KeepReply,
    Outbox,
    PutQuestion,
    ShareLogin,
    StopAsking,
)
from gateway.engine.intake import Intake, Requests
from gateway.engine.login import Login
from gateway.engine.login_among_hosts import displaced
from gateway.engine.login_states import CLAIMING, DECIDED, ELSEWHERE, FAIL_MODE_STATES, JOINED, WAITING
from gateway.engine.modes.mode import Asked
from gateway.engine.modes.reading import shown_user_name
from gateway.engine.nas import NasTable, count_addresses
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin, PendingLogins
from gateway.engine.person import account_of, person_key
from gateway.engine.places import Holder, Places
from gateway.engine.records import LoginRecord
from gateway.engine.replying import Replies, due_at, is_delayed
from gateway.engine.same_logins import SameLogins
from gateway.engine.sharing import FleetNames
from gateway.engine.steps import Ask, Hold, Step
from gateway.engine.timers import Timers
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict, rejection
from gateway.radius.discards import DiscardReason
from gateway.unavailable import Unavailable
from gateway.words.reasons import Reason

RESUME_PAUSE_S: Final = 0.002  # between questions about pushes that are asked anew: each may open a connection to Duo


class Engine(Requests):
    """All decisions of one worker.

    Every method for the world that takes `now`, a monotonic instant in seconds, returns the effects to perform, in
    order; `login_asked` and `refused` are for the intake. `next_timer` is the instant at which `timer` wants to be
    called.
    """

    def __init__(
        self,
        tables: list[NasTable],
        digests: Digests,
        *,
        max_pending: int,
        duplicate_window_s: float,
        max_replies: int,
        n_buckets: int = 1,
        names: FleetNames | None = None,
    ) -> None:
        """Take the clients of each listening address, in the order of the listeners' numbers; `n_buckets` sockets share
        each address. `names` are those for the fleet, if there is one.
        """
        self._digests = digests
        self._names = names
        self._n_numbers = 0
        self._outages: dict[str, Unavailable] = {}
        self._trials: set[str] = set()
        self._hands_over = False
        self._places = Places(max_pending, count_addresses(tables))
        self._duplicates = DuplicateCache(duplicate_window_s, max_replies)
        self._pending = PendingLogins()
        self._same = SameLogins(digests, self._pending)
        self._timers = Timers()
        self._outbox = Outbox()
        self._replies = Replies(self._duplicates, self._timers, self._outbox)
        self._intake = Intake(tables, n_buckets, digests, self._duplicates, self._places, self._outbox, self)

    @property
    def n_pending(self) -> int:
        """How many logins are under way."""
        return len(self._pending)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked has been answered."""
        return not self._pending and not self._replies.n_late

    @property
    def is_left_to_people(self) -> bool:
        """Whether nothing is under way but logins that wait for a person: what becomes of those can be asked later."""
        brief = (each for each in self._pending if each.login.state in FAIL_MODE_STATES or each.login.state is CLAIMING)
        return not self._replies.n_late and not any(brief)

    @property
    def next_timer(self) -> float | None:
        """When `timer` must be called next; None for not at all."""
        return self._timers.next

    def datagram_received(self, datagram: bytes, peer: Peer, now: float) -> list[Effect]:
        """Decide about octets from the network: anything at all."""
        self._intake.received(datagram, peer, now)
        return self._outbox.take()

    def login_asked(self, transaction: Transaction, asked: Asked, now: float) -> None:
        """Join the same login if it is pending, else begin one, if there is a place for it; the outbox has the rest."""
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
        if self._intake.isolated and self._intake.is_isolated(transaction.nas):
            self._intake.discard(DiscardReason.ISOLATED, transaction.peer, transaction.nas, now)
            return
        held_back = self._same.rejection(known_as)
        if held_back is not None:
            self._join_rejection(held_back, transaction, now)
            return
        person = person_key(section.name, account)
        n_of_person = self._pending.of_person(person)
        holder = self._places.asking(section.name, transaction.nas.name, transaction.peer.address[0], now)
        if not self._places.may_have(holder, n_of_person, now):
            self._intake.discard(DiscardReason.OVERLOAD, transaction.peer, transaction.nas, now)
        elif 0 < section.max_pending_per_user <= n_of_person:
            self._take_up(transaction)
            self._refuse(transaction, asked.user_name, rejection(Reason.TOO_MANY_PENDING), now)
        else:
            login = Login(section.policy, asked.user_name, asked.ipaddr)
            step = section.mode.begin(login, asked, now)
            bucket = transaction.peer.bucket
            self._n_numbers += 1
            pending = PendingLogin(self._n_numbers, login, section, key, bucket, now, person)
            self._take_up(transaction)
            pending.join(transaction)
            self._add(pending, holder)
            self._arm_deadline(pending)
            self._proceed(pending, step, now)

    def refused(self, transaction: Transaction, verdict: Verdict, now: float) -> None:
        """Reject a request that its mode cannot read; the outbox has what follows."""
        self._take_up(transaction)
        self._refuse(transaction, shown_user_name(transaction.packet), verdict, now)

    def answered(self, pending: PendingLogin, answer: Answer, now: float) -> list[Effect]:
        """Take the answer to the login's last question."""
        if pending.login.state is not DECIDED:
            self._proceed(pending, pending.login.answered(answer, now), now)
        return self._outbox.take()

    def unavailable(self, pending: PendingLogin, error: Unavailable, now: float) -> list[Effect]:
        """Take note that nobody answered the login's last question."""
        if pending.login.state is not DECIDED:
            self._proceed(pending, pending.login.unavailable(error, now), now)
        return self._outbox.take()

    def failed(self, pending: PendingLogin, now: float) -> list[Effect]:
        """End a login that met an internal error: rejected, and the worker goes on."""
        if pending.login.state is not DECIDED:
            self._finish(pending, rejection(Reason.INTERNAL_ERROR), now)
        return self._outbox.take()

    def outage(self, application: str, error: Unavailable | None, now: float) -> list[Effect]:
        """Let fail mode decide about an application's logins from now on, or, with None, no more.

        Logins that wait for a brief answer are decided too; a push that is out is waited for.
        """
        self._trials.discard(application)
        logins = [pending for pending in self._pending if pending.login.policy.application == application]
        if error is not None:
            self._outages[application] = error
            self._give_up_waiting([each for each in logins if each.login.waits_briefly], error, now)
        elif self._outages.pop(application, None) is not None:
            self._ask_again([each for each in logins if each.login.state is WAITING], now)
        return self._outbox.take()

    def isolate(self, application: str, *, is_isolated: bool) -> None:
        """Be silent about new logins of an application that another host can reach, or, in time, no more.

        While it is in outage here, fail mode decides nothing: what waits for it is forgotten, and the NAS asks there.
        """
        if is_isolated:
            self._intake.isolated.add(application)
        else:
            self._intake.isolated.discard(application)

    def _give_up_waiting(self, logins: list[PendingLogin], error: Unavailable, now: float) -> None:
        for pending in logins:
            self._stop_asking(pending, now)
            if self._is_isolated(pending):
                self._abandon(pending)
                continue
            self._proceed(pending, pending.login.unavailable(error, now), now)

    def _ask_again(self, logins: list[PendingLogin], now: float) -> None:
        """Ask anew what became of pushes, a few at a time: Duo may have forgotten the question in its outage."""
        for index, pending in enumerate(logins):
            self._stop_asking(pending, now)
            self._proceed(pending, pending.login.ask_again(now + index * RESUME_PAUSE_S, now), now)

    def try_one(self, application: str) -> None:
        """Let one login of an application in outage ask Duo all the same."""
        self._trials.add(application)

    def adopt(self, pending: PendingLogin) -> list[Effect]:
        """Take up a login that another worker began, and waits for Duo's answer to."""
        pending.digest = pending.key
        self._same.adopt(pending.key)
        client = pending.transactions[-1].nas.name if pending.transactions else ""
        address = pending.last_peer.address[0] if pending.last_peer is not None else ""
        self._add(pending, self._places.asking(pending.section.name, client, address, pending.started_at))
        for transaction in pending.transactions:
            self._duplicates.add(transaction)
        self._keep(pending)
        return self._outbox.take()

    def adopt_reply(self, sent: SentReply, peer: Peer, now: float) -> list[Effect]:
        """Take up a reply that another worker sent to this peer."""
        ours = self._duplicates.adopt(sent, now)
        if ours is not None and isinstance(ours.pending, PendingLogin):
            ours.pending.leave(ours)
        self._outbox.add(KeepReply(sent, peer))
        return self._outbox.take()

    def left_alone(self, pending: PendingLogin, at: float, now: float) -> list[Effect]:
        """Go on with an adopted login at an instant: the worker that waited for Duo's answer is gone."""
        if pending.login.state is ELSEWHERE:
            pending.elsewhere = None
            pending.duo_s = now - pending.started_at  # how much of it was the other worker's, nobody can tell
            step = pending.login.resume(at, now)
            if step is not None:
                self._arm_deadline(pending)  # so far it was the other worker's
                self._proceed(pending, step, now)
            else:
                self._abandon(pending)
        return self._outbox.take()

    def heard_elsewhere(self, pending: PendingLogin, record: LoginRecord) -> list[Effect]:
        """Take note of how far the other worker is with an adopted login."""
        if pending.login.state is ELSEWHERE:
            pending.login.heard_elsewhere(record)
            self._keep(pending)
        return self._outbox.take()

    def decided_elsewhere(self, pending: PendingLogin, verdict: Verdict | None, now: float) -> list[Effect]:
        """Answer what has joined an adopted login, with the verdict of the worker that waited for Duo's answer."""
        if pending.login.state is ELSEWHERE and verdict is not None:
            pending.login.decided_elsewhere()
            self._end(pending, verdict, now)
            pending.section.counters.left()
        elif pending.login.state is ELSEWHERE:
            self._abandon(pending)
        return self._outbox.take()

    def displaced(self, pending: PendingLogin, now: float) -> list[Effect]:
        """Wait for another host's word of a login: it took this one for gone, and asks Duo what became of the push."""
        if pending.login.state is WAITING:
            self._stop_asking(pending, now)
            self._proceed(pending, displaced(pending.login, now), now)
        return self._outbox.take()

    def leave(self, now: float) -> list[Effect]:
        """Leave what is under way to other hosts: this one stops.

        A push that none of them knows of is waited for, and so is one whose name Duo has not told: it must not be
        begun again.
        """
        for pending in self._pending:
            login = pending.login
            can_go_on = bool(login.policy.fleet) and (bool(login.txid) or login.state is JOINED)
            if can_go_on or not login.has_pushed:
                self._stop_asking(pending, now)
                self._abandon(pending)
        return self._outbox.take()

    def hand_over(self) -> list[Effect]:
        """Keep all logins, whatever their state, from now on: another worker is to know of them."""
        self._hands_over = True
        for pending in self._pending:
            self._keep(pending)
        return self._outbox.take()

    def next_number(self) -> int:
        """Return a number for another login."""
        self._n_numbers += 1
        return self._n_numbers

    def timer(self, now: float) -> list[Effect]:
        """Do what has come due."""
        self._timers.run(now)
        return self._outbox.take()

    def _take_up(self, transaction: Transaction) -> None:
        """Put a new request into the cache; one that loses its Identifier to it is answered no more."""
        older = self._duplicates.add(transaction)
        if older is not None and isinstance(older.pending, PendingLogin):
            older.pending.leave(older)
            self._keep_again(older.pending)

    def _join(self, same: PendingLogin, transaction: Transaction) -> None:
        """Let a packet wait for a pending login; the newest may always, the oldest then no more."""
        self._take_up(transaction)
        oldest = same.join(transaction)
        if oldest is not None:
            self._duplicates.forget(oldest)
        transaction.nas.section.counters.coalesced()
        self._keep_again(same)

    def _hold_back(self, pending: PendingLogin, verdict: Verdict, newest: Transaction, now: float) -> None:
        """Let the login be known until its newest packet has its rejection: who asks again must not be counted again.

        Clients with little patience ask from a new port before they can have heard. Only a rejection can be joined:
        what was approved lets nobody else in.
        """
        until = due_at(newest)
        if until > now and pending.section.coalesce:
            self._same.hold_back(pending.key, verdict, until)
            self._timers.at(until, self._same.rejection_left, pending.key)

    def _join_rejection(self, held_back: tuple[Verdict, float], transaction: Transaction, now: float) -> None:
        """Let a packet have the rejection that its login is about to get, at the same time."""
        verdict, due = held_back
        self._take_up(transaction)
        transaction.nas.section.counters.coalesced()
        self._replies.reply(transaction, verdict, now, due)

    def _add(self, pending: PendingLogin, holder: Holder) -> None:
        """Take a login up."""
        self._pending.add(pending)
        self._places.take(holder)
        pending.holder = holder
        pending.section.counters.began()

    def _arm_deadline(self, pending: PendingLogin) -> None:
        deadline_s = pending.section.response_deadline_s
        if deadline_s:
            self._timers.at(pending.started_at + deadline_s, self._deadline, pending)

    def _proceed(self, pending: PendingLogin, step: Step, now: float) -> None:
        """Put the login's next question, hold it, or end it."""
        if isinstance(step, Ask):
            if self._outages and self._is_for_fail_mode(pending, step):
                if self._is_isolated(pending):
                    self._abandon(pending)
                    return
                self._proceed(pending, pending.login.unavailable(self._outages[step.to], now), now)
                return
            if self._names is not None and step.to == pending.login.policy.fleet:
                self._names.put_into(step.question, pending)
            self._keep(pending)  # what must not be asked twice
            pending.waits_since = now
            if step.at:  # the pause before it is a person's
                pending.duo_s += step.at - now
                pending.waits_since = step.at
            self._outbox.add(PutQuestion(pending, step.to, step.question, step.at))
        elif isinstance(step, Verdict):
            self._finish(pending, step, now)
        else:
            self._hold(pending, step, now)

    def _is_for_fail_mode(self, pending: PendingLogin, ask: Ask) -> bool:
        """Whether fail mode decides in place of a question that is about to be put.

        So it is while the Duo application that it is for is away, as long as nobody is pushed. One login is to try all
        the same, to its end. A question to anybody else is put: whether its answer lets the user in does not depend
        on Duo.
        """
        if ask.to not in self._outages or pending.is_trial or pending.login.state not in FAIL_MODE_STATES:
            return False
        if ask.to in self._trials:
            self._trials.discard(ask.to)
            pending.is_trial = True
            return False
        return True

    def _is_isolated(self, pending: PendingLogin) -> bool:
        return pending.login.policy.application in self._intake.isolated

    def _hold(self, pending: PendingLogin, hold: Hold, now: float) -> None:
        """Give a login up later, or now if it is known already that Duo is away."""
        self._keep(pending)
        pending.waits_since = now
        is_settled = pending.login.has_lost_answer and pending.login.policy.application in self._outages
        self._timers.at(now if is_settled else hold.until, self._give_up, pending)

    def _stop_asking(self, pending: PendingLogin, now: float) -> None:
        pending.waited(now)
        self._outbox.add(StopAsking(pending))

    def _give_up(self, pending: PendingLogin, now: float) -> None:
        if pending.login.state is not DECIDED:
            is_duo_away = pending.login.policy.application in self._outages and not self._is_isolated(pending)
            pending.waited(now)
            self._finish(pending, pending.login.give_up(is_duo_away), now)

    def _keep(self, pending: PendingLogin) -> None:
        """Keep a login that must not be asked for again, a claim to be given back, and whatever is handed over."""
        login = pending.login
        is_claim = login.held is not None and login.state in (CLAIMING, ELSEWHERE)
        if login.has_pushed or self._hands_over or is_claim:
            progress = (login.progress, login.txid)
            if pending.kept_as != progress:
                pending.kept_as = progress
                pending.digest = pending.digest or self._digests.login(pending.key)
                self._outbox.add(KeepLogin(pending))
                if login.held is not None and (login.txid or login.state is ELSEWHERE) and self._names is not None:
                    self._outbox.add(ShareLogin(pending))

    def _keep_again(self, pending: PendingLogin) -> None:
        """Keep a login whose packets have changed."""
        if pending.kept_as is not None:
            self._outbox.add(KeepLogin(pending))

    def _abandon(self, pending: PendingLogin) -> None:
        """Forget a login that Duo has not acted on: a retransmission begins it anew."""
        for transaction in pending.transactions:
            self._duplicates.forget(transaction)
        pending.login.decided_elsewhere()  # or will be: its timers and late answers mean nothing any more
        pending.section.counters.left()
        self._remove(pending, None)

    def _let_others_know(
        self, pending: PendingLogin, verdict: Verdict | None, answered: Sequence[Transaction] = ()
    ) -> None:
        """Tell other hosts of the end of a login that this one has."""
        if self._names is not None and pending.login.held is not None:
            self._outbox.add(self._names.ended_here(pending, verdict, answered))

    def _remove(self, pending: PendingLogin, verdict: Verdict | None, answered: Sequence[Transaction] = ()) -> None:
        self._pending.remove(pending)
        if pending.holder is not None:
            self._places.leave(pending.holder)
        self._same.ended(pending.key)
        if pending.kept_as is not None:
            self._outbox.add(ForgetLogin(pending, verdict))
        self._let_others_know(pending, verdict, answered)

    def _deadline(self, pending: PendingLogin, now: float) -> None:
        if pending.login.state is not DECIDED:
            self._stop_asking(pending, now)
            self._finish(pending, pending.login.expire(), now)

    def _finish(self, pending: PendingLogin, verdict: Verdict, now: float) -> None:
        """Answer everyone who waits, and tell of it."""
        n_packets = self._end(pending, verdict, now)
        duration_s = now - pending.started_at
        pending.section.counters.finished(verdict.reason, duration_s, max(0.0, duration_s - pending.duo_s))
        login, peer = pending.login, pending.last_peer
        if peer is None:  # a login of another worker's whose last packet was superseded there
            return
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
            )
        )

    def _end(self, pending: PendingLogin, verdict: Verdict, now: float) -> int:
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

    def _refuse(self, transaction: Transaction, user_name: str, verdict: Verdict, now: float) -> None:
        """Reject a request that never became a login."""
        transaction.nas.section.counters.refused(verdict.reason)
        self._replies.reply(transaction, verdict, now)
        identifier, section = transaction.packet.identifier, transaction.nas.section.name
        self._outbox.add(Finished(transaction.peer, identifier, user_name, section, verdict, "", 0.0, 1))
