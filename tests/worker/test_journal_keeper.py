"""What is written into the journal, and told to successors."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
import pytest

from gateway.engine.challenges.records import is_challenge, unpacked_challenge, used_record
from gateway.engine.duplicates import SentReply
from gateway.engine.effects import ForgetLogin, KeepLogin, KeepReply
from gateway.engine.first_factor import Accepted
from gateway.engine.peer import Peer
from gateway.engine.records import VERSION, LoginRecord, ReplyRecord, verdict_record
from gateway.engine.sent_replies import unpacked_reply
from gateway.engine.verdict import rejection
from gateway.ipc.journal import (
    MAX_LOGIN_OCTETS,
    Journal,
    Origin,
    create_journal,
)
from gateway.ipc.journal_reader import JournalReader
from gateway.ipc.links import (
    ChallengeNoted,
    HandedOver,
    LinkWriter,
    LoginForgotten,
    LoginKept,
    Message,
    ReplyKept,
)
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import PROXY_STATE
from gateway.radius.hidden import Hop
from gateway.radius.packet import decode_packet
from gateway.words.reasons import Reason
from gateway.worker.journal_keeper import JournalKeeper
from tests.compiled import only_interpreted
from tests.engine.home_scene import GO_ON as HOME_GO_ON
from tests.engine.home_scene import HOST, HomeStage
from tests.engine.scene import GO_ON, PUSHED, SECRET, Stage

KEY = bytes(32)


class Scene:
    """A memory, its journal, and links that take note of what is sent."""

    def __init__(self) -> None:
        self.descriptor = create_journal(8, 65_536)
        self.memory = JournalKeeper(Journal(self.descriptor, KEY))
        self.stage = Stage()

    @property
    def logins(self) -> list[LoginRecord]:
        """What a successor reads."""
        return [msgspec.msgpack.decode(each, type=LoginRecord) for each in JournalReader(self.descriptor, KEY).logins()]

    @property
    def answers(self) -> list[ReplyRecord]:
        """What a successor reads."""
        return [unpacked_reply(each) for each in JournalReader(self.descriptor, KEY).replies()]

    def pushed(self, n_packets: int = 1, n_octets: int = 0) -> KeepLogin:
        """Let alice be pushed, by so many packets with so many octets of Proxy-State each."""
        attributes = encode_attribute(PROXY_STATE, bytes(n_octets)) if n_octets else b""
        for identifier in range(n_packets):
            request = encode_access_request(identifier, bytes([identifier]) * 16, SECRET, b"alice", b"push", attributes)
            self.stage.receive(request)
            if not identifier:
                pending = self.stage.asked[-1].pending
        self.stage.effects = self.stage.engine.answered(pending, GO_ON, 0.0)
        return KeepLogin(pending)


class ScriptedLink:
    """A link that takes note."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """Take note."""
        self.sent.append(message)


def links(**by_bucket: ScriptedLink) -> dict[int, LinkWriter]:
    """Links by bucket, as `b0=…`."""
    return {int(name[1:]): cast("LinkWriter", link) for name, link in by_bucket.items()}


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    os.close(scene.descriptor)


def answered(**fields: Any) -> KeepReply:
    values = {"key": "key", "digest": b"d", "reply": b"\x02\x05", "expires_at": 1e9, **fields}
    return KeepReply(SentReply(**values), Peer(("192.0.2.1", 7), 0, bucket=3))


@only_interpreted  # compiled, the keeper asks no stand-in
class TestSleep:
    """How CLOCK_BOOTTIME stands to the clock of the records, as the keeper finds it at each look."""

    @pytest.fixture
    def ahead_s(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        ahead_s = [5.0]
        monkeypatch.setattr("gateway.worker.journal_keeper.boottime_ahead_s", lambda: ahead_s[0])
        return ahead_s

    @pytest.fixture
    def origin(self, ahead_s: list[float], scene: Scene) -> Callable[[], Origin]:
        scene.memory = JournalKeeper(Journal(scene.descriptor, KEY))
        return lambda: JournalReader(scene.descriptor, KEY).origin()

    def test_it_is_said_of_what_was_written_since_and_of_what_was_written_before(self, scene, ahead_s, origin):
        scene.memory.note_sleep(100.0)
        ahead_s[0] = 65.0
        scene.memory.note_sleep(100.1)  # it fell asleep after the look before
        assert origin() == Origin(VERSION, 65.0, os.getpid(), 100.0, 60.0)
        scene.memory.note_sleep(100.2)
        assert origin().slept_at == 100.0

    def test_another_sleep_takes_the_place_of_the_first(self, scene, ahead_s, origin):
        for now, ahead_s[0] in (100.0, 5.0), (101.0, 65.0), (102.0, 65.0), (103.0, 68.0):
            scene.memory.note_sleep(now)
        assert origin() == Origin(VERSION, 68.0, os.getpid(), 102.0, 3.0)

    def test_what_a_reading_may_be_wrong_by_is_no_sleep(self, scene, ahead_s, origin):
        for ahead_s[0] in 5.04, 4.0, 5.0:
            scene.memory.note_sleep(100.0)
        assert origin() == Origin(VERSION, 5.0, os.getpid())


def test_a_login_is_read_as_it_was_kept_until_it_is_forgotten(scene):
    effect = scene.pushed()
    scene.memory.keep_login(effect)
    assert scene.logins == [effect.pending.record()]
    scene.memory.forget_login(ForgetLogin(effect.pending, None))
    assert scene.logins == []


def test_an_answer_is_read_as_it_was_kept(scene):
    scene.memory.keep_reply(answered())
    assert scene.answers == [ReplyRecord(("192.0.2.1", 7), 0, 3, b"d", b"\x02\x05", 1e9)]


def test_of_too_many_packets_the_newest_are_kept(scene):
    """The oldest are known again by their login; the newest is the one that the NAS waits for."""
    effect = scene.pushed(n_packets=10, n_octets=100)
    scene.memory.keep_login(effect)
    (record,) = scene.logins
    identifiers = [decode_packet(packet.basis).identifier for packet in record.packets]
    assert 1 < len(identifiers) < 10
    assert identifiers == list(range(10 - len(identifiers), 10))
    assert len(msgspec.msgpack.encode(record)) <= MAX_LOGIN_OCTETS
    one_more = msgspec.structs.replace(record, packets=effect.pending.record().packets[-len(identifiers) - 1 :])
    assert len(msgspec.msgpack.encode(one_more)) > MAX_LOGIN_OCTETS
    assert scene.memory.n_left_out == 0


def test_a_login_whose_only_packet_is_too_long_is_kept_without_any(scene):
    attributes = b"".join(encode_attribute(PROXY_STATE, bytes(250)) for _ in range(5))
    scene.stage.receive(encode_access_request(1, bytes(16), SECRET, b"alice", b"push", attributes))
    scene.memory.keep_login(KeepLogin(scene.stage.asked[-1].pending))
    assert [record.packets for record in scene.logins] == [[]]


@pytest.mark.parametrize(("n_octets", "is_whole"), [(600, True), (1_000, False)])
def test_a_login_whose_attributes_are_too_long_is_lost_with_all_its_packets(n_octets, is_whole):
    descriptor = create_journal(8, 65_536)
    keeper, stage = JournalKeeper(Journal(descriptor, KEY)), HomeStage()
    stage.ask()
    attributes = encode_attribute(25, bytes(198)) * (n_octets // 200)
    for answer in (Accepted(attributes, HOST, Hop(SECRET, bytes(16))), HOME_GO_ON, PUSHED):
        stage.answer(answer)
    pending = stage.asked[-1].pending
    keeper.keep_login(KeepLogin(pending))
    (record,) = [msgspec.msgpack.decode(each, type=LoginRecord) for each in JournalReader(descriptor, KEY).logins()]
    expected = pending.record() if is_whole else pending.record().without_attributes()
    assert record == expected
    assert (record.state, len(record.packets), keeper.n_left_out) == ("waiting" if is_whole else "lost", 1, 0)
    os.close(descriptor)


def test_what_no_room_is_for_is_counted(scene):
    for number in range(30):
        scene.stage.login(f"user{number}", "push", identifier=number)
        scene.memory.keep_login(KeepLogin(scene.stage.asked[-1].pending))
    assert scene.memory.n_left_out == 30 - 24  # 8, and cells to write a new record before the old one is struck out


def test_what_is_remembered_of_a_challenge_stands_there_until_it_expires(scene):
    """Whatever the machine's clock says of that: it may be off."""
    record = used_record(b"name", int(time.time()) - 600)
    scene.memory.keep_challenge(record, 300.0)
    for _ in range(2):
        scene.memory.keep_reply(answered(expires_at=time.monotonic()))
    link = ScriptedLink()
    scene.memory.hand_over(links(b0=link, b3=link))
    scene.memory.keep_challenge(record, 300.0)
    octets = [each for each in JournalReader(scene.descriptor, KEY).replies() if is_challenge(each)]
    assert [unpacked_challenge(each) for each in octets] == [record, record]
    assert link.sent == [HandedOver(), ChallengeNoted(record)]


