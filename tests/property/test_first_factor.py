"""Nobody gets in whom the first factor has not accepted, and nobody is pushed twice for that, whatever happens.

The home server's accepts are numbered, by their Class. So an Access-Accept says by which of them its user got in: each
is good for one login, of its own user, and for one push. A directory's have nothing that the NAS gets: there it is
counted whom it has accepted, and how often; and no login asks Duo, or asks its user for more, that it has not accepted.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.duoapi.calls import PASSCODE, Auth, AuthAnswer, AuthStatus, Factor, Preauth, PreauthAnswer
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.effects import (
    Effect,
    Finished,
    ForgetLogin,
    KeepLogin,
    KeepReply,
    PutQuestion,
    SendReply,
    StopAsking,
)
from gateway.engine.first_factor import REJECTED, Accepted, Challenged, CheckFirstFactor, Refused
from gateway.engine.login import Login
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.passed_on import PassedOn
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.engine.records import LoginRecord
from gateway.engine.transaction import Transaction
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import STATE, USER_NAME, Code
from gateway.radius.hidden import Hop
from gateway.radius.packet import decode_packet
from gateway.radius.passing import values_of
from gateway.unavailable import Trouble, Unavailable
from tests.engine.home_scene import GO_ON, HOME, HOME_RA, HOME_SECRET, HOST, HomeStage
from tests.engine.scene import SECRET
from tests.stories import stories

if TYPE_CHECKING:
    from gateway.engine.challenges.records import ChallengeRecord

CLASS, EAP_START = 25, b"\x4f\x02"
SAFE = Unavailable(Trouble.CONNECT, "refused")
LOST = Unavailable(Trouble.CLOSED, "gone", may_have_acted=True)
PREAUTHS = [GO_ON, GO_ON, PreauthAnswer("allow"), PreauthAnswer("deny"), PreauthAnswer("enroll"), SAFE]
AUTHS = [AuthAnswer("allow"), AuthAnswer("", txid="tx"), AuthAnswer("deny"), AuthAnswer("deny", "sent"), SAFE, LOST]
POLLS = [AuthAnswer("allow"), AuthAnswer("waiting", "pushed"), AuthAnswer("deny"), LOST]
TYPED = ["", ",push", ",123456", ",sms", ",phone2"]
ANSWERS = ["1", "push", "123456", "2", "", "sms"]


class World:
    """A worker and its successors, a home server, Duo, and a NAS that sends whatever it has seen."""

    def __init__(self, make: Any, fail_open: bool, factors: tuple[Factor, ...], **more: Any) -> None:
        self.mode = {"make": make, "fail_open": fail_open, "factors": factors, **more}
        self.now = 0.0
        self.n_names = 0
        self.is_away = False
        self.notes: list[ChallengeRecord] = []
        self.requests: list[bytes] = []
        self.states: list[tuple[str, bytes]] = []
        self.accepts: list[str] = []  # by their numbers, the user of each
        self.spent: set[int] = set()
        self.pushed: set[int] = set()
        self.sent: set[bytes] = set()
        self.n_packets = 0
        self.begin()

    def draw(self, size: int) -> bytes:
        self.n_names += 1
        return self.n_names.to_bytes(size, "big")

    def begin(self) -> None:
        """Let a worker begin with what is written down."""
        memory = ChallengeMemory(UnixClock(1_700_000_000.0))
        for record in self.notes:
            memory.adopt(record, self.now)
        memory.note = lambda record, _life_s: self.notes.append(record)
        self.stage = HomeStage(memory=memory, draw=self.draw, **self.mode)
        self.stage._n_packets = self.n_packets
        self.asked: dict[int, PutQuestion] = {}
        self.checked: set[int] = set()
        self.logins: dict[int, bytes] = {}
        self.replies: list[KeepReply] = getattr(self, "replies", [])

    def die(self) -> None:
        """Let the worker be killed; another takes its place."""
        logins, replies, self.replies = self.logins, self.replies, []
        self.n_packets = self.stage._n_packets
        self.begin()
        engine, section = self.stage.engine, self.stage.section
        if self.is_away:
            self.outage(is_away=True)
        for kept in replies:
            self.take(engine.adopt_reply(kept.sent, kept.peer, self.now))
        for former, octets in logins.items():
            record = msgspec.msgpack.decode(octets, type=LoginRecord)
            login = Login.restored(section.policy, record)
            number = engine.next_number()
            self.adopts(former, number)
            pending = PendingLogin(number, login, section, record.key, record.bucket, record.started_at)
            for each in record.packets:
                peer, packet = Peer(each.address, each.listener, each.path), decode_packet(each.basis)
                pending.join(Transaction(packet, self.stage.nas, peer, each.digest, each.received_at))
            self.take(engine.adopt(pending))
            self.take(engine.left_alone(pending, self.now, self.now))

    def adopts(self, former: int, number: int) -> None:
        """Hear that a login has another number now."""

    def login(self, user: int, password: int, typed: int) -> None:
        """Let somebody log in."""
        self.send(("alice", "bob")[user % 2], f"password{password % 2}{TYPED[typed % len(TYPED)]}", b"")

    def answer_challenge(self, which: int, user: int, answer: int) -> None:
        """Answer a State that was seen, perhaps as somebody else."""
        if self.states:
            owner, state = self.states[which % len(self.states)]
            self.send("mallory" if user % 4 == 3 else owner, ANSWERS[answer % len(ANSWERS)], state)

    def begin_eap(self, user: int, which: int) -> None:
        """Ask the home server to begin, perhaps with a State that was seen: that proves nothing."""
        self.stage._n_packets += 1
        number = self.stage._n_packets
        name, state = ("alice", b"")
        if self.states and which % 2:
            name, state = self.states[which % len(self.states)]
        attributes = encode_attribute(USER_NAME, ("bob" if user % 4 == 3 else name).encode()) + EAP_START
        attributes += encode_attribute(STATE, state) if state else b""
        authenticator = number.to_bytes(16, "big")
        self.requests.append(sign_request(Code.ACCESS_REQUEST, number & 0xFF, authenticator, SECRET, attributes))
        self.again(-1)

    def send(self, user: str, password: str, state: bytes) -> None:
        self.stage._n_packets += 1
        self.requests.append(self.stage.request(password, state, user=user))
        self.again(-1)

    def again(self, which: int) -> None:
        """Send a packet of before, from the same port or from another one."""
        if self.requests:
            self.take(self.stage.receive(self.requests[which % len(self.requests)], now=self.now))

    def answer(self, which: int, kind: int) -> None:
        """Let somebody answer what was asked."""
        if not self.asked:
            return
        put = list(self.asked.values())[which % len(self.asked)]
        del self.asked[put.pending.number]
        answer = self.home_says(put, kind) if put.to == HOME else self.duo_says(put, kind)
        engine = self.stage.engine
        if isinstance(answer, Unavailable):
            self.take(engine.unavailable(put.pending, answer, self.now), put.pending.login.user_name)
        else:
            self.take(engine.answered(put.pending, answer, self.now), put.pending.login.user_name)

    def home_says(self, put: PutQuestion, kind: int) -> Any:
        if kind % 5 == 3:
            return Refused(REJECTED, "", b"", HOST)
        if kind % 5 == 4:
            return SAFE
        if kind % 5 == 2:
            return Challenged(b"theirs", HOST, b"")
        assert isinstance(put.question, CheckFirstFactor)
        if put.question.attributes == EAP_START:
            self.spent.add(len(self.accepts))  # good for nobody
        self.accepts.append(put.pending.login.user_name)
        attributes = encode_attribute(CLASS, b"%d" % (len(self.accepts) - 1))
        return Accepted(attributes, HOST, Hop(HOME_SECRET, HOME_RA))

    def duo_says(self, put: PutQuestion, kind: int) -> Any:
        answers: list[Any] = {Preauth: PREAUTHS, Auth: AUTHS, AuthStatus: POLLS}[type(put.question)]
        return answers[kind % len(answers)]

    def outage(self, *, is_away: bool) -> None:
        """Let Duo be away, or no more."""
        self.is_away = is_away
        self.take(self.stage.engine.outage("app", SAFE if is_away else None, self.now))

    def wait(self, by_s: int) -> None:
        """Let time go by."""
        self.now += by_s
        engine = self.stage.engine
        while engine.next_timer is not None and engine.next_timer <= self.now:
            self.take(engine.timer(self.now))

    def take(self, effects: list[Effect], asked_for: str = "") -> None:
        """Look at what the worker does, and write down what it wants written down; a round of EAP is told by nothing
        else than its reply.
        """
        finished = [each for each in effects if isinstance(each, Finished)]
        users = [each.user_name for each in finished]
        numbers = set()
        for each in effects:
            if isinstance(each, PutQuestion):
                self.looks(each)
                self.asked[each.pending.number] = each
            elif isinstance(each, StopAsking):
                self.asked.pop(each.pending.number, None)
            elif isinstance(each, KeepLogin):
                self.logins[each.pending.number] = msgspec.msgpack.encode(each.pending.record())
            elif isinstance(each, ForgetLogin):
                self.logins.pop(each.pending.number, None)
            elif isinstance(each, KeepReply):
                self.replies.append(each)
            elif isinstance(each, SendReply):
                numbers |= self.sees(each.octets, users or [asked_for])
        self.let_in([each.user_name for each in finished if each.verdict.is_accept], numbers)

    def let_in(self, users: list[str], numbers: set[int]) -> None:
        """Look at who got in by which accepts of the home server."""
        assert len(numbers) == len(users)
        self.spent |= numbers

    def sees(self, octets: bytes, users: list[str]) -> set[int]:
        """Return the number of the accept by which a reply lets somebody in; nothing if it is sent again."""
        reply = decode_packet(octets)
        if octets in self.sent:
            return set()
        self.sent.add(octets)
        if reply.code == Code.ACCESS_CHALLENGE:
            self.states.append((users[0], reply.value(STATE) or b""))
        if reply.code != Code.ACCESS_ACCEPT:
            return set()
        (number,) = [int(each) for each in reply.values(CLASS)]
        assert number not in self.spent
        assert self.accepts[number] in users
        return {number}

    def looks(self, put: PutQuestion) -> None:
        """See that a question may be put."""
        pending, question = put.pending, put.question
        if isinstance(question, CheckFirstFactor):
            assert pending.number not in self.checked
            self.checked.add(pending.number)
            return
        primary = pending.login.primary
        assert primary is not None
        assert primary.question is None
        number = number_of(primary.accepted)
        if isinstance(question, Auth) and question.factor is not PASSCODE:
            assert number not in self.pushed
            self.pushed.add(number)


class DirectoryWorld(World):
    """The same with a directory.

    Attributes:
        n_accepts, n_let_in, n_pushed: by user.
        proven: logins that the directory has accepted, by their numbers in the worker that there is.
    """

    def __init__(self, make: Any, fail_open: bool, factors: tuple[Factor, ...]) -> None:
        self.n_accepts, self.n_let_in, self.n_pushed = Counter[str](), Counter[str](), Counter[str]()
        self.proven: set[int] = set()
        super().__init__(make, fail_open, factors, is_directory=True)

    def die(self) -> None:
        self.proven_before, self.proven = self.proven, set()
        super().die()

    def adopts(self, former: int, number: int) -> None:
        if former in self.proven_before:
            self.proven.add(number)

    def home_says(self, put: PutQuestion, kind: int) -> Any:
        if kind % 3:
            reason = ("user_not_found", "account_locked", "password_expired")[kind // 3 % 3]
            return Refused(reason, "", b"", HOST, "775") if kind % 3 == 1 else SAFE
        self.n_accepts[put.pending.login.user_name] += 1
        self.proven.add(put.pending.number)
        return Accepted(b"", HOST, None)

    def sees(self, octets: bytes, users: list[str]) -> set[int]:
        reply = decode_packet(octets)
        if octets in self.sent:
            return set()
        self.sent.add(octets)
        if reply.code == Code.ACCESS_CHALLENGE:
            assert self.n_accepts[users[0]]
            self.states.append((users[0], reply.value(STATE) or b""))
        return {0} if reply.code == Code.ACCESS_ACCEPT else set()

    def let_in(self, users: list[str], numbers: set[int]) -> None:
        assert bool(numbers) is bool(users)
        for user in users:
            self.n_let_in[user] += 1
            assert self.n_let_in[user] <= self.n_accepts[user]

    def looks(self, put: PutQuestion) -> None:
        pending, question = put.pending, put.question
        user = pending.login.user_name
        if isinstance(question, CheckFirstFactor):
            assert pending.number not in self.checked
            self.checked.add(pending.number)
            return
        assert pending.number in self.proven or self.has_answered(user)
        if isinstance(question, Auth) and question.factor is not PASSCODE:
            self.n_pushed[user] += 1
            assert self.n_pushed[user] <= self.n_accepts[user]

    def has_answered(self, user: str) -> bool:
        """Whether this user was asked for more, and some packet has the State of that."""
        states = [state for owner, state in self.states if owner == user]
        return any(decode_packet(request).value(STATE) in states for request in self.requests)


def number_of(accepted: PassedOn | None) -> int:
    assert accepted is not None
    (number,) = values_of(CLASS, accepted.attributes)
    return int(number)


ACTS: tuple[Callable[[World, int, int, int], object], ...] = (
    lambda world, user, typed, nas: world.login(user, typed, nas),
    lambda world, which, how, _: world.answer(which, how),
    lambda world, which, *_: world.answer(which, 0),
    lambda world, which, *_: world.answer(which, 1),
    lambda world, which, typed, nas: world.answer_challenge(which, typed, nas),
    lambda world, user, nas, _: world.begin_eap(user, nas),
    lambda world, which, *_: world.again(which),
    lambda world, *_: world.die(),
    lambda world, how, *_: world.outage(is_away=how % 2 == 0),
    lambda world, how, *_: world.wait((1, 20, 100)[how % 3]),
)
factor_lists = st.sampled_from([(Factor.AUTO,), (Factor.PASSCODE,), (Factor.PHONE, Factor.PUSH, Factor.PASSCODE)])


@pytest.mark.parametrize("world_of", [World, DirectoryWorld])
@pytest.mark.parametrize("make", [Auto, Concat, Challenge])
@settings(max_examples=200)
@given(st.booleans(), factor_lists, stories(ACTS, 12, 12, 12, at_least=4, at_most=30))
def test_no_accept_without_the_first_factors(world_of, make, fail_open, factors, history):
    world = world_of(make, fail_open, factors)
    world.login(0, 0, 1)
    for act, *numbers in history:
        act(world, *numbers)
    world.wait(400)
