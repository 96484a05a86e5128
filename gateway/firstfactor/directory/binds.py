"""Users' binds, on connections of their own: nobody searches there, and one bind at a time is out on each.

A connection serves one user after the other, where the manner of binds permits it, and is closed when it has idled for
`IDLE_S`. The last one used is the first one to be used again. Of a host there are `max_in_flight` at most.
"""

from typing import Final

from mypy_extensions import trait

from gateway.engine.first_factor import Refused
from gateway.firstfactor.directory.binder import Binder
from gateway.firstfactor.directory.host import Asked, Connection, Host
from gateway.firstfactor.directory.outcomes import of_user_bind
from gateway.firstfactor.directory.states import BUSY, READY
from gateway.firstfactor.directory.switchboard import Switchboard
from gateway.ldap.responses import Result
from gateway.ldap.results import INVALID_CREDENTIALS, SUCCESS
from gateway.unavailable import Trouble, Unavailable

IDLE_S: Final = 60.0
MAX_OPENING: Final = 16  # at once, of a host: a handshake costs as much of the processor as some logins
_AFTER_WHICH_IT_SERVES: Final = (SUCCESS, INVALID_CREDENTIALS)


@trait
class BindOwner:
    """Who has binds made."""

    __slots__ = ()

    def bound(self, asked: Asked, result: Refused | Unavailable | None, now: float) -> None:
        """Take what the bind came to; None: the password is right."""
        raise NotImplementedError

    def bind_failed(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Hear that there was no bind: no password has left."""
        raise NotImplementedError

    def bind_lost(self, asked: Asked, text: str, trouble: Trouble, now: float) -> None:
        """Hear that the password has left, and nobody knows what became of it."""
        raise NotImplementedError

    def host_failed(self, host: Host, text: str, trouble: Trouble, now: float) -> None:
        """Hear that a host does not do what it is for."""
        raise NotImplementedError


class Binds:
    """The users' connections of all hosts."""

    def __init__(self, board: Switchboard, owner: BindOwner, binder: Binder, max_in_flight: int) -> None:
        self._board = board
        self._owner = owner
        self._binder = binder
        self._max_in_flight = max_in_flight

    def put(self, asked: Asked, host: Host, now: float) -> None:
        """Bind as who was found, at once or as soon as there is a connection."""
        asked.step_at = now
        if host.idle:
            _, connection = host.idle.popitem()
            self._begin(connection, asked, now)
        else:
            host.binding[asked] = None
            self._open_more(host, now)

    def give_up(self, asked: Asked, host: Host, now: float) -> None:
        """Want no answer any more; a connection whose answer is still to come serves nobody else."""
        host.binding.pop(asked, None)
        connection, asked.connection = asked.connection, None
        if connection is not None:
            connection.asked = None
            host.n_busy -= 1
            self._board.close(connection, now)
            self._open_more(host, now)

    # What becomes of connections.

    def opened(self, connection: Connection, now: float) -> None:
        """Put a new connection to use."""
        connection.host.n_opening -= 1
        connection.move(READY, now)
        self._serve(connection, now)
        self._open_more(connection.host, now)

    def failed(self, host: Host, trouble: Unavailable, now: float) -> None:
        """Hear that a connection could not be opened; it is forgotten. Who has waited longest waits there no more."""
        host.n_opening -= 1
        text = f"cannot be reached: {trouble.detail}"
        self._owner.host_failed(host, text, trouble.trouble, now)
        if len(host.binding) > host.n_opening:
            asked = next(iter(host.binding))
            self._owner.bind_failed(asked, text, trouble.trouble, now)
        self._open_more(host, now)

    def goes_on(self, connection: Connection, octets: bytes) -> None:
        """Send the proof of the password."""
        asked = connection.asked
        if asked is not None:
            asked.n_proven += 1
            connection.is_proven = True
            self._board.send(connection, octets)

    def answered(self, connection: Connection, result: Result, now: float) -> None:
        """Take what a bind came to; the connection is for the next one first."""
        host, asked = connection.host, connection.asked
        if asked is None:
            return
        connection.asked = asked.connection = None
        connection.is_kept = True
        host.n_busy -= 1
        if self._binder.manner.can_bind_again and result.code in _AFTER_WHICH_IT_SERVES:
            connection.move(READY, now)
            self._serve(connection, now)
        else:
            self._board.close(connection, now)
            self._open_more(host, now)
        password = asked.question.password
        answer = None if result.code == SUCCESS else of_user_bind(result, host.name, self._binder.manner, password)
        self._owner.bound(asked, answer, now)

    def lost(self, connection: Connection, text: str, trouble: Trouble, now: float, *, is_unsent: bool = False) -> None:
        """Go on without a connection, which is forgotten; `is_unsent`: nothing of what was to be sent last has left."""
        host, asked = connection.host, connection.asked
        host.idle.pop(connection.number, None)
        if asked is None:
            return
        connection.asked = asked.connection = None
        host.n_busy -= 1
        if is_unsent and connection.is_proven:
            asked.n_proven -= 1
            connection.is_proven = False
        if connection.is_proven:
            self._owner.bind_lost(asked, text, trouble, now)
        elif connection.is_kept and not asked.is_renewed:
            asked.is_renewed = True
            asked.step_at = now
            host.binding[asked] = None
        else:
            self._owner.bind_failed(asked, text, trouble, now)
        self._open_more(host, now)

    # Helpers.

    def _begin(self, connection: Connection, asked: Asked, now: float) -> None:
        """Begin a bind on a connection that is ready."""
        found, host = asked.found, connection.host
        if found is None:
            raise ValueError("nobody was found to bind as")
        connection.move(BUSY, now)
        host.n_busy += 1
        connection.asked, asked.connection = asked, connection
        asked.step_at = now
        connection.is_proven = False
        try:
            octets = self._binder.begin(
                connection.session,
                host.host,
                connection.channel_bindings,
                found.dn,
                found.user,
                found.domain,
                asked.question.password or b"",
            )
        except ValueError as error:
            self._owner.bind_failed(asked, f"has found what cannot be bound as: {error}", Trouble.BAD_ANSWER, now)
            return
        if not self._binder.manner.is_ntlm:
            asked.n_proven += 1
            connection.is_proven = True
        self._board.send(connection, octets, looks=connection.is_kept)

    def _serve(self, connection: Connection, now: float) -> None:
        """Give a connection to who has waited longest; it idles if there is nobody."""
        host = connection.host
        if host.binding:
            asked, _ = host.binding.popitem(last=False)
            self._begin(connection, asked, now)
            return
        connection.since = now
        host.idle[connection.number] = connection
        if not host.is_swept:
            host.is_swept = True
            self._board.timers.at(now + IDLE_S, self._sweep, host)

    def _open_more(self, host: Host, now: float) -> None:
        most = min(len(host.binding), MAX_OPENING, self._max_in_flight - host.n_busy - len(host.idle))
        while host.n_opening < most:
            host.n_opening += 1
            self._board.open(host, now, is_service=False)

    def _sweep(self, host: Host, now: float) -> None:
        """Close what has idled too long."""
        while host.idle:
            connection = next(iter(host.idle.values()))
            due = connection.since + IDLE_S
            if now < due:  # not by `now - since`, which rounds otherwise: the timer would be due again at once
                self._board.timers.at(due, self._sweep, host)
                return
            del host.idle[connection.number]
            self._board.close(connection, now)
        host.is_swept = False
