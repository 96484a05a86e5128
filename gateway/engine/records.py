"""What of a worker's memory outlives the worker: plain values that travel through a journal or a link to another one.

They hold what is needed to answer, and to push nobody twice: no password, no passcode, no shared secret. What a user
typed is there only within the keyed digest that tells one login from another.

Another version may have written them. What it adds at the end of a record is not read; words that this version does
not know are no reason to lose a login, see `engine.login.Login.heard_elsewhere`. Where a field comes to mean something
else, `VERSION` is raised, and who does not know that version refuses its records as a whole.

Instants are those of the writer's clock: packing one costs nothing then, and each login packs some. How that clock
stands to one that all processes share is said for all, see `ipc.journal.Origin`, and its reader moves them to its own.
"""

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from gateway.engine.passed_on import PassedOn
from gateway.engine.replies import OUTCOMES, REPLY_CODES
from gateway.engine.verdict import Verdict
from gateway.radius.attributes import is_framed
from gateway.radius.dictionary import Code
from gateway.words.reasons import Reason

if TYPE_CHECKING:
    from gateway.engine.peer import Address
else:
    Address = tuple[str | int, ...]  # msgspec knows no choice between two kinds of tuples

VERSION: Final = 1
"""Of the records; 0 is one that said no version, and differs in nothing that is read."""

Instant = Annotated[float, msgspec.Meta(ge=-1e10, le=1e10)]
"""Monotonic seconds; negative is before the reader's clock began. The bounds are there because what is neither less nor
greater breaks every queue of timers.
"""

UNREADABLE: Final = (msgspec.MsgspecError, struct.error, ValueError, RecursionError)
"""What decoding raises, of octets that are no such record."""


def of_next_secret(generation: int) -> int:
    """Return the number of a generation for a packet that was sent with its client's next secret: below 0.

    So packets of clients that have one secret cost nothing more, and a version that knows no second one finds no such
    generation, and leaves the packet out instead of signing its reply with the wrong secret.
    """
    return ~generation


def is_of_next_secret(generation: int) -> bool:
    """Whether a packet's record means its client's next secret."""
    return generation < 0


def settings_number(generation: int) -> int:
    """Return the number of the settings themselves."""
    return ~generation if generation < 0 else generation


class PacketRecord(msgspec.Struct, array_like=True):
    """An Access-Request that waits.

    Attributes:
        generation: of the settings that know its NAS and shared secret, see `of_next_secret`.
        listener: the number of the listening address, as the writer of the record counts them.
        path: the way back, as the listener wants it.
        basis: what its reply is made of, see `radius.reply.reply_basis`.
        digest: of the whole packet, keyed.
    """

    generation: int
    address: Address
    listener: int
    path: list[tuple[int, int, bytes]]
    basis: bytes
    digest: bytes
    received_at: Instant


class PassedOnRecord(msgspec.Struct, array_like=True):
    """What a home server has said for the NAS, see `engine.passed_on.PassedOn`."""

    attributes: bytes
    host: str
    request_authenticator: bytes
    secret_digest: bytes = b""

    @property
    def passed_on(self) -> PassedOn:
        """The thing itself.

        Raises:
            ValueError: those are no attributes.
        """
        if not is_framed(self.attributes):
            raise ValueError("no attributes")
        return PassedOn(self.attributes, self.host, self.request_authenticator, self.secret_digest)


class PrimaryRecord(msgspec.Struct, array_like=True):
    """The first factor of a login, as far as its end depends on it, see `engine.primary.Primary`."""

    refusal: bytes = b""
    accepted: PassedOnRecord | None = None


