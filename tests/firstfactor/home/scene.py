"""Home servers without a network: what the plan sends is kept, and answered when a test says so, at its own time."""

from collections.abc import Sequence
from itertools import count

from gateway.engine.first_factor import Answer, CheckFirstFactor
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.effects import Answered, ClosePort, Effect, OpenPort, SendRequest, ServerChanged
from gateway.firstfactor.home.plan import HomePlan
from gateway.firstfactor.home.server import HomeServer, Limits, Location
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import Code
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import SignaturePosition, encode_reply, sign_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Unavailable

ALICE, PASSWORD = b"alice", b"correct horse"
OWN = encode_attribute(4, bytes([10, 0, 0, 1]))
FIRST, SECOND = "10.0.0.1", "10.0.0.2"
NO_PROBES = Limits(probes=False)
UNSIGNED = SignaturePosition.IF_ASKED
ACCEPT, REJECT, CHALLENGE = Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE


class Question(Asked):
    """A question of a test, and what it was answered."""

    def __init__(self, question: CheckFirstFactor) -> None:
        super().__init__(question)
        self.results: list[Answer | Unavailable] = []

    @property
    def result(self) -> Answer | Unavailable:
        """Its one answer."""
        (result,) = self.results
        return result

    @property
    def why(self) -> tuple[str, str]:
        """Why it has none: the trouble and the text."""
        result = self.result
        assert isinstance(result, Unavailable)
        return result.trouble.value, str(result)


class Sent:
    """A request that has left."""

    def __init__(self, number: int, server: HomeServer, octets: bytes, at: float) -> None:
        self.number = number
        self.server = server
        self.octets = octets
        self.at = at

    @property
    def packet(self) -> Packet:
        return decode_packet(self.octets)

    @property
    def is_probe(self) -> bool:
        return self.octets[0] == Code.STATUS_SERVER

    def reply(
        self,
        code: Code = ACCEPT,
        attributes: bytes = b"",
        secret: SharedSecret | None = None,
        *,
        signed: bool = True,
    ) -> bytes:
        """The octets of a reply to it."""
        secret = secret or self.server.shared_secret
        if signed:
            return sign_reply(code, self.packet, secret, attributes)
        bare = decode_packet(self.octets[:2] + (20).to_bytes(2, "big") + self.packet.authenticator)
        return sign_reply(code, bare, secret, attributes, UNSIGNED)


class Scene:
    """A plan, its home servers `10.0.0.1:1812` …, and a clock that is handed on."""

    def __init__(self, n_servers: int = 1, limits: Limits | None = None, *, located: bool = True) -> None:
        self.now = 1000.0
        self.servers = [
            HomeServer(index, f"10.0.0.{index + 1}:1812", SharedSecret(b"the secret of number %d" % index))
            for index in range(n_servers)
        ]
        numbers = count(1)
        self.plan = HomePlan(self.servers, limits or Limits(), lambda size: next(numbers).to_bytes(size, "big"))
        self.open: dict[int, HomeServer] = {}
        self.closed: list[int] = []
        self.sent: list[Sent] = []
        self.news: list[tuple[str, str]] = []
        if located:
            for server in self.servers:
                self.locate(server)

    def locate(self, server: HomeServer, address: str = "") -> None:
        sockaddr = (address or server.name.partition(":")[0], 1812)
        self.perform(self.plan.located(server, Location(2, sockaddr, OWN), self.now))

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, OpenPort):
                found = [each for each in self.servers if each.location == effect.location]
                self.open[effect.number] = found[0]
            elif isinstance(effect, ClosePort):
                self.closed.append(effect.number)
                del self.open[effect.number]
            elif isinstance(effect, SendRequest):
                self.sent.append(Sent(effect.number, self.open[effect.number], effect.octets, self.now))
            elif isinstance(effect, Answered):
                assert isinstance(effect.asked, Question)
                effect.asked.results.append(effect.result)
            else:
                assert isinstance(effect, ServerChanged)
                self.news.append((effect.server.name, effect.server.state))

    def ask(
        self, name: bytes = ALICE, password: bytes | None = PASSWORD, *, state: bytes = b"", host: str = "", **more
    ) -> Question:
        """Ask about a user."""
        question = Question(CheckFirstFactor(name, password, state=state, host=host, **more))
        self.perform(self.plan.ask(question, self.now))
        return question

    def receive(self, octets: bytes, number: int | None = None) -> None:
        self.perform(self.plan.received(self.sent[-1].number if number is None else number, octets, self.now))

    def answer(self, sent: Sent | None = None, code: Code = ACCEPT, attributes: bytes = b"", **how) -> None:
        """Answer a request, the last one unless said otherwise."""
        sent = sent or self.sent[-1]
        self.receive(sent.reply(code, attributes, **how), sent.number)

    def refuse(self, sent: Sent | None = None) -> None:
        """Nobody listens where a request went."""
        self.perform(self.plan.refused((sent or self.sent[-1]).number, "Connection refused", self.now))

    def fail(self, sent: Sent) -> None:
        """The port of a request could not be opened."""
        del self.open[sent.number]
        self.perform(self.plan.failed(sent.number, "Network is unreachable", self.now))

    def unsent(self, sent: Sent) -> None:
        """The kernel sends nothing from the port of a request."""
        self.perform(self.plan.unsent(sent.number))

    def cancel(self, question: Question) -> None:
        self.perform(self.plan.cancel(question, self.now))

    def wait(self, seconds: float) -> None:
        """Let time go by, timer by timer."""
        end = self.now + seconds
        while (due := self.plan.next_timer) is not None and due <= end:
            self.now = max(self.now, due)
            self.perform(self.plan.timer(self.now))
        self.now = end

    @property
    def trace(self) -> list[tuple[str, float]]:
        """Whom questions went to, and when, from the start on."""
        return [(each.server.name.partition(":")[0], each.at - 1000.0) for each in self.asked]

    @property
    def asked(self) -> list[Sent]:
        """What was sent of questions."""
        return [each for each in self.sent if not each.is_probe]

    @property
    def probes(self) -> list[Sent]:
        return [each for each in self.sent if each.is_probe]


def proxy_state(request: Packet, secret: SharedSecret) -> bytes:
    """A reply with a Proxy-State that nobody has sent."""
    return encode_reply(ACCEPT, request, secret, attributes=encode_attribute(33, b"evil"))
