"""What happens to a worker, and what follows: a request joins a login or begins one, an answer of Duo moves it on, and
once it is decided everyone who waits is answered.

The engine is told what happened and when, and returns what to do about it. It is the door; behind it a request comes to
`intake`, then to `arrivals`; `conduct` takes each step of a login, and `endings` the last one.
"""

from typing import Final

from gateway.engine.arrivals import Arrivals
from gateway.engine.asking import Answer
from gateway.engine.conduct import Conduct
from gateway.engine.digests import Digests
from gateway.engine.discarding import Discards
from gateway.engine.duplicates import DuplicateCache, SentReply
from gateway.engine.effects import Effect, Outbox
from gateway.engine.endings import Endings
from gateway.engine.intake import Intake
from gateway.engine.keeping import Keeping
from gateway.engine.login_among_hosts import displaced
from gateway.engine.login_states import DECIDED, JOINED, WAITING
from gateway.engine.nas import NasTable, count_addresses
from gateway.engine.outages import Outages
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin, PendingLogins
from gateway.engine.places import Places
from gateway.engine.records import LoginRecord
from gateway.engine.replying import Replies
from gateway.engine.same_logins import SameLogins
from gateway.engine.sharing import FleetNames
from gateway.engine.succession import Succession
from gateway.engine.timers import Timers
from gateway.engine.verdict import Verdict
from gateway.unavailable import Unavailable

RESUME_PAUSE_S: Final = 0.002  # between questions about pushes that are asked anew: each may open a connection to Duo


