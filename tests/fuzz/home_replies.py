"""Any datagrams at all from a home server, and what they come to at the NAS.

What is not its own changes nothing; what is ends its question once, and whatever it says comes to a reply of the
gateway's that is a RADIUS packet. The harness signs most inputs.
"""

from zlib import crc32

from gateway.duoapi.calls import AuthAnswer, PreauthAnswer
from gateway.engine.effects import Effect, PutQuestion, SendReply, StopAsking
from gateway.engine.first_factor import Accepted, Answer, Challenged, CheckFirstFactor, Refused
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.effects import Answered
from gateway.firstfactor.home.effects import Effect as HomeEffect
from gateway.firstfactor.home.plan import HomePlan
from gateway.firstfactor.home.server import HomeServer, Limits, Location
from gateway.radius.dictionary import ACCESS_ACCEPT, ACCESS_REJECT, Code
from gateway.radius.discards import DecodeError
from gateway.radius.hidden import Hop, hide_salted
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import SignaturePosition, sign_reply
from gateway.unavailable import Unavailable
from tests.engine.home_scene import EAP, HOME_SECRET, HOST, MS_CHAP, PASSWORD, HomeStage
from tests.fuzz.driver import Harness, Program
from tests.fuzz.parts import Seed, attribute, joined, of_attributes, packet, seed

CODES = (ACCESS_ACCEPT, ACCESS_REJECT, Code.ACCESS_CHALLENGE)
KINDS = (Accepted, Refused, Challenged)
RAW, SIGNED, UNSIGNED, CHANGED = range(4)
ASKED = ("", MS_CHAP, EAP)
SALTED = hide_salted(bytes(32), Hop(HOME_SECRET, bytes(15) + b"\1"), 7)


def seeds() -> list[Seed]:
    """Replies with what is read of them: texts, State, EAP, keys, Proxy-State; and datagrams of others."""
    text = joined(
        attribute(18, b"Hello"), attribute(18, PASSWORD.encode()), attribute(24, b"theirs"), attribute(25, b"staff")
    )
    eap = joined(
        attribute(79, b"\3\x2a\0\4"), attribute(27, b"\0\0\0\x3c"), attribute(26, b"\0\0\1\x37", attribute(16, SALTED))
    )
    chap = joined(
        attribute(26, b"\0\0\1\x37", attribute(26, b"\7S=" + b"0" * 40)),
        attribute(26, b"\0\0\1\x37", attribute(2, b"\7E=691")),
    )
    odd = joined(attribute(33, b"evil"), attribute(80, bytes(16)), attribute(80, bytes(16)), attribute(1, b"bob"))
    much = joined(*[attribute(18, b"x" * 253)] * 5, attribute(24, b"y" * 253))
    signed = [
        seed((how, code), attributes)
        for how in (SIGNED, SIGNED, SIGNED | 4, SIGNED | 8, UNSIGNED, UNSIGNED | 8, CHANGED)
        for code in range(3)
        for attributes in (text, eap, chap, odd, much)
    ]
    raw = [seed(b"\0\0", packet(code, 0, bytes(16), text)) for code in (2, 3, 5, 11, 44)]
    return [*signed, *raw, seed(b"\0\0", of_attributes(MS_CHAP))]


class Question(Asked):
    """One that notes its answer."""

    __slots__ = ("result",)

    def answered(self, result: Answer | Unavailable) -> None:
        """Take it, once."""
        assert not hasattr(self, "result")
        self.result = result


