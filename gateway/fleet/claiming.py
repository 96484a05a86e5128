"""A login is claimed: it is granted, or another host has it, or had it and may still remember its verdict.

One that answers a challenge may come again, for a State is used once and its NAS turns to another host: it joins, or
gets that verdict, and does not begin anew where it has ended.

No login waits for the store longer than `patience_s`: without an answer it is alone, as without a fleet.
"""

from collections import deque
from typing import Final

from gateway.fleet.claim_states import ALONE, ASKING, CLAIMING, ELSEWHERE, RECALLING, ClaimedLogin
from gateway.fleet.effects import Outcome
from gateway.fleet.hosts import Hosts
from gateway.fleet.joins import UNNAMED_S
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import Outbox
from gateway.fleet.patience import FIRST_S
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import Found, read_claim
from gateway.fleetapi import messages, records
from gateway.fleetapi.names import instance_of
from gateway.fleetapi.questions import Decided, Granted, Held, Joined, UsedBefore
from gateway.fleetapi.records import DecidedRecord

GRACE_S: Final = 2.0
"""A login that another host decided so short a time ago may be the one that is asked for now."""
RECALL_S: Final = 0.25
"""For so long that host is asked for its verdict."""
REMEMBERED_S: Final = 30.0  # as long as the store remembers a login that was decided
_MOST_TRIES: Final = 4  # to claim a login anew; only a store that lies needs more than one


class Claiming:
    """All logins of a worker for which it is asked whose they are.

    Attributes:
        patience_s: for how long a claim waits for the store.
    """

    __slots__ = ("_hosts", "_instance", "_logins", "_outbox", "_reader", "_waiting", "patience_s")

    def __init__(
        self,
        instance: str,
        logins: Logins,
        outbox: Outbox,
        hosts: Hosts,
        reader: RecordReader,
    ) -> None:
        self.patience_s = FIRST_S
        self._instance = instance
        self._logins = logins
        self._outbox = outbox
        self._hosts = hosts
        self._reader = reader
        self._waiting: deque[tuple[float, ClaimedLogin]] = deque()  # for the store, until that instant

    @property
    def next_timer(self) -> float | None:
        """The instant at which `run` is to be called: a claim that waits then is late; None while none waits."""
        waiting = self._waiting
        while waiting:
            instant, login = waiting[0]
            if login.state is CLAIMING and login.tick_at == instant:
                return instant
            waiting.popleft()
        return None

    def run(self, now: float) -> None:
        """Wait no longer for what is late."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            instant, login = waiting.popleft()
            if login.tick_at == instant:
                self._late(login, now)

    def begin(self, login: ClaimedLogin, now: float) -> None:
        """Claim a login; without a store it is granted at once."""
        self._logins.name(login)
        if not self._outbox.is_connected:
            self.alone(login, Outcome.ALONE_AWAY)
            return
        login.move(CLAIMING)
        self._outbox.claim(login)
        self._wait(login, now + self.patience_s)

    def alone(self, login: ClaimedLogin, why: Outcome) -> None:
        """Grant it as without a fleet."""
        login.move(ALONE)
        self._logins.joins_no_more(login)
        self._outbox.count(why)
        self._outbox.answer(login, Granted(Held(login.owner, login.epoch)))

    def claimed(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The store has said whose it is."""
        claimed = read_claim(reply)
        if isinstance(claimed, Found):
            self._found(login, claimed, now)
            return
        login.epoch = claimed.epoch
        if login.again_s >= REMEMBERED_S:
            self._outbox.release(login)
            self._used_before(login)
            return
        login.move(ASKING)
        if login.epoch <= login.found.epoch:  # that record has gone, and ours was sealed for the epoch after it
            self._outbox.write_asking(login)
        self._outbox.welcome_all(login)
        self._outbox.count(Outcome.GRANTED)
        self._outbox.answer(login, Granted(Held(login.owner, login.epoch)))

    def _wait(self, login: ClaimedLogin, until: float) -> None:
        """Have it looked at then. Nearly all that wait are answered before: a queue costs less than timers."""
        waiting = self._waiting
        if waiting and until < waiting[-1][0]:  # the patience has become shorter
            self._logins.wake(login, until, self._late)
        else:
            login.tick_at = until
            waiting.append((until, login))

    def _late(self, login: ClaimedLogin, now: float) -> None:
        if login.state is CLAIMING:
            self.alone(login, Outcome.ALONE_LATE)
        elif login.state is RECALLING:
            self._decided_there(login, now)

    def _found(self, login: ClaimedLogin, found: Found, now: float) -> None:
        """Join another owner; or claim what that one has done with."""
        record = self._reader.read(login.login, found)
        if record is None:
            self.alone(login, Outcome.ALONE_UNREADABLE)
            return
        login.meet(found, record)
        if isinstance(record, DecidedRecord):
            self._found_decided(login, found, record, now)
        elif self._is_over(login, found) and self._hosts.is_gone(instance_of(found.owner), now):
            self._claim_anew(login, now)
        else:
            login.move(ELSEWHERE)
            self._logins.unname(login)
            self._outbox.count(Outcome.JOINED)
            self._outbox.answer(login, Joined(login.host))

    def _is_over(self, login: ClaimedLogin, found: Found) -> bool:
        """Whether nothing can come any more of what an owner that is gone has asked; or it may be asked again."""
        return found.age_s >= UNNAMED_S or (found.state == records.ASKING and login.is_repeatable)

    def _claim_anew(self, login: ClaimedLogin, now: float) -> None:
        if login.n_tries >= _MOST_TRIES:
            self.alone(login, Outcome.ALONE_CONTENDED)
            return
        login.move(CLAIMING)
        self._logins.joins_no_more(login)
        self._outbox.claim_anew(login, login.found)
        self._wait(login, now + self.patience_s)

    def _used_before(self, login: ClaimedLogin) -> None:
        """End a login that has ended before, by itself or at another host."""
        self._logins.end(login)
        self._outbox.answer(login, UsedBefore(login.host))

    # The recall of a verdict.

    def _found_decided(self, login: ClaimedLogin, found: Found, record: DecidedRecord, now: float) -> None:
        """Ask for the verdict if this may be the same login still; within a host other rules decide that."""
        instance = instance_of(found.owner)
        is_same = login.packet in record.packets or 0.0 <= found.age_s < GRACE_S
        if not is_same or instance == self._instance or self._hosts.is_gone(instance, now):
            self._decided_there(login, now)
            return
        login.move(RECALLING)
        self._logins.joins(login)
        self._outbox.join(login, found.owner, now)
        self._logins.wake(login, now + RECALL_S, self._late)

    def recalled(self, login: ClaimedLogin, how: str, verdict: bytes, now: float) -> None:
        """The host that had it has told how it ended; that was sealed for this login."""
        if how != messages.VERDICT:
            self._decided_there(login, now)
            return
        self._outbox.count(Outcome.RECALLED)
        self._logins.end(login)
        self._outbox.answer(login, Decided(login.host, verdict))

    def _decided_there(self, login: ClaimedLogin, now: float) -> None:
        """Claim a login that another owner has decided before it was asked for here: it is another one, unless it has
        used the same State.
        """
        if login.again_s:
            self._used_before(login)
        else:
            self._claim_anew(login, now)

    def __repr__(self) -> str:
        return f"<Claiming patience {self.patience_s:g} s>"
