"""A login is claimed: it is granted, or another host has it, or had it and may still remember its verdict.

No login waits for the store longer than `patience_s`: without an answer it is alone, as without a fleet.
"""

from collections.abc import Callable
from typing import Final

from gateway.engine.timers import Timers
from gateway.fleet.claim_states import ALONE, ASKING, CLAIMING, ELSEWHERE, RECALLING, ClaimedLogin
from gateway.fleet.effects import Count, Outcome
from gateway.fleet.hosts import Hosts
from gateway.fleet.joins import UNNAMED_S
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import Found, read_claim
from gateway.fleetapi import messages, records
from gateway.fleetapi.names import NONCE_SIZE, instance_of
from gateway.fleetapi.questions import Decided, Granted, Held, Joined
from gateway.fleetapi.records import DecidedRecord

GRACE_S: Final = 2.0
"""A login that another host decided so short a time ago may be the one that is asked for now."""
RECALL_S: Final = 0.25
"""For so long that host is asked for its verdict."""
PATIENCE_S: Final = 0.02
_MOST_TRIES: Final = 4  # to claim a login anew; only a store that lies needs more than one


class Claiming:
    """All logins of a worker for which it is asked whose they are.

    Attributes:
        patience_s: for how long a claim waits for the store.
    """

    __slots__ = ("_count", "_draw", "_hosts", "_instance", "_logins", "_outbox", "_reader", "_timers", "patience_s")

    def __init__(
        self,
        instance: str,
        logins: Logins,
        outbox: Outbox,
        hosts: Hosts,
        reader: RecordReader,
        timers: Timers,
        draw: Callable[[int], bytes],
        count: Count,
    ) -> None:
        self.patience_s = PATIENCE_S
        self._instance = instance
        self._logins = logins
        self._outbox = outbox
        self._hosts = hosts
        self._reader = reader
        self._timers = timers
        self._draw = draw
        self._count = count

    def begin(self, login: ClaimedLogin, now: float) -> None:
        """Claim a login; without a store it is granted at once."""
        self._logins.name(login)
        if not self._outbox.is_connected:
            self.alone(login, Outcome.ALONE_AWAY)
            return
        login.move(CLAIMING)
        self._outbox.claim(login)
        self._come_back(login, now + self.patience_s)

    def alone(self, login: ClaimedLogin, why: Outcome) -> None:
        """Grant it as without a fleet."""
        login.move(ALONE)
        self._logins.joins_no_more(login)
        self._count(why)
        self._outbox.answer(login, Granted(Held(login.owner, login.epoch)))

    def claimed(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The store has said whose it is."""
        claimed = read_claim(reply)
        if isinstance(claimed, Found):
            self._found(login, claimed, now)
            return
        login.epoch = claimed.epoch
        login.move(ASKING)
        self._outbox.welcome_all(login)
        self._count(Outcome.GRANTED)
        self._outbox.answer(login, Granted(Held(login.owner, login.epoch)))

    def _come_back(self, login: ClaimedLogin, instant: float) -> None:
        login.tick_at = instant
        self._timers.at(instant, self._late, (login, instant))

    def _late(self, late: tuple[ClaimedLogin, float], now: float) -> None:
        login, instant = late
        if login.tick_at != instant:
            return
        if login.state is CLAIMING:
            self.alone(login, Outcome.ALONE_LATE)
        elif login.state is RECALLING:
            self._claim_anew(login, now)

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
            self._count(Outcome.JOINED)
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
        self._come_back(login, now + self.patience_s)

    # The recall of a verdict.

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

    def recalled(self, login: ClaimedLogin, how: str, verdict: bytes, now: float) -> None:
        """The host that had it has told how it ended; that was sealed for this login."""
        if how != messages.VERDICT:
            self._claim_anew(login, now)
            return
        self._count(Outcome.RECALLED)
        self._logins.end(login)
        self._outbox.answer(login, Decided(login.host, verdict))

    def __repr__(self) -> str:
        return f"<Claiming patience {self.patience_s:g} s>"
