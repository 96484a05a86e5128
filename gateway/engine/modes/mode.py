"""What the modes have in common: a request is read, and a login begins. Nothing outside asks which mode it is."""

from sys import intern
from typing import TYPE_CHECKING

from gateway.engine.rules import SectionRules
from gateway.radius.address import AddressAttribute

if TYPE_CHECKING:
    from gateway.engine.login import Login
    from gateway.engine.login_standing import LoginPolicy
    from gateway.engine.modes.asked import Asked
    from gateway.engine.passed_on import PassedOn
    from gateway.engine.sender import Sender
    from gateway.engine.steps import Consulted, Step
    from gateway.engine.verdict import Verdict
    from gateway.radius.attributes import AttributeKind
    from gateway.radius.discards import DiscardReason
    from gateway.radius.packet import Packet
    from gateway.radius.shared_secret import SharedSecret


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

    def begin(self, login: "Login", asked: "Asked", now: float) -> "Step":
        """Return the first step of a login."""
        raise NotImplementedError

    def consulted(self, login: "Login", answer: "Consulted", now: float) -> "Step":
        """Return how a login goes on after an answer that means something else in each mode."""
        raise NotImplementedError

    def left_out_now(self) -> "tuple[str, tuple[AttributeKind, ...]] | None":
        """Return which home server's attributes of which kinds have been left out for the first time, and forget it."""
        return None

    def passed(self, passed_on: "PassedOn", secret: "SharedSecret", packet: "Packet") -> tuple[str, bytes]:
        """Return a home server's text and attributes for the reply to this packet, which was sent with this secret.

        Raises:
            ValueError: nobody knows that home server any more.
        """
        raise NotImplementedError
