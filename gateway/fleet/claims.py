"""The claimed logins of one worker: which of them this host may ask Duo for, and what others are told of them.

Each input returns the effects that follow, in their order. Instants are monotonic seconds. `_ANSWERED` says what an
answer of the store means in each state; what has no row means nothing any more. That a login of another host is asked
for, and taken over, is `joins.Joins`.

No login waits for the store longer than `patience_s`: without an answer it is alone, as without a fleet. Then the
claim is asserted when its answer comes late, or when the store is there again. A login is known by its owner name
before its claim is sent: a join of another host comes on another connection, and may be faster than the claim's answer.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.engine.timers import Timers
from gateway.fleet.claim_states import (
    ALONE,
    ASKING,
    CLAIMING,
    ELSEWHERE,
    ENDED,
    JOINED,
    LOOKING,
    OURS,
    PUSHED,
    RECALLING,
    TAKING,
    ClaimedLogin,
    ClaimState,
)
from gateway.fleet.effects import Count, Effect, Outcome, RunScript
from gateway.fleet.endings import Endings
from gateway.fleet.hosts import Hosts
from gateway.fleet.joins import UNNAMED_S, Joins
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import (
    CLAIM,
    LOOK,
    RELEASE,
    TAKE,
    WRITE,
    BadScriptAnswerError,
    Found,
    Mine,
    Script,
    Took,
    read_claim,
    read_take,
    read_write,
)
from gateway.fleetapi import messages
from gateway.fleetapi.messages import Beat, Join, Known, Taken, decode_message
from gateway.fleetapi.names import NONCE_SIZE, Sealing, bound_to, instance_of, owner_name
from gateway.fleetapi.questions import Claim, Decided, Granted, Held, Joined, Question
from gateway.fleetapi.records import DecidedRecord, PushedRecord

GRACE_S: Final = 2.0
"""A login that another host decided so short a time ago may be the one that is asked for now."""
RECALL_S: Final = 0.25
"""For so long that host is asked for its verdict."""
PATIENCE_S: Final = 0.02
_MOST_TRIES: Final = 4  # to claim a login anew; only a store that lies needs more than one
_MOST_ASSERTIONS: Final = 64  # of a claim, in the life of a login
_MOST_JOINERS: Final = 64  # of one login: whoever writes to the store can make them up
_MOST_UNSETTLED: Final = 1024
_RANDOM_SIZE: Final = 8  # octets, of an owner's name


class Claims:
    """All claimed logins of one worker.

    Attributes:
        patience_s: for how long a claim waits for the store; the shell sets it by what answers take.
    """

    def __init__(
        self,
        instance: str,
        host: str,
        hosts: Hosts,
        sealing: Sealing,
        draw: Callable[[int], bytes],
        duo_time: Callable[[], float | None],
        count: Count,
    ) -> None:
        """Begin without a store: `store_back` and `mailbox_back` say when it is there.

        Args:
            instance: of this host, `names.INSTANCE_DIGITS` hexadecimal digits, the same in all its workers.
            host: its name, as logs of other hosts show it.
            hosts: who beats; this object tells it what it hears.
            sealing: seals, and opens.
            draw: returns so many unpredictable octets.
            duo_time: returns Duo's time, Unix seconds, None while Duo has not told it.
            count: is told each outcome.
        """
        self.patience_s = PATIENCE_S
        self._instance = instance
        self._hosts = hosts
        self._sealing = sealing
        self._draw = draw
        self._count = count
        self._timers = Timers()
        self._logins = Logins()
        self._endings = Endings()
        self._outbox = Outbox(instance, host, sealing)
        self._reader = RecordReader(sealing, duo_time)
        self._joins = Joins(self._logins, self._outbox, hosts, self._reader, self._timers, draw, count)
        self._unsettled: deque[ClaimedLogin] = deque(maxlen=_MOST_UNSETTLED)  # of whose end the store may not know
        self._is_connected = False

    # What the engine says.

    def ask(self, number: int, question: Question, now: float) -> list[Effect]:
        """Answer a login's question, at once or later.

        Raises:
            ValueError: this login cannot ask this now.
        """
        login = self._logins.find(number)
        if isinstance(question, Claim):
            self._claim(self._begin(number, question.login, now, question.packet, question.owner), now)
        else:
            if login is not None and login.state in OURS:  # a predecessor's claim, which has met another host's
                login.how = messages.RELEASED
                self._end(login, now)
                login = None
            self._joins.begin(self._begin(number, question.login, now) if login is None else login, now)
        return self._outbox.take()

    def knows(self, number: int) -> bool:
        """Whether this login was claimed or joined here."""
        return self._logins.find(number) is not None

    def cancelled(self, number: int) -> list[Effect]:
        """Answer no more: nobody waits. A login that is ours already stays so until it has ended."""
        login = self._logins.find(number)
        if login is not None and login.state not in OURS:
            self._let_go(login)
        return self._outbox.take()

    def pushed(self, number: int, txid: str, factor: str) -> list[Effect]:
        """Take note that Duo has told the name of this login's push, if it has one: another host can go on with it."""
        login = self._logins.find(number)
        if txid and login is not None and login.state in OURS:
            login.txid, login.factor, login.pushed_at = txid, factor, self._reader.duo_time
            if login.state is ASKING:
                login.move(PUSHED)
                self._outbox.write_pushed(login)
        return self._outbox.take()

    def ended(
        self, number: int, verdict: bytes | None, may_have_pushed: bool, packets: list[bytes], now: float
    ) -> list[Effect]:
        """Take note of how a login has ended, and tell whoever joined it.

        Args:
            number: the engine's.
            verdict: what another engine reads; None if it is not decided here.
            may_have_pushed: whether Duo may have asked somebody; only looked at without a verdict and a push's name.
            packets: digests of the packets answered.
            now: the instant.
        """
        login = self._logins.find(number)
        if login is None:
            return self._outbox.take()
        if packets:
            login.packets = packets
        if login.state in OURS:
            login.how = _how(login, verdict, may_have_pushed)
            login.verdict = verdict
            self._end(login, now)
        else:
            self._let_go(login)
        return self._outbox.take()

    def adopt(self, number: int, question: Claim, held: Held, txid: str, factor: str, age_s: float) -> list[Effect]:
        """Go on with a login that another worker of this host had claimed; `age_s` is how long ago it was pushed."""
        login = ClaimedLogin(number, question.login, question.packet, held.owner)
        self._logins.add(login)
        self._logins.name(login)
        login.txid, login.factor = txid, factor
        duo_time = self._reader.duo_time
        login.pushed_at = None if duo_time is None else duo_time - age_s
        login.move(ALONE)  # until the store says that it is ours
        login.n_tries = 1  # by the other worker
        if self._is_connected:
            self._outbox.claim(login)
        return self._outbox.take()

    # What the store says.

    def store_back(self, now: float) -> list[Effect]:
        """Assert the claims of all that is under way: scripts can be run, and the store may have forgotten them.

        It may also have missed how others have ended. Until it knows, their records keep everybody waiting, and a push
        that was approved could be asked about once more.
        """
        self._is_connected = self._joins.is_connected = True
        while self._unsettled:
            self._settle(self._unsettled.popleft())
        for login in self._logins.all():
            if login.state in OURS:
                self._outbox.claim(login)
            else:
                self._joins.connected(login, now)
        return self._outbox.take()

    def store_lost(self) -> list[Effect]:
        """Wait for nothing that the store was asked: it does not answer any more."""
        self._is_connected = self._joins.is_connected = False
        for login in self._logins.all():
            if login.state is CLAIMING or login.state is RECALLING:
                self._alone(login, Outcome.ALONE_AWAY)
            elif login.state is TAKING:
                self._joins.failed(login)
        return self._outbox.take()

    def mailbox_back(self, now: float) -> None:
        """Hear what is said from now on: the mailbox and the beats."""
        self._joins.is_hearing = True
        self._hosts.connected(now)
        for login in self._logins.all():
            self._joins.connected(login, now)

    def mailbox_lost(self) -> None:
        """Take no silence for an answer, until the mailbox is there again."""
        self._joins.is_hearing = False
        self._hosts.lost()

    def script_answered(self, run: RunScript, reply: object, now: float) -> list[Effect]:
        """Go on with what the store has answered, in the form in which RESP2 gives it."""
        handler = _ANSWERED.get((run.login.state, run.script))
        if handler is not None:
            try:
                handler(self, run.login, reply, now)
            except BadScriptAnswerError:
                self._failed(run)
        return self._outbox.take()

    def script_failed(self, run: RunScript) -> list[Effect]:
        """Go on without an answer: the store has refused, or nobody knows what it has done."""
        self._failed(run)
        return self._outbox.take()

    def heard(self, octets: bytes, now: float) -> list[Effect]:
        """Go on with what was said on a channel; what is no message is dropped."""
        message = decode_message(octets)
        if isinstance(message, Join):
            self._heard_join(message, now)
        elif isinstance(message, Known):
            self._heard_known(message, now)
        elif isinstance(message, messages.Ended):
            self._heard_ended(message, now)
        elif isinstance(message, Taken):
            self._heard_taken(message)
        elif isinstance(message, Beat):
            self._hosts.heard(message, self._sealing, now)
        return self._outbox.take()

    # What the clock says.

    @property
    def next_timer(self) -> float | None:
        """The instant at which `run` is to be called; None for none."""
        return self._timers.next

    def run(self, now: float) -> list[Effect]:
        """Do what is due."""
        self._timers.run(now)
        return self._outbox.take()

    # Claims.

    def _begin(self, number: int, digest: bytes, now: float, packet: bytes = b"", owner: str = "") -> ClaimedLogin:
        """Take up a login; one that is joined at once gets its name here."""
        owner = owner or owner_name(self._instance, self._draw(_RANDOM_SIZE))
        login = ClaimedLogin(number, digest, packet, owner, now)
        self._logins.add(login)
        return login

    def _claim(self, login: ClaimedLogin, now: float) -> None:
        self._logins.name(login)
        if not self._is_connected:
            self._alone(login, Outcome.ALONE_AWAY)
            return
        login.move(CLAIMING)
        self._outbox.claim(login)
        self._come_back(login, now + self.patience_s)

    def _come_back(self, login: ClaimedLogin, instant: float) -> None:
        login.tick_at = instant
        self._timers.at(instant, self._late, (login, instant))

    def _late(self, late: tuple[ClaimedLogin, float], now: float) -> None:
        login, instant = late
        if login.tick_at != instant:
            return
        if login.state is CLAIMING:
            self._alone(login, Outcome.ALONE_LATE)
        elif login.state is RECALLING:
            self._claim_anew(login, now)

    def _alone(self, login: ClaimedLogin, why: Outcome) -> None:
        """Grant it as without a fleet."""
        login.move(ALONE)
        self._logins.joins_no_more(login)
        self._count(why)
        self._outbox.answer(login, Granted(Held(login.owner, login.epoch)))

    def _claimed(self, login: ClaimedLogin, reply: object, now: float) -> None:
        claimed = read_claim(reply)
        if isinstance(claimed, Found):
            self._found(login, claimed, now)
            return
        login.epoch = claimed.epoch
        login.move(ASKING)
        self._welcome(login)
        self._count(Outcome.GRANTED)
        self._outbox.answer(login, Granted(Held(login.owner, login.epoch)))

    def _found(self, login: ClaimedLogin, found: Found, now: float) -> None:
        """Join another owner; or claim what that one has done with."""
        record = self._reader.read(login.login, found)
        if record is None:
            self._alone(login, Outcome.ALONE_UNREADABLE)
            return
        login.meet(found, record)
        if isinstance(record, DecidedRecord):
            self._found_decided(login, found, record, now)
        elif found.age_s >= UNNAMED_S and self._hosts.is_gone(instance_of(found.owner), now):
            self._claim_anew(login, now)
        else:
            self._elsewhere(login)
            self._count(Outcome.JOINED)
            self._outbox.answer(login, Joined(login.host))

    def _found_decided(self, login: ClaimedLogin, found: Found, record: DecidedRecord, now: float) -> None:
        """Ask for the verdict if this may be the same login still; within a host other rules decide that."""
        instance = instance_of(found.owner)
        is_same = login.packet in record.packets or 0.0 <= found.age_s < GRACE_S
        if not is_same or instance == self._instance or self._hosts.is_gone(instance, now):
            self._claim_anew(login, now)
            return
        login.move(RECALLING)
        self._logins.joins(login, self._draw(NONCE_SIZE))
        self._outbox.join(login, found.owner, now)
        self._come_back(login, now + RECALL_S)

    def _claim_anew(self, login: ClaimedLogin, now: float) -> None:
        if login.n_tries >= _MOST_TRIES:
            self._alone(login, Outcome.ALONE_CONTENDED)
            return
        login.move(CLAIMING)
        self._logins.joins_no_more(login)
        self._outbox.claim_anew(login, login.found)
        self._come_back(login, now + self.patience_s)

    def _elsewhere(self, login: ClaimedLogin) -> None:
        login.move(ELSEWHERE)
        self._logins.unname(login)

    # Claims that are asserted, because the store may not have them any more.

    def _asserted(self, login: ClaimedLogin, reply: object, _now: float) -> None:
        claimed = read_claim(reply)
        if isinstance(claimed, Mine):
            login.epoch = claimed.epoch
            self._confirm(login)
        else:
            self._claimed_meanwhile(login, claimed)

    def _confirm(self, login: ClaimedLogin) -> None:
        """Let the store know what we know; not when somebody was pushed, while we do not know that by Duo's clock.

        What the record says of that is to be believed whatever the store's clock says.
        """
        if login.txid:
            login.move(PUSHED)
            if login.pushed_at is not None:
                self._outbox.write_pushed(login)
        elif login.state is ALONE:
            login.move(ASKING)
        self._welcome(login)

    def _claimed_meanwhile(self, login: ClaimedLogin, found: Found) -> None:
        """Leave our own push to whoever took it over; a push that is not theirs stays ours, and alone."""
        record = self._reader.read(login.login, found)
        if isinstance(record, PushedRecord) and record.txid == login.txid:
            login.meet(found, record)
            self._elsewhere(login)
            self._count(Outcome.DISPLACED)
            self._outbox.displaced(login)
        else:
            if login.state is not ALONE:
                login.move(ALONE)
            self._count(Outcome.CLAIMED_MEANWHILE)

    def _written(self, login: ClaimedLogin, reply: object, _now: float) -> None:
        """Look who has the record, if it is not ours any more."""
        if not read_write(reply):
            self._assert_again(login)

    def _assert_again(self, login: ClaimedLogin) -> None:
        if login.n_tries < _MOST_ASSERTIONS:
            self._outbox.claim(login)

    def _failed(self, run: RunScript) -> None:
        login = run.login
        if run.script is CLAIM and login.state is CLAIMING:
            self._alone(login, Outcome.ALONE_FAILED)
        elif run.script is TAKE and login.state is TAKING:
            self._joins.failed(login)
        elif login.state is ENDED and run.script in (CLAIM, WRITE, RELEASE):
            self._unsettled.append(login)

    # The end of a login.

    def _end(self, login: ClaimedLogin, now: float) -> None:
        """Tell the store and all joiners how it has ended, and remember it for those who come late."""
        is_in_store = login.state is not ALONE
        self._logins.end(login)
        if is_in_store:
            self._settle(login)
        elif login.n_tries and not self._is_connected:
            self._unsettled.append(login)
        self._remember(login, now)

    def _let_go(self, login: ClaimedLogin) -> None:
        """Forget a login that is not ours; should the store still give it to us, others may have it."""
        login.how = messages.RELEASED if login.state is CLAIMING or login.state is RECALLING else messages.LEAVE
        self._logins.end(login)

    def _ours_too_late(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The claim of a login that has ended has come through all the same."""
        claimed = read_claim(reply)
        if isinstance(claimed, Mine):
            self._settle_late(login, claimed.epoch, now)

    def _took_too_late(self, login: ClaimedLogin, reply: object, now: float) -> None:
        took = read_take(reply)
        if isinstance(took, Took):
            self._settle_late(login, took.epoch, now)

    def _settle_late(self, login: ClaimedLogin, epoch: int, now: float) -> None:
        login.epoch = epoch
        self._settle(login)
        self._remember(login, now)

    def _settle(self, login: ClaimedLogin) -> None:
        """Leave the record as the login's end wants it: decided, gone, or there for another host to take over."""
        if login.how == messages.LEAVE:
            if login.txid:
                self._outbox.write_pushed(login, is_left=True)
        elif login.how == messages.RELEASED or not login.epoch:
            self._outbox.release(login)
        else:
            self._outbox.write_decided(login)

    def _remember(self, login: ClaimedLogin, now: float) -> None:
        login.ended_at = login.ended_at or now  # what the store says late makes no end later
        self._endings.remember(login, now)
        if login.joiners is not None:
            for join in login.joiners:
                self._outbox.ended(login, login.how, join)

    # What others say.

    def _heard_join(self, join: Join, now: float) -> None:
        login = self._logins.owned(join.owner)
        if login is not None:
            self._joined_by(login, join)
            return
        login = self._endings.find(join.owner)
        if login is not None:
            self._joined_late_by(login, join, now)

    def _joined_by(self, login: ClaimedLogin, join: Join) -> None:
        """Take a joiner; one that comes before the store's answer is told when the login is ours."""
        joiners = login.joiners
        if joiners is None:
            joiners = login.joiners = []
        if join not in joiners:
            if len(joiners) >= _MOST_JOINERS:
                del joiners[0]
            joiners.append(join)
        if login.state in OURS:
            self._outbox.known(join)

    def _joined_late_by(self, login: ClaimedLogin, join: Join, now: float) -> None:
        """Tell how a login has ended, to those for whom that was meant.

        The store may not have heard of its end, so that a login which is asked for later comes here, too. That one has
        nothing to do with this verdict: it is to be claimed.
        """
        how = login.how
        if how == messages.VERDICT or how == messages.LOST:
            ended_s = now - login.ended_at
            if not (ended_s < GRACE_S or ended_s < self._waited_s(login, join) or _was_meant_for(login, join)):
                how = messages.RELEASED
                self._outbox.release(login)
        else:
            self._settle(login)
        self._outbox.ended(login, how, join)

    def _waited_s(self, login: ClaimedLogin, join: Join) -> float:
        """Return how long the joiner's login has been waiting; what was not sealed for this join is not believed."""
        associated = bound_to(messages.WAITED, login.login, join.nonce, join.packet)
        return messages.decode_waited(self._sealing.open(join.waited, associated))

    def _welcome(self, login: ClaimedLogin) -> None:
        if login.joiners is not None:
            for join in login.joiners:
                self._outbox.known(join)

    def _heard_known(self, known: Known, now: float) -> None:
        login = self._logins.joined(known.nonce)
        if login is not None and login.state is not RECALLING:
            self._joins.known(login, now)

    def _heard_ended(self, ended: messages.Ended, now: float) -> None:
        """Believe what was sealed for this join of this login, and nothing else."""
        login = self._logins.joined(ended.nonce)
        if login is None:
            return
        text = self._sealing.open(ended.sealed, bound_to(ended.how, login.login, ended.nonce, login.packet))
        if text is None:
            return
        if login.state is not RECALLING:
            if ended.how == messages.VERDICT:
                login.ended_at = now
            self._joins.ended(login, ended.how, text)
        elif ended.how == messages.VERDICT:
            self._count(Outcome.RECALLED)
            self._logins.end(login)
            self._outbox.answer(login, Decided(login.host, text))
        else:
            self._claim_anew(login, now)

    def _heard_taken(self, taken: Taken) -> None:
        """Look whether that is true: anybody can say it."""
        login = self._logins.owned(taken.owner)
        if login is not None and login.state is PUSHED:
            self._assert_again(login)

    # Joins.

    def _looked(self, login: ClaimedLogin, reply: object, now: float) -> None:
        self._joins.looked(login, reply, now)

    def _took(self, login: ClaimedLogin, reply: object, now: float) -> None:
        self._joins.took(login, reply, now)

    def __repr__(self) -> str:
        return f"<Claims {self._logins.n_ours} ours of {len(self._logins)}, {len(self._endings)} endings>"


def _how(login: ClaimedLogin, verdict: bytes | None, may_have_pushed: bool) -> str:
    """Return how a login of ours ends, as joiners are told."""
    if verdict is not None:
        return messages.VERDICT
    if login.txid:
        return messages.LEAVE
    return messages.LOST if may_have_pushed else messages.RELEASED


def _was_meant_for(login: ClaimedLogin, join: Join) -> bool:
    """Whether a join was there before the login's end, or is of a packet that was answered."""
    return join.packet in login.packets or (login.joiners is not None and join in login.joiners)


_Handler = Callable[[Claims, ClaimedLogin, object, float], None]
_ANSWERED: Final[dict[tuple[ClaimState, Script], _Handler]] = {
    (CLAIMING, CLAIM): Claims._claimed,
    (ALONE, CLAIM): Claims._asserted,
    (ASKING, CLAIM): Claims._asserted,
    (PUSHED, CLAIM): Claims._asserted,
    (PUSHED, WRITE): Claims._written,
    (LOOKING, LOOK): Claims._looked,
    (TAKING, TAKE): Claims._took,
    (JOINED, TAKE): Claims._took,  # late: the store was away in the meantime
    (ENDED, CLAIM): Claims._ours_too_late,
    (ENDED, TAKE): Claims._took_too_late,
}
