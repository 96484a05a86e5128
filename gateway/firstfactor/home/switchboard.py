"""What the parts of the plan share: ports by number, timers, and what is to be done."""

from gateway.engine.first_factor import Answer
from gateway.engine.timers import Timers
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.effects import Answered, ClosePort, Effect, OpenPort, SendRequest, ServerChanged
from gateway.firstfactor.home.ports import Port, Request
from gateway.firstfactor.home.server import HomeServer, Location
from gateway.unavailable import Unavailable


class Switchboard:
    """Ports by number, and effects in their order.

    Attributes:
        servers: by the numbers of the ports that are open towards them.
        timers: of all parts.
    """

    __slots__ = ("_effects", "_n_opened", "servers", "timers")

    def __init__(self) -> None:
        self.servers: dict[int, HomeServer] = {}
        self.timers = Timers()
        self._effects: list[Effect] = []
        self._n_opened = 0

    def take_port(self, server: HomeServer, location: Location, request: Request) -> Port:
        """Give a request an Identifier of a port, which is opened if no other has one to spare; return the port."""
        port = server.free_port()
        if port is None:
            self._n_opened += 1
            port = server.ports[self._n_opened] = Port(self._n_opened)
            self.servers[port.number] = server
            self._effects.append(OpenPort(port.number, location))
        port.take(request)
        return port

    def send(self, request: Request, port: Port) -> None:
        """Send a request, for the first time or once more."""
        request.n_sent += 1
        self._effects.append(SendRequest(port.number, request.octets))

    def release(self, server: HomeServer, request: Request) -> None:
        """Forget a request, wherever it is out."""
        port = request.port
        if port is not None:
            port.release(request)
            self.close_if_done(server, port)

    def leave_port(self, server: HomeServer, port: Port) -> None:
        """Send nothing new from a port."""
        port.is_left = True
        self.close_if_done(server, port)

    def close_if_done(self, server: HomeServer, port: Port) -> None:
        """Close a port that is left, once nothing is out there."""
        if port.is_left and not port.requests:
            del server.ports[port.number], self.servers[port.number]
            self._effects.append(ClosePort(port.number))

    def answer(self, asked: Asked, result: Answer | Unavailable, now: float) -> None:
        """Tell whoever has asked."""
        self._effects.append(Answered(asked, result, now))

    def tell(self, server: HomeServer) -> None:
        """Tell how a home server is now."""
        self._effects.append(ServerChanged(server))

    def take(self) -> list[Effect]:
        """Return what is to be done."""
        effects, self._effects = self._effects, []
        return effects
