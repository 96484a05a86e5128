"""Any Access-Request to the modes with passwords.

A request is discarded, or has one reply, whatever the home server says of it; nothing stays under way. Whom the home
server has not accepted nobody lets in. The harness signs it.
"""

from gateway.duoapi.calls import AuthAnswer, PreauthAnswer
from gateway.engine.asking import Answer
from gateway.engine.effects import Effect, Finished, PutQuestion, SendReply
from gateway.engine.first_factor import REJECTED, Accepted, Challenged, CheckFirstFactor, Refused
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.modes.with_first_factor import WithFirstFactor
from gateway.radius.attributes import is_framed
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import STATE, USER_PASSWORD, Code
from gateway.radius.hidden import Hop
from gateway.radius.packet import decode_packet
from gateway.radius.passing import Passing
from tests.engine.home_scene import CHAP, EAP, GO_ON, HOME_RA, HOME_SECRET, HOST, MS_CHAP, PASSWORD, HomeStage
from tests.engine.scene import SECRET, SOURCE
from tests.fuzz.driver import Harness, Program
from tests.fuzz.parts import Seed, attribute, joined, of_attributes, seed, sized

MODES = (Auto, Concat, Challenge)
ACCEPTS, REFUSES = 0, 1
ALLOWED = AuthAnswer("allow", "allow", "Success")
DUO = (
    (GO_ON, ALLOWED),
    (GO_ON, AuthAnswer("deny", "sent", "Passcodes have been sent")),
    (PreauthAnswer("enroll", "Enroll", (), "https://enrol.example"), ALLOWED),
    (PreauthAnswer("auth", "no devices"), ALLOWED),
    (PreauthAnswer("deny", "Locked"), ALLOWED),
)
EAP_START = b"\x4f\2"
TYPED = (
    PASSWORD,
    PASSWORD + ",push",
    PASSWORD + ",123456",
    PASSWORD + ",sms2",
    "push",
    "1",
    "123456",
    "é,phone",
    ",",
    "",
)
ANSWERS = (b"1", b"3", b"push", b"123456")
NAMED = attribute(1, b"alice")
MAX_SIZE = 3_800


