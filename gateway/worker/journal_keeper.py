"""What this worker's successors must know: it is written into the journal, and told to them on links."""

import os
import time
from typing import Final

import msgspec

from gateway.engine.challenges.records import ChallengeRecord, packed_challenge
from gateway.engine.effects import ForgetLogin, KeepLogin, KeepReply
from gateway.engine.records import VERSION, LoginRecord, verdict_record
from gateway.engine.sent_replies import (
    packed_reply,
    unpacked_reply,
)
from gateway.ipc.journal import (
    MAX_LOGIN_OCTETS,
    Journal,
    Origin,
    boottime_ahead_s,
)
from gateway.ipc.links import (
    ChallengeNoted,
    HandedOver,
    LinkWriter,
    LoginForgotten,
    LoginKept,
    Message,
    ReplyKept,
)

_LEAST_SLEEP_S: Final = 0.05  # less may be how far two readings of the clocks are apart
_encode = msgspec.msgpack.Encoder().encode


class JournalKeeper:
    """Performs the engine's effects that outlive the worker."""

    def __init__(self, journal: Journal) -> None:
        """Begin an empty journal."""
        self._origin = Origin(VERSION, boottime_ahead_s(), os.getpid())
        self._looked_at = time.monotonic()
        journal.begin(self._origin)
        self._journal = journal
        self._links: dict[int, LinkWriter] = {}  # by bucket

    @property
    def n_left_out(self) -> int:
        """Records for which the journal had no room."""
        return self._journal.n_left_out

    def note_sleep(self, now: float) -> None:
        """Say of the records so far that the machine has slept since, if it has; to be called often.

        Their clock stood still meanwhile. What was written between the look before and the sleep is taken for newer
        than it is, and nothing that was written afterwards for older.
        """
        ahead_s, known = boottime_ahead_s(), self._origin
        slept_s = ahead_s - known.ahead_s
        if slept_s > _LEAST_SLEEP_S:
            self._origin = Origin(known.version, ahead_s, known.pid, self._looked_at, slept_s)
            self._journal.begin(self._origin)
        self._looked_at = now

    def keep_login(self, effect: KeepLogin) -> None:
        """Write down how far a login is."""
        record = effect.pending.record()
        self._journal.keep_login(record.number, _fitting(record))
        if self._links:
            self._tell(record.bucket, LoginKept(record))

    def forget_login(self, effect: ForgetLogin) -> None:
        """Strike a login out."""
        pending = effect.pending
        self._journal.forget_login(pending.number)
        if self._links:
            verdict = verdict_record(effect.verdict) if effect.verdict is not None else None
            self._tell(pending.bucket, LoginForgotten(pending.number, verdict))

    def keep_reply(self, effect: KeepReply) -> None:
        """Write a reply down."""
        sent, peer = effect.sent, effect.peer
        octets = packed_reply(peer.address, peer.listener, peer.bucket, sent.digest, sent.reply, sent.expires_at)
        self._journal.keep_reply(octets, sent.expires_at, time.monotonic())
        if self._links:
            self._tell(peer.bucket, ReplyKept(unpacked_reply(octets)))

    def keep_challenge(self, record: ChallengeRecord, life_s: float) -> None:
        """Write down what is remembered of a challenge, for so long; whose it is, any successor may be asked."""
        now = time.monotonic()
        self._journal.keep_reply(packed_challenge(record), now + life_s, now)
        for link in set(self._links.values()):
            link.send(ChallengeNoted(record))

    def hand_over(self, links: dict[int, LinkWriter]) -> None:
        """Say that the journal is complete, and from now on tell the successors, by bucket, what becomes of it."""
        self._links = links
        for link in set(links.values()):
            link.send(HandedOver())

    async def told(self) -> None:
        """Return once the successors have all that they were to be told."""
        for link in set(self._links.values()):
            await link.flushed()

    def _tell(self, bucket: int, message: Message) -> None:
        link = self._links.get(bucket)
        if link is not None:
            link.send(message)


def _fitting(record: LoginRecord) -> bytes:
    """Return the record's octets, without the oldest packets if there are too many.

    A packet left out is known again by its login: its retransmission joins it. Where a home server's attributes alone
    are too long, the login is lost, and all its packets can be told so.
    """
    octets = _encode(record)
    if len(octets) > MAX_LOGIN_OCTETS and len(_encode(msgspec.structs.replace(record, packets=[]))) > MAX_LOGIN_OCTETS:
        record = record.without_attributes()
        octets = _encode(record)
    while len(octets) > MAX_LOGIN_OCTETS and record.packets:
        record = msgspec.structs.replace(record, packets=record.packets[1:])
        octets = _encode(record)
    return octets
