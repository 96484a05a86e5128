"""What the plan wants done, as values; whoever has the connections does it, in this order."""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.engine.first_factor import Answer
from gateway.firstfactor.directory.host import Asked, Host
from gateway.unavailable import Unavailable
from gateway.values import Value


@final
class Open(Value):
    """Open a connection of this number to this host; `opened` or `failed` comes of it."""

    __slots__ = ("host", "number")

    def __init__(self, number: int, host: Host) -> None:
        self.number = number
        self.host = host


@final
class Close(Value):
    """Close it."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Send(Value):
    """Send these octets; if `looks`, only if the other side has not closed the connection meanwhile."""

    __slots__ = ("looks", "number", "octets")

    def __init__(self, number: int, octets: bytes, looks: bool) -> None:
        self.number = number
        self.octets = octets
        self.looks = looks

    def __repr__(self) -> str:
        """Hide the octets: credentials are among them."""
        return f"Send(number={self.number}, {len(self.octets)} octets)"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Answered(Value):
    """Tell whoever has asked."""

    __slots__ = ("asked", "result")

    def __init__(self, asked: Asked, result: Answer | Unavailable) -> None:
        self.asked = asked
        self.result = result


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Turned(Value):
    """Tell that a question goes to this host."""

    __slots__ = ("asked", "host")

    def __init__(self, asked: Asked, host: Host) -> None:
        self.asked = asked
        self.host = host


@final
class HostChanged(Value):
    """Tell that a host does not answer, or is back."""

    __slots__ = ("host",)

    def __init__(self, host: Host) -> None:
        self.host = host


Effect = Open | Close | Send | Answered | Turned | HostChanged
