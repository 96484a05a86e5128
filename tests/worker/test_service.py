"""The worker's shell: it does what the engine decides; an internal error ends one packet or login, not the worker."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.duoapi.calls import Answer, Auth, AuthStatus, Call
from gateway.engine.asking import Asking
from gateway.engine.effects import PutQuestion, SendReply
from gateway.engine.peer import Peer
from gateway.ipc.journal import (
    Journal,
    create_journal,
)
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.ledger import private_ring
from gateway.ipc.links import (
    HandedOver,
    LinkWriter,
)
from gateway.logs.events import EventLog
from gateway.logs.lines import TextLines
from gateway.radius.client import encode_access_request
from gateway.radius.dictionary import Code
from gateway.unavailable import Trouble, Unavailable
from gateway.worker.journal_keeper import JournalKeeper
from gateway.worker.reports import EventSection
from gateway.worker.service import Service
from tests.compiled import only_interpreted
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, SECRET, SOURCE, Stage
from tests.worker.test_journal_keeper import ScriptedLink

if TYPE_CHECKING:
    from gateway.listeners.udp import UdpListener

pytestmark = only_interpreted  # a compiled service takes no scripted listener

PEER = Peer((SOURCE, 40001), 0)


class Question(Asking):
    """A call that was asked, for the test to answer."""

    def __init__(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> None:
        self.call = call
        self.answer = on_answer
        self.is_cancelled = False

    def cancel(self) -> None:
        """Take note."""
        self.is_cancelled = True

    def took_s(self, _now: float) -> float:
        """Pretend that Duo was quick."""
        return 0.0


class ScriptedDuo:
    """Keeps every question; `fails` is raised by the next one."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.fails: Exception | None = None

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> Question:
        """Take note."""
        if self.fails is not None:
            raise self.fails
        self.questions.append(Question(call, on_answer))
        return self.questions[-1]


class ScriptedListener:
    """Says in which order it was told what; `fails` is raised when it is to send."""

    number = 0

    def __init__(self, diary: list[Any]) -> None:
        self._diary = diary
        self.fails: Exception | None = None

    def start(self, _loop: object) -> None:
        """Take note."""
        self._diary.append("reads")

    def stop(self, _loop: object) -> None:
        """Take note."""
        self._diary.append("reads no more")

    def send(self, octets: bytes, _peer: Peer) -> None:
        """Take note."""
        if self.fails is not None:
            raise self.fails
        self._diary.append(("reply", octets[0], octets[1]))


class Scene:
    """A service between scripted ends, inside a running loop.

    Attributes:
        diary: what the listener was told, in order.
        lines: of the log.
        ring: of the last logins.
    """

    def __init__(self, **section: Any) -> None:
        self.stage = Stage(**section)
        self.diary: list[Any] = []
        self.lines: list[str] = []
        self.duo = ScriptedDuo()
        self.listener = ScriptedListener(self.diary)
        descriptor = create_journal(16, 65_536)
        self.keeper = JournalKeeper(Journal(descriptor, bytes(32)))
        self.successor = JournalReader(os.dup(descriptor), bytes(32))
        os.close(descriptor)
        log = EventLog(-1, [lambda line, _level: self.lines.append(line)], TextLines())
        duos, sections = {"app": self.duo}, {"radius_server_duo_only": EventSection("DI", "duo_only_client")}
        self.ring = private_ring()
        self.service = Service(self.stage.engine, self.keeper, log, duos, sections, ["*:1812"], "host", 0, self.ring)
        self.service.take_sockets([cast("UdpListener", self.listener)])

    def login(self, password: str = "123456", identifier: int = 7, user: str = "alice") -> None:
        """Let a packet arrive."""
        octets = encode_access_request(identifier, bytes([identifier]) * 16, SECRET, user.encode(), password.encode())
        self.service.datagram_received(octets, PEER)

    def answer(self, *answers: Answer | Unavailable) -> None:
        """Answer the last question, and those that follow."""
        for answer in answers:
            self.duo.questions[-1].answer(answer)

    @property
    def replies(self) -> list[tuple[int, int]]:
        """Code and identifier of what was sent."""
        return [entry[1:] for entry in self.diary if entry[0] == "reply"]


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def test_a_login_is_asked_about_answered_and_told_of():
    async def scene() -> None:
        stage = Scene()
        stage.login()
        stage.answer(GO_ON, ALLOWED)
        assert stage.replies == [(Code.ACCESS_ACCEPT, 7)]
        (line,) = stage.lines
        assert "reason=duo_allowed" in line
        assert stage.service.n_pending == 0

    play(scene)


@pytest.mark.parametrize("where", ["datagram_received", "answered", "unavailable", "timer"])
def test_a_mistake_in_the_engine_ends_one_packet_or_login_and_no_other(where, monkeypatch, caplog):
    async def scene() -> None:
        stage = Scene()
        stage.login()
        engine = stage.stage.engine

        def fail(*_: object) -> None:
            raise RuntimeError("alice typed 123456")

        monkeypatch.setattr(engine, where, fail)
        stage.login(identifier=8, user="bob")
        stage.service._timer_due()
        stage.duo.questions[0].answer(Unavailable(Trouble.TIMEOUT, "") if where == "unavailable" else GO_ON)
        monkeypatch.undo()
        stage.login(identifier=9, user="carol")
        stage.answer(GO_ON, ALLOWED)
        assert stage.replies[-1] == (Code.ACCESS_ACCEPT, 9)
        if where in ("answered", "unavailable"):
            assert stage.replies[0] == (Code.ACCESS_REJECT, 7)
            assert "reason=internal_error" in stage.lines[0]

    play(scene)
    assert "Internal error" in caplog.text
    assert "123456" not in caplog.text


