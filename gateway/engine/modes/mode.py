"""What the modes have in common: a request is read, and a login begins. Nothing outside asks which mode it is."""

from sys import intern
from typing import TYPE_CHECKING, final

from mypy_extensions import mypyc_attr

from gateway.engine.rules import SectionRules
from gateway.radius.address import AddressAttribute
from gateway.values import Value

if TYPE_CHECKING:
    from gateway.engine.login import Login
    from gateway.engine.login_standing import LoginPolicy
    from gateway.engine.sender import Sender
    from gateway.engine.steps import Step
    from gateway.engine.typed_factor import TypedFactor
    from gateway.engine.verdict import Verdict
    from gateway.radius.discards import DiscardReason
    from gateway.radius.packet import Packet


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Asked(Value):
    """What a readable request asks for.

    Attributes:
        user_name: as the NAS sent it; never empty.
        password: what was typed, octet for octet up to the first NUL; like the text, it never leaves the process.
        text: the same in letters, without surrounding blanks; None when `pw_codec` does not explain the octets.
        factor: the second factor that was typed; None for none.
        meaning: what is the same for all ways to type the same thing.
        ipaddr: the address of the user's own machine, if the NAS tells it.
    """

    __slots__ = ("factor", "ipaddr", "meaning", "password", "text", "user_name")

    def __init__(
        self,
        user_name: str,
        password: bytes,
        text: str | None,
        factor: "TypedFactor | None",
        meaning: str,
        ipaddr: str | None,
    ) -> None:
        self.user_name = user_name
        self.password = password
        self.text = text
        self.factor = factor
        self.meaning = meaning
        self.ipaddr = ipaddr

    def __repr__(self) -> str:
        """Hide what was typed."""
        return f"<Asked {self.user_name!r}>"


class Mode:
    """How the requests of a server section are read, and how its logins begin.

    Attributes:
        policy: what its logins carry on.
        pw_codec: what explains the octets of passwords, by Python's name.
        client_address: the attribute that may hold the user's address; None for none.
    """

    __slots__ = ("client_address", "policy", "pw_codec")

    def __init__(self, policy: "LoginPolicy", rules: SectionRules) -> None:
        self.policy = policy
        self.pw_codec = intern(rules.pw_codec)  # each login compares it: the same object is equal at once
        attribute = rules.client_ip_attr
        self.client_address: AddressAttribute | None = AddressAttribute(
            attribute.vendor, attribute.kind, attribute.data_type
        )

    def read(self, packet: "Packet", sender: "Sender", source: str) -> "Asked | Verdict | DiscardReason":
        """Return what a request asks for, the rejection, or the reason to stay silent.

        Whatever it holds: it may be read, for its Message-Authenticator is right or not needed.
        """
        raise NotImplementedError

    def begin(self, login: "Login", asked: Asked, now: float) -> "Step":
        """Return the first step of a login."""
        raise NotImplementedError
