"""What becomes of datagrams before they are requests: silence, an answer at once, or another worker."""

import pytest

from gateway.engine.discard_notices import (
    Notice,
    RefusalsLeftOut,
    UnsignedNas,
)
from gateway.engine.effects import Finished, KeepReply, PassOn, PutQuestion, SendReply
from gateway.engine.few_lines import INTERVAL_S, LINES
from gateway.engine.peer import Peer
from gateway.engine.person import bucket_of
from gateway.radius.client import encode_attribute, sign_request, verify_reply
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
from gateway.words.reasons import Reason
from tests.engine.scene import ALLOWED, GO_ON, RA, SECRET, SOURCE, YES, Stage, accepted_request


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
        stage = Stage(probe_usernames=self.PROBES, require_message_authenticator=YES)
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


UNPROVEN = {
    "no password": (b"", "unsupported_credentials"),
    "no octets": (bytes((2, 2)), "malformed_password"),
    "odd length": (encode_attribute(2, b"123"), "malformed_password"),
    "CHAP": (encode_attribute(3, bytes(17)), "unsupported_credentials"),
    "chance": (encode_attribute(2, bytes(range(16))), "unreadable_password"),
    "state": (encode_attribute(24, b"x"), "unknown_state"),
}


class TestUnsignedRefusals:
    """What is not signed and cannot be read anybody may have sent, from the address of a client."""

    @pytest.fixture(params=UNPROVEN)
    def unproven(self, request):
        return encode_attribute(1, b"alice") + UNPROVEN[request.param][0]

    def forged(self, attributes: bytes, identifier: int = 7, authenticator: bytes = bytes(16)) -> bytes:
        return bytes([1, identifier, 0, 20 + len(attributes)]) + authenticator + attributes

    def test_no_login_that_waits_loses_its_identifier_to_one(self, unproven):
        stage = Stage()
        asks = stage.login()
        question = asks[-1]
        assert isinstance(question, PutQuestion)
        stage.receive(self.forged(unproven), now=1.0)
        assert [reply.code for reply in stage.replies] == [Code.ACCESS_REJECT]
        assert not any(isinstance(effect, PutQuestion) for effect in stage.login(now=2.0))
        stage.engine.answered(question.pending, GO_ON, 3.0)
        stage.effects = stage.engine.answered(question.pending, ALLOWED, 3.0)
        assert [reply.code for reply in stage.replies] == [Code.ACCESS_ACCEPT]

    def test_no_reply_that_is_kept_gives_way_to_them(self, unproven):
        stage = Stage()
        stage.login()
        stage.answer(GO_ON)
        stage.answer(ALLOWED)
        allowed = stage.replies[0].octets
        for number in range(1_001):  # one more than the bound
            stage.receive(self.forged(unproven, number % 256), port=50_000 + number // 256, now=1.0)
        stage.login(now=2.0)
        assert [reply.octets for reply in stage.replies] == [allowed]

    def test_they_are_answered_at_once_and_nothing_is_kept(self, unproven):
        stage = Stage(reject_delay_s=1.0)
        stage.login("bob")
        stage.nas.was_read(SOURCE)
        for second in range(2):
            stage.receive(self.forged(unproven), now=float(second))
            assert not any(isinstance(effect, KeepReply) for effect in stage.effects)
            (reply,) = stage.replies
            assert verify_reply(reply.octets, bytes(16), SECRET).code == Code.ACCESS_REJECT
        assert stage.engine.next_timer is None

    @pytest.mark.parametrize("what", UNPROVEN)
    def test_the_line_of_one_says_why(self, what):
        attributes, reason = UNPROVEN[what]
        cells = [0] * 4096
        stage = Stage(counters=counted(cells))
        stage.nas.was_read(SOURCE)
        stage.receive(self.forged(encode_attribute(1, b"alice") + attributes))
        assert (stage.reason, stage.finished.user_name, stage.finished.identifier) == (reason, "alice", 7)
        layout = row_layout(BoardPlan(1, ("radius_server_duo_only",), ()))
        assert cells[layout.counters[Measure.VERDICTS, "radius_server_duo_only", Reason(reason)]] == 1

    def test_of_many_few_have_a_line_and_the_others_are_counted(self, unproven):
        stage = Stage()
        stage.nas.was_read(SOURCE)
        n_lines = 0
        for number in range(LINES + 30):
            stage.receive(self.forged(unproven, number), now=1.0)
            assert len(stage.replies) == 1
            n_lines += any(isinstance(effect, Finished) for effect in stage.effects)
        assert n_lines == LINES
        stage.receive(self.forged(unproven), now=1.0 + INTERVAL_S)
        assert stage.finished.user_name == "alice"
        assert [each for each in stage.effects if isinstance(each, RefusalsLeftOut)] == [
            RefusalsLeftOut(SOURCE, stage.nas, 30)
        ]

    def test_who_signs_and_cannot_be_read_has_a_line_and_a_kept_reply_each_time(self):
        stage = Stage()
        for identifier in range(LINES + 1):
            octets = sign_request(Code.ACCESS_REQUEST, identifier, RA, SECRET, encode_attribute(1, b"alice"))
            stage.receive(octets)
            assert stage.reason == "unsupported_credentials"
            (reply,) = stage.replies
            stage.receive(octets)
            assert [effect.octets for effect in stage.effects if isinstance(effect, SendReply)] == [reply.octets]
            assert len(stage.effects) == 1


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
