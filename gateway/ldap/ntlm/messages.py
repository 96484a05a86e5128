"""The three messages of NTLM (MS-NLMP section 2.2.1): NEGOTIATE and AUTHENTICATE to write, CHALLENGE to read."""

from collections.abc import Sequence
from struct import Struct
from typing import Final, final

from gateway.ldap.ntlm.errors import NtlmError

# Flags, section 2.2.2.5.
UNICODE: Final = 0x00000001
REQUEST_TARGET: Final = 0x00000004
SIGN: Final = 0x00000010
SEAL: Final = 0x00000020
NTLM: Final = 0x00000200
ALWAYS_SIGN: Final = 0x00008000
EXTENDED_SESSION_SECURITY: Final = 0x00080000
TARGET_INFO: Final = 0x00800000
VERSION: Final = 0x02000000
KEY_128: Final = 0x20000000
KEY_EXCHANGE: Final = 0x40000000

# Identifiers of pairs in the target information, section 2.2.2.1.
END_OF_LIST: Final = 0
AV_FLAGS: Final = 6
AV_TIMESTAMP: Final = 7
AV_TARGET_NAME: Final = 9
AV_CHANNEL_BINDINGS: Final = 10

MAX_CHALLENGE: Final = 16_384  # octets; those of Active Directory have a few hundred
MIC_AT: Final = 72  # octets before it in AUTHENTICATE
MIC_SIZE: Final = 16  # octets

_MAGIC: Final = b"NTLMSSP\0"
_NEGOTIATE: Final = 1
_CHALLENGE: Final = 2
_AUTHENTICATE: Final = 3
_VERSION: Final = bytes((10, 0, 0, 0, 0, 0, 0, 15))  # of the operating system, which nobody looks at; 15 is NTLM's own

_HEAD: Final = Struct("<8sI")
_FIELD: Final = Struct("<HHI")  # length, room for it, offset from the message's beginning
_PAIR: Final = Struct("<HH")
_FLAGS: Final = Struct("<I")
_CHALLENGE_SIZE: Final = 48  # without its version and what its fields point at
_PAYLOAD_AT: Final = MIC_AT + MIC_SIZE
_NO_LM_RESPONSE: Final = bytes(24)

AvPair = tuple[int, bytes]


@final
class Challenge:
    """What a server asks for.

    Attributes:
        flags: what it can do, of what it was asked for.
        nonce: its own 8 octets.
        target_info: what it says of itself, without the end of the list.
        timestamp: its time, 8 octets, or empty.
    """

    __slots__ = ("flags", "nonce", "target_info", "timestamp")

    def __init__(self, flags: int, nonce: bytes, target_info: list[AvPair]) -> None:
        self.flags = flags
        self.nonce = nonce
        self.target_info = target_info
        self.timestamp = next((value for identifier, value in target_info if identifier == AV_TIMESTAMP), b"")


def encode_negotiate(flags: int) -> bytes:
    """Return the message that asks for a challenge. It names nobody."""
    return _HEAD.pack(_MAGIC, _NEGOTIATE) + _FLAGS.pack(flags) + bytes(16) + _VERSION


def read_challenge(octets: bytes) -> Challenge:
    """Read what the server answers; its target's name, which the target information has too, is left out.

    Raises:
        NtlmError: it is no challenge, or one of NTLMv1 alone.
    """
    if not _CHALLENGE_SIZE <= len(octets) <= MAX_CHALLENGE:
        raise NtlmError("a challenge that is too short or too long")
    magic, kind = _HEAD.unpack_from(octets, 0)
    if magic != _MAGIC or kind != _CHALLENGE:
        raise NtlmError("something else than an NTLM challenge")
    flags: int = _FLAGS.unpack_from(octets, 20)[0]
    if not flags & TARGET_INFO:
        raise NtlmError("a challenge without target information: the server knows only NTLMv1, which is never used")
    size, _, at = _FIELD.unpack_from(octets, 40)
    if at + size > len(octets):
        raise NtlmError("a challenge whose target information ends beyond it")
    return Challenge(flags, octets[24:32], _read_pairs(octets[at : at + size]))


def _read_pairs(octets: bytes) -> list[AvPair]:
    pairs: list[AvPair] = []
    at = 0
    while len(octets) - at >= _PAIR.size:
        identifier, size = _PAIR.unpack_from(octets, at)
        if identifier == END_OF_LIST:
            return pairs
        at += _PAIR.size
        value = octets[at : at + size]
        if len(value) < size or (identifier == AV_TIMESTAMP and size != 8) or (identifier == AV_FLAGS and size != 4):
            break
        pairs.append((identifier, value))
        at += size
    raise NtlmError("a challenge with target information that cannot be read")


def encode_pairs(pairs: Sequence[AvPair]) -> bytes:
    """Return target information with its end.

    Raises:
        NtlmError: a value has more than 65,535 octets.
    """
    if any(len(value) > 0xFFFF for _, value in pairs):
        raise NtlmError("target information that is too long")
    return b"".join([_PAIR.pack(identifier, len(value)) + value for identifier, value in pairs]) + bytes(_PAIR.size)


def encode_authenticate(
    flags: int, domain: bytes, user: bytes, workstation: bytes, nt_response: bytes, exchanged_key: bytes
) -> bytes:
    """Return the message that proves the password, with zeros where its MIC belongs.

    `exchanged_key` is sealed already, or empty.

    Raises:
        NtlmError: a part of it has more than 65,535 octets.
    """
    fields = (_NO_LM_RESPONSE, nt_response, domain, user, workstation, exchanged_key)
    at = _PAYLOAD_AT
    head = _HEAD.pack(_MAGIC, _AUTHENTICATE)
    for field in fields:
        size = len(field)
        if size > 0xFFFF:
            raise NtlmError("a message that is too long")
        head += _FIELD.pack(size, size, at)
        at += size
    return b"".join((head, _FLAGS.pack(flags), _VERSION, bytes(MIC_SIZE), *fields))
