"""A worker's engine, and journals of predecessors for it to read, in one process."""

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.duoapi.calls import AuthStatus
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.digests import Digests, login_key
from gateway.engine.effects import PutQuestion
from gateway.engine.pending import PendingLogin
from gateway.engine.records import VERSION, LoginRecord, PacketRecord, ReplyRecord
from gateway.engine.sent_replies import packed_reply
from gateway.ipc.journal import (
    Journal,
    Origin,
    boottime_ahead_s,
    create_journal,
)
from gateway.ipc.links import LinkWriter, Message
from gateway.ipc.orders import PredecessorOrders
from gateway.radius.client import encode_access_request
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR
from gateway.radius.packet import decode_packet
from gateway.radius.reply import reply_basis
from gateway.radius.shared_secret import SharedSecret
from gateway.worker.generations import GenerationParts, Generations
from gateway.worker.succession import Predecessor, Succession, read_predecessor
from gateway.worker.wiring import build_engine
from tests.config.files import MINIMAL, SHARED_SECRET, parse

if TYPE_CHECKING:
    from gateway.engine.effects import Effect

KEY = bytes(32)
SECTION = "radius_server_duo_only"
NAS = "10.0.1.10"
SECRET = SharedSecret(SHARED_SECRET.encode())


def request(identifier: int = 7, user: str = "alice", password: str = "push") -> bytes:
    """An Access-Request as the configured NAS sends it."""
    return encode_access_request(identifier, bytes([identifier]) * 16, SECRET, user.encode(), password.encode())


def packet_record(octets: bytes, **fields: Any) -> PacketRecord:
    """What a record says of that request."""
    basis, digest = reply_basis(decode_packet(octets)), name_of(octets)
    record = PacketRecord(1, (NAS, 40001), 0, [], basis, digest, time.monotonic())
    return msgspec.structs.replace(record, **fields)


def name_of(octets: bytes) -> bytes:
    """What a signed request is known by."""
    return decode_packet(octets).value(MESSAGE_AUTHENTICATOR) or b""


def login_record(number: int = 1, user: str = "alice", **fields: Any) -> LoginRecord:
    """A push whose name is known, for which one packet waits."""
    now = time.monotonic()
    key = Digests(KEY).login(login_key(SECTION, user, "push 0 ", None, b""))
    packets = [packet_record(request(user=user))]
    record = LoginRecord(number, 0, 1, SECTION, user, key, "waiting", "push", "tx-1", now, now, now, packets)
    return msgspec.structs.replace(record, **fields)


def answer_record(octets: bytes, reply: bytes, **fields: Any) -> ReplyRecord:
    """What was replied to that request."""
    digest = name_of(octets)
    return msgspec.structs.replace(ReplyRecord((NAS, 40001), 0, 0, digest, reply, time.monotonic() + 30), **fields)


def packed(record: ReplyRecord) -> bytes:
    """What stands in a journal of that answer."""
    return packed_reply(*msgspec.structs.astuple(record))


class Successor:
    """An engine, and what its worker is told to do.

    Attributes:
        n_lost: records that were of no use.
    """

    def __init__(self) -> None:
        settings = parse(MINIMAL)[0]
        own = GenerationParts(1, settings, KEY)
        self.generations = Generations(own, [])
        self.engine = build_engine(settings, own.tables, Digests(KEY), 1)
        self.memory = ChallengeMemory(UnixClock(time.time() - time.monotonic()))
        self.effects: list[Effect] = []
        self.n_lost = 0
        self._predecessors: list[PredecessorOrders] = []
        self._read: list[Predecessor] = []

    def predecessor(
        self,
        *octets: bytes,
        answers: tuple[bytes, ...] = (),
        pid: int = 100,
        link_fd: int | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Let it take the place of a worker whose journal holds these records; of our version and clock if not said."""
        descriptor = create_journal(len(octets), 65_536)
        journal = Journal(descriptor, KEY)
        journal.begin(origin or Origin(VERSION, boottime_ahead_s()))
        for number, each in enumerate(octets):
            assert journal.keep_login(number, each)
        for each in answers:
            journal.keep_reply(each, time.monotonic() + 30, time.monotonic())
        journal.close()
        self._predecessors.append(PredecessorOrders(pid, 1, descriptor, link_fd))

    def begin(self) -> Succession:
        """Take over; inside a running loop if a predecessor lives."""
        self._read = [read_predecessor(each, KEY, self.generations) for each in self._predecessors]
        buckets = frozenset({0})
        succession = Succession(
            self._read,
            self.generations,
            buckets,
            self.engine,
            self.memory,
            self.effects.extend,
            lambda _: None,
            self._note_lost,
        )
        succession.begin()
        return succession

    def take_over(self) -> None:
        """Take over from the dead, and see that nothing keeps the worker from serving."""

        async def scene() -> None:
            async with asyncio.timeout(10):
                await self.begin().complete()

        asyncio.run(scene())

    def close(self) -> None:
        """Give the journals back that are still read, or were never."""
        given_back = {each.orders.journal_fd for each in self._read if each.has_ended}
        for each in self._predecessors:
            if each.journal_fd not in given_back:
                os.close(each.journal_fd)

    def _note_lost(self, n_records: int) -> None:
        self.n_lost += n_records


def asked(successor: Successor) -> list[str]:
    """The names of the pushes that it asks Duo about."""
    calls = [each.question for each in successor.effects if isinstance(each, PutQuestion)]
    return [call.txid for call in calls if isinstance(call, AuthStatus)]


def pending_logins(successor: Successor) -> list[PendingLogin]:
    """What it has taken up."""
    return list(successor.engine._pending)


class Living:
    """A predecessor that lives: what it writes, and what it says on its link."""

    def __init__(
        self, successor: Successor, *octets: bytes, origin: Origin | None = None, has_handed_over: bool = False
    ) -> None:
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        successor.predecessor(*octets, link_fd=theirs.detach(), origin=origin)
        successor._predecessors[-1].has_handed_over = has_handed_over
        self.writer = LinkWriter(self.link, asyncio.get_running_loop())
        self.successor = successor

    async def heard(self) -> None:
        """Return once all that was said has been heard."""
        await self.writer.flushed()
        for _ in range(3):  # turns of the loop, in which its reader is called
            await asyncio.sleep(0)

    async def said(self, *messages: Message) -> None:
        """Say something."""
        for message in messages:
            self.writer.send(message)
        await self.heard()
