"""What hosts say to each other, on the store's channels: octets of msgpack, an array with the kind first.

    kind     channel          says
    beat     rg:all           this host lives; what is said about it is sealed
    join     owner's mailbox  tell me what becomes of this login
    known    joiner's         I have it: wait
    ended    joiner's         so it ended, sealed for the nonce of this join
    taken    owner's          I have taken your push over; the store says whether that is true

Whoever writes to the store can say all of them, so none is believed for more than a delay, but what is sealed. An
`ended` is sealed with `names.bound_to(how, login, nonce, packet)`: for one login, and for one join, whose nonce its
joiner drew. A joiner that meets no such nonce of its own drops it, so nothing that was said before can be said again.

A login is named by its owner's name, which is drawn at random: its digest is in no message. What another version adds
at the end of an array is not read; what comes to mean something else gets another kind, and is not heard by the older.
"""

from typing import Annotated, Final, TypeAlias

import msgspec

from gateway.fleetapi.names import DIGEST_SIZE, NONCE_SIZE, OWNER_SIZE

PROTOCOL_VERSION: Final = 1
MAX_MESSAGE: Final = 16_384  # octets

# How a login ends with its owner.
VERDICT: Final = "verdict"  # here it is
LEAVE: Final = "leave"  # the push has a name: take it over now
RELEASED: Final = "released"  # nobody was asked for anything: claim it
LOST: Final = "lost"  # somebody may have been pushed, and nobody knows the push's name

WAITED: Final = "waited"

_Instance = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
_Owner = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}:[0-9a-f]{16}\Z", max_length=OWNER_SIZE)]
_Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_SIZE, max_length=NONCE_SIZE)]


class Beat(msgspec.Struct, array_like=True, tag="beat", frozen=True):
    """This host lives. `sealed` holds a `Presence`, bound to the instance."""

    instance: _Instance
    version: Annotated[int, msgspec.Meta(ge=0, le=65_535)]
    sealed: bytes


class Presence(msgspec.Struct, array_like=True, frozen=True):
    """What a beat says about its host; nobody else reads a host's name."""

    name: Annotated[str, msgspec.Meta(max_length=255)]
    leaving: bool


class Join(msgspec.Struct, array_like=True, tag="join", frozen=True):
    """Tell `joiner` what becomes of the login that has this owner.

    Attributes:
        packet: the digest of the newest packet that waits there, keyed; empty when it is not known any more. An owner
            that has decided tells its verdict to those whose packets it has answered, too.
        waited: for how long the login has been waiting there, as `encode_waited` has it, sealed with
            `names.bound_to(WAITED, login, nonce, packet)`; who was waiting when it was decided is told as well.
    """

    owner: _Owner
    nonce: _Nonce
    joiner: _Instance
    packet: Annotated[bytes, msgspec.Meta(max_length=DIGEST_SIZE)]
    waited: Annotated[bytes, msgspec.Meta(max_length=128)] = b""


class Known(msgspec.Struct, array_like=True, tag="known", frozen=True):
    """The owner has the login of this join."""

    nonce: _Nonce


class Ended(msgspec.Struct, array_like=True, tag="ended", frozen=True):
    """So the login of this join has ended with its owner; sealed is the verdict, or nothing.

    A word for `how` that this version does not know comes with a seal that says nothing to it, either.
    """

    nonce: _Nonce
    how: Annotated[str, msgspec.Meta(max_length=16)]
    sealed: bytes


class Taken(msgspec.Struct, array_like=True, tag="taken", frozen=True):
    """The login that had this owner has another one."""

    owner: _Owner


Message: TypeAlias = Beat | Join | Known | Ended | Taken
_encoder: Final = msgspec.msgpack.Encoder()
_messages: Final = msgspec.msgpack.Decoder(Message)
_presences: Final = msgspec.msgpack.Decoder(Presence)


def encode_message(message: Message | Presence) -> bytes:
    """Return the octets of a message, or of what a beat has sealed."""
    return _encoder.encode(message)


def decode_message(octets: bytes) -> Message | None:
    """Return the message; None for what is none, or is one of another version."""
    if len(octets) > MAX_MESSAGE:
        return None
    try:
        message: Message = _messages.decode(octets)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return message


def encode_waited(waited_s: float) -> bytes:
    """Return for how long a login has been waiting, to be sealed: milliseconds, in four octets."""
    return min(int(waited_s * 1000), 2**32 - 1).to_bytes(4, "big")


def decode_waited(octets: bytes | None) -> float:
    """Return the seconds; 0 for octets that are none."""
    return int.from_bytes(octets, "big") / 1000 if octets is not None and len(octets) == 4 else 0.0


def decode_presence(octets: bytes) -> Presence | None:
    """Return what a beat says about its host; None for what says nothing that this version reads."""
    try:
        return _presences.decode(octets)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
