"""The workers of one generation: a post for each slot, and what the worker at it is to take over from others.

A post outlives its workers. One that dies leaves its journal to the next at the same post; a reload leaves every post's
journal to the next generation's.
"""

import asyncio
import logging
import os
import signal
import socket
from functools import reduce
from typing import NamedTuple, Protocol

import msgspec

from gateway.config.settings import Settings
from gateway.config.writing import explain_error
from gateway.engine.slots import Slot, SlotEvent, SlotState
from gateway.engine.statistics import Totals, merge
from gateway.logs.setup import log_descriptors
from gateway.net.board import Board
from gateway.net.journal import create_journal
from gateway.supervisor.identity import Identity
from gateway.supervisor.process import WorkerProcess
from gateway.supervisor.sockets import ListeningSockets
from gateway.supervisor.stderr import say
from gateway.worker.channel import FromWorker, HandOver, Successor, ToWorker, hear_worker, tell_worker
from gateway.worker.ledger import Ledger
from gateway.worker.orders import CANNOT_START, GenerationOrders, Orders, Predecessor
from gateway.worker.wiring import application_key, log_plan, pending_share

log = logging.getLogger("gateway.supervisor")

SILENT_AFTER_S = 2.0  # a worker shows ten times a second that its loop turns
HANDOVER_TIMEOUT_S = 2.0  # then the worker is killed, and its successor takes over from the journal
MAX_DEATHS = 3  # of workers that were to take over from a dead one: then what it knew is given up, and not the slot


class CrewPlan(NamedTuple):
    """What makes a generation.

    Attributes:
        generations: settings in memfds, its own first, then former ones of which logins may still wait.
        key: of all digests and checksums.
    """

    settings: Settings
    generations: list[GenerationOrders]
    n_workers: int
    sockets: ListeningSockets
    identity: Identity
    key: bytes
    board: Board
    ledger: Ledger

    def __repr__(self) -> str:
        """Hide the key."""
        return f"<CrewPlan generation={self.generations[0].number}>"


class CrewOwner(Protocol):
    """Who hears of a crew: the arbiter."""

    def worker_prepared(self, crew: "Crew") -> None:
        """A worker would serve, if its predecessors had handed over."""

    def worker_serves(self, crew: "Crew", post: "Post") -> None:
        """A worker serves."""

    def worker_handed_over(self, pid: int) -> None:
        """A worker of a dismissed crew reads no more, and its journal is complete."""

    def worker_missing(self, crew: "Crew", post: "Post") -> None:
        """A worker could not even be started."""

    def worker_gone(self, crew: "Crew", post: "Post", pid: int, status: int) -> None:
        """A worker has exited, whether it was told to or not."""


