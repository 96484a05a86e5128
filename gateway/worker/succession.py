"""Taking over from other workers: from one that died, or one of the former generation that was told to leave.

A journal tells what its worker replied and which logins it had under way. If the worker is dead, those with a push
that Duo has named go on here. If it still lives, it goes on waiting for Duo's answers and tells of them on its link;
whatever it has not told of when it ends goes on here.

Nothing that a journal or a link holds keeps this worker from serving. A record that cannot be read, or met an internal
error, costs the login or the reply that it tells of. It is counted, and the first of each predecessor is told in the
log. So does a journal of another version: it is refused as a whole, and said in one line.
"""

import asyncio
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

import msgspec

from gateway.engine.challenges.memory import ChallengeMemory
from gateway.engine.challenges.records import ChallengeRecord, is_challenge, unpacked_challenge
from gateway.engine.duplicates import SentReply
from gateway.engine.effects import Effect
from gateway.engine.engine import RESUME_PAUSE_S, Engine
from gateway.engine.login import Login
from gateway.engine.login_states import ELSEWHERE
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.engine.records import UNREADABLE, VERSION, LoginRecord, PacketRecord, ReplyRecord, settings_number
from gateway.engine.sent_replies import unpacked_reply
from gateway.engine.transaction import Transaction
from gateway.ipc.journal import (
    ForeignJournal,
    Origin,
    boottime_ahead_s,
)
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.links import (
    ChallengeNoted,
    HandedOver,
    LinkReader,
    LoginForgotten,
    LoginKept,
    Message,
    ReplyKept,
)
from gateway.ipc.numbering import Numbering
from gateway.ipc.orders import PredecessorOrders
from gateway.logs.setup import log_internal_error
from gateway.radius.packet import decode_packet
from gateway.words.english import counted
from gateway.worker.found_records import FoundRecords, is_over
from gateway.worker.generations import GenerationParts, Generations

log = logging.getLogger("gateway.worker")
_Record = TypeVar("_Record", LoginRecord, ReplyRecord, ChallengeRecord)
_OURS: Final = Origin(0, 0.0)
_login = msgspec.msgpack.Decoder(LoginRecord).decode


class Predecessor:
    """A worker from which this one takes over, and what it leaves.

    Attributes:
        journal: None for one that cannot be read, of which nothing is taken.
        numbers: of its listening addresses here, None for those that this configuration lacks.
        later_s: what makes an instant of its clock one of ours.
        slept_at, slept_s: of its last sleep, see `Origin`.
        found: what makes its records ours, if it was a worker of a gateway that is gone.
        elsewhere: the logins that it waits for, by its own numbers.
        is_taken: its logins were.
        has_ended: it waits for nothing any more.
        n_unread: records that could not be read or taken over.
        has_failed: taking one of them over met an internal error.
    """

    def __init__(
        self,
        orders: PredecessorOrders,
        journal: JournalReader | None,
        numbers: list[int | None],
        origin: Origin = _OURS,
        found: FoundRecords | None = None,
    ) -> None:
        self.orders = orders
        self.journal = journal
        self.is_refused = journal is None
        self.numbers = numbers
        self.later_s = origin.ahead_s - boottime_ahead_s() if origin.version else 0.0
        self.slept_at, self.slept_s = origin.slept_at, origin.slept_s
        self.found = found
        self.elsewhere: dict[int, PendingLogin] = {}
        self.is_taken = self.has_ended = self.has_failed = False
        self.n_unread = self._n_told = 0

    @property
    def name(self) -> str:
        """What the log calls it."""
        return "a worker of the previous gateway" if self.orders.is_found else f"the worker with pid {self.orders.pid}"

    def logins(self) -> Iterator[LoginRecord]:
        """Yield the logins of the journal."""
        for octets in self.journal.logins() if self.journal is not None else ():
            record = self._decoded(_login, octets)
            if record is not None and self.found is not None:
                record = self.found.login(record) if not is_over(record, time.monotonic()) else None
            if record is not None:
                yield record

    def new_replies(self) -> Iterator[ReplyRecord | ChallengeRecord]:
        """Yield the replies that were written since the last time, and what is remembered of challenges."""
        for octets in self.journal.replies() if self.journal is not None else ():
            if is_challenge(octets):
                challenge = self._decoded(unpacked_challenge, octets)
                if challenge is not None:
                    yield challenge
                continue
            record = self._decoded(unpacked_reply, octets)
            if record is not None:
                yield self.found.reply(record) if self.found is not None else record

    def number(self, listener: int) -> int | None:
        """Return the number here of one of its listening addresses."""
        return self.numbers[listener] if 0 <= listener < len(self.numbers) else None

    def take_n_lost(self) -> int:
        """Return how many records could not be used, torn ones included, since the last time."""
        n_torn = self.journal.n_skipped if self.journal is not None else 0
        n_new = max(0, self.n_unread + n_torn - self._n_told)
        self._n_told += n_new
        return n_new

    def close(self) -> None:
        """Read no more."""
        self.has_ended = True
        if self.journal is not None:
            self.n_unread += self.journal.n_skipped
            self.journal = None

    def _decoded(self, decode: Callable[[bytes], _Record], octets: bytes) -> _Record | None:
        try:
            return self.on_our_clock(decode(octets))
        except UNREADABLE:  # of a version that says something else
            self.note_unread()
            return None

    def on_our_clock(self, record: _Record) -> _Record:
        """Return one of its records with instants of our clock.

        Only those of logins are of the past, where the writer's clock may have stood still.
        """
        if self.slept_s and isinstance(record, LoginRecord):
            record = record.aged(self.slept_s, self.slept_at)
        return record.moved(self.later_s) if self.later_s else record

    def note_unread(self) -> None:
        """Count a record, or a message, that could not be used."""
        self.n_unread += 1


