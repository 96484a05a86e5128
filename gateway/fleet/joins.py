"""A login that another host has: it is asked what becomes of it, again and again, until it says so.

An owner is silent when its host does not beat, or when it does not say that it knows the login. Then its record is
looked at, and the store is asked for the push: if its name is there, it is ours from now on. As long as Duo's time is
not known here, and so no push's age, none is taken. A push whose name is not there is nobody's: it is waited for, since
its owner may come back, and is lost in the end. A passcode is not: it may be asked again.
"""

from typing import Final

from gateway.fleet.claim_states import JOINED, LOOKING, PUSHED, TAKING, ClaimedLogin
from gateway.fleet.effects import Outcome
from gateway.fleet.hosts import Hosts
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import NOBODY, Found, Took, read_look, read_take
from gateway.fleetapi import messages, records
from gateway.fleetapi.names import instance_of
from gateway.fleetapi.questions import Answer, Decided, Held, Lost, Released, TakenOver

JOIN_INTERVAL_S: Final = 0.5
KNOWN_S: Final = 1.25
"""For so long an owner that has said `known` is not asked again: its worker's successor does not know who joined. With
a tick it is well within the grace, so that whoever had joined hears the verdict that such a successor has at once."""
UNKNOWN_S: Final = 1.5
"""An owner that does not say `known` for so long is as if gone, even if its host beats."""
UNNAMED_S: Final = 75.0
"""For so long after its claim a login may still come to a push's name, or to a verdict."""
LONGEST_S: Final = 90.0
"""No join lasts longer, whatever is said to it."""
STOOD_STILL_S: Final = 1.0
"""Whoever is so late has heard nobody in that time."""
_LATE_VERDICT_S: Final = 3.0
"""For so long after a decision its owner may still be asked for it, or what it has said be on its way: whose beats do
not come may say that all the same."""