class Post:
    """A slot, and who holds it.

    Attributes:
        process: the worker, None while there is none.
        claims: what it is to take over from others.
        spawned_at: the instant, by the loop's clock.
        trouble: why its last worker never announced itself; empty if it did.
        n_failures: how many in a row did not.
        links: for a worker that is to hand over, its successors and the descriptors that lead to them. They stay open
            here until it is gone: a link that ends tells the successor that nobody else reads, or asks Duo, any more.
    """

    def __init__(self, number: int) -> None:
        self.slot = Slot(number)
        self.process: WorkerProcess | None = None
        self.journal_fd = -1
        self.claims: list[Predecessor] = []
        self.links: list[tuple[Successor, socket.socket]] = []
        self.spawned_at = 0.0
        self.trouble = ""
        self.n_failures = 0
        self.is_prepared = False
        self.has_handed_over = False

    def fail(self, trouble: str) -> None:
        """Take note of why its worker never announced itself."""
        self.trouble = trouble
        self.n_failures += 1

    def take_claim(self, claim: Predecessor) -> None:
        """Let the post's worker take over from another; its descriptors belong to the post from now on."""
        self.claims.append(claim)

    def note_death(self) -> int:
        """Take note that a worker died before it knew all of those before it; return how many have by now."""
        dead = [claim for claim in self.claims if claim.link_fd < 0]
        for claim in dead:
            claim.n_deaths += 1
        return max((claim.n_deaths for claim in dead), default=0)

    def note_handed_over(self, pid: int) -> None:
        """Take note that a worker that this one takes over from reads no more."""
        for claim in self.claims:
            if claim.pid == pid:
                claim.has_handed_over = True

    def let_go(self, pid: int) -> None:
        """Take note that a worker that this one takes over from is gone."""
        for claim in self.claims:
            if claim.pid == pid and claim.link_fd >= 0:
                os.close(claim.link_fd)
                claim.link_fd = -1
        if self.slot.state is SlotState.READY:
            self.drop_dead_claims()

    def drop_dead_claims(self) -> None:
        """Forget predecessors that are gone, and of which the worker knows all."""
        for claim in self.claims:
            if claim.link_fd < 0:
                os.close(claim.journal_fd)
        self.claims = [claim for claim in self.claims if claim.link_fd >= 0]

    def drop_everything(self) -> None:
        """Close all descriptors; nobody will hold this post again."""
        for claim in self.claims:
            os.close(claim.journal_fd)
            if claim.link_fd >= 0:
                os.close(claim.link_fd)
        self.claims = []
        self.drop_links()

    def drop_links(self) -> None:
        """Close what leads to successors."""
        for _, link in self.links:
            link.close()
        self.links = []


