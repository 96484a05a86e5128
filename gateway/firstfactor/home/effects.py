"""What the plan wants done, as values; whoever has the sockets does it, in this order."""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.engine.first_factor import Answer
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.server import HomeServer, Location
from gateway.unavailable import Unavailable
from gateway.values import Value


@final
class OpenPort(Value):
    """Open a socket of this number, connected to this address."""

    __slots__ = ("location", "number")

    def __init__(self, number: int, location: Location) -> None:
        self.number = number
        self.location = location


@final
class ClosePort(Value):
    """Close it: nothing is out there any more."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class SendRequest(Value):
    """Send these octets from this port."""

    __slots__ = ("number", "octets")

    def __init__(self, number: int, octets: bytes) -> None:
        self.number = number
        self.octets = octets

    def __repr__(self) -> str:
        """Hide the octets: credentials are among them."""
        return f"SendRequest(number={self.number}, {len(self.octets)} octets)"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Answered(Value):
    """Tell whoever has asked; `at` is when the answer came."""

    __slots__ = ("asked", "at", "result")

    def __init__(self, asked: Asked, result: Answer | Unavailable, at: float) -> None:
        self.asked = asked
        self.result = result
        self.at = at


@final
class ServerChanged(Value):
    """Tell that a home server does not answer (`is_told`), or is back."""

    __slots__ = ("server",)

    def __init__(self, server: HomeServer) -> None:
        self.server = server


Effect = OpenPort | ClosePort | SendRequest | Answered | ServerChanged
