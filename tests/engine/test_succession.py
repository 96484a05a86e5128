"""One worker takes the place of another: what it must know, and what becomes of logins under way."""

import msgspec
import pytest

from gateway.duoapi.calls import AuthAnswer, AuthStatus, Factor
from gateway.engine.digests import Digests, login_key
from gateway.engine.effects import (
    Effect,
    Finished,
    ForgetLogin,
    KeepLogin,
    KeepReply,
    PutQuestion,
    SendReply,
    ShareEnd,
    StopAsking,
)
from gateway.engine.login import Login
from gateway.engine.login_states import PERSON_PATIENCE_S, LoginState
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.engine.records import LoginRecord
from gateway.engine.transaction import Transaction
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import USER_NAME, USER_PASSWORD, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import SignaturePosition
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, SECRET, Stage

AWAY = Unavailable(Trouble.OUTAGE, "as the gateway knows already")


def kinds(effects: list[Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def kept(effects: list[Effect]) -> list[LoginRecord]:
    """The records of logins that effects keep, as they come out of the journal."""
    octets = [msgspec.msgpack.encode(effect.pending.record()) for effect in effects if isinstance(effect, KeepLogin)]
    return [msgspec.msgpack.decode(each, type=LoginRecord) for each in octets]


def pushed(stage: Stage, *, now: float = 0.0) -> LoginRecord:
    """Let alice be pushed; return what is kept of it."""
    stage.login("alice", "push", now=now)
    stage.answer(GO_ON, now=now)
    (record,) = kept(stage.answer(PUSHED, now=now))
    return record


def adopted(stage: Stage, record: LoginRecord) -> PendingLogin:
    """Let another stage's engine take the login up."""
    login = Login.restored(stage.section.policy, record)
    engine = stage.engine
    pending = PendingLogin(engine.next_number(), login, stage.section, record.key, record.bucket, record.started_at)
    for packet in record.packets:
        peer = Peer(packet.address, packet.listener, packet.path)
        request = decode_packet(packet.basis)
        pending.join(Transaction(request, stage.nas, peer, packet.digest, packet.received_at))
    stage.effects = engine.adopt(pending)
    return pending


class TestKeeping:
    def test_a_login_is_kept_before_it_may_push_and_when_the_push_has_its_name(self):
        stage = Stage()
        assert kinds(stage.login("alice", "push")) == [PutQuestion]
        effects = stage.answer(GO_ON)
        assert kinds(effects) == [KeepLogin, PutQuestion]
        assert [(each.state, each.factor, each.txid) for each in kept(effects)] == [("auth", "push", "")]
        effects = stage.answer(PUSHED)
        assert kinds(effects) == [KeepLogin, PutQuestion]
        assert [(each.state, each.txid) for each in kept(effects)] == [("waiting", "tx-1")]

    def test_further_questions_change_nothing_worth_keeping(self):
        stage = Stage()
        pushed(stage)
        assert kinds(stage.answer(AuthAnswer("waiting", "pushed"), now=20.0)) == [PutQuestion]

    @pytest.mark.parametrize("typed", ["123456", "sms"])
    def test_what_may_be_asked_twice_is_not_kept(self, typed):
        stage = Stage()
        stage.login("alice", typed)
        is_kept = KeepLogin in kinds(stage.answer(GO_ON))
        assert is_kept == (typed == "sms")

    def test_an_answer_is_kept_before_it_is_sent_and_the_login_forgotten_after(self):
        stage = Stage()
        pushed(stage)
        assert kinds(stage.answer(ALLOWED)) == [KeepReply, SendReply, ForgetLogin, Finished]

    def test_an_answer_that_is_delayed_is_kept_when_it_is_decided(self):
        stage = Stage(reject_delay_s=1.0)
        pushed(stage)
        assert kinds(stage.answer(DENIED)) == [KeepReply, ForgetLogin, Finished]
        assert kinds(stage.engine.timer(2.0)) == [SendReply]

    def test_a_packet_that_joins_or_leaves_is_kept(self):
        stage = Stage()
        pushed(stage)
        (record,) = kept(stage.login("alice", "push", identifier=8))
        assert len(record.packets) == 2
        (record,) = kept(stage.login("alice", "123456", identifier=8))
        assert len(record.packets) == 1

    def test_nothing_that_was_typed_is_in_a_record(self):
        stage = Stage(policy={"automatic": True})
        hidden = SECRET.hide_user_password(b"directory password", bytes(16))
        attributes = encode_attribute(USER_NAME, b"alice") + encode_attribute(USER_PASSWORD, hidden)
        stage.receive(sign_request(Code.ACCESS_REQUEST, 1, bytes(16), SECRET, attributes))
        octets = msgspec.msgpack.encode(stage.asked[-1].pending.record())
        effects = stage.answer(GO_ON)
        for each in kept(effects):
            octets += msgspec.msgpack.encode(each)
        assert b"directory" not in octets
        assert hidden[:16] not in octets

    def test_all_is_kept_once_it_is_to_be_handed_over(self):
        stage = Stage()
        stage.login("alice", "123456")
        (record,) = kept(stage.hand_over())
        assert (record.state, record.factor) == ("preauth", "passcode")
        (record,) = kept(stage.answer(GO_ON))
        assert record.state == "auth"


class TestAfterADeath:
    def test_a_push_is_asked_about_and_its_answer_is_what_the_nas_waits_for(self):
        first, second = Stage(), Stage()
        pending = adopted(second, pushed(first))
        second.effects = second.engine.left_alone(pending, 1.5, 1.0)
        (question,) = second.asked
        assert question.question == AuthStatus("tx-1", PERSON_PATIENCE_S - 1.5)
        assert pending.duo_s == 1.5 - pending.started_at  # what has passed, and the pause, are not our own share
        assert question.at == 1.5
        effects = second.answer(ALLOWED, now=5.0)
        first.answer(ALLOWED, now=5.0)
        assert [each.octets for each in effects if isinstance(each, SendReply)] == [
            each.octets for each in first.effects if isinstance(each, SendReply)
        ]
        assert second.reason == "duo_allowed"

    @pytest.mark.parametrize("place", SignaturePosition)
    def test_the_reply_has_its_signature_where_the_client_can_take_it(self, place):
        """A client that cannot take it first, or at all, is served by the successor as well."""
        hidden = SECRET.hide_user_password(b"push", bytes(16))
        attributes = encode_attribute(USER_NAME, b"alice") + encode_attribute(USER_PASSWORD, hidden)
        for n_signatures in (0, 1):
            stage, other = Stage(), Stage()
            stage.nas.signature_position = other.nas.signature_position = place
            signed = sign_request(Code.ACCESS_REQUEST, 1, bytes(16), SECRET, attributes)
            stage.receive(signed if n_signatures else bytes([1, 1, 0, 20 + len(attributes)]) + bytes(16) + attributes)
            stage.answer(GO_ON)
            (record,) = kept(stage.answer(PUSHED))
            pending = adopted(other, record)
            stage.answer(ALLOWED)
            other.effects = other.engine.left_alone(pending, 0.0, 0.0)
            other.answer(ALLOWED)
            assert [reply.octets for reply in other.replies] == [reply.octets for reply in stage.replies]
            assert len(other.replies) == 1

    def test_a_retransmission_is_silence_and_another_packet_joins(self):
        first, second = Stage(), Stage()
        pending = adopted(second, pushed(first))
        second.engine.left_alone(pending, 1.0, 1.0)
        assert second.login("alice", "push", now=2.0) == []
        assert kinds(second.login("alice", "push", identifier=9, now=3.0)) == [KeepLogin]
        second.effects = second.engine.answered(pending, ALLOWED, 4.0)
        assert [reply.identifier for reply in second.replies] == [9, 7]

    def test_another_key_would_know_nothing(self):
        """So that a digest tells nothing to whoever does not have it."""
        one, other = Digests(b"one"), Digests(b"other")
        key = login_key("s", "alice", "push", None, b"")
        assert one.login(key) != other.login(key)
        assert one.packet(b"x") != other.packet(b"x")
        assert one.login(key) != one.packet(key)

    def test_a_push_without_a_name_is_rejected_when_it_must_be_over_and_never_asked_for_again(self):
        first, second = Stage(), Stage()
        first.login("alice", "push")
        (record,) = kept(first.answer(GO_ON, now=3.0))
        pending = adopted(second, record)
        assert kinds(second.engine.left_alone(pending, 4.0, 4.0)) == [KeepLogin]
        assert second.login("alice", "push", now=5.0) == []
        assert kinds(second.login("alice", "push", identifier=9, now=5.0)) == [KeepLogin]
        assert second.engine.next_timer == 3.0 + PERSON_PATIENCE_S
        second.effects = second.engine.timer(3.0 + PERSON_PATIENCE_S)
        assert second.reason == "push_lost"
        assert [reply.code for reply in second.replies] == [Code.ACCESS_REJECT] * 2

    def test_it_is_rejected_at_the_sections_deadline_if_that_comes_first(self):
        first, second = Stage(), Stage(response_deadline_s=20.0)
        first.login("alice", "push")
        (record,) = kept(first.answer(GO_ON, now=3.0))
        second.engine.left_alone(adopted(second, record), 4.0, 4.0)
        assert second.engine.next_timer == 20.0

    def test_a_login_that_pushed_nobody_begins_anew(self):
        first, second = Stage(), Stage()
        first.login("alice", "123456")
        (record,) = kept(first.hand_over())
        pending = adopted(second, record)
        assert second.login("alice", "123456", now=1.0) == []
        second.engine.left_alone(pending, 2.0, 2.0)
        assert second.engine.n_pending == 0
        assert kinds(second.login("alice", "123456", now=3.0)) == [PutQuestion]

    def test_whoever_asks_again_while_its_rejection_is_held_back_gets_that_rejection(self):
        first, second = Stage(), Stage(reject_delay_s=1.0)
        pending = adopted(second, pushed(first))
        second.engine.left_alone(pending, 1.0, 1.0)
        second.login("alice", "push", identifier=8, now=1.9)
        second.effects = second.engine.answered(pending, DENIED, 2.0)
        assert [reply.identifier for reply in second.replies] == [7]  # it has waited long enough
        assert kinds(second.login("alice", "push", identifier=9, now=2.1)) == [KeepReply]
        second.effects = second.engine.timer(9.0)
        assert {reply.identifier for reply in second.replies} == {8, 9}

    @pytest.mark.parametrize("ends", ["decided", "held back", "abandoned"])
    def test_once_it_has_ended_nothing_is_looked_for_by_digests(self, ends):
        first, second = Stage(), Stage(reject_delay_s=1.0)
        pending = adopted(second, pushed(first))
        if ends == "abandoned":
            second.engine.decided_elsewhere(pending, None, 2.0)
        else:
            second.engine.left_alone(pending, 1.0, 1.0)
            second.engine.answered(pending, ALLOWED if ends == "decided" else DENIED, 2.0)
            second.engine.timer(9.0)
        assert not second.engine._succession._same._adopted

    def test_an_answer_is_sent_again_octet_for_octet(self):
        first, second = Stage(), Stage()
        first.login()
        first.answer(GO_ON)
        effects = first.answer(ALLOWED)
        (reply,) = [each for each in effects if isinstance(each, KeepReply)]
        assert kinds(second.engine.adopt_reply(reply.sent, reply.peer, 1.0)) == [KeepReply]
        assert [each.octets for each in second.login(now=2.0) if isinstance(each, SendReply)] == [
            each.octets for each in effects if isinstance(each, SendReply)
        ]

    @pytest.mark.parametrize("state", ["waiting", "lost"])
    def test_a_login_whose_end_alone_was_not_written_down_is_forgotten_and_its_reply_stays(self, state):
        first, second = Stage(), Stage()
        record = msgspec.structs.replace(pushed(first), state=state)
        (reply,) = [each for each in first.answer(ALLOWED) if isinstance(each, KeepReply)]
        second.engine.adopt_reply(reply.sent, reply.peer, 1.0)
        pending = adopted(second, record)
        assert second.effects == []
        assert second.engine.left_alone(pending, 1.0, 1.0) == []
        assert (second.engine.n_pending, second.engine.next_timer) == (0, None)
        assert kinds(second.login("alice", "push", now=2.0)) == [SendReply]
        assert kinds(second.login("alice", "push", identifier=8, now=2.0)) == [PutQuestion]  # another login

    def test_of_its_packets_only_those_without_a_reply_wait(self):
        first, second = Stage(), Stage()
        pushed(first)
        (record,) = kept(first.login("alice", "push", identifier=8))
        (login,) = first.engine._pending
        effects = first.engine.answered(login, ALLOWED, 0.0)
        reply = next(each for each in effects if isinstance(each, KeepReply))  # the newest packet's
        second.engine.adopt_reply(reply.sent, reply.peer, 1.0)
        pending = adopted(second, record)
        second.engine.left_alone(pending, 1.0, 1.0)
        second.effects = second.engine.answered(pending, ALLOWED, 2.0)
        assert [each.identifier for each in second.replies] == [7]
        assert kinds(second.login("alice", "push", identifier=8, now=3.0)) == [SendReply]

    def test_what_other_hosts_wait_for_goes_on_although_all_its_packets_have_replies(self):
        first, second = Stage(), Stage()
        record = msgspec.structs.replace(pushed(first), held=("owner", 3))
        (reply,) = [each for each in first.answer(ALLOWED) if isinstance(each, KeepReply)]
        second.engine.adopt_reply(reply.sent, reply.peer, 1.0)
        pending = adopted(second, record)
        assert PutQuestion in kinds(second.engine.left_alone(pending, 1.0, 1.0))
        ends = second.engine.answered(pending, ALLOWED, 2.0)
        assert [each.verdict.reason for each in ends if isinstance(each, ShareEnd)] == ["duo_allowed"]
        assert not {SendReply, Finished} & set(kinds(ends))
        assert kinds(second.login("alice", "push", now=3.0)) == [SendReply]

    def test_the_limit_of_a_user_counts_what_was_taken_over(self):
        first, second = Stage(), Stage(max_pending_per_user=1, coalesce=False)
        adopted(second, pushed(first))
        second.login("alice", "push", identifier=8)
        assert second.reason == "too_many_pending"


class TestWhileThePredecessorLives:
    def test_its_verdict_answers_what_has_joined_and_its_answers_are_known(self):
        first, second = Stage(), Stage()
        record = pushed(first)
        first.hand_over()
        pending = adopted(second, record)
        second.login("alice", "push", identifier=9, now=1.0)
        effects = first.answer(ALLOWED, now=2.0)
        (reply,) = [each for each in effects if isinstance(each, KeepReply)]
        (forgotten,) = [each for each in effects if isinstance(each, ForgetLogin)]
        second.engine.adopt_reply(reply.sent, reply.peer, 2.0)
        second.effects = second.engine.decided_elsewhere(pending, forgotten.verdict, 2.0)
        assert [reply.identifier for reply in second.replies] == [9]
        assert Finished not in kinds(second.effects)  # the predecessor has told of it
        assert kinds(second.login("alice", "push", now=3.0)) == [SendReply]
        assert second.engine.is_idle

    def test_how_far_it_is_is_known_should_it_die(self):
        first, second = Stage(), Stage()
        first.login("alice", "push")
        (record,) = kept(first.hand_over())
        pending = adopted(second, record)
        for answer in (GO_ON, PUSHED):
            first.answer(answer)
            (record,) = kept(first.effects)
            second.engine.heard_elsewhere(pending, record)
        second.effects = second.engine.left_alone(pending, 9.0, 9.0)
        (question,) = second.asked
        assert isinstance(question.question, AuthStatus)

    def test_its_deadline_comes_at_the_predecessor_alone(self):
        """At both, one login would have two lines and count twice."""
        first, second = Stage(response_deadline_s=20.0), Stage(response_deadline_s=20.0)
        record = pushed(first)
        first.hand_over()
        pending = adopted(second, record)
        second.login("alice", "push", identifier=9, now=1.0)
        assert second.engine.timer(20.0) == []
        effects = first.engine.timer(20.0)
        (reply,) = [each for each in effects if isinstance(each, KeepReply)]
        (forgotten,) = [each for each in effects if isinstance(each, ForgetLogin)]
        second.engine.adopt_reply(reply.sent, reply.peer, 20.1)
        second.effects = second.engine.decided_elsewhere(pending, forgotten.verdict, 20.1)
        assert [reply.identifier for reply in second.replies] == [9]
        assert Finished not in kinds(second.effects)

    def test_a_deadline_that_has_passed_when_it_is_gone_ends_the_login_at_once(self):
        first, second = Stage(), Stage(response_deadline_s=20.0)
        pending = adopted(second, pushed(first))
        second.engine.left_alone(pending, 25.0, 25.0)
        second.effects = second.engine.timer(25.0)
        assert second.reason == "deadline"

    def test_a_login_that_it_abandons_begins_anew(self):
        first, second = Stage(), Stage()
        pending = adopted(second, pushed(first))
        second.engine.decided_elsewhere(pending, None, 1.0)
        assert kinds(second.login("alice", "push", now=2.0)) == [PutQuestion]

    def test_what_comes_late_changes_nothing(self):
        first, second = Stage(), Stage()
        record = pushed(first)
        pending = adopted(second, record)
        second.engine.left_alone(pending, 1.0, 1.0)
        second.engine.answered(pending, ALLOWED, 2.0)
        (verdict,) = [each.verdict for each in first.answer(DENIED) if isinstance(each, ForgetLogin)]
        assert second.engine.decided_elsewhere(pending, verdict, 3.0) == []
        assert second.engine.heard_elsewhere(pending, record) == []
        assert second.engine.left_alone(pending, 4.0, 4.0) == []


class TestOutages:
    @pytest.mark.parametrize("fail_open", [True, False])
    def test_every_login_is_decided_at_once(self, fail_open):
        stage = Stage(policy={"fail_open": fail_open})
        stage.engine.outage("app", AWAY, 0.0)
        stage.login(now=1.0)
        assert stage.reason == ("failmode_safe" if fail_open else "failmode_secure")
        assert stage.asked == []

    def test_logins_that_wait_for_a_brief_answer_are_decided_and_pushes_are_waited_for(self):
        stage = Stage()
        stage.login("bob", "123456", identifier=1)
        pushed(stage)
        stage.effects = stage.engine.outage("app", AWAY, 1.0)
        assert kinds(stage.effects) == [StopAsking, KeepReply, SendReply, Finished]
        assert stage.finished.user_name == "bob"
        assert stage.engine.n_pending == 1

    def test_a_question_that_may_push_is_waited_for(self):
        stage = Stage()
        stage.login("alice", "push")
        stage.answer(GO_ON)
        assert stage.engine.outage("app", AWAY, 1.0) == []

    def test_other_applications_are_not_concerned(self):
        stage = Stage()
        stage.engine.outage("another", AWAY, 0.0)
        assert kinds(stage.login()) == [PutQuestion]

    def test_one_login_may_try(self):
        stage = Stage()
        stage.engine.outage("app", AWAY, 0.0)
        stage.engine.try_one("app")
        assert kinds(stage.login("alice", "123456", identifier=1)) == [PutQuestion]
        stage.login("bob", "123456", identifier=2)
        assert stage.reason == "failmode_safe"

    def test_when_it_is_over_pushes_are_asked_about_anew(self):
        """Duo may have forgotten the question that it had when it went away."""
        stage = Stage()
        pushed(stage)
        stage.engine.outage("app", AWAY, 1.0)
        stage.effects = stage.engine.outage("app", None, 10.0)
        assert kinds(stage.effects) == [StopAsking, PutQuestion]
        assert stage.asked[0].question == AuthStatus("tx-1", PERSON_PATIENCE_S - 10.0)
        assert stage.engine.outage("app", None, 11.0) == []
        assert kinds(stage.login("bob", identifier=8)) == [PutQuestion]

    def test_an_exempt_user_needs_no_fail_mode(self):
        stage = Stage(policy={"exempt": frozenset({"root"})})
        stage.engine.outage("app", AWAY, 0.0)
        stage.login("root")
        assert stage.reason == "exempt"


def test_a_restored_login_shows_how_far_the_other_worker_is():
    record = LoginRecord(1, 0, 1, "s", "alice", b"k", "auth", "passcode", "", 0.0, 0.0, 0.0, [])
    login = Login.restored(Stage().section.policy, record)
    assert login.state is LoginState.ELSEWHERE
    assert (login.progress, login.factor, login.has_pushed) == (LoginState.AUTH, Factor.PASSCODE, False)
    assert login.waits_briefly is False
