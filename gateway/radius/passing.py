"""Which attributes of one hop's packet go on into that of the next: from the NAS to a home server, and back.

What belongs to a hop is never copied: credentials, State, Proxy-State, authenticators. What is hidden with its secret
is hidden anew, or left out (`radius.hidden`).
"""

from typing import Final, NamedTuple

from gateway.radius.attributes import Attribute, AttributeKind, attributes_in, encode
from gateway.radius.credentials import CREDENTIALS
from gateway.radius.dictionary import (
    HEADER_SIZE,
    MAX_ATTRIBUTE_VALUE_SIZE,
    MICROSOFT,
    REPLY_MESSAGE,
    VENDOR_SPECIFIC,
)
from gateway.radius.hidden import HIDDEN, Hop, hide_anew
from gateway.radius.packet import Packet

_MAY_BE_MS_CHAP: Final = AttributeKind(MICROSOFT, 0)  # framed wrong: who reads it nevertheless finds credentials
_EAP_MESSAGE: Final = AttributeKind(0, 79)
_REPLY_MESSAGE: Final = AttributeKind(0, REPLY_MESSAGE)


def _of_rfcs(*kinds: int) -> frozenset[AttributeKind]:
    return frozenset(AttributeKind(0, kind) for kind in kinds)


# User-Name, State, Proxy-State, Message-Authenticator
_OF_A_HOP: Final = _of_rfcs(1, 24, 33, 80)
# NAS-IP-Address, NAS-Identifier, NAS-IPv6-Address: for a home server that is the gateway
OF_THE_NAS: Final = _of_rfcs(4, 32, 95)
# What no Access-Accept has. Reply-Message is said with Duo's.
_NOT_IN_ACCEPT: Final = _of_rfcs(
    *(2, 3, 4, 5, 18, 24, 30, 31, 32, 33, 60, 61),  # RFC 2865 section 5.44
    *range(40, 52),  # RFC 2866 section 5.13
    *(52, 53, 55, 70, 73, 74, 75, 76, 77, 80, 87),  # RFC 2869 section 5.19
    *(68, 86, 94, 95, 101),  # RFC 2867, RFC 7155, RFC 3162, RFC 5176
)
# What the home server's side of MS-CHAP and EAP says: the NAS asked for it with its credentials.
_OF_SUCCESS: Final = frozenset(
    {_EAP_MESSAGE} | {AttributeKind(MICROSOFT, kind) for kind in (7, 8, 10, 12, 16, 17, 26)},
)
# MS-CHAP-Error, EAP-Message, Error-Cause
_IN_REJECT: Final = frozenset({AttributeKind(MICROSOFT, 2), _EAP_MESSAGE, AttributeKind(0, 101)})
# EAP-Message, Session-Timeout, Idle-Timeout, Prompt
_IN_CHALLENGE: Final = frozenset({_EAP_MESSAGE}) | _of_rfcs(27, 28, 76)


def may_never_go_home(kind: AttributeKind) -> bool:
    """Whether no home server gets this attribute of a NAS's request, whatever a section says."""
    return kind in _OF_A_HOP or kind in CREDENTIALS or kind in HIDDEN or kind == _MAY_BE_MS_CHAP


def may_never_be_accepted_with(kind: AttributeKind) -> bool:
    """Whether no NAS gets this attribute of a home server's accept, whatever a section says."""
    return kind in _NOT_IN_ACCEPT


class Passed(NamedTuple):
    """What goes on, encoded; and which ones were asked for and had to be left out, for a warning."""

    octets: bytes
    dropped: tuple[AttributeKind, ...] = ()


class Passing(NamedTuple):
    """`pass_through_attr_names` and `pass_through_all` of a section."""

    kinds: frozenset[AttributeKind] = frozenset()
    everything: bool = False

    def to_home(self, request: Packet) -> bytes:
        """Return the attributes of a NAS's request that a home server gets beside name and credentials."""
        if not self.kinds and not self.everything:
            return b""
        octets = request.octets[HEADER_SIZE:]
        return b"".join([each.octets for each in attributes_in(octets) if self._is_for_home(each.kind)])

    def to_nas(self, attributes: bytes, came: Hop, leaves: Hop, salt: int) -> Passed:
        """Return the attributes of a home server's Access-Accept that the NAS's has.

        `came` has the secret of the home server and the Request Authenticator that it was asked with, `leaves` those of
        the NAS. `salt` is 15 bits that nobody can predict.
        """
        octets, dropped = [], []
        for attribute in attributes_in(attributes):
            if not self._is_for_nas(attribute.kind):
                continue
            salt += 1
            value = _for_hop(attribute, came, leaves, salt)
            if value is None:
                dropped.append(attribute.kind)
            else:
                octets.append(encode(attribute.kind, value))
        return Passed(b"".join(octets), tuple(dropped))

    def of_accept(self, attributes: bytes) -> bytes:
        """Return what of a home server's Access-Accept `to_nas` may look at, and its texts."""
        kept = [
            each for each in attributes_in(attributes) if each.kind == _REPLY_MESSAGE or self._is_for_nas(each.kind)
        ]
        return b"".join([each.octets for each in kept])

    def types_to_nas(self) -> bytes:
        """Return a table with a 1 for each type of attribute of which `of_accept` may keep one: any of a vendor."""
        kept = {_REPLY_MESSAGE, AttributeKind(0, VENDOR_SPECIFIC)}
        kinds = [AttributeKind(0, kind) for kind in range(256)]
        return bytes([kind in kept or self._is_for_nas(kind) for kind in kinds])

    def _is_for_home(self, kind: AttributeKind) -> bool:
        if may_never_go_home(kind):
            return False
        return kind in self.kinds or (self.everything and kind not in OF_THE_NAS)

    def _is_for_nas(self, kind: AttributeKind) -> bool:
        if may_never_be_accepted_with(kind):
            return False
        return self.everything or kind in self.kinds or kind in _OF_SUCCESS


NOTHING: Final = Passing()
"""Nothing goes on but what belongs to MS-CHAP and EAP."""


def _for_hop(attribute: Attribute, came: Hop, leaves: Hop, salt: int) -> bytes | None:
    """Return an attribute's value for the next hop; None if it is, or may be, hidden in an unknown way."""
    if attribute.kind in HIDDEN:
        return hide_anew(attribute, came, leaves, salt)
    return attribute.value if attribute.kind.kind else None


def to_reject(attributes: bytes) -> bytes:
    """Return what of a home server's Access-Reject may stand in the NAS's, texts left out (RFC 2865 section 5.44)."""
    return _only(_IN_REJECT, attributes)


def to_challenge(attributes: bytes) -> bytes:
    """Return what of a home server's Access-Challenge may stand in the NAS's, texts and State left out."""
    return _only(_IN_CHALLENGE, attributes)


def _only(kinds: frozenset[AttributeKind], attributes: bytes) -> bytes:
    return b"".join([each.octets for each in attributes_in(attributes) if each.kind in kinds])


def values_of(kind: int, attributes: bytes) -> list[bytes]:
    """Return the values of an RFC's attributes, in order."""
    return [each.value for each in attributes_in(attributes) if each.kind == (0, kind)]


def text_of(attributes: bytes) -> bytes:
    """Return the Reply-Messages up to their NULs, as lines: one for each attribute, or for as many as are full."""
    values = [value.partition(b"\0")[0] for value in values_of(REPLY_MESSAGE, attributes)]
    lines = [value if len(value) == MAX_ATTRIBUTE_VALUE_SIZE else value + b"\n" for value in values]
    return b"".join(lines).removesuffix(b"\n")
