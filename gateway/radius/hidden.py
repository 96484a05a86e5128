"""Attributes whose values are hidden with the secret of one hop, and hidden anew for the next.

Two ways: that of User-Password (RFC 2865 section 5.2), and with a salt (RFC 2868 section 3.5, RFC 2548 section 2.4.2).
A value is good for one secret and one Request Authenticator, and is never copied.
"""

from enum import Enum, auto
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.radius.attributes import Attribute, AttributeKind, attributes_in
from gateway.radius.dictionary import AUTHENTICATOR_SIZE, MICROSOFT
from gateway.radius.shared_secret import SharedSecret, xor
from gateway.values import Value

_BLOCK: Final = AUTHENTICATOR_SIZE  # octets of an MD5
_SALT_SIZE: Final = 2  # octets


class Hiding(Enum):
    """How a value is hidden."""

    AS_PASSWORD = auto()
    SALTED = auto()
    TAGGED = auto()
    """Salted, behind an octet that says which tunnel it is for."""
    OTHERWISE = auto()
    """In no way that is known here."""


HIDDEN: Final = {
    AttributeKind(0, 2): Hiding.AS_PASSWORD,
    AttributeKind(0, 69): Hiding.TAGGED,  # Tunnel-Password
    AttributeKind(0, 214): Hiding.OTHERWISE,  # Ascend's secrets, where its attributes stand among those of the RFCs
    AttributeKind(0, 215): Hiding.OTHERWISE,
    AttributeKind(161, 11): Hiding.SALTED,  # Motorola-WiMAX-MIP-KEY
    AttributeKind(MICROSOFT, 12): Hiding.AS_PASSWORD,  # MS-CHAP-MPPE-Keys
    AttributeKind(MICROSOFT, 16): Hiding.SALTED,  # MS-MPPE-Send-Key
    AttributeKind(MICROSOFT, 17): Hiding.SALTED,  # MS-MPPE-Recv-Key
    AttributeKind(529, 214): Hiding.OTHERWISE,  # Ascend
    AttributeKind(529, 215): Hiding.OTHERWISE,
    **{AttributeKind(831, kind): Hiding.SALTED for kind in (116, 117, 118, 119)},  # ALU-AAA-Key-0 to -3
    AttributeKind(2356, 19): Hiding.TAGGED,  # LANCOM: passwords of IKEv2
    AttributeKind(2356, 20): Hiding.TAGGED,
    **{AttributeKind(4874, kind): Hiding.SALTED for kind in (58, 59, 60, 61)},  # Juniper ERX: interception
    AttributeKind(5535, 58): Hiding.SALTED,  # 3GPP2-MN-HA-Shared-Key
    **{AttributeKind(6527, kind): Hiding.SALTED for kind in (122, 123, 124, 125, 138, 139, 142)},  # Nokia SR
    AttributeKind(14823, 44): Hiding.SALTED,  # Aruba-MPSK-Passphrase
    AttributeKind(26928, 3): Hiding.SALTED,  # Extreme-Libsip-Patron-Info
}
"""The hidden ones. Vendors that frame their attributes otherwise (WiMAX, Lucent) have more: of those none is known."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Hop(Value):
    """A RADIUS client and its server: the secret that they share, and the Request Authenticator of a packet."""

    __slots__ = ("authenticator", "secret")

    def __init__(self, secret: SharedSecret, authenticator: bytes) -> None:
        self.secret = secret
        self.authenticator = authenticator


def hides_any(attributes: bytes) -> bool:
    """Whether any of encoded attributes is hidden."""
    return any(attribute.kind in HIDDEN for attribute in attributes_in(attributes))


def hide_anew(attribute: Attribute, came: Hop, leaves: Hop, salt: int) -> bytes | None:
    """Return the value of a hidden attribute for another hop; None if it cannot be read, or is hidden in no known way.

    `salt` is 0..32767, another one for each value in a packet (RFC 2868 section 3.5).
    """
    match HIDDEN[attribute.kind]:
        case Hiding.AS_PASSWORD:
            return _hide_as_password_anew(attribute.value, came, leaves)
        case Hiding.SALTED:
            return _salt_anew(attribute.value, came, leaves, salt)
        case Hiding.TAGGED:
            salted = _salt_anew(attribute.value[1:], came, leaves, salt)
            return attribute.value[:1] + salted if salted is not None else None
        case Hiding.OTHERWISE:
            return None


def _hide_as_password_anew(value: bytes, came: Hop, leaves: Hop) -> bytes | None:
    if not value or len(value) % _BLOCK:
        return None
    return _hide(_reveal(value, came.secret, came.authenticator), leaves.secret, leaves.authenticator)


def _salt_anew(value: bytes, came: Hop, leaves: Hop, salt: int) -> bytes | None:
    clear = reveal_salted(value, came)
    return hide_salted(clear, leaves, salt) if clear is not None else None


def reveal_salted(value: bytes, hop: Hop) -> bytes | None:
    """Return what is hidden behind a salt; None if it is framed wrong, as with another secret it nearly always is."""
    salt, hidden = value[:_SALT_SIZE], value[_SALT_SIZE:]
    if not hidden or len(hidden) % _BLOCK:
        return None
    clear = _reveal(hidden, hop.secret, hop.authenticator + salt)
    length = clear[0]
    return clear[1 : 1 + length] if length < len(clear) else None


def hide_salted(clear: bytes, hop: Hop, salt: int) -> bytes:
    """Return a value of at most 239 octets hidden behind a salt, whose first bit is set."""
    salt_octets = (0x8000 | salt & 0x7FFF).to_bytes(_SALT_SIZE, "big")
    framed = bytes((len(clear),)) + clear
    padded = framed.ljust(-(-len(framed) // _BLOCK) * _BLOCK, b"\0")
    return salt_octets + _hide(padded, hop.secret, hop.authenticator + salt_octets)


def _hide(clear: bytes, secret: SharedSecret, seed: bytes) -> bytes:
    hidden, previous = b"", seed
    for start in range(0, len(clear), _BLOCK):
        previous = xor(clear[start : start + _BLOCK], secret.pad(previous))
        hidden += previous
    return hidden


def _reveal(hidden: bytes, secret: SharedSecret, seed: bytes) -> bytes:
    clear, previous = b"", seed
    for start in range(0, len(hidden), _BLOCK):
        block = hidden[start : start + _BLOCK]
        clear += xor(block, secret.pad(previous))
        previous = block
    return clear
