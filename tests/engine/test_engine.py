"""Datagrams and Duo's answers in, effects out."""

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, Preauth
from gateway.engine.discard_notices import (
    Notice,
)
from gateway.engine.effects import KeepReply, PutQuestion, SendReply, StopAsking
from gateway.engine.pending import MAX_WAITING_PACKETS
from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import Code
from gateway.radius.shared_secret import SharedSecret
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, RA, REQUIRED, SECRET, Stage, accepted_request, message
from tests.vectors import load, octets


def test_a_login_from_request_to_reply():
    stage = Stage()
    stage.login("alice", "123456", now=1.0)
    assert stage.asked[0].question == Preauth("alice", None)
    stage.answer(GO_ON, now=1.1)
    assert isinstance(stage.asked[0].question, Auth)
    stage.answer(ALLOWED, now=1.25)
    (reply,) = stage.replies
    assert (reply.code, reply.identifier, message(reply)) == (2, 7, "Success. Logging you in...")
    assert stage.reason == "duo_allowed"
    assert stage.finished.duration_s == pytest.approx(0.25)
    assert stage.engine.is_idle


class TestDuplicates:
    def test_a_retransmission_is_met_with_silence_while_pending_and_the_same_octets_afterwards(self):
        stage = Stage()
        stage.login()
        asked = stage.asked
        assert stage.login(now=1.0) == []
        stage.effects = [*asked]
        stage.answer(GO_ON)
        stage.answer(ALLOWED, now=2.0)
        (sent,) = [effect for effect in stage.effects if isinstance(effect, SendReply)]
        assert stage.login(now=31.0)[-1] == sent

    def test_an_answer_is_forgotten_after_its_window(self):
        stage = Stage()
        stage.login()
        stage.answer(GO_ON)
        stage.answer(ALLOWED, now=2.0)
        stage.login(now=32.1)
        assert len(stage.asked) == 1

    def test_a_packet_that_is_sent_on_and_on_is_one_login(self):
        """Its client hears no reply, and gives up late (RFC 5080 section 2.2.2)."""
        stage = Stage()
        stage.login()
        stage.answer(GO_ON)
        stage.answer(ALLOWED)
        effects = [effect for second in range(1, 76) for effect in stage.login(now=second)]
        kept_until = [effect.sent.expires_at for effect in effects if isinstance(effect, KeepReply)]
        assert kept_until == list(range(38, 103, 8))
        assert [type(effect) for effect in effects if not isinstance(effect, KeepReply)] == 75 * [SendReply]

    def test_a_packet_that_gave_way_to_newer_ones_is_met_with_silence_as_long_as_it_comes(self):
        stage = Stage()
        stage.login()
        pending = stage.asked[0].pending
        for port in range(MAX_WAITING_PACKETS):
            stage.login(port=port)
        stage.engine.answered(pending, GO_ON, 0.0)
        stage.engine.answered(pending, ALLOWED, 0.0)
        assert not [effect for second in range(75) for effect in stage.login(now=second)]

    def test_the_same_identifier_with_another_authenticator_is_a_new_request_and_the_older_one_is_answered_no_more(
        self,
    ):
        stage = Stage()
        stage.login("alice")
        older = stage.asked[0].pending
        stage.login("bob")
        newer = stage.asked[0].pending
        effects = [*stage.engine.answered(older, GO_ON, 0.0), *stage.engine.answered(older, ALLOWED, 0.0)]
        assert not any(isinstance(effect, SendReply) for effect in effects)
        stage.engine.answered(newer, GO_ON, 0.0)
        assert any(isinstance(effect, SendReply) for effect in stage.engine.answered(newer, ALLOWED, 0.0))

    def test_the_same_login_in_a_new_packet_joins_and_all_are_answered_newest_first(self):
        stage = Stage()
        stage.login("alice", "push", identifier=1, port=40001)
        asked = stage.asked
        assert stage.login("alice", "push", identifier=2, port=40002, now=20.0) == []
        stage.effects = [*asked]
        stage.answer(GO_ON)
        stage.answer(PUSHED)
        stage.answer(ALLOWED, now=25.0)
        assert [reply.identifier for reply in stage.replies] == [2, 1]
        assert (stage.finished.identifier, stage.finished.n_packets) == (2, 2)

    def test_joining_can_be_switched_off(self):
        stage = Stage(coalesce=False)
        stage.login("alice", "push", identifier=1)
        stage.login("alice", "push", identifier=2)
        assert len(stage.asked) == 1

    @pytest.mark.parametrize("sequence", load("sequences"), ids=lambda sequence: sequence["name"])
    def test_sequences_of_the_vectors(self, sequence):
        stage = Stage(coalesce=False, policy={"automatic": True})
        stage.nas.shared_secret = SharedSecret(octets(sequence, "secret_hex"))
        asked, replies = [], {}
        for step in sequence["steps"]:
            now = step.get("at_s", 0.0)
            if "datagram_hex" in step:
                stage.receive(octets(step, "datagram_hex"), now=now, port=step["source_port"])
                asked += stage.asked
            else:
                verdict, _, which = step["backend"].partition(" ")
                assert verdict == "accept"
                stage.effects = [asked[int(which or 0) - 1]]
                stage.answer(GO_ON, now=now)
                stage.answer(ALLOWED, now=now)
            check_step(step["expect"], stage, replies)
        assert len(asked) == sequence.get("backend_calls", len(asked))


