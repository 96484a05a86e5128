"""Datagrams and Duo's answers in, effects out."""

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, Preauth
from gateway.engine.discard_notices import (
    Notice,
    UnsignedNas,
)
from gateway.engine.effects import Finished, PassOn, PutQuestion, SendReply, StopAsking
from gateway.engine.peer import Peer
from gateway.engine.person import bucket_of
from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_access_request, encode_attribute, sign_request, verify_reply
from gateway.radius.dictionary import Code
from gateway.radius.shared_secret import SharedSecret
from gateway.statistics.counters import (
    SectionCounters,
    WorkerRow,
)
from gateway.statistics.layout import (
    BoardPlan,
    Measure,
    row_layout,
)
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import ALLOWED, DENIED, GO_ON, PUSHED, SECRET, SOURCE, Stage, message
from tests.vectors import load, octets

RA = bytes(range(16))


def accepted_request(**fields) -> bytes:
    return encode_access_request(
        **{
            "identifier": 1,
            "request_authenticator": RA,
            "shared_secret": SECRET,
            "user_name": b"alice",
            "password": b"123456",
            **fields,
        }
    )


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
        assert stage.login(now=31.0) == [sent]

    def test_an_answer_is_forgotten_after_its_window(self):
        stage = Stage()
        stage.login()
        stage.answer(GO_ON)
        stage.answer(ALLOWED, now=2.0)
        stage.login(now=32.1)
        assert len(stage.asked) == 1

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


