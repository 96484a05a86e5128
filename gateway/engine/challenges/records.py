"""What of a worker's memory of challenges outlives the worker: it stands among the replies of its journal.

A token that was used stays so, and what is kept for one that was not can be taken by whoever gets its answer. What was
typed is not written down: a challenge that must wait with a passcode is lost with its worker.

An instant is Unix seconds of Duo's clock, which all workers share.
"""

from typing import Annotated, Final

import msgspec

from gateway.engine.challenges.kept import Kept
from gateway.engine.records import PassedOnRecord, passed_on_record
from gateway.engine.typed_factor import TypedFactor, read_factor_or_auto

_MARK: Final = b"\xff" * 8  # where a reply has its instant: this is none, so no other version takes it for a reply


UnixSeconds = Annotated[int, msgspec.Meta(ge=0, lt=2**33)]


class ChallengeRecord(msgspec.Struct, array_like=True):
    """One token, see `engine.challenges.memory`.

    Attributes:
        name: of the token.
        until: when it expires.
        is_used: it was answered; otherwise all that follows is kept for it.
        factor: the second factor as it was typed; empty for none.
        packet, used_at: the authenticator of the packet that answered it, and when; empty and 0 where nobody has said.
    """

    name: bytes
    until: UnixSeconds
    is_used: bool
    accepted: PassedOnRecord | None = None
    state: bytes = b""
    host: str = ""
    factor: str = ""
    packet: bytes = b""
    used_at: UnixSeconds = 0

    @property
    def kept(self) -> Kept:
        """What is kept for the token."""
        accepted = self.accepted.passed_on if self.accepted is not None else None
        return Kept(accepted, self.state, self.host, read_factor_or_auto(self.factor))

    def moved(self, _by_s: float) -> "ChallengeRecord":
        """Return it: its instant is the same for every process."""
        return self


def used_record(name: bytes, until: int, packet: bytes = b"", used_at: int = 0) -> ChallengeRecord:
    """Return what is written down of a token that was used, by which packet and when."""
    return ChallengeRecord(name, until, is_used=True, packet=packet, used_at=used_at)


def kept_record(name: bytes, until: int, kept: Kept) -> ChallengeRecord | None:
    """Return what is written down of what is kept for a token; None where that must not be."""
    typed = kept.typed
    if typed is not None and typed.passcode:
        return None
    return ChallengeRecord(name, until, False, passed_on_record(kept.accepted), kept.state, kept.host, _word_of(typed))


def _word_of(typed: TypedFactor | None) -> str:
    return f"{typed.factor}{typed.ordinal or ''}" if typed is not None else ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ChallengeRecord).decode


def packed_challenge(record: ChallengeRecord) -> bytes:
    """Return its octets in a journal."""
    return _MARK + _encode(record)


def is_challenge(octets: bytes) -> bool:
    """Whether these octets of a journal are such a record, and no reply."""
    return octets.startswith(_MARK)


def unpacked_challenge(octets: bytes) -> ChallengeRecord:
    """Return what these octets tell of.

    Raises:
        one of `records.UNREADABLE`: they are none.
    """
    return _decode(octets[len(_MARK) :])