class Succession:
    """All predecessors' logins and replies, in this worker's engine."""

    def __init__(
        self,
        predecessors: list[Predecessor],
        generations: Generations,
        buckets: frozenset[int],
        engine: Engine,
        memory: ChallengeMemory,
        perform: Callable[[list[Effect]], None],
        on_former: Callable[[GenerationParts], None],
        on_lost: Callable[[int], None],
    ) -> None:
        """Take over from predecessors.

        Args:
            predecessors: all that there are.
            generations: by whose settings logins were begun.
            buckets: those that this worker serves; it ignores other users' logins.
            engine: takes the logins up.
            memory: of this worker's challenges.
            perform: does what the engine decides.
            on_former: told of a former generation before one of its logins is taken up.
            on_lost: told how many records could not be used.
        """
        self._predecessors = sorted(predecessors, key=lambda each: each.orders.lives)  # the dead come first
        self._by_pid = {each.orders.pid: each for each in predecessors if not each.orders.is_found}
        self._generations = generations
        self._buckets = buckets
        self._engine = engine
        self._memory = memory
        self._perform = perform
        self._on_former = on_former
        self._on_lost = on_lost
        self._adopted: set[tuple[bytes, float]] = set()
        self._n_readers = Counter(each.orders.journal_fd for each in predecessors)
        self._complete = asyncio.Event()

    def begin(self) -> None:
        """Take over from the dead at once, and from those that live when they hand over.

        Their replies so far are taken up now, so that little is left to do then.
        """
        for predecessor in self._predecessors:
            if predecessor.is_refused:  # which was told in a line of its own
                self._on_lost(predecessor.take_n_lost())
            self._take_replies(predecessor)
        for predecessor in self._predecessors:  # now that all replies are known, whoever sent them
            self._begin(predecessor)
        self._note_complete()

    async def complete(self) -> None:
        """Return once nothing keeps this worker from serving after its predecessors."""
        await self._complete.wait()

    def _begin(self, predecessor: Predecessor) -> None:
        orders = predecessor.orders
        if not orders.lives:
            self._ended(predecessor)
            return
        if orders.has_handed_over:
            self._take(predecessor)
        link, loop = socket.socket(fileno=orders.link_fd), asyncio.get_running_loop()
        LinkReader(
            link, loop, partial(self._heard, predecessor), partial(self._ended, predecessor), predecessor.note_unread
        )

    def _carefully(self, predecessor: Predecessor, act: Callable[..., None], *arguments: object) -> None:
        """Do something with what a predecessor told; an internal error there ends nothing else."""
        try:
            act(*arguments)
        except Exception as error:  # noqa: BLE001 -- a record costs what it tells of, never the slot
            predecessor.note_unread()
            if not predecessor.has_failed:
                predecessor.has_failed = True
                log_internal_error(
                    f"Internal error while taking over a record of {predecessor.name}; it is left out", error
                )

    def _tell_lost(self, predecessor: Predecessor) -> None:
        n_lost = predecessor.take_n_lost()
        if n_lost:
            self._on_lost(n_lost)
            log.error("%d records of %s cannot be used; their logins may have to start again", n_lost, predecessor.name)

    def _heard(self, predecessor: Predecessor, message: Message) -> None:
        if isinstance(message, HandedOver):
            self._take(predecessor)
            self._note_complete()
        elif not predecessor.is_refused:
            self._carefully(predecessor, self._note, predecessor, message)

    def _note(self, predecessor: Predecessor, message: Message) -> None:
        now = time.monotonic()
        match message:
            case LoginKept(record):
                self._note_further(predecessor, predecessor.on_our_clock(record))
            case LoginForgotten(number, told):
                verdict = told.verdict if told is not None else None
                pending = predecessor.elsewhere.pop(number, None)
                if pending is not None:
                    self._perform(self._engine.decided_elsewhere(pending, verdict, now))
            case ReplyKept(record):
                self._take_reply(predecessor, predecessor.on_our_clock(record), now)
            case ChallengeNoted(record):
                self._memory.adopt(record, now)

    def _note_further(self, predecessor: Predecessor, record: LoginRecord) -> None:
        """Note how far a login is. One that its worker wrote anew while we read the journal may be new to us: it went
        into a cell that we had read, and the older record was struck out before we came to it.
        """
        pending = predecessor.elsewhere.get(record.number)
        if pending is not None:
            self._perform(self._engine.heard_elsewhere(pending, record))
        elif predecessor.is_taken:
            self._take_new(predecessor, record)

    def _ended(self, predecessor: Predecessor) -> None:
        """The predecessor is gone; what it has not finished goes on here, a few at a time."""
        self._take(predecessor)
        self._close(predecessor)
        left, predecessor.elsewhere = predecessor.elsewhere, {}
        now = time.monotonic()
        for index, pending in enumerate(left.values()):
            self._carefully(predecessor, self._go_on, pending, now + index * RESUME_PAUSE_S, now)
        if left:
            log.info("Took over %s from %s, which is gone", counted(len(left), "login"), predecessor.name)
        self._tell_lost(predecessor)
        self._note_complete()

    def _close(self, predecessor: Predecessor) -> None:
        """Read no more of it, and give its journal back: a file that is removed takes room as long as somebody has it.

        One that several slots were to take over may be there for each of them.
        """
        predecessor.close()
        descriptor = predecessor.orders.journal_fd
        self._n_readers[descriptor] -= 1
        if not self._n_readers[descriptor]:
            os.close(descriptor)

    def _go_on(self, pending: PendingLogin, at: float, now: float) -> None:
        self._perform(self._engine.left_alone(pending, at, now))

    def _note_complete(self) -> None:
        if all(each.is_taken for each in self._predecessors):
            self._complete.set()

    def _take(self, predecessor: Predecessor) -> None:
        if predecessor.is_taken:
            return
        predecessor.is_taken = True
        self._take_replies(predecessor)
        for record in predecessor.logins():
            self._take_new(predecessor, record)
        self._tell_lost(predecessor)

    def _take_new(self, predecessor: Predecessor, record: LoginRecord) -> None:
        """Take a login, if it is one of ours that was not taken yet."""
        identity = record.key, record.started_at
        if record.bucket in self._buckets and identity not in self._adopted:
            self._adopted.add(identity)
            self._carefully(predecessor, self._take_login, predecessor, record)

    def _take_login(self, predecessor: Predecessor, record: LoginRecord) -> None:
        pending = self._restored(predecessor, record)
        if pending is None:
            return
        pid, number = record.elsewhere or (predecessor.orders.pid, record.number)
        waiting = self._by_pid.get(pid, predecessor)
        if waiting is predecessor or waiting.has_ended:  # nobody but this predecessor waits for it
            waiting, number = predecessor, record.number
        pending.elsewhere = waiting.orders.pid, number
        self._perform(self._engine.adopt(pending))
        if pending.login.state is ELSEWHERE:  # else it had its verdict
            waiting.elsewhere[number] = pending

    def _take_replies(self, predecessor: Predecessor) -> None:
        now = time.monotonic()
        for record in predecessor.new_replies():
            if isinstance(record, ChallengeRecord):
                self._carefully(predecessor, self._memory.adopt, record, now)
            elif record.expires_at > now:
                self._carefully(predecessor, self._take_reply, predecessor, record, now)

    def _take_reply(self, predecessor: Predecessor, record: ReplyRecord, now: float) -> None:
        listener = predecessor.number(record.listener)
        if listener is not None and record.bucket in self._buckets and len(record.reply) > 1:
            peer = Peer(record.address, listener, bucket=record.bucket)
            sent = SentReply(peer.key(record.reply[1]), record.digest, record.reply, record.expires_at)
            self._perform(self._engine.adopt_reply(sent, peer, now))

    def _restored(self, predecessor: Predecessor, record: LoginRecord) -> PendingLogin | None:
        generation = self._generations.find(record.generation)
        if generation is None or record.section not in generation.sections:
            log.error("A login of [%s] cannot be taken over: its settings are gone", record.section)
            return None
        if generation is not self._generations.own:
            self._on_former(generation)
        section = generation.sections[record.section]
        login = Login.restored(section.policy, record)
        number = self._engine.next_number()
        pending = PendingLogin(number, login, section, record.key, record.bucket, record.started_at)
        pending.fleet_key = record.fleet_key
        for packet in record.packets:
            self._carefully(predecessor, self._join, pending, predecessor, packet)
        return pending

    def _join(self, pending: PendingLogin, predecessor: Predecessor, packet: PacketRecord) -> None:
        transaction = self._transaction(predecessor, packet, pending.bucket)
        if transaction is not None:
            pending.join(transaction)

    def _transaction(self, predecessor: Predecessor, record: PacketRecord, bucket: int) -> Transaction | None:
        """Return a packet that waits, with its client by the settings of its time; None without a way back."""
        listener = predecessor.number(record.listener)
        generation = self._generations.find(settings_number(record.generation))
        if listener is None or generation is None:
            return None
        table = generation.table(self._generations.own.listening[listener])
        nas = table.find_by_record(record.address[0], record.generation) if table is not None else None
        if nas is None:
            return None
        peer = Peer(record.address, listener, record.path, bucket)
        return Transaction(decode_packet(record.basis), nas, peer, record.digest, record.received_at)