class TestDiscards:
    def test_an_unknown_client_is_named_once_a_minute_with_a_count(self):
        stage = Stage()
        (notice,) = stage.receive(accepted_request(), host="198.51.100.1")
        assert isinstance(notice, Notice)
        assert (notice.reason.value, notice.source, notice.n_packets) == ("unknown_client", "198.51.100.1", 1)
        for second in range(1, 60):
            assert stage.receive(accepted_request(), host="198.51.100.1", now=float(second)) == []
        (notice,) = stage.receive(accepted_request(), host="198.51.100.1", now=60.0)
        assert notice.n_packets == 60

    def test_a_wrong_secret_is_met_with_silence_with_and_without_message_authenticator(self):
        stage = Stage()
        other = SharedSecret(b"not the secret")
        (signed,) = stage.receive(accepted_request(shared_secret=other))
        assert signed.reason.value == "message_authenticator_wrong"
        hidden = other.hide_user_password(b"123456", RA)
        unsigned = encode_attribute(1, b"alice") + encode_attribute(2, hidden)
        (notice,) = stage.receive(bytes([1, 1, 0, 20 + len(unsigned)]) + RA + unsigned)
        assert notice.reason.value == "wrong_secret"

    def test_what_comes_unsigned_and_unreadable_pushes_nobody_whatever_was_proven(self):
        """Who does not know the secret can send it from the address of a NAS that does."""
        stage = Stage(policy={"automatic": True})
        for identifier, secret in ((1, SECRET), (2, SharedSecret(b"not the secret"))):
            attributes = encode_attribute(1, b"alice") + encode_attribute(2, secret.hide_user_password(b"push", RA))
            stage.receive(bytes([1, identifier, 0, 20 + len(attributes)]) + RA + attributes)
            if identifier == 1:
                stage.answer(GO_ON)
                stage.answer(ALLOWED)
        assert stage.reason == "unreadable_password"
        assert not stage.asked

    def test_an_unreadable_password_of_a_proven_nas_is_rejected_not_discarded(self):
        stage = Stage()
        stage.receive(accepted_request(password=b"p\xe4ssword"))
        stage.answer(GO_ON)
        assert stage.reason == "unreadable_password"

    def test_beyond_max_pending_new_logins_are_discarded_and_old_ones_answered(self):
        stage = Stage(max_pending=1)
        stage.login("alice")
        asked = stage.asked
        (notice,) = stage.login("bob", identifier=8)
        assert notice.reason.value == "overload"
        stage.effects = [*asked]
        stage.answer(GO_ON)
        stage.answer(ALLOWED)
        assert stage.reason == "duo_allowed"

    def test_codes_that_are_not_for_an_authentication_port(self):
        stage = Stage()
        (notice,) = stage.receive(bytes([4, 1, 0, 20]) + bytes(16))
        assert notice.reason.value == "unexpected_code"


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
        required = policy["require_message_authenticator"]
        stage = Stage(
            require_signature=required, limit_proxy_state=policy["limit_proxy_state"], policy={"automatic": True}
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


class TestUnsignedRequests:
    def test_a_nas_that_does_not_sign_is_named_once_a_day(self):
        stage = Stage()
        hidden = SECRET.hide_user_password(b"push", RA)
        attributes = encode_attribute(1, b"alice") + encode_attribute(2, hidden)

        def request(identifier):
            return bytes([1, identifier, 0, 20 + len(attributes)]) + RA + attributes

        named = [
            any(isinstance(effect, UnsignedNas) for effect in stage.receive(request(number), now=now))
            for number, now in enumerate((0.0, 1.0, 86_399.0, 86_400.0, 86_401.0))
        ]
        assert named == [True, False, False, True, False]

    def test_they_are_counted_and_signed_ones_are_not(self):
        cells = [0] * 4096
        stage = Stage(counters=counted(cells))
        stage.login()
        stage.receive(probe(b"alice"))
        layout = row_layout(BoardPlan(1, ("radius_server_duo_only",), ()))
        assert cells[layout.counters[Measure.UNSIGNED, "radius_server_duo_only"]] == 1

    def test_once_a_nas_has_signed_its_unsigned_requests_are_discarded_if_they_have_proxy_state(self):
        stage = Stage(limit_proxy_state=False)
        stage.login()
        hidden = SECRET.hide_user_password(b"push", RA)
        attributes = encode_attribute(1, b"bob") + encode_attribute(2, hidden)
        stage.receive(bytes([1, 8, 0, 20 + len(attributes)]) + RA + attributes)
        assert len(stage.asked) == 1
        attributes += encode_attribute(33, b"state")
        (notice,) = stage.receive(bytes([1, 9, 0, 20 + len(attributes)]) + RA + attributes)
        assert isinstance(notice, Notice)
        assert notice.reason == "message_authenticator_missing"


def counted(cells: list[int]) -> SectionCounters:
    """Counters that write into these cells, which are many enough."""
    plan = BoardPlan(1, ("radius_server_duo_only",), ())
    return WorkerRow(cells, row_layout(plan), plan).sections["radius_server_duo_only"]


def probe(user_name: bytes = b"nsmonitor", password: bytes = b"Passw0rd", *, identifier: int = 1) -> bytes:
    """What a balancer sends: unsigned."""
    attributes = encode_attribute(1, user_name) + encode_attribute(2, SECRET.hide_user_password(password, RA))
    return bytes([1, identifier, 0, 20 + len(attributes)]) + RA + attributes


class TestProbes:
    """`probe_username_N`: a balancer asks whether the gateway lives."""

    PROBES = frozenset({"nsmonitor"})

    @pytest.mark.parametrize("name", [b"nsmonitor", b"NsMonitor", b" nsmonitor ", b"nsmonitor\0rubbish"])
    def test_a_probe_is_rejected_at_once_without_duo_a_line_or_a_count(self, name):
        cells = [0] * 4096
        stage = Stage(
            probe_usernames=self.PROBES, reject_delay_s=1.0, counters=counted(cells), policy={"automatic": True}
        )
        octets = sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, encode_attribute(1, name))
        (sends,) = stage.receive(octets)
        assert isinstance(sends, SendReply)
        assert verify_reply(sends.octets, RA, SECRET).code == Code.ACCESS_REJECT
        assert not any(cells)
        assert (stage.engine.n_pending, stage.engine.next_timer, stage.engine.is_idle) == (0, None, True)
        assert stage.receive(octets) == [sends]

    @pytest.mark.parametrize("name", [b"nsmonitor2", b"nsmonito", b"x\\nsmonitor", b"\xff"])
    def test_other_names_are_no_probes(self, name):
        stage = Stage(probe_usernames=self.PROBES)
        stage.receive(probe(name))
        assert any(isinstance(effect, PutQuestion | Finished) for effect in stage.effects)

    def test_whatever_credentials_a_probe_has(self):
        stage = Stage(probe_usernames=self.PROBES)
        for attributes in (b"", encode_attribute(3, bytes(17)), encode_attribute(79, b"\x02\x01\x00\x06\x01n")):
            name = encode_attribute(1, b"nsmonitor")
            stage.receive(sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, name + attributes))
            assert ([reply.code for reply in stage.replies], len(stage.effects)) == ([3], 1)

    def test_a_probe_is_answered_while_the_gateway_is_full_and_while_duo_is_away(self):
        stage = Stage(max_pending=1, probe_usernames=self.PROBES)
        stage.login()
        stage.engine.outage("other", Unavailable(Trouble.CONNECT, ""), 0.0)
        stage.engine.outage("app", Unavailable(Trouble.CONNECT, ""), 0.0)
        stage.receive(probe())
        assert ([reply.code for reply in stage.replies], stage.asked) == ([3], [])

    def test_a_probe_with_a_wrong_secret_is_told_of(self):
        stage = Stage(probe_usernames=self.PROBES)
        octets = probe()
        (notice,) = stage.receive(octets[:4] + bytes(16) + octets[20:])
        assert notice.reason.value == "wrong_secret"

    def test_an_unsigned_probe_is_told_of_for_a_section_that_requires_signatures_meets_it_with_silence(self):
        cells = [0] * 4096
        counters = counted(cells)
        stage = Stage(probe_usernames=self.PROBES, counters=counters)
        assert [type(effect) for effect in stage.receive(probe())] == [UnsignedNas, SendReply]
        assert [type(effect) for effect in stage.receive(probe())] == [SendReply]
        assert sum(cells) == 2

    def test_a_probe_is_believed_no_more_easily_than_a_login(self):
        stage = Stage(probe_usernames=self.PROBES, require_signature=True)
        (notice,) = stage.receive(probe())
        assert notice.reason.value == "message_authenticator_missing"


