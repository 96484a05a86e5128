"""What the field `r` of a login's record holds, once opened: octets of msgpack, an array with a version first.

It is sealed with `names.bound_to(state, login)`, so that it belongs to this login and to this state of it. The epoch
stands within: a host that takes a record over raises the store's count before it can seal again, and who reads in
between must still be able to. So a text counts if it was sealed in this epoch or in an earlier one of the same record.

What another version adds at the end of an array is not read. Where a field comes to mean something else, `VERSION` is
raised, and who does not know it reads nothing.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from gateway.fleetapi.names import DIGEST_SIZE

VERSION: Final = 1
MAX_PACKETS: Final = 8

ASKING: Final = "asking"
PUSHED: Final = "pushed"
DECIDED: Final = "decided"

_Epoch = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_HostName = Annotated[str, msgspec.Meta(max_length=255)]
_Digest = Annotated[bytes, msgspec.Meta(min_length=DIGEST_SIZE, max_length=DIGEST_SIZE)]
_UnixTime = Annotated[float, msgspec.Meta(ge=0, le=1e11)]


class AskingRecord(msgspec.Struct, array_like=True, frozen=True):
    """`asking`: this host asks Duo for something, or is about to. Nobody else may."""

    version: Literal[1]
    epoch: _Epoch
    host: _HostName


class PushedRecord(msgspec.Struct, array_like=True, frozen=True):
    """`pushed`: Duo has pushed, and has told the push's name.

    Attributes:
        txid, factor: in Duo's words.
        pushed_at: Duo's own time of it, Unix seconds; None while the host did not know Duo's time.
        is_left: whether the host asks no more what became of it: whoever is asked for this login may, at once.
    """

    version: Literal[1]
    epoch: _Epoch
    host: _HostName
    txid: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    factor: Annotated[str, msgspec.Meta(max_length=64)]
    pushed_at: _UnixTime | None
    is_left: bool = False


class DecidedRecord(msgspec.Struct, array_like=True, frozen=True):
    """`decided`: the host has a verdict, and has answered these packets; their digests, keyed."""

    version: Literal[1]
    epoch: _Epoch
    host: _HostName
    packets: Annotated[list[_Digest], msgspec.Meta(max_length=MAX_PACKETS)]


Record: TypeAlias = AskingRecord | PushedRecord | DecidedRecord
_encoder: Final = msgspec.msgpack.Encoder()
_decoders: Final[dict[str, msgspec.msgpack.Decoder[Record]]] = {
    ASKING: msgspec.msgpack.Decoder(AskingRecord),
    PUSHED: msgspec.msgpack.Decoder(PushedRecord),
    DECIDED: msgspec.msgpack.Decoder(DecidedRecord),
}


def asking(epoch: int, host: str) -> bytes:
    """Return an `asking` record's content, to be sealed."""
    return _encoder.encode(AskingRecord(VERSION, epoch, host))


def pushed(epoch: int, host: str, txid: str, factor: str, pushed_at: float | None, *, is_left: bool = False) -> bytes:
    """Return a `pushed` record's content, to be sealed."""
    return _encoder.encode(PushedRecord(VERSION, epoch, host, txid, factor, pushed_at, is_left))


def decided(epoch: int, host: str, packets: list[bytes]) -> bytes:
    """Return a `decided` record's content, to be sealed; of the packets the last `MAX_PACKETS`."""
    return _encoder.encode(DecidedRecord(VERSION, epoch, host, packets[-MAX_PACKETS:]))


def decode_record(state: str, content: bytes) -> Record | None:
    """Return the content of a record in this state; None for octets that this version does not read."""
    decoder = _decoders.get(state)
    if decoder is None:
        return None
    try:
        return decoder.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
