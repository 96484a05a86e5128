"""What the parts of the plan share: numbers of connections, timers, and what is to be done."""

from gateway.engine.first_factor import Answer
from gateway.engine.timers import Timers
from gateway.firstfactor.directory.effects import Answered, Close, Effect, HostChanged, Open, Send, Turned
from gateway.firstfactor.directory.host import Asked, Connection, Host
from gateway.firstfactor.directory.states import CLOSED
from gateway.unavailable import Unavailable


class Switchboard:
    """Connections by number, and effects in their order.

    Attributes:
        connections: all, from the attempt to open one to its end.
        timers: of all parts.
    """

    __slots__ = ("_effects", "_n_opened", "connections", "timers")

    def __init__(self) -> None:
        self.connections: dict[int, Connection] = {}
        self.timers = Timers()
        self._effects: list[Effect] = []
        self._n_opened = 0

    def open(self, host: Host, now: float, *, is_service: bool) -> Connection:
        """Begin to open a connection."""
        self._n_opened += 1
        connection = self.connections[self._n_opened] = Connection(self._n_opened, host, is_service, now)
        self._effects.append(Open(connection.number, host))
        return connection

    def send(self, connection: Connection, octets: bytes, *, looks: bool = False) -> None:
        """Send octets; see `effects.Send`."""
        self._effects.append(Send(connection.number, octets, looks))

    def close(self, connection: Connection, now: float) -> None:
        """Close a connection that the shell has."""
        self.forget(connection, now)
        self._effects.append(Close(connection.number))

    def forget(self, connection: Connection, now: float) -> None:
        """Forget a connection that is closed already."""
        connection.move(CLOSED, now)
        del self.connections[connection.number]

    def answer(self, asked: Asked, result: Answer | Unavailable) -> None:
        """Tell whoever has asked."""
        self._effects.append(Answered(asked, result))

    def turn(self, asked: Asked, host: Host) -> None:
        """Tell to which host a question goes."""
        self._effects.append(Turned(asked, host))

    def tell(self, host: Host) -> None:
        """Tell how a host is now."""
        self._effects.append(HostChanged(host))

    def take(self) -> list[Effect]:
        """Return what is to be done."""
        effects, self._effects = self._effects, []
        return effects