class World(Harness):
    """A plan and an engine that live through many inputs; Duo says yes to all."""

    def __init__(self) -> None:
        self.now, self.n_drawn = 0.0, 0
        self.server = HomeServer(0, HOST, HOME_SECRET)
        self.plan = HomePlan([self.server], Limits(learns_signature=False), self.draw)
        self.plan.located(self.server, Location(2, ("10.0.0.1", 1812), b""), 0.0)
        self.stage = HomeStage(secrets={HOST: HOME_SECRET})
        self.open: dict[int, tuple[PutQuestion, Question]] = {}

    def draw(self, size: int) -> bytes:
        """Return octets that have not been there."""
        self.n_drawn += 1
        return self.n_drawn.to_bytes(size, "big")

    def one_input(self, data: bytes) -> str:
        """Let the home server answer somebody's login with one input: the next one logs in once it has."""
        how, code, octets = data[0] & 3, data[1] % len(CODES), data[2:4000]
        credentials = (data[0] >> 2) % len(ASKED)
        asked, question = self.open.get(credentials) or self.asked(credentials)
        self.now += 0.001
        port = question.port
        assert port is not None
        datagram = octets if how == RAW else reply(decode_packet(question.octets), how, code, octets)
        self.perform(self.plan.received(port.number, datagram, self.now))
        if not hasattr(question, "result"):
            assert how != SIGNED or not is_believable(datagram)
            return f"not believed: {', '.join(reason for reason, _ in self.server.take_discards())}"
        assert how == SIGNED or (how == UNSIGNED and 79 not in kinds_in(datagram))
        assert type(question.result) is KINDS[code]
        if credentials == 0 and isinstance(question.result, Refused):
            assert PASSWORD not in question.result.text
        del self.open[credentials]
        return self.finish(asked, question)

    def asked(self, credentials: int) -> tuple[PutQuestion, Question]:
        """Let somebody log in."""
        if credentials:
            self.stage.relay(ASKED[credentials])  # type: ignore[arg-type]
        else:
            self.stage.ask()
        (asked,) = self.stage.asked
        assert isinstance(asked.question, CheckFirstFactor)
        question = Question(asked.question)
        self.perform(self.plan.ask(question, self.now))
        self.open[credentials] = asked, question
        return asked, question

    def perform(self, effects: list[HomeEffect]) -> None:
        """Hand answers on."""
        for effect in effects:
            if isinstance(effect, Answered):
                assert isinstance(effect.asked, Question)
                effect.asked.answered(effect.result)

    def finish(self, asked: PutQuestion, question: Question) -> str:
        """Let Duo say yes; in the end there is one reply, and nothing is under way."""
        engine, replies = self.stage.engine, []
        assert not isinstance(question.result, Unavailable)
        effects: list[Effect] = engine.answered(asked.pending, question.result, self.now)
        for effect in effects:
            if isinstance(effect, SendReply):
                replies.append(effect.octets)
            elif isinstance(effect, PutQuestion):
                is_preauth = type(effect.question).__name__ == "Preauth"
                answer = PreauthAnswer("auth") if is_preauth else AuthAnswer("allow", "allow", "Success")
                effects += engine.answered(effect.pending, answer, self.now)
            else:
                assert not isinstance(effect, StopAsking)
        (octets,) = replies
        said = decode_packet(octets).code
        assert said in CODES
        assert said != ACCESS_ACCEPT or isinstance(question.result, Accepted)
        assert question.question.password is None
        return f"{type(question.result).__name__}, code {said}"

    def end(self) -> None:
        """Check that nobody waits but those who have no answer yet."""
        assert self.stage.engine.n_pending == len(self.open) == self.server.n_out


def reply(request: Packet, how: int, code: int, attributes: bytes) -> bytes:
    """Return a reply of the home server's own, or one that was changed on its way."""
    if how == UNSIGNED:
        bare = decode_packet(request.octets[:2] + b"\0\x14" + request.authenticator)
        return sign_reply(CODES[code], bare, HOME_SECRET, attributes, SignaturePosition.IF_ASKED)
    right = sign_reply(CODES[code], request, HOME_SECRET, attributes)
    if how == SIGNED:
        return right
    chance = crc32(attributes)
    at, bits = chance % len(right), 1 << (chance >> 16) % 8
    return right[:at] + bytes((right[at] ^ bits,)) + right[at + 1 :]


def is_believable(datagram: bytes) -> bool:
    """Whether a signed reply must be believed: it is a packet, and all in it is the home server's to send."""
    try:
        decode_packet(datagram)
    except DecodeError:
        return False
    kinds = kinds_in(datagram)
    return 33 not in kinds and kinds.count(80) == 1


def kinds_in(datagram: bytes) -> list[int]:
    """Return the types of its attributes, which are framed."""
    kinds, at = [], 20
    while at < len(datagram):
        kinds.append(datagram[at])
        at += datagram[at + 1]
    return kinds


PROGRAM = Program(
    seeds(),
    World,
    ("gateway.firstfactor.home.replies",),
    max_size=1_500,
)
