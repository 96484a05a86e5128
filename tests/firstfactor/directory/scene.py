"""Directories without a network: what the plan sends is kept, and answered when a test says so, at its own time."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.engine.first_factor import Answer, CheckFirstFactor, Refused
from gateway.firstfactor.directory.account import AccountRules
from gateway.firstfactor.directory.binder import Binder, ServiceAccount
from gateway.firstfactor.directory.effects import Answered, Close, Effect, HostChanged, Open, Send, Turned
from gateway.firstfactor.directory.host import Asked, Host, Limits
from gateway.firstfactor.directory.outcomes import Manner
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.firstfactor.directory.search import SearchRules
from gateway.ldap.ber import INTEGER, OCTET_STRING, SEQUENCE, Cursor
from gateway.unavailable import Trouble, Unavailable
from tests.firstfactor.directory.answers import bind_done, entry, search_done

BASE = b"dc=example,dc=test"
SERVICE = ServiceAccount(b"cn=reader,dc=example,dc=test", "reader", "", b"the-readers-own")
ALICE, PASSWORD = b"alice", b"correct horse"
BIND, SEARCH = 0x60, 0x63
_SIMPLE = 0x80


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


class Sent(NamedTuple):
    """A request that has left, at an instant, on the connection of a number to a host.

    Attributes:
        kind: BIND or SEARCH.
        message_id: its number.
        name, password: of a bind.
        base: of a search.
    """

    number: int
    host: Host
    at: float
    kind: int
    message_id: int
    name: bytes = b""
    password: bytes = b""
    base: bytes = b""

    @property
    def is_service_bind(self) -> bool:
        return self.kind == BIND and self.name == SERVICE.name

    @property
    def is_user_bind(self) -> bool:
        return self.kind == BIND and self.name != SERVICE.name

    @property
    def is_check(self) -> bool:
        return self.kind == SEARCH and not self.base


class Scene:
    """A plan, its hosts `dc0:389` …, and a clock that is handed on.

    Attributes:
        opening: connections that are being opened, by number.
        open: those that are open.
        sent: all that has left.
        due: requests without an answer yet.
    """

    def __init__(
        self,
        n_hosts: int = 1,
        limits: Limits | None = None,
        rules: SearchRules | None = None,
        account: ServiceAccount | None = SERVICE,
    ) -> None:
        self.now = 1000.0
        self.hosts = [Host(index, f"dc{index}:389", f"dc{index}") for index in range(n_hosts)]
        binder = Binder(Manner(), "", bytes, lambda: 0)
        self.plan = DirectoryPlan(
            self.hosts, limits or Limits(), AccountRules(b"uid", b"mail"), rules or SearchRules(BASE), account, binder
        )
        self.opening: dict[int, Host] = {}
        self.open: dict[int, Host] = {}
        self.sent: list[Sent] = []
        self.due: list[Sent] = []
        self.news: list[tuple[str, str]] = []
        self.dies_at_looks = False
        self.perform(self.plan.start(self.now))

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Open):
                self.opening[effect.number] = effect.host
            elif isinstance(effect, Close):
                del self.open[effect.number]
                self._forget(effect.number)
            elif isinstance(effect, Send):
                self._send(effect)
            elif isinstance(effect, Answered):
                assert isinstance(effect.asked, Question)
                effect.asked.results.append(effect.result)
            elif not isinstance(effect, Turned):
                assert isinstance(effect, HostChanged)
                self.news.append((effect.host.name, effect.host.state))

    def _send(self, effect: Send) -> None:
        if effect.number not in self.open:
            return
        if effect.looks and self.dies_at_looks:
            self.lose(effect.number, is_unsent=True)
            return
        sent = read(effect.number, self.open[effect.number], self.now, effect.octets)
        self.sent.append(sent)
        self.due.append(sent)

    def _forget(self, number: int) -> None:
        self.due = [each for each in self.due if each.number != number]

    # What happens.

    def ask(self, name: bytes = ALICE, password: bytes | None = PASSWORD, *, deadline: float = 0.0) -> Question:
        question = Question(CheckFirstFactor(name, password, deadline=deadline))
        self.perform(self.plan.ask(question, self.now))
        return question

    def cancel(self, question: Question) -> None:
        self.perform(self.plan.cancel(question, self.now))

    def opens(self, number: int | None = None) -> int:
        """Let a connection be open, the first of those that are being opened."""
        number = next(iter(self.opening)) if number is None else number
        self.open[number] = self.opening.pop(number)
        self.perform(self.plan.opened(number, b"", self.now))
        return number

    def fail(self, number: int | None = None, text: str = "connection refused") -> None:
        number = next(iter(self.opening)) if number is None else number
        del self.opening[number]
        self.perform(self.plan.failed(number, Unavailable(Trouble.CONNECT, text), self.now))

    def lose(self, number: int, *, is_unsent: bool = False) -> None:
        del self.open[number]
        self._forget(number)
        self.perform(self.plan.lost(number, "closed the connection", self.now, is_unsent=is_unsent))

    def say(self, number: int, octets: bytes) -> None:
        self.perform(self.plan.received(number, octets, self.now))

    def answer(self, sent: Sent | None = None, code: int = 0, text: str = "", n_found: int = 1) -> Sent:
        """Answer a request: the last one that is due."""
        sent = self.due[-1] if sent is None else sent
        self.due.remove(sent)
        if sent.kind == BIND:
            self.say(sent.number, bind_done(sent.message_id, code, text))
        else:
            found = b"".join(entry(sent.message_id, b"uid=%d,%s" % (each, BASE), uid=ALICE) for each in range(n_found))
            self.say(sent.number, found + search_done(sent.message_id, code, text))
        return sent

    def ready(self) -> None:
        """Let all service connections be ready."""
        while self.opening:
            self.opens()
            for sent in tuple(self.due):
                if sent.is_service_bind:
                    self.answer(sent)

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        until = self.now + seconds
        while (due := self.plan.next_timer) is not None and due <= until:
            self.now = max(self.now, due)
            self.perform(self.plan.timer(self.now))
        self.now = until

    @property
    def user_binds(self) -> list[Sent]:
        return [sent for sent in self.sent if sent.is_user_bind]


def read(number: int, host: Host, at: float, octets: bytes) -> Sent:
    """Read a request of the plan's."""
    cursor = Cursor(octets)
    end = cursor.enter(SEQUENCE, len(octets))
    message_id = cursor.integer(INTEGER, end)
    kind = cursor.tag(end)
    end = cursor.enter(kind, end)
    if kind == BIND:
        cursor.skip(end)
        name = cursor.octets(OCTET_STRING, end)
        return Sent(number, host, at, kind, message_id, name, cursor.octets(_SIMPLE, end))
    assert kind == SEARCH
    return Sent(number, host, at, kind, message_id, base=cursor.octets(OCTET_STRING, end))


TEN = Limits(timeout_s=10.0)


def ready(n_hosts: int = 1, limits: Limits = TEN, **how) -> Scene:
    scene = Scene(n_hosts, limits, **how)
    scene.ready()
    return scene


def found(scene: Scene, **how) -> Question:
    """A question whose user was found, and whose bind is out."""
    question = scene.ask(**how)
    scene.answer()
    if scene.opening:
        scene.opens()
    assert scene.due[-1].is_user_bind
    return question


def reason(question: Question) -> str:
    assert isinstance(question.result, Refused)
    return question.result.reason