class LoginRecord(msgspec.Struct, array_like=True):
    """A login under way, and the packets that wait for it.

    Attributes:
        number: the writer's own name for it.
        bucket: which of the sockets that share an address its packets come to.
        generation: of the settings that hold its section and application.
        key: the keyed digest of what makes another packet the same login.
        state, factor, txid, asked_at, pushed_at: see `engine.login.Login`; instants are monotonic seconds.
        elsewhere: the pid of another worker that waits for Duo's answer, and its number for the login; None for none.
        fleet_key: what the login is called among hosts, see `fleetapi.questions.Claim`; empty for one never claimed.
        held: the owner's name and the epoch under which this host has it in the fleet's store; None for none.
        primary: its first factor; None where there is none.
    """

    number: int
    bucket: int
    generation: int
    section: str
    user_name: str
    key: bytes
    state: str
    factor: str
    txid: str
    asked_at: Instant
    pushed_at: Instant
    started_at: Instant
    packets: list[PacketRecord]
    elsewhere: tuple[int, int] | None = None
    fleet_key: bytes = b""
    held: tuple[str, int] | None = None
    primary: PrimaryRecord | None = None

    def without_attributes(self) -> "LoginRecord":
        """Return the record of a login that nobody can end as its home server wants, for it has become too long.

        Nobody gets in by it, and nobody is pushed again for it while it waits in vain.
        """
        return msgspec.structs.replace(self, state="lost", txid="", primary=None)

    def moved(self, by_s: float) -> "LoginRecord":
        """Return the record with its instants that much later: on the clock of another process."""
        return self._with_instants(lambda instant: instant + by_s)

    def aged(self, by_s: float, until: float) -> "LoginRecord":
        """Return the record with its instants up to one that much earlier: the machine has slept since."""
        return self._with_instants(lambda instant: instant - by_s if instant <= until else instant)

    def _with_instants(self, read: Callable[[float], float]) -> "LoginRecord":
        return msgspec.structs.replace(
            self,
            asked_at=read(self.asked_at),
            pushed_at=read(self.pushed_at),
            started_at=read(self.started_at),
            packets=[msgspec.structs.replace(each, received_at=read(each.received_at)) for each in self.packets],
        )


class ReplyRecord(msgspec.Struct, array_like=True):
    """A reply that was sent, for retransmissions of its request; `expires_at` is in monotonic seconds."""

    address: Address
    listener: int
    bucket: int
    digest: bytes
    reply: bytes
    expires_at: Instant

    def moved(self, by_s: float) -> "ReplyRecord":
        """Return the record with its instant that much later: on the clock of another process."""
        return msgspec.structs.replace(self, expires_at=self.expires_at + by_s)


class VerdictRecord(msgspec.Struct):
    """How a login ended, see `engine.verdict.Verdict`."""

    code: Code
    reason: Reason
    reply_message: str
    account: str
    hint: str = ""
    attributes: bytes = b""
    passed_on: PassedOnRecord | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict itself.

        Raises:
            ValueError: its attributes are none.
        """
        if not is_framed(self.attributes):
            raise ValueError("no attributes")
        outcome = OUTCOMES[self.code]
        verdict = Verdict(outcome, self.reason, self.reply_message, self.account, self.hint, self.attributes)
        verdict.passed_on = self.passed_on.passed_on if self.passed_on is not None else None
        return verdict


def passed_on_record(passed_on: PassedOn | None) -> PassedOnRecord | None:
    """Return what is written down of it."""
    if passed_on is None:
        return None
    return PassedOnRecord(
        passed_on.attributes, passed_on.host, passed_on.request_authenticator, passed_on.secret_digest
    )


def verdict_record(verdict: Verdict) -> VerdictRecord:
    """Return what a link tells of a verdict."""
    code, text, passed_on = REPLY_CODES[verdict.outcome], verdict.reply_message, passed_on_record(verdict.passed_on)
    return VerdictRecord(code, verdict.reason, text, verdict.account, verdict.hint, verdict.attributes, passed_on)


_encode_verdict = msgspec.msgpack.Encoder().encode
_decode_verdict = msgspec.msgpack.Decoder(VerdictRecord).decode


def packed_verdict(verdict: Verdict) -> bytes:
    """Return what another host is told of a verdict: each asks its own first factor, whose attributes stay there."""
    record = verdict_record(verdict)
    record.passed_on = None
    return _encode_verdict(record)


def unpacked_verdict(octets: bytes) -> Verdict | None:
    """Return the verdict that `packed_verdict` packed, there; None for words that this version does not know."""
    try:
        return _decode_verdict(octets).verdict
    except (*UNREADABLE, KeyError):  # the last: a code that is no verdict's
        return None