def check_step(expect: str, stage: Stage, replies: dict[str, bytes]) -> None:
    """Hold the last effects against a step's words; `replies` remembers the octets of "reply R"."""
    sent = [effect.octets for effect in stage.effects if isinstance(effect, SendReply)]
    if expect.startswith("silence"):
        assert not sent
        assert not stage.asked
    elif "backend call" in expect or expect.startswith("new request"):
        assert not sent
        assert len(stage.asked) == 1
    elif expect.startswith("byte-identical "):
        assert sent == [replies[expect.removeprefix("byte-identical ")]]
    else:
        assert [octets_[0] for octets_ in sent] == [2]
        replies[expect] = sent[0]


class TestCredentials:
    @pytest.mark.parametrize(
        ("attributes", "reason"),
        [
            (b"", "no_user_name"),
            (encode_attribute(1, b"alice"), "unsupported_credentials"),
            (encode_attribute(1, b"alice") + encode_attribute(3, bytes(17)), "unsupported_credentials"),
            (encode_attribute(1, b"a\nb") + encode_attribute(2, bytes(16)), "bad_user_name"),
            (encode_attribute(1, b"\xff") + encode_attribute(2, bytes(16)), "bad_user_name"),
            (encode_attribute(1, b"a") + encode_attribute(2, bytes(17)), "malformed_password"),
            (encode_attribute(1, b"a") * 2 + encode_attribute(2, bytes(16)), "conflicting_credentials"),
            (
                encode_attribute(1, b"a") + encode_attribute(2, bytes(16)) + encode_attribute(3, bytes(17)),
                "conflicting_credentials",
            ),
            (encode_attribute(1, b"a") + encode_attribute(2, bytes(16)) + encode_attribute(24, b"s"), "unknown_state"),
        ],
    )
    def test_requests_that_cannot_be_read_are_rejected_with_a_reason(self, attributes, reason):
        stage = Stage()
        stage.receive(sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, attributes))
        (reply,) = stage.replies
        assert (reply.code, stage.reason) == (3, reason)

    @pytest.mark.parametrize("vector", load("requests"), ids=lambda vector: vector["name"])
    def test_request_vectors_end_as_they_say(self, vector):
        policy = vector["policy"]
        required = REQUIRED[policy["require_message_authenticator"]]
        stage = Stage(
            require_message_authenticator=required,
            limit_proxy_state=policy["limit_proxy_state"],
            policy={"automatic": True},
        )
        stage.nas.shared_secret = SharedSecret(octets(vector, "secret_hex"))
        stage.receive(octets(vector, "request_hex"))
        codes = [reply.code for reply in stage.replies]
        outcome = {
            "process": bool(stage.asked),
            "reject": codes == [3],
            "status": codes == [2] and not stage.asked,
            "discard": isinstance(stage.effects[0], Notice),
        }
        ours = {"many-attributes": "discard", "user-name-with-nul-and-newline": "process"}.get(vector["name"])
        assert ours is None or ours in vector["also_acceptable"]
        assert outcome[ours or vector["expected"]["disposition"]], stage.effects

    def test_the_users_address_goes_to_duo_only_if_it_is_one(self):
        for value, ipaddr in {
            b"203.0.113.7": "203.0.113.7",
            b"2001:db8::1": "2001:db8::1",
            b"00-11-22-33-44-55": None,
        }.items():
            stage = Stage(client_address=AddressAttribute(0, 31, "string"))
            stage.receive(accepted_request(attributes=encode_attribute(31, value)))
            assert stage.asked[0].question.ipaddr == ipaddr