class TestTelling:
    def test_nothing_is_told_before_the_hand_over(self, scene):
        scene.memory.keep_login(scene.pushed())
        link = ScriptedLink()
        scene.memory.hand_over(links(b0=link))
        assert link.sent == [HandedOver()]

    def test_each_successor_is_told_once_and_of_its_users_alone(self, scene):
        mine, other = ScriptedLink(), ScriptedLink()
        scene.memory.hand_over(links(b0=mine, b1=mine, b3=other))
        effect, verdict = scene.pushed(), rejection(Reason.DEADLINE)
        scene.memory.keep_login(effect)
        scene.memory.keep_reply(answered())
        scene.memory.forget_login(ForgetLogin(effect.pending, verdict))
        record = effect.pending.record()
        assert mine.sent == [HandedOver(), LoginKept(record), LoginForgotten(record.number, verdict_record(verdict))]
        assert other.sent == [HandedOver(), ReplyKept(scene.answers[0])]

    def test_users_whom_nobody_takes_are_told_of_to_nobody(self, scene):
        link = ScriptedLink()
        scene.memory.hand_over(links(b2=link))
        scene.memory.keep_login(scene.pushed())
        assert link.sent == [HandedOver()]

    def test_all_packets_are_told_although_the_journal_has_no_room_for_them(self, scene):
        link = ScriptedLink()
        scene.memory.hand_over(links(b0=link))
        scene.memory.keep_login(scene.pushed(n_packets=10, n_octets=100))
        kept = link.sent[-1]
        assert isinstance(kept, LoginKept)
        assert len(kept.record.packets) == 10