def test_a_question_that_cannot_be_asked_is_a_login_that_is_rejected():
    async def scene() -> None:
        stage = Scene()
        stage.duo.fails = KeyError("app")
        stage.login()
        assert stage.replies == [(Code.ACCESS_REJECT, 7)]
        assert stage.service.n_pending == 0

    play(scene)


def test_an_effect_that_fails_keeps_none_of_the_others_from_happening():
    async def scene() -> None:
        stage = Scene()
        stage.listener.fails = TypeError("a way back that is none")
        stage.login()
        stage.answer(GO_ON, ALLOWED)
        assert stage.replies == []
        assert "reason=duo_allowed" in stage.lines[0]

    play(scene)


def test_a_question_for_later_is_asked_then_or_never_if_it_is_given_up():
    async def scene() -> None:
        stage = Scene()
        stage.login("push")
        stage.answer(GO_ON, PUSHED)
        pending = next(iter(stage.stage.engine._pending))
        n_asked = len(stage.duo.questions)
        stage.service.perform([PutQuestion(pending, "app", AuthStatus("tx-1"), 1e12)])
        assert len(stage.duo.questions) == n_asked
        assert pending.asking is not None
        pending.asking.cancel()
        stage.service.perform([PutQuestion(pending, "app", AuthStatus("tx-1"), 0.001)])  # long ago
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(stage.duo.questions) == n_asked + 1

    play(scene)


def test_one_for_later_that_cannot_be_asked_then_is_a_login_that_is_rejected():
    async def scene() -> None:
        stage = Scene()
        stage.login("push")
        pending = next(iter(stage.stage.engine._pending))
        stage.duo.fails = KeyError("fleet")
        stage.service.perform([PutQuestion(pending, "app", AuthStatus("tx-1"), 0.001)])  # long ago
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert stage.replies == [(Code.ACCESS_REJECT, 7)]
        assert stage.service.n_pending == 0

    play(scene)


def test_an_answer_comes_to_all_packets_that_wait_and_again_to_one_that_is_sent_again():
    async def scene() -> None:
        stage = Scene()
        stage.login("push", identifier=7)
        stage.login("push", identifier=8)
        stage.answer(GO_ON, PUSHED, ALLOWED)
        stage.login("push", identifier=7)
        assert stage.replies == [(2, 8), (2, 7), (2, 7)]
        assert len([each for each in stage.duo.questions if isinstance(each.call, Auth)]) == 1

    play(scene)


class TestLeaving:
    def test_it_reads_no_more_before_anybody_is_told(self, monkeypatch):
        async def scene() -> None:
            stage, link = Scene(), ScriptedLink()
            stage.service.serve()
            stage.login()
            monkeypatch.setattr(stage.keeper, "hand_over", lambda _links: stage.diary.append("tells"))
            stage.service.hand_over({0: cast("LinkWriter", link)})
            assert stage.diary == ["reads", "reads no more", "tells"]

        play(scene)

    def test_every_login_is_in_the_journal_when_it_says_that_it_has_handed_over(self):
        async def scene() -> None:
            stage, link = Scene(), ScriptedLink()
            stage.login()
            stage.service.hand_over({0: cast("LinkWriter", link)})
            assert link.sent == [HandedOver()]
            assert len(list(stage.successor.logins())) == 1
            stage.answer(GO_ON, DENIED)
            assert [type(each).__name__ for each in link.sent[1:]] == ["LoginKept", "ReplyKept", "LoginForgotten"]

        play(scene)

    def test_it_drains_until_the_last_login_is_answered(self):
        async def scene() -> None:
            stage = Scene()
            stage.login("push")
            stage.answer(GO_ON)
            drained = asyncio.create_task(stage.service.drain(60.0))
            await asyncio.sleep(0)
            assert not drained.done()
            stage.answer(PUSHED, ALLOWED)
            assert await drained

        play(scene)

    def test_or_until_its_time_is_over(self):
        async def scene() -> None:
            stage = Scene()
            stage.login()
            assert not await stage.service.drain(0.0)
            assert stage.service.n_pending == 1

        play(scene)

    def test_its_last_logins_are_all_seen_when_it_leaves(self):
        async def scene() -> None:
            stage = Scene()
            for identifier in range(3):
                stage.login(identifier=identifier, user=f"user{identifier}")
                stage.answer(GO_ON, ALLOWED)
            assert await stage.service.drain(60.0)
            assert [each.record.user_name for each in stage.ring.read(0)] == ["user0", "user1", "user2"]

        play(scene)

    def test_one_with_nothing_to_do_is_drained_at_once(self):
        async def scene() -> None:
            assert await Scene().service.drain(60.0)

        play(scene)


def test_a_reply_leaves_by_the_listener_that_was_asked():
    async def scene() -> None:
        stage = Scene()
        stage.service.perform([SendReply(b"\x02\x05", PEER)])
        assert stage.replies == [(2, 5)]

    play(scene)