class TestTimers:
    def test_a_refused_credential_is_answered_late_and_duplicates_meet_silence_till_then(self):
        stage = Stage(reject_delay_s=1.0)
        stage.login(now=0.0)
        stage.answer(GO_ON, now=0.1)
        stage.answer(DENIED, now=0.2)
        assert stage.replies == []
        assert stage.reason == "duo_denied"
        assert not stage.engine.is_idle
        due = stage.engine.next_timer
        assert 1.0 <= due <= 1.1
        assert stage.login(now=0.5) == []
        stage.effects = stage.engine.timer(due)
        assert [reply.code for reply in stage.replies] == [3]
        assert stage.engine.is_idle

    def test_fail_mode_and_overload_are_never_delayed(self):
        stage = Stage(reject_delay_s=1.0, policy={"fail_open": False})
        stage.login()
        stage.answer(Unavailable(Trouble.CONNECT, "connection refused"))
        assert [reply.code for reply in stage.replies] == [3]

    def test_a_deadline_rejects_and_duos_late_answer_changes_nothing(self):
        stage = Stage(response_deadline_s=18.0)
        stage.login("alice", "push")
        stage.answer(GO_ON)
        stage.answer(PUSHED)
        pending = stage.asked[0].pending
        stage.effects = stage.engine.timer(18.0)
        assert stage.effects[0] == StopAsking(pending)
        assert ([reply.code for reply in stage.replies], stage.reason) == ([3], "deadline")
        assert stage.engine.answered(pending, AuthAnswer("allow"), 19.0) == []


class TestBounds:
    def test_a_user_has_so_many_pending_logins_and_no_more(self):
        stage = Stage(max_pending_per_user=2)
        stage.login("alice", "push", identifier=1)
        stage.login("Alice", "phone", identifier=2)
        stage.login("alice", "123456", identifier=3)
        assert stage.reason == "too_many_pending"
        assert [reply.code for reply in stage.replies] == [3]

    def test_a_status_server_is_answered_at_once_and_is_no_login(self):
        stage = Stage()
        stage.receive(sign_request(Code.STATUS_SERVER, 1, RA, SECRET, encode_attribute(1, b"alice")))
        assert ([reply.code for reply in stage.replies], stage.asked, len(stage.effects)) == ([2], [], 1)

    def test_the_operator_is_told_the_reason(self):
        stage = Stage()
        stage.nas.is_login_client = True
        stage.login("alice", "nonsense")
        stage.answer(GO_ON)
        assert "reason=unknown_factor" in message(stage.replies[0])


class TestALostPush:
    """The connection is lost with a push on it."""

    LOST = Unavailable(Trouble.CLOSED, "the connection was forgotten", may_have_acted=True)

    def asked(self) -> Stage:
        stage = Stage(policy={"fail_open": True})
        stage.login("alice", "push")
        stage.answer(GO_ON)
        return stage

    def test_it_is_rejected_once_duo_would_be_known_to_be_away(self):
        stage = self.asked()
        stage.answer(self.LOST, now=1.0)
        assert stage.replies == []
        assert not [
            each for each in stage.login("alice", "push", identifier=8, now=1.1) if isinstance(each, PutQuestion)
        ]
        stage.effects = stage.engine.timer(stage.engine.next_timer)
        assert [reply.code for reply in stage.replies] == [Code.ACCESS_REJECT] * 2
        assert stage.reason == "push_lost"
        assert stage.engine.is_idle

    def test_fail_mode_decides_if_the_outage_begins_meanwhile_or_was_known(self):
        for outage_at in (0.5, 2.0):
            stage = self.asked()
            if outage_at < 1.0:
                stage.engine.outage("app", Unavailable(Trouble.OUTAGE, "known"), outage_at)
            stage.answer(self.LOST, now=1.0)
            if outage_at > 1.0:
                stage.engine.outage("app", Unavailable(Trouble.OUTAGE, "known"), outage_at)
            due = stage.engine.next_timer
            assert due == (1.0 if outage_at < 1.0 else 3.5)
            stage.effects = stage.engine.timer(due)
            assert stage.reason == "failmode_safe"