class Crew:
    """All posts of a generation.

    Attributes:
        number: of the generation.
        applications: the keys of its Duo applications.
        on_duty_since: the instant from which on all users are its own; before, a former generation serves them.
    """

    def __init__(self, plan: CrewPlan, owner: CrewOwner) -> None:
        self.plan = plan
        self.number = plan.generations[0].number
        self.posts = [Post(number) for number in range(plan.n_workers)]
        self.board = plan.board
        self.applications = frozenset(application_key(server.application) for server in plan.settings.servers)
        self.is_dismissed = False
        self.on_duty_since = 0.0
        self._owner = owner
        self._loop = asyncio.get_running_loop()

    # Starting.

    def start(self, in_background: bool = False) -> None:
        """Put a worker at every post; in the background if another generation serves meanwhile."""
        for post in self.posts:
            self._spawn(post)
            if in_background and post.process is not None:
                post.process.prefer_others()

    def buckets(self, post: Post) -> list[int]:
        """Return which sockets of each address a post reads."""
        return self.plan.sockets.buckets(post.slot.number, self.plan.n_workers)

    def _spawn(self, post: Post) -> None:
        self._happened(post, SlotEvent.SPAWNED)
        try:
            post.journal_fd = create_journal(pending_share(self.plan.settings, self.plan.n_workers))
            post.process = process = WorkerProcess(self._orders(post), self.plan.identity)
        except OSError as error:
            post.fail(explain_error(error))
            log.error("Worker %d cannot be started: %s", post.slot.number, post.trouble)
            if post.journal_fd >= 0:
                os.close(post.journal_fd)
                post.journal_fd = -1
            self._back_off(post)
            self._owner.worker_missing(self, post)
            return
        post.spawned_at = self._loop.time()
        self._loop.add_reader(process.channel.fileno(), self._heard, post, process)
        self._loop.add_reader(process.pidfd, self._exited, post, process)

    def _orders(self, post: Post) -> Orders:
        plan, number = self.plan, post.slot.number
        return Orders(
            slot=number,
            n_workers=plan.n_workers,
            generations=plan.generations,
            key=plan.key,
            channel_fd=-1,
            board_fd=plan.board.descriptor,
            journal_fd=post.journal_fd,
            sockets=plan.sockets.of_slot(number, plan.n_workers),
            predecessors=post.claims,
            ledger_fd=plan.ledger.descriptor,
            buckets=plan.sockets.passages_of_slot(number, plan.n_workers),
            log_fds=log_descriptors(log_plan(plan.settings.log)),
        )

    # What workers say, and their end.

    def _heard(self, post: Post, process: WorkerProcess) -> None:
        try:
            word = hear_worker(process.channel)
        except (OSError, ValueError):
            word = None
        if word is None:
            self._loop.remove_reader(process.channel.fileno())
        elif word is FromWorker.PREPARED:
            post.is_prepared = True
            post.trouble, post.n_failures = "", 0
            process.prefer_nobody()
            self._owner.worker_prepared(self)
        elif word is FromWorker.SERVING:
            self._serves(post, process)
        else:
            post.has_handed_over = True
            self._owner.worker_handed_over(process.pid)

    def _serves(self, post: Post, process: WorkerProcess) -> None:
        self._happened(post, SlotEvent.REPORTED_READY)
        post.drop_dead_claims()
        log.info("Worker %d (pid %d) is ready", post.slot.number, process.pid)
        self._owner.worker_serves(self, post)

    def _exited(self, post: Post, process: WorkerProcess) -> None:
        self._loop.remove_reader(process.pidfd)
        self._loop.remove_reader(process.channel.fileno())
        words = process.last_words
        status = process.reap()
        if not post.is_prepared:
            post.fail(words.rpartition("\n")[2] or describe_status(status))
        post.process, post.is_prepared = None, False
        if post.slot.state is SlotState.DRAINING or self.is_dismissed:
            self._leave(post)
        else:
            self._tell_death(post, process, describe_status(status), words)
            self._succeed(post, process.pid, is_unsuited=status == CANNOT_START)
            self._back_off(post)
        post.journal_fd = -1
        self._owner.worker_gone(self, post, process.pid, status)

    def _tell_death(self, post: Post, process: WorkerProcess, fate: str, words: str) -> None:
        fields = {"said": words} if words else {}
        log.error("Worker %d (pid %d) died: %s", post.slot.number, process.pid, fate, extra={"fields": fields})
        if words:
            say(words)

    def _succeed(self, post: Post, pid: int, *, is_unsuited: bool) -> None:
        """Let the next worker take over from one that died, unless too many have died of the attempt."""
        had_served = post.slot.state is SlotState.READY
        n_deaths = 0 if had_served or is_unsuited else post.note_death()
        post.take_claim(Predecessor(pid, self.number, post.journal_fd, n_deaths=n_deaths))
        if n_deaths >= MAX_DEATHS:
            number = post.slot.number
            log.error("Slot %d goes on without what its last workers knew: that may be what they died of", number)
            post.drop_dead_claims()

    def _leave(self, post: Post) -> None:
        """The last worker of this post is gone."""
        if post.slot.state is not SlotState.EMPTY:
            self._happened(post, SlotEvent.DRAIN_REQUESTED)
        if post.slot.state is SlotState.DRAINING:
            self._happened(post, SlotEvent.EXITED)
        os.close(post.journal_fd)
        post.drop_everything()

    def _back_off(self, post: Post) -> None:
        self._happened(post, SlotEvent.EXITED)
        self._loop.call_later(post.slot.backoff_s, self._start_again, post)

    def _start_again(self, post: Post) -> None:
        if post.slot.state is SlotState.BACKOFF:
            self._happened(post, SlotEvent.BACKOFF_ELAPSED)
            self._spawn(post)

    def _happened(self, post: Post, event: SlotEvent) -> None:
        post.slot.happened(event, self._loop.time())

    # Telling workers.

    @property
    def is_prepared(self) -> bool:
        """Whether every worker would serve."""
        return all(post.is_prepared for post in self.posts)

    @property
    def is_ready(self) -> bool:
        """Whether every worker serves."""
        return all(post.slot.state is SlotState.READY for post in self.posts)

    def unserved_s(self, post: Post, now: float) -> float:
        """Return for how long nobody has served the users of a post: one that gives no sign of life does not."""
        if post.slot.unserved_since is not None:
            return now - max(post.slot.unserved_since, self.on_duty_since)
        pulse = self.board.pulse(post.slot.number)
        is_known = post.process is not None and pulse.pid == post.process.pid
        silence_s = now - pulse.heartbeat_ns / 1e9 if is_known else 0.0
        return silence_s if silence_s > SILENT_AFTER_S else 0.0

    @property
    def is_gone(self) -> bool:
        """Whether no worker is left."""
        return all(post.process is None for post in self.posts)

    def counted(self) -> Totals:
        """Return all that its workers have counted."""
        return reduce(merge, (self.board.read(post.slot.number).totals for post in self.posts))

    def tell(self, word: ToWorker) -> None:
        """Say something to every worker; one that does not take it is looked after by others."""
        for post in self.posts:
            if post.process is not None:
                tell_worker(post.process.channel, word)

    def signal(self, number: int) -> None:
        """Send a signal to every worker."""
        for post in self.posts:
            if post.process is not None:
                post.process.signal(number)

    def abort(self) -> None:
        """End workers that never served."""
        self.dismiss()
        self.signal(signal.SIGKILL)

    def dismiss(self) -> None:
        """Put nobody at any post again."""
        self.is_dismissed = True
        for post in self.posts:
            if post.slot.state not in (SlotState.EMPTY, SlotState.DRAINING):
                self._happened(post, SlotEvent.DRAIN_REQUESTED)
            if post.process is None:
                post.drop_everything()

    def hand_over(self) -> None:
        """Let every worker finish for its successors what it has begun, and leave."""
        self.is_dismissed = True
        for post in self.posts:
            was_ready = post.slot.state is SlotState.READY
            if post.slot.state not in (SlotState.EMPTY, SlotState.DRAINING):
                self._happened(post, SlotEvent.DRAIN_REQUESTED)
            if post.process is not None:
                is_told = was_ready and self._tell_to_hand_over(post, post.process)
                if is_told:
                    self._loop.call_later(HANDOVER_TIMEOUT_S, self._insist, post, post.process)
                else:
                    post.process.signal(signal.SIGKILL)
            else:
                post.drop_links()

    def _tell_to_hand_over(self, post: Post, process: WorkerProcess) -> bool:
        word = HandOver([successor for successor, _ in post.links])
        return tell_worker(process.channel, word, [link.fileno() for _, link in post.links])

    def _insist(self, post: Post, process: WorkerProcess) -> None:
        """One that hangs does not hand over; its journal does."""
        if post.process is process and not post.has_handed_over:
            log.error("Worker %d (pid %d) does not hand over and is killed", post.slot.number, process.pid)
            process.signal(signal.SIGKILL)


def bequeath(former: Crew, crew: Crew) -> None:
    """Let every post of a new generation claim what the former one's posts know of its users.

    Raises:
        OSError: there is no descriptor left; what was claimed by then belongs to the posts all the same.
    """
    for old in former.posts:
        for new in crew.posts:
            shared = sorted(set(former.buckets(old)) & set(crew.buckets(new)))
            if not shared:
                continue
            if old.slot.state is not SlotState.READY:  # its worker knows not all of those before it
                for claim in old.claims:
                    copy = _take_copy(new, claim)
                    copy.link_fd = os.dup(claim.link_fd) if claim.link_fd >= 0 else -1
            if old.process is not None:
                claim = _take_copy(new, Predecessor(old.process.pid, former.number, old.journal_fd))
                theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                claim.link_fd = theirs.detach()
                old.links.append((Successor(shared), ours))


def _take_copy(post: Post, claim: Predecessor) -> Predecessor:
    """Let a post claim what another one does; the journal is its own, a link it has not yet."""
    copy = msgspec.structs.replace(claim, journal_fd=os.dup(claim.journal_fd), link_fd=-1)
    post.take_claim(copy)
    return copy


def describe_status(status: int) -> str:
    """Return an exit status in words; it is negative for a signal."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
