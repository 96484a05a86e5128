"""Several hosts and one store, in any order of menus, answers, retransmissions, deaths and outages: each State leads to
one question to Duo that may not come twice, unless the store could not say so; and nobody gets in without Duo's word.

Whose a login is, is known at once here: `tests.fleet` plays that with all its troubles.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.duoapi.calls import Auth, AuthStatus, Preauth
from gateway.engine.challenges.records import ChallengeRecord, packed_challenge
from gateway.engine.effects import Effect, PutQuestion, SendReply, ShareEnd
from gateway.engine.first_factor import Accepted, CheckFirstFactor
from gateway.engine.records import packed_verdict
from gateway.fleet.claiming import GRACE_S, REMEMBERED_S
from gateway.fleet.states import States
from gateway.fleetapi.questions import (
    Answer,
    Claim,
    Decided,
    Granted,
    Held,
    Join,
    Joined,
    Released,
    Unused,
    UsedBefore,
    UseState,
)
from gateway.radius.dictionary import STATE, Code
from gateway.radius.hidden import Hop
from gateway.radius.packet import decode_packet
from tests.engine.fleet_home import Host, drawing
from tests.engine.home_scene import CLASS, GO_ON, GREETING, HOME_RA, HOME_SECRET, HOST
from tests.engine.scene import ALLOWED, DENIED, PUSHED
from tests.fleet.states_store import StatesStore
from tests.fleet.world import Sealing
from tests.stories import stories

TYPED = ("1", "2", "4", "123456", "push", "9")
SPANS_S = (0.5, 1.5, 3.0, 12.0, 35.0, 100.0)


@dataclass
class Claimed:
    """Whose a login is; `verdict` and `ended_at` once it has ended."""

    place: int
    verdict: bytes | None = None
    ended_at: float = 0.0
    joiners: list[tuple[int, PutQuestion]] = field(default_factory=list)


class World:
    def __init__(self, n_hosts: int) -> None:
        self.now = 1.0
        self.store = StatesStore()
        self.draw = drawing()
        self.states = [States(f"gw-{n}", Sealing()) for n in range(n_hosts)]
        for each in self.states[1:]:
            each._sealing = self.states[0]._sealing  # one fleet key
        self.journals: list[list[ChallengeRecord]] = [[] for _ in range(n_hosts)]
        self.questions: list[deque[PutQuestion]] = [deque() for _ in range(n_hosts)]
        self.last_requests = [b""] * n_hosts
        self.is_cut = [False] * n_hosts
        self.hosts = [self._begin(n) for n in range(n_hosts)]
        self.claims: dict[bytes, Claimed] = {}
        self.menus: list[bytes] = []
        self.tokens: dict[tuple[int, int], bytes] = {}
        self.asked: dict[bytes, list[str]] = {}
        self.allowed: set[bytes] = set()
        self.excuses: list[str] = []
        self.n_packets = 0

    def _begin(self, place: int) -> Host:
        host = Host(self.draw)
        for record in self.journals[place]:
            host.memory.adopt(record, self.now)
        host.memory.note = lambda record, _life_s: self.journals[place].append(record)
        host.memory.share = partial(self._keep, place)
        self.questions[place].clear()
        return host

    def _keep(self, place: int, record: ChallengeRecord, life_s: float) -> None:
        run = self.states[place].keep(record.name, packed_challenge(record), life_s)
        if run is not None and not self.is_cut[place]:
            self.store.run(run)

    # What happens.

    def menu(self, place: int) -> None:
        self.receive(place, self._request(place, "Tr0ub4dor&3"))

    def answer(self, place: int, state: bytes, typed: str) -> None:
        self.last_requests[place] = self._request(place, typed, state)
        self.receive(place, self.last_requests[place])

    def _request(self, place: int, typed: str, state: bytes = b"") -> bytes:
        self.n_packets += 1
        self.hosts[place]._n_packets = self.n_packets
        return self.hosts[place].request(typed, state)

    def receive(self, place: int, request: bytes) -> None:
        self.perform(place, self.hosts[place].receive(request, now=self.now))

    def restart(self, place: int) -> None:
        """A worker dies; a push that may be out would be in its journal, which is told elsewhere."""
        if any(isinstance(each.question, (Auth, AuthStatus)) for each in self.questions[place]):
            return
        for key, claimed in list(self.claims.items()):
            claimed.joiners = [each for each in claimed.joiners if each[0] != place]
            if claimed.place == place and claimed.verdict is None:
                del self.claims[key]
                self._tell(claimed, Released("gw"))
        self.hosts[place] = self._begin(place)

    def advance(self, seconds: float) -> None:
        """Let time pass; no claim waits for so long."""
        for place, questions in enumerate(self.questions):
            while any(isinstance(each.question, Claim) for each in questions):
                self.step(place, 0)
        self.now += seconds
        self.store.now += seconds
        for key, claimed in list(self.claims.items()):
            if claimed.verdict is not None and self.now - claimed.ended_at >= REMEMBERED_S:
                del self.claims[key]

    def step(self, place: int, choice: int) -> None:
        """Let the oldest question be answered."""
        if not self.questions[place]:
            return
        asked = self.questions[place].popleft()
        question = asked.question
        if isinstance(question, Claim):
            self._claim(place, asked, question)
        elif isinstance(question, Auth) and question.factor != "passcode":
            self.reply(place, asked, PUSHED)
        elif choice % 2:
            self.allowed.add(self.tokens[place, asked.pending.number])
            self.reply(place, asked, ALLOWED)
        else:
            self.reply(place, asked, DENIED)

    def _claim(self, place: int, asked: PutQuestion, question: Claim) -> None:
        claimed = self.claims.get(question.login)
        granted = Granted(Held(question.owner, 1))
        if self.is_cut[place]:
            self.excuses.append("claimed alone")
            self.reply(place, asked, granted)
        elif claimed is None and question.again_s >= REMEMBERED_S:
            self.reply(place, asked, UsedBefore(""))
        elif claimed is None or (claimed.verdict is not None and not self._is_told(claimed) and not question.again_s):
            self.claims[question.login] = Claimed(place)
            self.reply(place, asked, granted)
        elif claimed.verdict is None:
            self.reply(place, asked, Joined("gw"))
        elif self._is_told(claimed) and claimed.place != place:
            self.reply(place, asked, Decided("gw", claimed.verdict))
        elif question.again_s:
            self.reply(place, asked, UsedBefore("gw"))
        else:
            self.claims[question.login] = Claimed(place)
            self.reply(place, asked, granted)

    def _is_told(self, claimed: Claimed) -> bool:
        return self.now - claimed.ended_at < GRACE_S

    # What is done about it.

    def reply(self, place: int, asked: PutQuestion, answer: object) -> None:
        self.perform(place, self.hosts[place].engine.answered(asked.pending, answer, self.now))  # type: ignore[arg-type]

    def perform(self, place: int, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, PutQuestion):
                self._ask(place, effect)
            elif isinstance(effect, ShareEnd):
                self._ended(place, effect)
            elif isinstance(effect, SendReply):
                self._sent(effect.octets)

    def _ask(self, place: int, asked: PutQuestion) -> None:
        question = asked.question
        if isinstance(question, UseState):
            self.tokens[place, asked.pending.number] = question.name
            self.reply(place, asked, self._used(place, question))
        elif isinstance(question, CheckFirstFactor):
            self.reply(place, asked, Accepted(GREETING + CLASS, HOST, Hop(HOME_SECRET, HOME_RA)))
        elif isinstance(question, Preauth):
            self.reply(place, asked, GO_ON)
        elif isinstance(question, Join):
            self.claims[question.login].joiners.append((place, asked))
        else:
            if isinstance(question, Auth):
                token = self.tokens[place, asked.pending.number]
                self.asked.setdefault(token, []).append(f"{place} {question.factor} {question.device}")
            self.questions[place].append(asked)

    def _used(self, place: int, question: UseState) -> Answer:
        if self.is_cut[place]:
            self.excuses.append("used alone")
            return Unused()
        states = self.states[place]
        return states.answered(question, self.store.run(states.use(question)))

    def _ended(self, place: int, end: ShareEnd) -> None:
        claimed = self.claims.get(end.pending.fleet_key)
        if claimed is None or claimed.place != place or claimed.verdict is not None:
            return
        assert end.verdict is not None
        claimed.verdict, claimed.ended_at = packed_verdict(end.verdict), self.now
        self._tell(claimed, Decided("gw", claimed.verdict))

    def _tell(self, claimed: Claimed, answer: Answer) -> None:
        joiners, claimed.joiners = claimed.joiners, []
        for place, asked in joiners:
            self.reply(place, asked, answer)

    def _sent(self, octets: bytes) -> None:
        reply = decode_packet(octets)
        if reply.code == Code.ACCESS_CHALLENGE:
            self.menus.append(reply.value(STATE) or b"")
        elif reply.code == Code.ACCESS_ACCEPT:
            assert self.allowed
            assert reply.value(25) == b"staff"

    @property
    def asked_twice(self) -> list[list[str]]:
        return [asked for asked in self.asked.values() if len(asked) > 1]


def menu(world: World, place: int, choice: int) -> None:
    world.menu(place)


def answer(world: World, place: int, choice: int) -> None:
    if world.menus:
        world.answer(place, world.menus[-1 - choice // 8 % min(2, len(world.menus))], TYPED[choice % 8 % len(TYPED)])


def answer_the_same(world: World, place: int, choice: int) -> None:
    if world.menus:
        world.answer(place, world.menus[-1], TYPED[0])


def turn(world: World, place: int, choice: int) -> None:
    """A NAS hears nothing, or does not like what it hears, and turns to the next host."""
    log_in(world, place, choice)
    world.advance(SPANS_S[choice % len(SPANS_S)])
    log_in(world, (place + 1) % len(world.hosts), 4)


def send_again(world: World, place: int, choice: int) -> None:
    if world.last_requests[place]:
        world.receive(place, world.last_requests[place])


def step(world: World, place: int, choice: int) -> None:
    world.step(place, choice)


def log_in(world: World, place: int, choice: int) -> None:
    """As far as can be without anybody in between: claimed, asked, pushed, decided."""
    answer_the_same(world, place, choice)
    for _ in range(choice % 5):
        world.step(place, choice)


def advance(world: World, place: int, choice: int) -> None:
    world.advance(SPANS_S[choice % len(SPANS_S)])


def restart(world: World, place: int, choice: int) -> None:
    world.restart(place)


def cut(world: World, place: int, choice: int) -> None:
    world.is_cut[place] = not world.is_cut[place]


def empty(world: World, place: int, choice: int) -> None:
    for key in list(world.store.records):
        world.store.empty(key)
    world.excuses.append("emptied")


def forge(world: World, place: int, choice: int) -> None:
    """Somebody who writes to the store puts what is elsewhere, or nothing, everywhere."""
    records = list(world.store.records.items())
    for key, _ in records:
        world.store.records[key] = dict(records[choice % len(records)][1]) if choice % 3 else {"u": b"forged"}
        world.store.used_at[key] = world.store.now
    world.excuses.append("forged")


Act = Callable[[World, int, int], None]
ORDERLY: tuple[Act, ...] = (menu, answer, answer, answer_the_same, log_in, turn, send_again, step, advance)
TROUBLES: tuple[Act, ...] = (restart, cut, empty, forge)


def play(story: list[tuple[Act, int, int]], n_hosts: int) -> World:
    world = World(n_hosts)
    world.menu(0)
    for act, place, choice in story:
        act(world, place % n_hosts, choice)
    return world


@settings(max_examples=150)
@given(stories((*ORDERLY, restart), 3, 31, at_most=40), st.sampled_from([2, 3]))
def test_each_state_leads_to_one_question_to_duo(story, n_hosts):
    world = play(story, n_hosts)
    assert not world.asked_twice
    assert not world.excuses


@settings(max_examples=150)
@given(stories((*ORDERLY, *TROUBLES), 3, 31, at_most=40), st.sampled_from([2, 3]))
def test_whatever_becomes_of_the_store_it_takes_an_outage_or_a_lie_for_a_second_one(story, n_hosts):
    world = play(story, n_hosts)
    assert world.excuses or not world.asked_twice
