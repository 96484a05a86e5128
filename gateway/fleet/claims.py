"""The claimed logins of one worker: which of them this host may ask Duo for, and what others are told of them.

Each input returns the effects that follow, in their order. Instants are monotonic seconds. What an input means is said
where the subject is: a login is claimed (`claiming`), says again that it is ours (`assertions`), is another host's
(`joins`), or has ended (`settling`). `Claims` has the table of who is told what the store answers; what has no row
means nothing any more.

A login is known by its owner name before its claim is sent: a join of another host comes on another connection, and may
be faster than the claim's answer.
"""

from collections.abc import Callable
from typing import Final

from gateway.engine.timers import Timers
from gateway.fleet.assertions import Assertions
from gateway.fleet.claim_states import (
    ALONE,
    ASKING,
    CLAIMING,
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
from gateway.fleet.claiming import Claiming
from gateway.fleet.effects import Count, Effect, Outcome, RunScript
from gateway.fleet.hosts import Hosts
from gateway.fleet.joins import Joins
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import CLAIM, LOOK, RELEASE, TAKE, WRITE, BadScriptAnswerError, ScriptName
from gateway.fleet.settling import Settling, how_it_ends
from gateway.fleetapi import messages, questions
from gateway.fleetapi.messages import Beat, Join, Known, Taken, decode_message
from gateway.fleetapi.names import Sealing, at_instance, bound_to, owner_name
from gateway.fleetapi.questions import Claim, Held

_RANDOM_SIZE: Final = 8  # octets, of an owner's name
_Handler = Callable[[ClaimedLogin, object, float], None]


class Claims:
    """All claimed logins of one worker."""

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
        self._instance = instance
        self._hosts = hosts
        self._sealing = sealing
        self._draw = draw
        self._timers = Timers()
        self._logins = logins = Logins(draw, self._timers)
        self._outbox = outbox = Outbox(instance, host, sealing, count)
        self._reader = reader = RecordReader(sealing, duo_time)
        self._claiming = Claiming(instance, logins, outbox, hosts, reader)
        self._assertions = Assertions(logins, outbox, reader)
        self._joins = Joins(logins, outbox, hosts, reader)
        self._settling = Settling(logins, outbox, reader)
        self._answered: Final[dict[tuple[ClaimState, ScriptName], _Handler]] = {
            (CLAIMING, CLAIM): self._claiming.claimed,
            (ALONE, CLAIM): self._assertions.asserted,
            (ASKING, CLAIM): self._assertions.asserted,
            (PUSHED, CLAIM): self._assertions.asserted,
            (PUSHED, WRITE): self._assertions.written,
            (LOOKING, LOOK): self._joins.looked,
            (TAKING, LOOK): self._joins.looked_before,
            (TAKING, TAKE): self._joins.took,
            (JOINED, TAKE): self._joins.took,  # late: the store was away in the meantime
            (ENDED, CLAIM): self._settling.claimed_too_late,
            (ENDED, TAKE): self._settling.took_too_late,
        }

    @property
    def patience_s(self) -> float:
        """For how long a claim waits for the store; the shell sets it by what answers take."""
        return self._claiming.patience_s

    @patience_s.setter
    def patience_s(self, patience_s: float) -> None:
        self._claiming.patience_s = patience_s

    # What the engine says.

    def ask(self, number: int, question: Claim | questions.Join, now: float) -> list[Effect]:
        """Answer a login's question, at once or later.

        Raises:
            ValueError: this login cannot ask this now.
        """
        login = self._logins.find(number)
        if isinstance(question, Claim):
            login = self._begin(number, question.login, now, question.packet, question.owner)
            login.is_repeatable, login.again_s = question.is_repeatable, question.again_s
            self._claiming.begin(login, now)
        else:
            if login is not None and login.state in OURS:  # a predecessor's claim, which has met another host's
                self._settling.end(login, messages.RELEASED, now)
                login = None
            login = self._begin(number, question.login, now) if login is None else login
            login.application = question.application
            self._joins.begin(login, now)
        return self._outbox.take()

    def knows(self, number: int) -> bool:
        """Whether this login was claimed or joined here."""
        return self._logins.find(number) is not None

    def cancelled(self, number: int) -> list[Effect]:
        """Answer no more: nobody waits. A login that is ours already stays so until it has ended."""
        login = self._logins.find(number)
        if login is not None and login.state not in OURS:
            self._settling.let_go(login)
        return self._outbox.take()

    def pushed(self, number: int, txid: str, factor: str, now: float) -> list[Effect]:
        """Take note that Duo has told the name of this login's push, if it has one: another host can go on with it."""
        login = self._logins.find(number)
        if txid and login is not None and login.state in OURS:
            if txid != login.txid:
                login.txid, login.factor, login.named_at = txid, factor, now
                login.pushed_at = self._reader.unix_time(now, now)
            if login.state is ASKING:
                login.move(PUSHED)
                self._assertions.named(login, now)
                if login.is_offered:
                    self._outbox.welcome_all(login)
            elif login.state is ALONE and self._outbox.is_connected:  # its claim was refused
                self._assertions.doubted(login)
        return self._outbox.take()

    def duo_has_told(self, now: float) -> list[Effect]:
        """Write the names of pushes that have waited for Duo's time."""
        for login in self._logins.all():
            if login.state in OURS and login.txid and login.pushed_at is None:
                self._assertions.named(login, now)
        return self._outbox.take()

    def cannot_reach(self, applications: frozenset[str]) -> None:
        """Take no push of these that its owner leaves: Duo is reached elsewhere, and not from here."""
        self._joins.unreachable = applications

    def offer(self, number: int, *, is_offered: bool) -> list[Effect]:
        """Leave the push of a login that is ours to whoever has joined it, or will; or keep it again.

        As long as nobody has taken it over, it stays ours: Duo may answer first.
        """
        login = self._logins.find(number)
        if login is not None and login.state in OURS and login.is_offered is not is_offered:
            login.is_offered = is_offered
            self._outbox.welcome_all(login)
        return self._outbox.take()

    def ended(
        self,
        number: int,
        verdict: bytes | Callable[[], bytes] | None,
        may_have_pushed: bool,
        packets: list[bytes],
        now: float,
    ) -> list[Effect]:
        """Take note of how a login has ended, and tell whoever joined it.

        Args:
            number: the engine's.
            verdict: what another engine reads, or what makes it once a joiner is there; None if it is not decided here.
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
            login.verdict = verdict
            self._settling.end(login, how_it_ends(login, may_have_pushed), now)
        else:
            self._settling.let_go(login)
        return self._outbox.take()

    def adopt(
        self, number: int, question: Claim, held: Held, txid: str, factor: str, age_s: float, now: float
    ) -> list[Effect]:
        """Go on with a login that another worker of this host had claimed; `age_s` is how long ago it was pushed.

        If that was one of another instance, before a start, nobody beats or hears for it any more: it gets our name.
        """
        owner = at_instance(held.owner, self._instance)
        login = ClaimedLogin(number, question.login, question.packet, owner)
        login.former = held.owner
        self._logins.add(login)
        self._logins.name(login)
        login.txid, login.factor, login.named_at = txid, factor, now - age_s
        login.pushed_at = self._reader.unix_time(login.named_at, now)
        login.move(ALONE)  # until the store says that it is ours
        login.n_tries = 1  # by the other worker
        if self._outbox.is_connected:
            self._outbox.claim(login)
        return self._outbox.take()

    # What the store says.

    def store_back(self, now: float) -> list[Effect]:
        """Assert the claims of all that is under way: scripts can be run, and the store may have forgotten them.

        It may also have missed how others have ended. Until it knows, their records keep everybody waiting, and a push
        that was approved could be asked about once more.
        """
        self._outbox.is_connected = True
        self._settling.store_back()
        for login in self._logins.all():
            if login.state in OURS:
                self._outbox.claim(login)
            else:
                self._joins.connected(login, now)
        return self._outbox.take()

    def store_lost(self) -> list[Effect]:
        """Wait for nothing that the store was asked: it does not answer any more."""
        self._outbox.is_connected = False
        for login in self._logins.all():
            if login.state is CLAIMING or login.state is RECALLING:
                self._claiming.alone(login, Outcome.ALONE_AWAY)
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
        handler = self._answered.get((run.login.state, run.script))
        if handler is not None:
            try:
                handler(run.login, reply, now)
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
        due, late = self._timers.next, self._claiming.next_timer
        if due is None or late is None:
            return late if due is None else due
        return min(due, late)

    def run(self, now: float) -> list[Effect]:
        """Do what is due."""
        self._timers.run(now)
        self._claiming.run(now)
        return self._outbox.take()

    # What others say.

    def _heard_join(self, join: Join, now: float) -> None:
        """Take a joiner; one that comes before the store's answer is told when the login is ours."""
        login = self._logins.owned(join.owner)
        if login is None:
            self._settling.joined_too_late(join, now)
            return
        login.joined_by(join)
        if login.state in OURS:
            self._outbox.welcome(login, join)

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
        if login.state is RECALLING:
            self._claiming.recalled(login, ended.how, text, now)
        else:
            self._joins.ended(login, ended.how, text, now)

    def _heard_taken(self, taken: Taken) -> None:
        """Look whether that is true: anybody can say it."""
        login = self._logins.owned(taken.owner)
        if login is not None and login.state is PUSHED:
            self._assertions.doubted(login)

    def _begin(self, number: int, digest: bytes, now: float, packet: bytes = b"", owner: str = "") -> ClaimedLogin:
        """Take up a login; one that is joined at once gets its name here."""
        owner = owner or owner_name(self._instance, self._draw(_RANDOM_SIZE))
        login = ClaimedLogin(number, digest, packet, owner, now)
        self._logins.add(login)
        return login

    def _failed(self, run: RunScript) -> None:
        login = run.login
        if run.script is CLAIM and login.state is CLAIMING:
            self._claiming.alone(login, Outcome.ALONE_FAILED)
        elif run.script in (LOOK, TAKE) and login.state is TAKING:
            self._joins.failed(login)
        elif run.script is WRITE and login.state is PUSHED and self._outbox.is_connected:
            self._assertions.doubted(login)
        elif login.state is ENDED and run.script in (CLAIM, WRITE, RELEASE):
            self._settling.failed(login)

    def __repr__(self) -> str:
        return f"<Claims {self._logins.n_ours} ours of {len(self._logins)}, {len(self._settling)} endings>"
