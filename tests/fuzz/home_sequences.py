"""Whatever home servers and the network do, one thing after the other, to the plan that asks them.

Each question ends once and in time; what is answered is what its home server has said and signed for that question; and
nobody gets a request of a question that has ended. A step is an input.
"""

from typing import NamedTuple

from gateway.engine.first_factor import Accepted, Challenged, Refused
from gateway.firstfactor.home.server import Limits
from gateway.firstfactor.home.states import ENDED, OUT
from gateway.radius.dictionary import ACCESS_ACCEPT, ACCESS_REJECT, Code
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Unavailable
from tests.firstfactor.home.scene import ALICE, Question, Scene, Sent
from tests.fuzz.driver import Harness, Program
from tests.fuzz.parts import Seed, attribute, joined, packet, seed

TIMEOUT_S = 20.0
N_SERVERS, MAX_IN_FLIGHT, MAX_LIVE, MAX_PORTS = 3, 2, 8, 8
OTHER_SECRET = SharedSecret(b"of nobody here")
PASSWORD = b"ssw0rt"
RAW, OWN, OF_ANOTHER, UNSIGNED, LATE, PROBED, ASK, WAIT, REFUSE, FAIL, LOCATE, LOSE, CANCEL, UNSENT = range(14)
CODES = (ACCESS_ACCEPT, ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.STATUS_SERVER)
KINDS = {int(ACCESS_ACCEPT): Accepted, int(ACCESS_REJECT): Refused, int(Code.ACCESS_CHALLENGE): Challenged}
PATIENCE_S = (0.0, 0.5, 2.0, 2.0, 7.0, 61.0)


def seeds() -> list[Seed]:
    """Replies of each kind, of the one asked and of others, and what else happens."""
    said = joined(attribute(18, b"not " + PASSWORD), attribute(24, b"theirs"), attribute(25, b"staff"))
    odd = joined(attribute(33, b"evil"), attribute(79, b"\3\1\0\4"), attribute(80, bytes(16)))
    replies = [
        seed((what, which), attributes)
        for what in (OWN, OWN, OF_ANOTHER, UNSIGNED, LATE)
        for which in range(0, 16, 3)
        for attributes in (said, odd)
    ]
    raw = [seed((RAW, 0), packet(code, number, bytes(16), said)) for code in (2, 3, 5, 11) for number in range(3)]
    probed = [seed((PROBED, which), attributes) for which in (0, 0, 0, 4) for attributes in (b"", odd)]
    asks = [seed((ASK, which), b"") for which in range(40)]
    waits = [seed((WAIT, which), b"") for which in range(12)]
    acts = (REFUSE, FAIL, UNSENT, LOCATE, LOSE, LOSE, CANCEL)
    others = [seed((what, which), b"") for what in acts for which in (0, 1, 2, 2)]
    return [*replies, *raw, *probed, *asks, *waits, *others]


class Asking(NamedTuple):
    """A question under way, since when, and the requests for it."""

    question: Question
    began: float
    requests: list[Sent]