class TestAccounting:
    def test_it_is_acknowledged_where_the_section_says_so_and_is_no_login(self):
        cells = [0] * 4096
        stage = Stage(acknowledges_accounting=True, counters=counted(cells))
        draft = bytes([4, 1, 0, 26]) + bytes(16) + b"\x28\x06\0\0\0\1"
        request = draft[:4] + SECRET.response_authenticator(draft) + draft[20:]
        assert [type(effect) for effect in stage.receive(request)] == [SendReply]
        assert [reply.code for reply in stage.replies] == [5]
        assert not any(cells)

    def test_what_is_wrong_with_it_is_told_once_a_minute(self):
        stage = Stage(acknowledges_accounting=True)
        (notice,) = stage.receive(bytes([4, 1, 0, 20]) + bytes(16))
        assert notice.reason.value == "accounting_authenticator_wrong"
        assert stage.receive(bytes([4, 1, 0, 20]) + bytes(16)) == []


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


class TestPassingOn:
    """The kernel brought a packet to another socket than the person's others."""

    def test_it_is_passed_on_once_it_may_be_believed_and_counted_nowhere_here(self):
        stage = Stage()
        stage.engine._intake._n_buckets = 4
        right = bucket_of("carol", 4)
        request = accepted_request(user_name=b" carol")
        wrong = Peer((SOURCE, 40_001), 0, [], (right + 1) % 4)
        assert stage.engine.datagram_received(request, wrong, 0.0) == [PassOn(request, wrong, right)]
        (notice,) = stage.engine.datagram_received(request[:-1] + b"\0", wrong, 0.0)
        assert notice.reason.value == "message_authenticator_wrong"
        there = Peer((SOURCE, 40_001), 0, [], right)
        assert any(isinstance(effect, PutQuestion) for effect in stage.engine.datagram_received(request, there, 0.0))
