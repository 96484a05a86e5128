"""A login with a first factor changes hands: what its home server has said goes along, and no password does."""

import msgspec
import pytest

from gateway.duoapi.calls import AuthStatus
from gateway.engine.effects import ForgetLogin, KeepLogin
from gateway.engine.login import Login
from gateway.engine.login_states import ELSEWHERE
from gateway.engine.passed_on import PassedOn
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.engine.records import LoginRecord, VerdictRecord, packed_verdict, unpacked_verdict, verdict_record
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict
from gateway.radius.dictionary import EAP_MESSAGE, REPLY_MESSAGE
from gateway.radius.packet import decode_packet
from gateway.words.reasons import Outcome, Reason
from tests.engine.home_scene import CLASS, EAP, EAP_IDENTIFIER, GO_ON, GREETING, HOST, PASSWORD, HomeStage, eap
from tests.engine.scene import ALLOWED, DENIED, PUSHED, message

PASSED_ON = PassedOn(CLASS, HOST, bytes(16))


def written(pending: PendingLogin) -> LoginRecord:
    """The record of a login as it comes out of a journal."""
    octets = msgspec.msgpack.encode(pending.record())
    assert PASSWORD.encode() not in octets
    return msgspec.msgpack.decode(octets, type=LoginRecord)


def pushed(stage: HomeStage) -> PendingLogin:
    stage.answer(GO_ON)
    stage.answer(PUSHED)
    (kept,) = [each for each in stage.effects if isinstance(each, KeepLogin)]
    return kept.pending


def adopted(record: LoginRecord) -> tuple[HomeStage, PendingLogin]:
    """Another worker, which has taken the login up."""
    stage = HomeStage()
    login = Login.restored(stage.section.policy, record)
    number = stage.engine.next_number()
    pending = PendingLogin(number, login, stage.section, record.key, record.bucket, record.started_at)
    for packet in record.packets:
        peer = Peer(packet.address, packet.listener, packet.path)
        pending.join(Transaction(decode_packet(packet.basis), stage.nas, peer, packet.digest, packet.received_at))
    stage.effects = stage.engine.adopt(pending)
    return stage, pending


def successor(pending: PendingLogin) -> HomeStage:
    """Another worker, after the one that waited has died."""
    stage, ours = adopted(written(pending))
    stage.effects = stage.engine.left_alone(ours, 1.0, 1.0)
    (question,) = [each.question for each in stage.asked]
    assert isinstance(question, AuthStatus)
    return stage


def test_a_push_that_is_approved_then_has_the_home_servers_attributes_and_text():
    stage = HomeStage()
    stage.ask()
    stage.accept()
    later = successor(pushed(stage))
    later.answer(ALLOWED, now=2.0)
    assert (later.reply.code, later.reply.value(25)) == (2, b"staff")
    assert message(later.reply) == "Hello\nSuccess. Logging you in..."


@pytest.mark.parametrize(("answer", "code"), [(ALLOWED, 3), (DENIED, 4)])
def test_the_nas_hears_of_it_in_its_protocol(answer, code):
    stage = HomeStage()
    stage.relay(EAP)
    stage.accept(eap(3) + GREETING)
    later = successor(pushed(stage))
    later.answer(answer, now=2.0)
    assert later.reply.values(EAP_MESSAGE) == [bytes((code, EAP_IDENTIFIER, 0, 4))]
    assert not later.reply.has(REPLY_MESSAGE)


def test_one_that_the_first_factor_has_not_accepted_begins_anew():
    stage = HomeStage()
    stage.ask()
    stage.hand_over()
    later, pending = adopted(written(stage.asked[-1].pending))
    assert later.engine.left_alone(pending, 1.0, 1.0) == []
    assert later.engine.n_pending == 0


def test_what_the_other_worker_hears_comes_after():
    """It is told of a login before its first factor has answered, and of the answer later."""
    stage = HomeStage()
    stage.ask()
    stage.hand_over()
    pending = stage.asked[-1].pending
    later, ours = adopted(written(pending))
    stage.accept()
    pushed(stage)
    later.effects = later.engine.heard_elsewhere(ours, written(pending))
    assert ours.login.state is ELSEWHERE
    later.effects = later.engine.left_alone(ours, 1.0, 1.0)
    later.answer(ALLOWED, now=2.0)
    assert later.reply.value(25) == b"staff"


def test_a_verdict_of_the_other_worker_has_them():
    stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
    stage.ask()
    stage.hand_over()
    later, ours = adopted(written(stage.asked[-1].pending))
    stage.accept()
    (forgotten,) = [each for each in stage.effects if isinstance(each, ForgetLogin)]
    assert forgotten.verdict is not None
    octets = msgspec.msgpack.encode(verdict_record(forgotten.verdict))
    verdict = msgspec.msgpack.decode(octets, type=VerdictRecord).verdict
    assert verdict == forgotten.verdict
    later.effects = later.engine.decided_elsewhere(ours, verdict, 1.0)
    assert (later.reply.code, later.reply.value(25)) == (2, b"staff")


@pytest.mark.parametrize("attributes", [b"\x18", b"\x18\0", b"\x18\x05s"])
def test_a_verdict_whose_attributes_are_none_is_not_taken(attributes):
    """To read them would end in an error, or never."""
    octets = packed_verdict(Verdict(Outcome.REJECT, Reason.DUO_DENIED, "No", "account", "", attributes))
    assert unpacked_verdict(octets) is None


def test_other_hosts_are_told_no_attributes():
    verdict = Verdict(Outcome.ACCEPT, Reason.DUO_ALLOWED, "Yes", "account")
    verdict.passed_on = PASSED_ON
    octets = packed_verdict(verdict)
    assert b"staff" not in octets
    there = unpacked_verdict(octets)
    assert there is not None
    assert there.passed_on is None
    assert verdict.passed_on is PASSED_ON


def test_a_record_without_attributes_lets_nobody_in_and_pushes_nobody_again():
    stage = HomeStage()
    stage.ask()
    stage.accept()
    record = written(pushed(stage)).without_attributes()
    later, ours = adopted(record)
    later.effects = later.engine.left_alone(ours, 1.0, 1.0)
    assert later.to == []
    later.ask()
    assert later.to == []
    later.effects = later.engine.timer(100.0)
    assert later.reason == "push_lost"
    assert {reply.code for reply in later.replies} == {3}


@pytest.mark.parametrize("n_fields", range(13, 17))
def test_a_record_of_an_older_version_is_read(n_fields):
    stage = HomeStage()
    stage.ask()
    stage.accept()
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(pushed(stage).record()))[:n_fields]
    record = msgspec.msgpack.decode(msgspec.msgpack.encode(fields), type=LoginRecord)
    assert record.primary is None
