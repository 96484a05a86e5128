"""What a login asks a first factor, and what it is answered.

`CheckFirstFactor` goes to a home server, or to a directory, before Duo is asked anything. `Accepted` lets the login go
on, `Refused` ends it, `Challenged` has the user asked for more. A first factor that cannot be asked is `Unavailable`,
and lets nobody in.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.radius.hidden import Hop
from gateway.values import Value

REJECTED: Final = "first_factor_rejected"
NOBODY: Final = "nobody was asked"
"""What a line says in the place of the host that has refused, where that is empty."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class CheckFirstFactor(Value):
    """Are this user's credentials right? Answered by `Accepted`, `Refused` or `Challenged`.

    Attributes:
        user_name: as the NAS sent it.
        password: for the first factor alone, at most 128 octets as it was typed, which in the codec of whom
            is asked may be more; None if the credentials are among the attributes, and once the question is answered.
        attributes: what goes on of the NAS's request, encoded: `radius.credentials.credential_attributes`, and what the
            section passes through. Never User-Name, User-Password, State, Proxy-State or Message-Authenticator.
        state: the home server's own, in the answer to its challenge; else empty.
        host: which has issued that State, as `Challenged` tells it: no other is asked.
        deadline: when its answer is of no use any more, by `time.monotonic`; 0 for none.
    """

    __slots__ = ("attributes", "deadline", "host", "password", "state", "user_name")

    def __init__(
        self,
        user_name: bytes,
        password: bytes | None = None,
        attributes: bytes = b"",
        state: bytes = b"",
        host: str = "",
        deadline: float = 0.0,
    ) -> None:
        self.user_name = user_name
        self.password = password
        self.attributes = attributes
        self.state = state
        self.host = host
        self.deadline = deadline

    @property
    def shown_name(self) -> str:
        """Who is asked about, for logs."""
        return self.user_name.decode("utf-8", "backslashreplace")

    def forget(self) -> None:
        """Forget the credentials: the question is answered, or given up."""
        self.password = None
        self.attributes = self.state = b""

    def __repr__(self) -> str:
        """Show who is asked about, and no credentials."""
        return f"CheckFirstFactor({self.user_name!r}, host={self.host!r}, deadline={self.deadline!r})"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Accepted(Value):
    """The credentials are right.

    Attributes:
        attributes: of the reply, all of them, as they came.
        host: which has said so.
        hop: what its hidden attributes can be read with: its secret, and the authenticator of the request; None where
            there are no attributes.
    """

    __slots__ = ("attributes", "hop", "host")

    def __init__(self, attributes: bytes, host: str, hop: Hop | None) -> None:
        self.attributes = attributes
        self.host = host
        self.hop = hop

    def __repr__(self) -> str:
        """Hide the attributes: keys may be among them."""
        return f"Accepted({len(self.attributes)} octets of attributes, host={self.host!r})"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Refused(Value):
    """The credentials are wrong, or the user may not log in: nobody else is asked.

    Attributes:
        reason: a word of the log, one of `words.reasons.REFUSED_FIRST_FACTOR`.
        text: what it has said, for the log; empty if nothing.
        attributes: of the reply, all of them, as they came.
        host: which has said so; empty where none was asked.
        code: Active Directory's own, such as `52e`; empty for none.
    """

    __slots__ = ("attributes", "code", "host", "reason", "text")

    def __init__(self, reason: str, text: str, attributes: bytes, host: str, code: str = "") -> None:
        self.reason = reason
        self.text = text
        self.attributes = attributes
        self.host = host
        self.code = code


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Challenged(Value):
    """The user is to be asked for more, and the answer goes to this host, with this State.

    Attributes:
        state: at most 253 octets; empty if it has sent none.
        host: as `CheckFirstFactor` takes it.
        attributes: of the reply, all of them, as they came: text, EAP, the State itself.
    """

    __slots__ = ("attributes", "host", "state")

    def __init__(self, state: bytes, host: str, attributes: bytes) -> None:
        self.state = state
        self.host = host
        self.attributes = attributes

    def __repr__(self) -> str:
        """Hide the State, which stands for credentials."""
        return f"Challenged({len(self.attributes)} octets of attributes, host={self.host!r})"


Question = CheckFirstFactor
Answer = Accepted | Refused | Challenged
