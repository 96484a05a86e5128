"""What a home server's accept has for the NAS: what of it waits for the reply, what the reply gets, and what is told of
because it has to be left out.
"""

from collections.abc import Mapping
from typing import Final

from gateway.engine.first_factor import Accepted
from gateway.engine.modes.reading import shown
from gateway.engine.passed_on import PassedOn
from gateway.radius.attributes import AttributeKind, has_any
from gateway.radius.hidden import Hop, hides_any
from gateway.radius.packet import Packet
from gateway.radius.passing import Passing, text_of
from gateway.radius.shared_secret import SharedSecret

MOST_LEFT_OUT: Final = 64  # kinds of attributes that are told of: vendors have as many as there are numbers
MOST_PASSED: Final = 3500  # octets: a reply has room for more, but for texts and Proxy-States too

_SECRET_DIGEST_SIZE: Final = 8  # octets


class PassingOn:
    """From the home servers of one section to its NAS.

    Args:
        to_nas: which attributes go on.
        secrets: of the home servers, by their names.
    """

    __slots__ = ("_left_out", "_left_out_now", "_secrets", "_to_nas", "_types")

    def __init__(self, to_nas: Passing, secrets: Mapping[str, SharedSecret]) -> None:
        self._to_nas = to_nas
        self._types = to_nas.types_to_nas()  # most accepts have none of them
        self._secrets = secrets
        self._left_out: set[AttributeKind] = set()
        self._left_out_now: tuple[str, tuple[AttributeKind, ...]] | None = None

    def knows(self, passed_on: PassedOn) -> bool:
        """Whether its home server is still asked by that name, and with the secret by which it has hidden anything."""
        return self._hop_of(passed_on) is not None

    def of_accept(self, answer: Accepted, hop: Hop) -> PassedOn | None:
        """Return what of an accept waits for the reply; None if no reply has room for it."""
        said = answer.attributes
        attributes = self._to_nas.of_accept(said) if has_any(said, self._types) else b""
        if attributes:
            passed = self._to_nas.to_nas(attributes, hop, hop, 0)
            self._note_left_out(answer.host, passed.dropped)
            if len(passed.octets) > MOST_PASSED:
                return None
        return PassedOn(attributes, answer.host, hop.authenticator, _secret_digest(attributes, hop))

    def to_reply(self, passed_on: PassedOn, secret: SharedSecret, packet: Packet) -> tuple[str, bytes]:
        """Return the home server's text and attributes for the reply to this packet, which was sent with this secret.

        Raises:
            ValueError: it was in settings that are gone.
        """
        came = self._hop_of(passed_on)
        if came is None:
            raise ValueError("an unknown home server, or another secret")
        if not passed_on.attributes:
            return "", b""
        salt = int.from_bytes(packet.authenticator[:2], "big")
        passed = self._to_nas.to_nas(passed_on.attributes, came, Hop(secret, packet.authenticator), salt)
        return shown_text(passed_on.attributes), passed.octets

    def _hop_of(self, passed_on: PassedOn) -> Hop | None:
        """Return the hop on which the attributes came; None if its home server, or its secret, is gone."""
        secret = self._secrets.get(passed_on.host)
        if secret is None:
            return None
        hop = Hop(secret, passed_on.request_authenticator)
        return hop if _secret_digest(passed_on.attributes, hop) == passed_on.secret_digest else None

    def left_out_now(self) -> tuple[str, tuple[AttributeKind, ...]] | None:
        """Return which home server's attributes of which kinds have been left out for the first time, and forget it."""
        left_out, self._left_out_now = self._left_out_now, None
        return left_out

    def _note_left_out(self, host: str, kinds: tuple[AttributeKind, ...]) -> None:
        fresh = tuple(kind for kind in kinds if kind not in self._left_out)[: MOST_LEFT_OUT - len(self._left_out)]
        if fresh:
            self._left_out.update(fresh)
            self._left_out_now = (host, fresh)


def _secret_digest(attributes: bytes, hop: Hop) -> bytes:
    """Return by what the secret is known again that hides some attributes; empty where it hides none.

    Whoever reads them can guess at the secret by what they hide; where it hides nothing no digest gives it away either.
    """
    if not hides_any(attributes):
        return b""
    return hop.secret.message_authenticator(hop.authenticator + attributes)[:_SECRET_DIGEST_SIZE]


def shown_text(attributes: bytes) -> str:
    """Return a home server's words to the person, in lines."""
    return "\n".join([shown(line) for line in text_of(attributes).splitlines() if line])