class Joins:
    """The joiner's side of all logins of a worker.

    Attributes:
        is_hearing: whether the owners can be heard: without that their silence says nothing.
        unreachable: the applications that this host cannot reach while another one can: it takes no push of these from
            an owner that is not silent.
    """

    __slots__ = ("_hosts", "_logins", "_outbox", "_reader", "is_hearing", "unreachable")

    def __init__(
        self,
        logins: Logins,
        outbox: Outbox,
        hosts: Hosts,
        reader: RecordReader,
    ) -> None:
        self._logins = logins
        self._outbox = outbox
        self._hosts = hosts
        self._reader = reader
        self.is_hearing = False
        self.unreachable: frozenset[str] = frozenset()

    def begin(self, login: ClaimedLogin, now: float) -> None:
        """Join the owner whose record was found, or look for one."""
        if not login.give_up_at:
            login.give_up_at = now + LONGEST_S
        if login.found is NOBODY:
            login.move(LOOKING)
            login.tick_at = now
            self._tick(login, now)
        else:
            self._join(login, now)

    def connected(self, login: ClaimedLogin, now: float) -> None:
        """Go on with a join at its next tick: the store is there again."""
        login.known_until = now

    def known(self, login: ClaimedLogin, now: float) -> None:
        """The owner has it."""
        login.known_until = now + KNOWN_S

    def ended(self, login: ClaimedLogin, how: str, verdict: bytes, now: float) -> None:
        """The owner has told how it ended; that was sealed for this join."""
        if how == messages.VERDICT:
            login.ended_at = now
            login.verdict = verdict  # for whoever joins us, should the store be about to give us the push
            self._end(login, Decided(login.host, verdict), how)
        elif how == messages.RELEASED:
            login.how = how  # at the next tick: two hosts that misunderstand each other shall not do it without a pause
        elif how == messages.LOST:
            self._lose(login, how)
        elif login.state is JOINED and login.application not in self.unreachable:
            self._take(login)

    def looked(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The store has said who has the login."""
        found = read_look(reply)
        if found is None:
            self._lose(login)
        else:
            self._follow(login, found, now)

    def looked_before(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The store has said whose the push is that is to be taken."""
        found = read_look(reply)
        if found is None or found.state != records.PUSHED or not _is_same(login.found, found):
            self._not_took(login, found, now)
        elif self._reader.waits_for_time(login.login, found):
            self._outbox.ask_duo_time()
            self._refused(login, found, now)
        else:
            self._outbox.take_over(login, login.found)

    def took(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The store has said whose the push is."""
        answer = read_take(reply)
        if isinstance(answer, Took):
            self._own(login, answer)
        else:
            self._not_took(login, answer, now)

    def _not_took(self, login: ClaimedLogin, found: Found | None, now: float) -> None:
        if found is None:
            self._vanished(login, now)
        elif found.owner == login.owner:  # the answer to an earlier question was lost
            self._own(login, Took(found.epoch, found.sealed, found.age_s))
        elif _is_same(login.found, found):
            self._refused(login, found, now)
        else:
            self._follow(login, found, now)

    def failed(self, login: ClaimedLogin) -> None:
        """The store has not done it; the next tick asks again."""
        if login.state is TAKING:
            login.move(JOINED)

    def _join(self, login: ClaimedLogin, now: float) -> None:
        login.move(JOINED)
        self._logins.joins(login)
        login.known_until = now
        login.tick_at = now
        self._tick(login, now)

    def _ticked(self, login: ClaimedLogin, now: float) -> None:
        if login.state in (LOOKING, JOINED, TAKING):
            self._tick(login, now)

    def _tick(self, login: ClaimedLogin, now: float) -> None:
        """Look after a join: twice a second."""
        if now >= login.give_up_at:
            self._lose(login)
            return
        if login.how == messages.RELEASED:
            self._release(login)
            return
        if now - login.tick_at > STOOD_STILL_S:
            self._hosts.connected(now)
            login.known_until = now
        if self._outbox.is_connected:
            self._ask(login, now)
        self._logins.wake(login, now + JOIN_INTERVAL_S, self._ticked)

    def _ask(self, login: ClaimedLogin, now: float) -> None:
        """Ask whoever may know something: the owner unless it is known to have it, and the store if it is silent."""
        found = login.found
        if found is NOBODY:
            self._outbox.look(login)
            return
        is_silent = login.is_left or self._is_silent(login, now)
        if is_silent or now >= login.known_until:
            self._outbox.join(login, found.owner, now)
        if is_silent and login.state is JOINED:
            self._take(login)

    def _is_silent(self, login: ClaimedLogin, now: float) -> bool:
        return self.is_hearing and (now - login.known_until >= UNKNOWN_S or self._is_gone(login, now))

    def _is_gone(self, login: ClaimedLogin, now: float) -> bool:
        return self._hosts.is_gone(instance_of(login.found.owner), now)

    def _take(self, login: ClaimedLogin) -> None:
        login.move(TAKING)
        self._outbox.look(login)

    def _follow(self, login: ClaimedLogin, found: Found, now: float) -> None:
        """Join whoever has it now."""
        record = self._reader.read(login.login, found)
        if record is None:
            self._lose(login)
        else:
            login.meet(found, record)
            self._join(login, now)

    def _refused(self, login: ClaimedLogin, found: Found, now: float) -> None:
        """The push is still the silent owner's: it has no name yet, or one of an unknown age, or is decided."""
        if found.state == records.ASKING and login.is_repeatable and self._is_gone(login, now):
            self._release(login)
            return
        if 0.0 <= found.age_s < (_LATE_VERDICT_S if found.state == records.DECIDED else UNNAMED_S):
            login.move(JOINED)
        else:
            self._lose(login)

    def _vanished(self, login: ClaimedLogin, now: float) -> None:
        """The record is gone: the store was emptied. Its owner has the login in memory, if it is there."""
        if not self._is_gone(login, now):
            login.move(JOINED)
        elif login.is_repeatable:
            self._release(login)
        else:
            self._lose(login)

    def _own(self, login: ClaimedLogin, took: Took) -> None:
        """Go on with the push, if its record is to be believed."""
        login.epoch = took.epoch
        believed = self._reader.read_push(login.login, took.epoch, took.sealed)
        if believed is None:
            self._outbox.release(login)
            self._lose(login)
            return
        record, age_s = believed
        login.move(PUSHED)
        login.txid, login.factor, login.pushed_at = record.txid, record.factor, record.pushed_at
        self._logins.joins_no_more(login)
        self._logins.name(login)
        self._outbox.write_pushed(login)
        self._outbox.taken(login.found.owner)
        self._outbox.count(Outcome.TAKEOVER)
        held = Held(login.owner, login.epoch)
        self._outbox.answer(login, TakenOver(held, record.host, record.txid, record.factor, age_s))

    def _release(self, login: ClaimedLogin) -> None:
        self._end(login, Released(login.host), messages.RELEASED)

    def _lose(self, login: ClaimedLogin, how: str = messages.LEAVE) -> None:
        self._outbox.count(Outcome.LOST)
        self._end(login, Lost(login.host), how)

    def _end(self, login: ClaimedLogin, answer: Answer, how: str) -> None:
        login.how = how
        self._logins.end(login)
        self._outbox.answer(login, answer)


def _is_same(expected: Found, found: Found) -> bool:
    return expected.owner == found.owner and expected.epoch == found.epoch
