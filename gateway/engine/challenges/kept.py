"""What does not fit into a token."""

from typing import NamedTuple

from gateway.engine.passed_on import PassedOn
from gateway.engine.typed_factor import TypedFactor


class Kept(NamedTuple):
    """What a token stands for beside what it says.

    Attributes:
        accepted: what the first factor has said that the NAS gets in the end; None for nothing.
        state: the home server's own, where the challenge is its.
        host: which home server that is.
        typed: the second factor that was typed before that; None for none.
    """

    accepted: PassedOn | None = None
    state: bytes = b""
    host: str = ""
    typed: TypedFactor | None = None

    def __repr__(self) -> str:
        """Hide the home server's State, which stands for credentials."""
        return f"<Kept accepted={self.accepted!r} host={self.host!r}>"
