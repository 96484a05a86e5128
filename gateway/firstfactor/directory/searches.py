"""Searches, all of a host's on one connection: it is opened at the start, bound as the service account, and kept.

- It is asked for a sign of life when nothing has come for `KEEP_ALIVE_S`: domain controllers close it after 900. A host
  that could not search as the file says must do just that, for at its root each is well.
- What was asked on a connection that had answered before, and dies, is asked once more at the same host, on a new one.
- After a refused service account nobody tries again until a pause is over. Directories lock accounts out: a password
  that is wrong at one host is tried at none for `FIRST_LOCKING_PAUSE_S`, and then after ever longer pauses at one of
  them. Where it is bound, searches go on; all others do not do what they are for, and are down.
"""

from typing import Final

from mypy_extensions import trait

from gateway.firstfactor.directory.binder import Binder, ServiceAccount
from gateway.firstfactor.directory.host import Asked, Connection, Host
from gateway.firstfactor.directory.outcomes import counts_as_wrong, of_search, of_service_bind
from gateway.firstfactor.directory.search import KEEP_ALIVE
from gateway.firstfactor.directory.session import Searching
from gateway.firstfactor.directory.states import BINDING_SERVICE, CLOSED, OPENING, READY
from gateway.firstfactor.directory.switchboard import Switchboard
from gateway.firstfactor.host_states import UP
from gateway.ldap.responses import Result
from gateway.ldap.results import SUCCESS
from gateway.unavailable import Trouble, Unavailable

KEEP_ALIVE_S: Final = 300.0
FIRST_LOCKING_PAUSE_S: Final = 300.0
LONGEST_LOCKING_PAUSE_S: Final = 3600.0
LIVES_LONG_S: Final = 10.0  # one that was lost sooner is opened again only when somebody asks
_MISTAKE: Final = Trouble.CONFIGURATION
_BARRED: Final = "is not tried: the service account has a wrong password"


