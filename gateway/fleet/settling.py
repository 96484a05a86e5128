"""The end of a login: the store and all joiners are told of it, and it is remembered for those who come late.

An end has one of four words (`fleetapi.messages`), and each leaves the record as it wants it: decided, there for
another host to take over, or gone. A store that is away is told once it is back; until then its record keeps others
waiting.
"""

from collections import deque
from typing import Final

from gateway.fleet.claim_states import ALONE, CLAIMING, RECALLING, ClaimedLogin
from gateway.fleet.claiming import GRACE_S
from gateway.fleet.endings import Endings
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import Mine, Took, read_claim, read_take
from gateway.fleetapi import messages
from gateway.fleetapi.messages import Join
from gateway.fleetapi.names import is_of_one_claim

_MOST_UNSETTLED: Final = 1024


class Settling:
    """All logins of a worker that have ended."""

    __slots__ = ("_endings", "_logins", "_outbox", "_reader", "_unsettled")

    def __init__(self, logins: Logins, outbox: Outbox, reader: RecordReader) -> None:
        self._logins = logins
        self._outbox = outbox
        self._reader = reader
        self._endings = Endings()
        self._unsettled: deque[ClaimedLogin] = deque(maxlen=_MOST_UNSETTLED)  # of whose end the store may not know

    def end(self, login: ClaimedLogin, how: str, now: float) -> None:
        """Tell the store and all joiners how a login of ours has ended, and remember it."""
        login.how = how
        is_in_store = login.state is not ALONE
        self._logins.end(login)
        if is_in_store:
            self._settle(login)
        elif login.n_tries and not self._outbox.is_connected:
            self._unsettled.append(login)
        self._remember(login, now)

    def let_go(self, login: ClaimedLogin) -> None:
        """Forget a login that is not ours; should the store still give it to us, others may have it."""
        login.how = messages.RELEASED if login.state is CLAIMING or login.state is RECALLING else messages.LEAVE
        self._logins.end(login)

    def store_back(self) -> None:
        """Tell the store what it may have missed."""
        while self._unsettled:
            self._settle(self._unsettled.popleft())

    def failed(self, login: ClaimedLogin) -> None:
        """The store has not been told, or nobody knows whether it has."""
        self._unsettled.append(login)

    def claimed_too_late(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The claim of a login that has ended has come through all the same."""
        claimed = read_claim(reply)
        if isinstance(claimed, Mine):
            self._settle_late(login, claimed.epoch, now)
        elif is_of_one_claim(login.owner, claimed.owner):
            self._outbox.inherit(login, claimed)

    def took_too_late(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The push of a login that has ended is ours all the same."""
        took = read_take(reply)
        if isinstance(took, Took):
            self._settle_late(login, took.epoch, now)

    def joined_too_late(self, join: Join, now: float) -> None:
        """Tell how a login has ended, to those for whom that was meant.

        The store may not have heard of its end, so that a login which is asked for later comes here, too. That one has
        nothing to do with this verdict: it is to be claimed.
        """
        login = self._endings.find(join.owner)
        if login is None:
            return
        how = login.how
        if how == messages.VERDICT or how == messages.LOST:
            if not self._is_meant_for(login, join, now):
                how = messages.RELEASED
                self._outbox.release(login)
        else:
            self._settle(login)
        self._outbox.ended(login, how, join)

    def _is_meant_for(self, login: ClaimedLogin, join: Join, now: float) -> bool:
        """Whether a join is about this login: it came before the end, or soon after; or it was waiting already."""
        if join.packet in login.packets or login.is_joined_by(join):
            return True
        ended_s = now - login.ended_at
        return ended_s < GRACE_S or ended_s < self._reader.waited_s(login.login, join)

    def _settle_late(self, login: ClaimedLogin, epoch: int, now: float) -> None:
        login.epoch = epoch
        self._settle(login)
        self._remember(login, now)

    def _settle(self, login: ClaimedLogin) -> None:
        """Leave the record as the login's end wants it: decided, gone, or there for another host to take over."""
        if login.how == messages.LEAVE:
            if login.txid and login.pushed_at is not None:
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

    def __len__(self) -> int:
        return len(self._endings)


def how_it_ends(login: ClaimedLogin, may_have_pushed: bool) -> str:
    """Return how a login of ours ends, as joiners are told. A push is left to them if they can tell how old it is."""
    if login.verdict is not None:
        return messages.VERDICT
    if login.txid and login.pushed_at is not None:
        return messages.LEAVE
    return messages.LOST if may_have_pushed or login.txid else messages.RELEASED
