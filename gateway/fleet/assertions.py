"""A login that is ours says so again: the store may have forgotten it, or have given it to another host.

So it does when the store is there again, when a write of ours is refused, and when another host says that it has taken
the push. What the instance before this one had, of a gateway that has started again, is claimed from it. A push that
another host has taken is left to it; all else stays ours, whatever the store says.
"""

from gateway.fleet.claim_states import ALONE, ASKING, ELSEWHERE, PUSHED, ClaimedLogin
from gateway.fleet.effects import Outcome
from gateway.fleet.logins import Logins
from gateway.fleet.outbox import MOST_CLAIMS, Outbox
from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import Found, Mine, read_claim, read_write
from gateway.fleetapi.names import is_of_one_claim
from gateway.fleetapi.records import PushedRecord


class Assertions:
    """Claims that are made again, of all logins of a worker."""

    __slots__ = ("_logins", "_outbox", "_reader")

    def __init__(self, logins: Logins, outbox: Outbox, reader: RecordReader) -> None:
        self._logins = logins
        self._outbox = outbox
        self._reader = reader

    def doubted(self, login: ClaimedLogin) -> None:
        """Look who has the record of a login that is ours; within limits, for who writes to the store can cause it."""
        if login.n_tries < MOST_CLAIMS:
            self._outbox.claim(login)

    def named(self, login: ClaimedLogin, now: float) -> None:
        """Write the push's name, with Duo's time of it: until that is known it waits, as nobody believes it without."""
        if login.pushed_at is None:
            login.pushed_at = self._reader.unix_time(login.named_at, now)
        if login.pushed_at is not None and login.state is PUSHED:
            self._outbox.write_pushed(login)

    def written(self, login: ClaimedLogin, reply: object, _now: float) -> None:
        """The store has written the push's name, or has it under another owner."""
        if not read_write(reply):
            self.doubted(login)

    def asserted(self, login: ClaimedLogin, reply: object, now: float) -> None:
        """The store has said whose it is."""
        claimed = read_claim(reply)
        if isinstance(claimed, Mine):
            login.epoch = claimed.epoch
            self._confirm(login, now)
        elif is_of_one_claim(login.owner, claimed.owner):
            self._outbox.inherit(login, claimed)
        else:
            self._claimed_meanwhile(login, claimed)

    def _confirm(self, login: ClaimedLogin, now: float) -> None:
        """Let the store know what we know."""
        if login.txid:
            login.move(PUSHED)
            self.named(login, now)
        elif login.state is ALONE:
            login.move(ASKING)
        self._outbox.welcome_all(login)

    def _claimed_meanwhile(self, login: ClaimedLogin, found: Found) -> None:
        """Leave our own push to whoever took it over; a push that is not theirs stays ours, and alone."""
        record = self._reader.read(login.login, found)
        if isinstance(record, PushedRecord) and record.txid == login.txid:
            login.meet(found, record)
            login.move(ELSEWHERE)
            self._logins.unname(login)
            self._outbox.count(Outcome.DISPLACED)
            self._outbox.displaced(login)
        else:
            if login.state is not ALONE:
                login.move(ALONE)
            self._outbox.count(Outcome.CLAIMED_MEANWHILE)