def read_predecessor(
    orders: PredecessorOrders,
    key: bytes,
    generations: Generations,
    n_buckets: int = 1,
    buckets: frozenset[int] = frozenset({0}),
) -> Predecessor:
    """Return what a predecessor leaves: nothing, if it is of a version with other journals, or other records.

    Args:
        orders: which it is.
        key: of the journal's checksums.
        generations: by whose settings its logins were begun.
        n_buckets: how many there are.
        buckets: those of this worker.
    """
    own, n_refused, found = generations.own, 1, None  # at least
    try:
        journal = JournalReader(orders.journal_fd, key)
        n_refused = max(1, sum(1 for _ in journal.logins()))
        if orders.is_found:
            numbering = journal.numbering()
            found = FoundRecords(numbering, own.number, n_buckets, buckets)
        else:
            former = generations.find(orders.generation)
            numbering = Numbering(former.listening if former is not None else [])
        numbers = [own.listening.index(text) if text in own.listening else None for text in numbering.listening]
        return Predecessor(orders, journal, numbers, _known_origin(journal), found)
    except ForeignJournal as error:
        refused = Predecessor(orders, None, [])
        log.error("The journal of %s cannot be used: %s", refused.name, error)
        refused.n_unread = n_refused
        return refused


def _known_origin(journal: JournalReader) -> Origin:
    """Return what its records are to be read by.

    Raises:
        ForeignJournal: its records are of a version that we do not know.
    """
    origin = journal.origin()
    if origin.version > VERSION:
        raise ForeignJournal(f"its records are of version {origin.version}, and this version reads {VERSION} at most")
    return origin