class Engine:
    """All decisions of one worker.

    Every method for the world that takes `now`, a monotonic instant in seconds, returns the effects to perform, in
    order. `next_timer` is the instant at which `timer` wants to be called.
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
        self._outbox = outbox = Outbox()
        self._timers = timers = Timers()
        self._outages = outages = Outages()
        places = Places(max_pending, count_addresses(tables))
        duplicates = DuplicateCache(duplicate_window_s, max_replies)
        self._pending = pending = PendingLogins(places)
        same = SameLogins(digests, pending)
        self._replies = replies = Replies(duplicates, timers, outbox)
        self._keeping = keeping = Keeping(digests, names, outbox)
        self._endings = endings = Endings(pending, same, duplicates, replies, keeping, timers, outbox)
        self._conduct = conduct = Conduct(outages, keeping, endings, timers, outbox, names)
        discards = Discards(tables, places, outbox)
        arrivals = Arrivals(pending, same, duplicates, outages, keeping, conduct, replies, discards, outbox)
        self._intake = Intake(tables, n_buckets, digests, duplicates, outages, discards, outbox, arrivals)
        self._succession = Succession(pending, same, duplicates, keeping, conduct, endings, outbox)

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
        brief = (each for each in self._pending if each.login.is_asked_briefly)
        return not self._replies.n_late and not any(brief)

    @property
    def next_timer(self) -> float | None:
        """When `timer` must be called next; None for not at all."""
        return self._timers.next

    def datagram_received(self, datagram: bytes, peer: Peer, now: float) -> list[Effect]:
        """Decide about octets from the network: anything at all."""
        self._intake.received(datagram, peer, now)
        return self._outbox.take()

    def answered(self, pending: PendingLogin, answer: Answer, now: float) -> list[Effect]:
        """Take the answer to the login's last question."""
        if pending.login.state is not DECIDED:
            self._conduct.proceed(pending, pending.login.answered(answer, now), now)
        return self._outbox.take()

    def unavailable(self, pending: PendingLogin, error: Unavailable, now: float) -> list[Effect]:
        """Take note that nobody answered the login's last question."""
        if pending.login.state is not DECIDED:
            self._conduct.proceed(pending, pending.login.unavailable(error, now), now)
        return self._outbox.take()

    def failed(self, pending: PendingLogin, now: float) -> list[Effect]:
        """End a login that met an internal error: rejected, and the worker goes on."""
        if pending.login.state is not DECIDED:
            self._endings.finish(pending, pending.login.fail(), now)
        return self._outbox.take()

    def outage(self, application: str, error: Unavailable | None, now: float) -> list[Effect]:
        """Let fail mode decide about an application's logins from now on, or, with None, no more.

        Logins that wait for a brief answer are decided too; a push that is out is waited for.
        """
        logins = [pending for pending in self._pending if pending.login.policy.application == application]
        if error is not None:
            self._outages.begin(application, error)
            self._give_up_waiting([each for each in logins if each.login.waits_briefly], error, now)
        elif self._outages.end(application):
            self._ask_again([each for each in logins if each.login.state is WAITING], now)
        return self._outbox.take()

    def isolate(self, application: str, *, is_isolated: bool) -> None:
        """Be silent about new logins of an application that another host can reach, or, in time, no more.

        While it is in outage here, fail mode decides nothing: what waits for it is forgotten, and the NAS asks there.
        """
        if is_isolated:
            self._outages.isolated.add(application)
        else:
            self._outages.isolated.discard(application)

    def try_one(self, application: str) -> None:
        """Let one login of an application in outage ask Duo all the same."""
        self._outages.try_one(application)

    def adopt(self, pending: PendingLogin) -> list[Effect]:
        """Take up a login that another worker began, and waits for Duo's answer to."""
        self._succession.adopt(pending)
        return self._outbox.take()

    def adopt_reply(self, sent: SentReply, peer: Peer, now: float) -> list[Effect]:
        """Take up a reply that another worker sent to this peer."""
        self._succession.adopt_reply(sent, peer, now)
        return self._outbox.take()

    def left_alone(self, pending: PendingLogin, at: float, now: float) -> list[Effect]:
        """Go on with an adopted login at an instant: the worker that waited for Duo's answer is gone."""
        self._succession.left_alone(pending, at, now)
        return self._outbox.take()

    def heard_elsewhere(self, pending: PendingLogin, record: LoginRecord) -> list[Effect]:
        """Take note of how far the other worker is with an adopted login."""
        self._succession.heard_elsewhere(pending, record)
        return self._outbox.take()

    def decided_elsewhere(self, pending: PendingLogin, verdict: Verdict | None, now: float) -> list[Effect]:
        """Answer what has joined an adopted login, with the verdict of the worker that waited for Duo's answer."""
        self._succession.decided_elsewhere(pending, verdict, now)
        return self._outbox.take()

    def displaced(self, pending: PendingLogin, now: float) -> list[Effect]:
        """Wait for another host's word of a login: it took this one for gone, and asks Duo what became of the push."""
        if pending.login.state is WAITING:
            self._conduct.stop_asking(pending, now)
            self._conduct.proceed(pending, displaced(pending.login, now), now)
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
                self._conduct.stop_asking(pending, now)
                self._endings.abandon(pending)
        return self._outbox.take()

    def hand_over(self) -> list[Effect]:
        """Keep all logins, whatever their state, from now on: another worker is to know of them."""
        self._keeping.keeps_all = True
        for pending in self._pending:
            self._keeping.keep(pending)
        return self._outbox.take()

    def next_number(self) -> int:
        """Return a number for another login."""
        return self._pending.next_number()

    def timer(self, now: float) -> list[Effect]:
        """Do what has come due."""
        self._timers.run(now)
        return self._outbox.take()

    def _give_up_waiting(self, logins: list[PendingLogin], error: Unavailable, now: float) -> None:
        for pending in logins:
            self._conduct.stop_asking(pending, now)
            self._conduct.do_without(pending, error, now)

    def _ask_again(self, logins: list[PendingLogin], now: float) -> None:
        """Ask anew what became of pushes, a few at a time: Duo may have forgotten the question in its outage."""
        for index, pending in enumerate(logins):
            self._conduct.stop_asking(pending, now)
            self._conduct.proceed(pending, pending.login.ask_again(now + index * RESUME_PAUSE_S, now), now)