@trait
class SearchOwner:
    """Who has searches made."""

    __slots__ = ()

    def search_failed(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Hear that this host does not search for somebody."""
        raise NotImplementedError

    def has_better(self, asked: Asked, now: float) -> bool:
        """Whether a question may go to a host that answers as far as is known, other than its own."""
        raise NotImplementedError

    def host_failed(self, host: Host, text: str, trouble: Trouble, now: float) -> None:
        """Hear that a host does not do what it is for."""
        raise NotImplementedError

    def host_heard(self, host: Host, now: float) -> None:
        """Hear that it does."""
        raise NotImplementedError


class Searches:
    """The service connections of all hosts.

    Args:
        account: who searches; None for nobody in particular.
        base: below which they do.
        patience_s: how long a bind or a sign of life may take.
        time_limit_s: how long a search may take, for the host to know.
    """

    def __init__(
        self,
        board: Switchboard,
        owner: SearchOwner,
        binder: Binder,
        account: ServiceAccount | None,
        base: bytes,
        *,
        patience_s: float,
        time_limit_s: int,
    ) -> None:
        self._board = board
        self._owner = owner
        self._binder = binder
        self._account = account
        self._at_base = KEEP_ALIVE._replace(base=base)
        self._patience_s = patience_s
        self._time_limit_s = time_limit_s
        self._hosts: tuple[Host, ...] = ()
        self._unopened: tuple[Host, ...] = ()
        self._pause_s = 0.0  # after the last wrong password of the service account

    def start(self, hosts: tuple[Host, ...], now: float) -> None:
        """Open the connection of the first host, and those of the others unless it refuses the service account: each
        refusal is a wrong password more, and each worker makes one.
        """
        self._hosts, self._unopened = hosts, hosts[1:]
        self.open(hosts[0], now)

    def put(self, asked: Asked, host: Host, now: float) -> None:
        """Search for who was named, at once or as soon as there is a connection."""
        asked.step_at = now
        connection = host.service
        if connection is not None and connection.state is READY:
            self._send(asked, connection)
        elif now < host.barred_until:
            self._owner.search_failed(asked, host.complaint or _BARRED, host.trouble or Trouble.CONFIGURATION, now)
        else:
            host.searching[asked] = None
            self.open(host, now)

    def open(self, host: Host, now: float) -> None:
        """Begin to open the connection of a host that has none, if its service account may be tried."""
        if host.service is None and now >= host.barred_until:
            if self._pause_s:
                self._bar_others(host, now + 2 * self._patience_s)
            host.service = self._board.open(host, now, is_service=True)

    def look(self, host: Host, now: float) -> None:
        """See whether a host answers, unless that is under way."""
        connection = host.service
        if connection is None:
            self.open(host, now)
        elif connection.state is READY:
            self._check(connection, now)

    def give_up(self, asked: Asked, host: Host, now: float, *, is_silent: bool) -> None:
        """Want no answer any more; if that was silence, the connection may be dead."""
        host.searching.pop(asked, None)
        connection, asked.connection = asked.connection, None
        if connection is None:
            return
        is_good = connection.session.give_up(asked)
        if not is_good or (is_silent and connection.heard_at <= asked.step_at):
            self._board.close(connection, now)
            self.lost(connection, READY, "leaves searches unanswered", Trouble.TIMEOUT, now)

    # What becomes of connections.

    def opened(self, connection: Connection, now: float) -> None:
        """Bind as the service account."""
        account, host = self._account, connection.host
        if account is None:
            self._ready(connection, now)
            return
        if host.is_barred(now):
            self._board.close(connection, now)
            self.lost(connection, OPENING, _BARRED, Trouble.CONFIGURATION, now)
            return
        connection.move(BINDING_SERVICE, now)
        try:
            octets = self._binder.begin(
                connection.session,
                host.host,
                connection.channel_bindings,
                account.name,
                account.user,
                account.domain,
                account.password,
            )
        except ValueError as error:
            self._refused(connection, f"cannot be asked as the service account: {error}", Trouble.CONFIGURATION, now)
            return
        self._board.send(connection, octets)
        self._board.timers.at(now + self._patience_s, self._bind_due, connection)

    def bound(self, connection: Connection, result: Result, now: float) -> None:
        """Take what the service account's bind came to."""
        if result.code == SUCCESS:
            connection.host.took_service(now)
            self._pause_s = 0.0
            self._ready(connection, now)
            return
        is_wrong = counts_as_wrong(result)
        if is_wrong:
            self._bar_all(now)
        who = self._account.told(self._binder.manner) if self._account is not None else ""
        trouble = of_service_bind(result, self._binder.manner, who, self.password)
        self._refused(connection, trouble.detail, trouble.trouble, now)
        if is_wrong:
            self._give_up_others(connection.host, now)

    def failed(self, host: Host, trouble: Unavailable, now: float) -> None:
        """Hear that a connection could not be opened; it is forgotten."""
        host.service = None
        self._open_others(now)
        self._nobody_searches(host, f"cannot be reached: {trouble.detail}", trouble.trouble, now)

    def lost(
        self,
        connection: Connection,
        state: str,
        text: str,
        trouble: Trouble,
        now: float,
        to_blame: Searching | None = None,
    ) -> None:
        """Go on without a connection, which is forgotten.

        Args:
            connection: which.
            state: as it was.
            text: why.
            trouble: likewise.
            now: the instant.
            to_blame: whose search has ended it.
        """
        host = connection.host
        host.service = None
        lived_long = now - connection.opened_at >= LIVES_LONG_S
        if state is not READY:
            self._open_others(now)
            self._nobody_searches(host, text, trouble, now)
            return
        out = [each for each in connection.session.searching if isinstance(each, Asked)]
        for asked in out:
            asked.connection = None
            asked.message_id = 0
        again = [each for each in out if each is not to_blame and self._may_again(each, connection, now)]
        for asked in again:
            asked.is_renewed = True
            asked.step_at = now
            host.searching[asked] = None
        if len(again) < len(out) or connection.check.message_id:
            self._owner.host_failed(host, text, trouble, now)
        for asked in out:
            if asked not in again:
                self._owner.search_failed(asked, text, trouble, now)
        if host.searching or (lived_long and host.state is UP):
            self.open(host, now)
        if host.is_barred(now):
            self._owner.host_failed(host, _BARRED, Trouble.CONFIGURATION, now)

    def _may_again(self, asked: Asked, connection: Connection, now: float) -> bool:
        """Whether a search is made once more at the same host: not if that is down, and another one is not."""
        if asked.is_renewed or not connection.is_kept or connection.host.is_barred(now):
            return False
        return connection.host.state is UP or not self._owner.has_better(asked, now)

    def checked(self, connection: Connection, result: Result, now: float) -> None:
        """Hear that it has given a sign of life; that it has no time for others, or that the file is wrong, is none."""
        host, trouble = connection.host, of_search(result, self.password)
        if trouble is not None and (trouble.trouble is Trouble.BUSY or trouble.trouble is host.trouble is _MISTAKE):
            self._owner.host_failed(host, trouble.detail, trouble.trouble, now)
        else:
            self._owner.host_heard(host, now)

    @property
    def password(self) -> bytes | None:
        """The service account's, which no host's text may show."""
        return self._account.password if self._account is not None else None

    # Helpers.

    def _send(self, asked: Asked, connection: Connection) -> None:
        lookup = asked.lookup
        if lookup is not None:
            asked.connection = connection
            octets = connection.session.search(asked, lookup.wanted(), self._time_limit_s)
            self._board.send(connection, octets)

    def _ready(self, connection: Connection, now: float) -> None:
        host = connection.host
        connection.move(READY, now)
        self._open_others(now)
        if host.state is not UP:
            self._check(connection, now)
        while host.searching and host.service is connection:
            asked, _ = host.searching.popitem(last=False)
            asked.step_at = now
            self._send(asked, connection)
        self._board.timers.at(now + KEEP_ALIVE_S, self._keep_alive, connection)

    def _open_others(self, now: float) -> None:
        """Open those that wait for the first one since the start."""
        hosts, self._unopened = self._unopened, ()
        for host in hosts:
            self.open(host, now)

    def _keep_alive(self, connection: Connection, now: float) -> None:
        if connection.state is CLOSED:
            return
        due = connection.heard_at + KEEP_ALIVE_S
        if now >= due:
            self._check(connection, now)
            due = now + KEEP_ALIVE_S
        self._board.timers.at(due, self._keep_alive, connection)

    def _check(self, connection: Connection, now: float) -> None:
        """Ask for a sign of life: at the root, which everybody may read, or where the file was wrong."""
        if not connection.check.message_id:
            connection.checked_at = now
            wanted = self._at_base if connection.host.trouble is _MISTAKE else KEEP_ALIVE
            self._board.send(connection, connection.session.search(connection.check, wanted, self._time_limit_s))
            self._board.timers.at(now + self._patience_s, self._check_due, connection)

    def _check_due(self, connection: Connection, now: float) -> None:
        is_out = connection.state is READY and connection.check.message_id
        if is_out and now >= connection.checked_at + self._patience_s:
            self._board.close(connection, now)
            self.lost(connection, READY, "gives no sign of life", Trouble.TIMEOUT, now)

    def _bind_due(self, connection: Connection, now: float) -> None:
        if connection.state is BINDING_SERVICE:
            self._board.close(connection, now)
            text = "did not answer the service account's bind in time"
            self.lost(connection, BINDING_SERVICE, text, Trouble.TIMEOUT, now)

    def _refused(self, connection: Connection, text: str, trouble: Trouble, now: float) -> None:
        host = connection.host
        self._board.close(connection, now)
        host.service = None
        host.refused_service(now)
        self._nobody_searches(host, text, trouble, now)

    def _bar_all(self, now: float) -> None:
        """Try a wrong password nowhere for a while: all hosts count it together."""
        self._pause_s = min(2 * self._pause_s, LONGEST_LOCKING_PAUSE_S) if self._pause_s else FIRST_LOCKING_PAUSE_S
        self._bar_others(None, now + self._pause_s)

    def _bar_others(self, tried: Host | None, until: float) -> None:
        for host in self._hosts:
            if host is not tried:
                host.bar(until)

    def _give_up_others(self, refusing: Host, now: float) -> None:
        """Have all other hosts be down where the service account is neither bound nor being bound."""
        for host in self._hosts:
            if host is not refusing and (host.service is None or host.service.state is OPENING):
                self._nobody_searches(host, _BARRED, Trouble.CONFIGURATION, now)

    def _nobody_searches(self, host: Host, text: str, trouble: Trouble, now: float) -> None:
        self._owner.host_failed(host, text, trouble, now)
        for asked in tuple(host.searching):
            if asked in host.searching:  # nobody has ended it meanwhile
                self._owner.search_failed(asked, text, trouble, now)