def seeds() -> list[Seed]:
    """Each mode, with each answer of the home server, what may be typed and other credentials."""
    typed = [joined(sized(text.encode()), sized(answer), NAMED) for text in TYPED for answer in ANSWERS]
    others = [
        joined(sized(), sized(), NAMED, of_attributes(each)) for each in (CHAP, MS_CHAP, EAP, CHAP[:19], EAP_START)
    ]
    hidden = [joined(sized(), sized(), NAMED, attribute(2, bytes(size))) for size in (0, 15, 16, 32, 128)]
    more = joined(
        sized(PASSWORD.encode()),
        sized(),
        NAMED,
        attribute(4, b"\n\0\0\1"),
        attribute(31, b"192.0.2.7"),
        attribute(33, b"p"),
    )
    again = joined(sized(b"1"), sized(), NAMED, attribute(STATE, b"rg\1" + bytes(60)))
    return [
        seed((mode, said, duo), request)
        for mode in range(len(MODES))
        for said, duo in ((0, 0), (0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (2, 0), (4, 0), (8, 0), (10, 0))
        for request in (*typed, *others, *hidden, more, again)
    ]


class World(Harness):
    """A stage for each mode, which live through many inputs."""

    def __init__(self) -> None:
        self.n_requests = 0
        self.stages = [HomeStage(make, sms_challenge=True) for make in MODES]
        self.reason, self.duo = "", DUO[0]
        for stage in self.stages:
            stage.nas.signed(SOURCE)
            assert isinstance(stage.section.mode, WithFirstFactor)
            stage.section.mode._first_factor.to_home = Passing(everything=True)

    def one_input(self, data: bytes) -> str:
        """Send a request, and the answer to its challenge if there is one."""
        head, rest = data[:3], data[3:]
        password, rest = _typed(rest)
        answer, rest = _typed(rest)
        self.reason, self.duo = "silence", DUO[head[2] % len(DUO)]
        stage, said, attributes = self.stages[head[0] % len(self.stages)], head[1] % 4, rest[:MAX_SIZE]
        if not is_framed(attributes):
            return "no attributes"
        reply = self.reply(stage, said, password, attributes)
        if reply is not None and reply[0] == Code.ACCESS_CHALLENGE:
            state = encode_attribute(STATE, decode_packet(reply).value(STATE) or b"?")
            self.reply(stage, head[1] // 4 % 4, answer, state + attributes, is_answer=True)
            return f"challenge, {self.reason}"
        return self.reason

    def reply(
        self, stage: HomeStage, said: int, password: bytes, attributes: bytes, *, is_answer: bool = False
    ) -> bytes | None:
        """Return the reply to a request, or None for silence."""
        self.n_requests += 1
        authenticator = self.n_requests.to_bytes(16, "big")
        if 0 < len(password) <= 128:
            hidden = SECRET.hide_user_password(password, authenticator)
            attributes = encode_attribute(USER_PASSWORD, hidden) + attributes
        request = sign_request(Code.ACCESS_REQUEST, self.n_requests & 0xFF, authenticator, SECRET, attributes)
        replies: list[bytes] = []
        effects: list[Effect] = list(stage.receive(request))
        for effect in effects:
            if isinstance(effect, SendReply):
                replies.append(effect.octets)
            elif isinstance(effect, PutQuestion):
                effects += stage.engine.answered(effect.pending, self.answer(effect, said, attributes), 0.0)
            elif isinstance(effect, Finished):
                self.reason = effect.verdict.reason.value
                assert PASSWORD not in repr(effect) or PASSWORD.encode() in attributes
        assert len(replies) <= 1
        assert stage.engine.n_pending == 0
        has_accepted = said == ACCEPTS or is_answer  # in answer to a challenge after an accept
        assert has_accepted or all(octets[0] != Code.ACCESS_ACCEPT for octets in replies)
        return replies[0] if replies else None

    def answer(self, effect: PutQuestion, said: int, attributes: bytes) -> Answer:
        """Return what the home server says, whose attributes are those of the request, or Duo."""
        if isinstance(effect.question, CheckFirstFactor):
            if said == ACCEPTS:
                return Accepted(attributes, HOST, Hop(HOME_SECRET, HOME_RA))
            return Refused(REJECTED, "", attributes, HOST) if said == REFUSES else Challenged(b"s", HOST, attributes)
        return self.duo[0] if type(effect.question).__name__ == "Preauth" else self.duo[1]


def _typed(octets: bytes) -> tuple[bytes, bytes]:
    """Return what is behind its size, and what follows."""
    size = octets[0] if octets else 0
    return octets[1 : 1 + size], octets[1 + size :]


PROGRAM = Program(
    seeds(),
    World,
    (
        "gateway.engine.modes.auto",
        "gateway.engine.modes.challenge",
        "gateway.engine.modes.concat",
        "gateway.engine.modes.with_first_factor",
    ),
    frozenset(
        {  # abstract, of a fleet, of a directory, or of unsigned requests
            "Auto.without_factor",
            "Concat.without_factor",
            "WithFirstFactor.without_factor",
            "WithFirstFactor.after_sms",
            "WithFirstFactor.wants_devices",
            "WithFirstFactor._password",
            "WithFirstFactor.read: return unproven_answer()",
            "WithFirstFactor._unused",
            "WithFirstFactor._is_exempt",
            "WithFirstFactor._check",
            "WithFirstFactor._challenge_answered",
            "WithFirstFactor._accepted",
            "WithFirstFactor._taken",
            "WithFirstFactor._go_on",
            "WithFirstFactor.begin",
            "WithFirstFactor.consulted",
            "WithFirstFactor.passed",
            "WithFirstFactor.answered",
            "Challenge.answered: return self.ask_duo(login, choice.typed, now)",
        }
    ),
)
