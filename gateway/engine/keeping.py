"""What of a login is written down before anything else is done, for a successor, and told to other hosts."""

from collections.abc import Sequence

from gateway.engine.digests import Digests
from gateway.engine.effects import ForgetLogin, KeepLogin, Outbox, ShareLogin
from gateway.engine.login_states import CLAIMING, ELSEWHERE
from gateway.engine.pending import NOTED, PendingLogin
from gateway.engine.sharing import FleetNames
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict


class Keeping:
    """Keeps logins while they must not be lost.

    Attributes:
        keeps_all: every login is kept, whatever its state: another worker is to know of it.
    """

    __slots__ = ("_digests", "_names", "_outbox", "keeps_all")

    def __init__(self, digests: Digests, names: FleetNames | None, outbox: Outbox) -> None:
        self._digests = digests
        self._names = names
        self._outbox = outbox
        self.keeps_all = False

    def keep(self, pending: PendingLogin) -> None:
        """Keep a login that must not be asked for again, a claim to be given back, and whatever is handed over."""
        login = pending.login
        if login.has_pushed or self.keeps_all or (login.state is ELSEWHERE and login.held is not None):
            self._keep_whole(pending)
        elif login.state is CLAIMING and login.held is not None and pending.kept_as != NOTED:
            pending.kept_as = NOTED
            self._outbox.add(KeepLogin(pending))

    def _keep_whole(self, pending: PendingLogin) -> None:
        login = pending.login
        progress = (login.progress, login.txid)
        if pending.kept_as == progress:
            return
        pending.kept_as = progress
        pending.digest = pending.digest or self._digests.login(pending.key)
        self._outbox.add(KeepLogin(pending))
        if login.held is not None and (login.txid or login.state is ELSEWHERE) and self._names is not None:
            self._outbox.add(ShareLogin(pending))

    def keep_again(self, pending: PendingLogin) -> None:
        """Keep a login whose packets have changed."""
        if pending.kept_as is not None and pending.kept_as != NOTED:
            self._outbox.add(KeepLogin(pending))

    def forget(self, pending: PendingLogin, verdict: Verdict | None, answered: Sequence[Transaction]) -> None:
        """Forget a login that has its verdict, or None; other hosts hear the end of one that this host has."""
        if pending.kept_as is not None:
            self._outbox.add(ForgetLogin(pending, verdict))
        if self._names is not None and pending.login.held is not None:
            self._outbox.add(self._names.ended_here(pending, verdict, answered))
