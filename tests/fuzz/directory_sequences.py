"""Whatever directories say, one thing after the other, to the plan that asks them: its sessions, hosts and questions.

Each question ends once and in time, after one bind, or a second one at another host where nobody knows what became of
the first; nobody is let in without a success for that bind; and no text holds a password. A step is an input.
"""

from typing import Any, NamedTuple

from gateway.engine.first_factor import Accepted, Refused
from gateway.firstfactor.directory.host import Limits
from gateway.firstfactor.directory.plan import MAX_BINDS
from gateway.firstfactor.directory.search import SearchRules
from gateway.firstfactor.directory.session import MAX_ENTRIES, MAX_PARTS
from gateway.firstfactor.directory.states import ENDED
from gateway.ldap.ber import SEQUENCE, BerError, element, integer
from gateway.ldap.reader import MessageReader
from gateway.ldap.responses import BindDone, Message, SearchDone, printable
from gateway.ldap.results import BUSY, SASL_BIND_IN_PROGRESS, SUCCESS, UNAVAILABLE
from gateway.unavailable import Unavailable
from tests.firstfactor.directory.answers import bind_done, disconnection, entry, extended, referral, search_done
from tests.firstfactor.directory.scene import BASE, BIND, SERVICE, Question, Scene, Sent
from tests.fuzz.driver import Harness, Program
from tests.fuzz.parts import Seed, operation_of, seed

TIMEOUT_S = 12.0
MAX_IN_FLIGHT, MAX_LIVE = 2, 8
GROUP, DEMANDED = b"cn=vpn," + BASE, b"\x87\4mail"
RULES = (
    SearchRules(BASE, DEMANDED, GROUP, is_nested=True),
    SearchRules(BASE),
    SearchRules(BASE, b"", GROUP),
    SearchRules(BASE, DEMANDED),
)
SAY, SAY_AS_IT_IS, SAY_IN_PIECES, SAY_OFTEN, SAY_AFTER_THE_END, ASK, GO_ON, WAIT, FAIL, LOSE, CANCEL = range(11)
OWN, ZERO, NEXT, OF_ANOTHER = range(4)
PATIENCE_S = (0.0, 0.5, 2.0, 5.0, 9.0, 61.0, 301.0)
PLACE = b"Pa \xc2\xa0 ssw0rt 0000"  # where the password of the question stands that is answered
NOTHING = b"-" * len(PLACE)
READER = SERVICE._replace(password=PLACE)
ANSWERS = (b"\x61", b"\x64", b"\x65", b"\x73")
NOT_LOOKED_AT = (SASL_BIND_IN_PROGRESS, BUSY, UNAVAILABLE)
AD_SAYS = "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v3839 "


def seeds() -> list[Seed]:
    """Answers of each kind, to what was asked and to what was not; and what else happens."""
    said = AD_SAYS + PLACE.decode()
    binds = [bind_done(1, code, text) for code in (0, 14, 19, 48, 49, 51, 53) for text in ("", said)]
    ends = [search_done(1, code, text) for code in (0, 1, 3, 4, 10, 32, 50, 51) for text in ("", said)]
    parts = [entry(1, b"uid=a," + BASE, uid=b"alice"), entry(1, b"", uid=b"alice"), entry(1, PLACE), referral(1)]
    others = [extended(1), extended(1, 2, b"1.2.3"), disconnection(said), bind_done(1, 0, "", b"token")]
    answers = [operation_of(octets) for octets in (*binds, *ends, *parts, *others)]
    found = [
        seed((SAY, which, number), answer) for answer in answers for which, number in ((0, OWN), (1, OWN), (0, NEXT))
    ]
    odd = [
        seed((SAY, which, number), answer) for answer in answers[::3] for which, number in ((0, ZERO), (1, OF_ANOTHER))
    ]
    notices = [seed((SAY, 0, ZERO), operation_of(disconnection(text))) for text in ("", said)]
    notices += [seed((SAY, which, ZERO), operation_of(extended(1))) for which in range(6)]
    often = [seed((SAY_OFTEN, n_times, OWN), operation_of(part)) for part in parts for n_times in (3, MAX_PARTS, 255)]
    cut = [seed((SAY_IN_PIECES, which, OWN), answer) for which in (3, 9) for answer in answers[::5]]
    whole = [
        seed((SAY_AS_IT_IS, 0, 0), octets)
        for octets in (entry(1, b"x") + search_done(1), b"\x30\x84\0\1\0\1", b"HTTP/1")
    ]
    late = [seed((SAY_AFTER_THE_END, 0, OWN), answer) for answer in answers[::7]]
    ready = [
        seed((SAY, 0, OWN), operation_of(octets)) for octets in (bind_done(1), bind_done(1, 49, said), search_done(1))
    ]
    events = [
        seed((what, which, which), b"") for what in (ASK, GO_ON, WAIT, FAIL, FAIL, LOSE, CANCEL) for which in range(7)
    ]
    goes_on = [seed((what, which, 0), b"") for what in (GO_ON, GO_ON, GO_ON, ASK) for which in range(0, 256, 4)]
    return [*found, *odd, *notices, *often, *cut, *whole, *late, *ready * 40, *events, *goes_on]