class World(Harness):
    """Three home servers, of which two have an address at the beginning, and those who log in."""

    def __init__(self) -> None:
        self.scene = Scene(N_SERVERS, Limits(timeout_s=TIMEOUT_S, max_in_flight=MAX_IN_FLIGHT), located=False)
        self.live: dict[bytes, Asking] = {}
        self.n_asked = self.n_moves = 0
        self.replied: dict[bytes, set[int]] = {}
        for server in self.scene.servers[:2]:
            self.scene.locate(server)
        self.ended = ""
        self.probe: Sent | None = None

    def one_input(self, data: bytes) -> str:
        """Let one thing happen, and check what holds at any time."""
        what, which, octets = data[0] % 14, data[1], data[2:]
        self.ended = "nothing has ended"
        if what <= PROBED:
            self.reply(what, which, octets)
        else:
            self.happen(what, which)
        self.check_sent()
        self.check()
        return self.ended

    # What happens.

    def happen(self, what: int, which: int) -> None:
        scene, server = self.scene, self.scene.servers[which % N_SERVERS]
        if what == ASK:
            self.ask()
        elif what == WAIT:
            scene.wait(PATIENCE_S[which % len(PATIENCE_S)])
        elif what == LOCATE:
            self.n_moves += which & 1
            scene.locate(server, f"10.{1 + server.index}.0.{self.n_moves % 250}")
        elif what == LOSE:
            scene.perform(scene.plan.lost(server, "cannot be resolved", scene.now))
        elif what == CANCEL and self.live:
            scene.cancel(list(self.live.values())[which % len(self.live)].question)
        elif sent := self.out(which):
            {REFUSE: scene.refuse, FAIL: scene.fail, UNSENT: scene.unsent}[what](sent)

    def ask(self) -> None:
        """Let somebody log in, by a name that nobody else has."""
        if len(self.live) < MAX_LIVE:
            self.n_asked += 1
            name = ALICE + b"%d" % self.n_asked
            self.live[name] = Asking(self.scene.ask(name, PASSWORD), self.scene.now, [])
            self.check_sent()

    def out(self, which: int) -> Sent | None:
        """Return the last request of a question that is out."""
        out = [asking.requests[-1] for asking in self.live.values() if asking.question.state is OUT]
        return out[which % len(out)] if out else None

    def reply(self, what: int, which: int, attributes: bytes) -> None:
        """Let a datagram come: a home server's own, or that of somebody else."""
        if not self.live:
            self.ask()
        sent, scene = self.probe if what == PROBED else self.out(which), self.scene
        if sent is None or sent.number not in scene.open:
            return
        if what == LATE:
            earlier = [each for asking in self.live.values() for each in asking.requests if each.number in scene.open]
            sent = earlier[which % len(earlier)] if earlier else sent
        code, octets = CODES[which // 4 % len(CODES)], attributes
        if what != RAW:
            secret = OTHER_SECRET if what == OF_ANOTHER else None
            octets = sent.reply(code, attributes[:4000], secret, signed=what != UNSIGNED)
            if what != OF_ANOTHER:
                self.replied.setdefault(sent.octets, set()).add(int(code))
        scene.receive(octets, sent.number)

    # What must hold.

    def check_sent(self) -> None:
        """Check what has been sent: for questions under way alone, and to one home server after the other."""
        for sent in self.scene.sent:
            if sent.is_probe:
                self.probe = sent
            else:
                requests = self.live[decode_packet(sent.octets).user_name].requests
                others = [each for each in requests if each.octets != sent.octets]
                assert all(each.server is not sent.server for each in others)
                assert len(requests) - len(others) <= Limits().retries
                requests.append(sent)
        self.scene.sent.clear()
        self.scene.news.clear()
        self.scene.closed.clear()

    def check(self) -> None:
        """Check bounds, and each question that is under way or has ended."""
        for server in self.scene.servers:
            assert server.n_out <= MAX_IN_FLIGHT
            assert len(server.ports) <= MAX_PORTS
        for name, asking in tuple(self.live.items()):
            if asking.question.state is ENDED:
                del self.live[name]
                self.check_ended(asking)
            else:
                assert not asking.question.results
                assert self.scene.now < asking.began + TIMEOUT_S

    def check_ended(self, asking: Asking) -> None:
        """Check how a question has ended; a cancelled one has no answer."""
        question = asking.question
        assert question.question.password is None
        assert question.port is None
        for result in question.results:
            self.ended = type(result).__name__
            if isinstance(result, Unavailable):
                assert str(result)
                self.ended += f" {result.trouble}"
                continue
            said = {code for sent in asking.requests for code in self.replied.get(sent.octets, ())}
            assert type(result) in [KINDS.get(code) for code in said]
            assert not isinstance(result, Refused) or PASSWORD.decode() not in result.text
        for sent in asking.requests:
            self.replied.pop(sent.octets, None)

    def end(self) -> None:
        """Check that everybody's time ends."""
        self.scene.wait(TIMEOUT_S)
        self.check_sent()
        self.check()
        assert not self.live
        assert all(server.n_out == 0 for server in self.scene.servers)


PROGRAM = Program(
    seeds(),
    World,
    ("gateway.firstfactor.home.plan", "gateway.firstfactor.home.replies"),
    frozenset(
        {  # of what is asked, and in no order of replies
            "HomePlan.ask",
            "HomePlan.servers",
            "HomePlan._send_first",
        }
    ),
)