class Asking(NamedTuple):
    """A question under way, since when, and the binds for it."""

    question: Question
    began: float
    binds: list[Sent]


class World(Harness):
    """Domain controllers, and those who log in."""

    scene: Scene

    def __init__(self) -> None:
        self.live: dict[bytes, Asking] = {}
        self.has_begun, self.n_asked = False, 0
        self.readers: dict[int, MessageReader] = {}
        self.closed = 10**6
        self.succeeded: set[tuple[int, int]] = set()
        self.looked_at: set[tuple[int, int]] = set()
        self.ended: list[str] = []

    def one_input(self, data: bytes) -> str:
        """Let one thing happen, and check what holds at any time."""
        what, which, how = data[0] % 11, data[1], data[2]
        self.ended.clear()
        if not self.has_begun:
            self.begin(which)
        if what <= SAY_AFTER_THE_END:
            self.say(what, which, how % 4, data[3:])
        else:
            self.happen(what, which)
        self.check_sent()
        self.check()
        return self.ended[0] if self.ended else "nothing has ended"

    def begin(self, which: int) -> None:
        """Let there be the hosts of a section."""
        self.has_begun = True
        limits = Limits(timeout_s=TIMEOUT_S, max_in_flight=1 + which // 4 % MAX_IN_FLIGHT)
        self.scene = Scene(1 + which % 3, limits, RULES[which % len(RULES)], READER if which % 7 else None)

    # What happens.

    def happen(self, what: int, which: int) -> None:
        scene = self.scene
        if what == ASK:
            self.ask()
        elif what == GO_ON:
            self.go_on(which)
        elif what == WAIT:
            scene.wait(PATIENCE_S[which % len(PATIENCE_S)])
        elif what == FAIL and scene.opening:
            scene.fail(_any_of(list(scene.opening), which))
        elif what == LOSE and scene.open:
            scene.lose(_any_of(list(scene.open), which))
        elif what == CANCEL and self.live:
            scene.cancel(_any_of(list(self.live.values()), which).question)

    def ask(self) -> None:
        """Let somebody log in, with a password that nobody else has."""
        if len(self.live) < MAX_LIVE:
            self.n_asked += 1
            password = PLACE[:-4] + b"%04d" % self.n_asked
            question = self.scene.ask(b"alice", password)
            self.live[password] = Asking(question, self.scene.now, [])

    def go_on(self, which: int = 0) -> None:
        """Let a connection be open; else let a search find somebody, or the service account be taken."""
        scene = self.scene
        due = [sent for sent in scene.due if not sent.is_user_bind]
        if scene.opening:
            scene.opens()
        elif due:
            scene.answer(due[0], n_found=which // 4 % 2 if which >= 128 else 1)

    def say(self, what: int, which: int, how: int, operation: bytes) -> None:
        """Let a directory say something on a connection, an answer to what is due there if it can be one."""
        sent = self.answered(operation[:1], which)
        number = sent.number if sent is not None else self.closed
        if sent is not None:
            said = sent.password if sent.kind == BIND else NOTHING  # whoever is not told a password cannot repeat it
            operation = operation.replace(PLACE, said)
        octets = operation
        if what != SAY_AS_IT_IS:
            octets = element(SEQUENCE, integer(self.number(sent, how)) + operation)
        if what == SAY_OFTEN:
            octets *= which
        if what == SAY_AFTER_THE_END:
            self.say_after_the_end(number, octets)
        else:
            at = which if what == SAY_IN_PIECES else 0
            complaint = sent.host.complaint if sent is not None else ""
            for piece in (octets[:at], octets[at:]):
                self.say_on(number, piece)
            if sent is not None and sent.kind == BIND and sent.host.complaint != complaint:
                assert shown(sent.password) not in sent.host.complaint

    def say_after_the_end(self, number: int, octets: bytes) -> None:
        """Say something on a connection that the plan has closed, or does not know any more."""
        if number in self.scene.open:
            self.scene.lose(number)
        self.scene.say(number, octets)

    def answered(self, tag: bytes, which: int) -> Sent | None:
        """Return the request that an operation answers; let things go on until there is one."""
        for _ in range(8):
            due = [sent for sent in self.scene.due if tag not in ANSWERS or (sent.kind == BIND) is (tag == b"\x61")]
            if due:
                found: Sent = _any_of(due, which)
                return found
            if not self.live:
                self.ask()
            self.go_on()
        return None

    def number(self, sent: Sent | None, how: int) -> int:
        """Return the number of an answer."""
        own = sent.message_id if sent is not None else 1
        others = [each.message_id for each in self.scene.due if each is not sent]
        return {OWN: own, ZERO: 0, NEXT: own + 1, OF_ANOTHER: others[0] if others else 7}[how]

    def say_on(self, number: int, octets: bytes) -> None:
        """Say octets on a connection, if it is still open, and note which requests they answer."""
        if number in self.scene.open:
            try:
                messages = self.readers.setdefault(number, MessageReader()).feed(octets)
            except BerError:
                messages = []
            self.note(number, messages)
            self.scene.say(number, octets)

    def note(self, number: int, messages: list[Message]) -> None:
        """Note what is answered, and what is said of binds."""
        done = [message for message in messages if isinstance(message, BindDone | SearchDone)]
        answered = {(number, message.message_id) for message in done}
        self.scene.due = [sent for sent in self.scene.due if (sent.number, sent.message_id) not in answered]
        for message in done:
            if isinstance(message, BindDone):
                bind = (number, message.message_id)
                if message.result.code == SUCCESS:
                    self.succeeded.add(bind)
                if message.result.code not in NOT_LOOKED_AT and len(messages) == 1:
                    self.looked_at.add(bind)

    # What must hold.

    def check_sent(self) -> None:
        """Check what has been sent: no password a third time, or at the same host, or after somebody looked at it."""
        for sent in self.scene.sent:
            if sent.is_user_bind:
                binds = self.live[sent.password].binds
                assert len(binds) < MAX_BINDS
                assert all(each.host is not sent.host for each in binds)
                assert not any((each.number, each.message_id) in self.looked_at for each in binds)
                binds.append(sent)
        self.scene.sent.clear()
        self.scene.news.clear()

    def check(self) -> None:
        """Check bounds, and each question that is under way or has ended."""
        now = self.scene.now
        for host in self.scene.hosts:
            assert host.n_out <= MAX_IN_FLIGHT
            assert host.n_opening + host.n_busy + len(host.idle) <= MAX_IN_FLIGHT
        for password, asking in tuple(self.live.items()):
            if asking.question.state is ENDED:
                del self.live[password]
                self.check_ended(password, asking)
            else:
                assert not asking.question.results
                assert len(asking.question.entries) <= MAX_ENTRIES
                assert now < asking.began + TIMEOUT_S

    def check_ended(self, password: bytes, asking: Asking) -> None:
        """Check how a question has ended; a cancelled one has no answer."""
        question = asking.question
        assert question.question.password is None
        assert question.host is None
        if question.results:
            result = question.result
            if isinstance(result, Accepted):
                assert any((sent.number, sent.message_id) in self.succeeded for sent in asking.binds)
            text = result.text if isinstance(result, Refused) else str(result)
            assert shown(password) not in text
            trouble = f" {result.trouble}" if isinstance(result, Unavailable) else ""
            self.ended.append(f"{type(result).__name__}{trouble}")

    def end(self) -> None:
        """Check that everybody's time ends."""
        self.scene.wait(TIMEOUT_S)
        self.check()
        assert not self.live
        for host in self.scene.hosts:
            assert not any((host.line, host.searching, host.binding))
            assert host.n_out == host.n_busy == 0


def shown(password: bytes) -> str:
    """Return a password as a text would show it."""
    return printable(password.decode())


def _any_of(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


PROGRAM = Program(
    seeds(),
    World,
    ("gateway.firstfactor.directory.plan", "gateway.firstfactor.directory.session"),
    frozenset(
        {  # of NTLM, which `ntlm_tokens` speaks
            "GoOn.__init__",
            "GoOn.__repr__",
            "Session.__repr__",
            "Session.bind_by_ntlm",
            "Session._bind_done",
            "Session._go_on",
            "Session._messages",
            "Session.received",
            "DirectoryPlan._heard",
            # of what is asked, and in no order of answers
            "DirectoryPlan.ask",
            "DirectoryPlan.hosts",
            "DirectoryPlan.bound: return",
            "DirectoryPlan._due: return",
            "DirectoryPlan._fill: return",
            # late in some orders: long runs get there
            ("DirectoryPlan._searched: self._end(asked, group_unseen(said_of(result, password), host.name), now)"),
            'DirectoryPlan._due: self._turn(asked, f"has {host.n_out} questions of ours already", Trouble.BUSY, now)',
            "DirectoryPlan._searched: return",
            'Session.bind_simply: raise ValueError("a simple bind needs a name")',
            'Session._unwanted: raise _SessionError("does not end what was given up")',  # after a thousand parts
        }
    ),
)
