"""CHAP, MS-CHAP and EAP where a first factor comes before Duo: relayed as they are, and refused in their own words."""

import pytest

from gateway.duoapi.calls import Auth, Factor
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE, REPLY_MESSAGE, USER_NAME, Code
from tests.engine.home_scene import (
    CHAP,
    CLASS,
    EAP,
    EAP_IDENTIFIER,
    GO_ON,
    GREETING,
    HOME,
    HOST,
    MS_CHAP,
    SILENT,
    HomeStage,
    eap,
)
from tests.engine.scene import ALLOWED, DENIED, PUSHED


class TestOtherCredentials:
    @pytest.mark.parametrize("credentials", [CHAP, MS_CHAP, EAP])
    @pytest.mark.parametrize(("make", "home"), [(Auto, ""), (Concat, HOME), (Challenge, HOME)])
    def test_are_refused_by_who_cannot_take_them(self, credentials, make, home):
        stage = HomeStage(make, home=home)
        stage.relay(credentials)
        assert (stage.to, stage.reason, stage.reply.code) == ([], "unsupported_credentials", 3)

    @pytest.mark.parametrize("credentials", [CHAP, MS_CHAP, EAP])
    def test_go_on_as_they_are_and_no_password_does(self, credentials):
        stage = HomeStage()
        stage.relay(credentials)
        assert (stage.checked.password, stage.checked.attributes) == (None, credentials)

    @pytest.mark.parametrize("why", ["home", "duo", "deadline", "internal", "away", "full", "unsupported"])
    def test_eap_is_refused_with_a_failure_and_without_a_text(self, why):
        section = {"response_deadline_s": 5.0} if why == "deadline" else {}
        stage = HomeStage(home="" if why == "unsupported" else HOME, section={**section, "max_pending_per_user": 1})
        if why == "full":
            stage.ask()
        stage.relay(EAP)
        self.end(stage, why)
        assert stage.reply.code == Code.ACCESS_REJECT
        assert stage.reply.values(EAP_MESSAGE) == [bytes((4, EAP_IDENTIFIER, 0, 4))]
        assert not stage.reply.has(REPLY_MESSAGE)

    @pytest.mark.parametrize("why", ["home", "duo", "deadline", "internal", "away", "unsupported"])
    def test_ms_chap_is_refused_with_its_error(self, why):
        section = {"response_deadline_s": 5.0} if why == "deadline" else {}
        stage = HomeStage(home="" if why == "unsupported" else HOME, section=section)
        stage.relay(MS_CHAP)
        self.end(stage, why)
        error = stage.reply.vendor_value(311, 2) or b""
        assert error.startswith(b"\x07E=691 R=0 C=")

    def end(self, stage: HomeStage, why: str) -> None:
        if why == "home":
            stage.refuse(encode_attribute(101, bytes(4)))
        elif why == "duo":
            stage.accept(eap(3) + CLASS)
            stage.answer(GO_ON)
            stage.answer(DENIED)
        elif why == "deadline":
            stage.effects = stage.engine.timer(6.0)
        elif why == "internal":
            stage.effects = stage.engine.failed(stage.asked[-1].pending, 0.0)
        elif why == "away":
            stage.answer(SILENT)

    def test_the_home_servers_own_failure_is_the_one(self):
        stage = HomeStage()
        stage.relay(EAP)
        stage.refuse(eap(4, 43) + encode_attribute(REPLY_MESSAGE, b"no"))
        assert stage.reply.values(EAP_MESSAGE) == [bytes((4, 43, 0, 4))]

    def test_success_is_held_until_duo_has_said_yes(self):
        stage = HomeStage()
        stage.relay(EAP)
        stage.accept(eap(3) + GREETING)
        assert stage.replies == []
        for answer in (GO_ON, PUSHED, ALLOWED):
            stage.answer(answer)
        assert stage.reply.values(EAP_MESSAGE) == [bytes((3, EAP_IDENTIFIER, 0, 4))]
        assert not stage.reply.has(REPLY_MESSAGE)

    def test_nobody_is_asked_for_a_passcode_who_cannot_type_one(self):
        stage = HomeStage(factors=(Factor.PASSCODE, Factor.PUSH))
        stage.relay(EAP)
        stage.accept(eap(3))
        stage.answer(GO_ON)
        (question,) = [each.question for each in stage.asked]
        assert isinstance(question, Auth)
        assert question.factor is Factor.PUSH
        stage = HomeStage(factors=(Factor.PASSCODE,))
        stage.relay(EAP)
        stage.accept(eap(3))
        stage.answer(GO_ON)
        assert stage.reason == "no_capable_device"

    def test_an_internal_error_ends_a_login_once(self):
        stage = HomeStage(section={"response_deadline_s": 5.0})
        stage.ask()
        stage.effects = stage.engine.failed(stage.asked[-1].pending, 0.0)
        assert stage.reason == "internal_error"
        assert stage.engine.timer(6.0) == []

    def test_rounds_of_eap_have_the_servers_state_behind_ours(self):
        stage = HomeStage()
        stage.relay(EAP)
        for number in range(3):
            stage.challenge(b"theirs %d" % number, eap(1, number))
            reply, state = stage.reply, stage.state
            assert (reply.value(EAP_MESSAGE), reply.has(REPLY_MESSAGE)) == (bytes((1, number, 0, 4)), False)
            stage.relay(eap(2, number), state)
            assert (stage.checked.state, stage.checked.host) == (b"theirs %d" % number, HOST)
        stage.accept(eap(3))
        assert stage.to == ["app"]


MD5, OTP, GTC, MS_CHAP_V2 = 4, 5, 6, 26
IDENTITY, TLS, TTLS, PEAP, FAST, TEAP, EXPANDED = 1, 13, 21, 25, 43, 55, 254


def response(method: int) -> bytes:
    """The last EAP-Response of a conversation."""
    return eap(2, rest=bytes((method, 0)))


def named(*names: bytes) -> bytes:
    return b"".join([encode_attribute(USER_NAME, name) for name in names])


class TestNamesWithin:
    """EAP can prove another user than the one whom Duo is asked about: the name that counts there is in the tunnel."""

    @pytest.mark.parametrize("method", [MD5, TLS, TTLS, PEAP, FAST, TEAP, EXPANDED])
    @pytest.mark.parametrize("names", [(b"mallory",), (b"alice", b"mallory"), (b"CORP\\mallory",), (b"\xff",)])
    def test_who_is_accepted_as_somebody_else_does_not_get_in(self, method, names):
        stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
        stage.outage()
        stage.relay(response(method))
        stage.accept(eap(3) + named(*names))
        assert (stage.to, stage.reason, stage.reply.code) == ([], "user_differs", Code.ACCESS_REJECT)
        assert stage.reply.values(EAP_MESSAGE) == [bytes((4, EAP_IDENTIFIER, 0, 4))]
        assert not stage.reply.has(REPLY_MESSAGE)

    @pytest.mark.parametrize("octets", [b"\2", b"\2\1\0"])
    def test_nor_by_octets_that_are_no_eap_at_all(self, octets):
        """Nobody can be refused by them in EAP's own words; what a home server takes them for it has to say."""
        stage = HomeStage()
        stage.relay(encode_attribute(EAP_MESSAGE, octets))
        stage.accept(named(b"mallory"))
        assert (stage.to, stage.reason) == ([], "user_differs")

    def test_nor_does_who_has_that_name_in_another_domain(self):
        stage = HomeStage()
        stage.relay(response(PEAP), user="alice@b.example")
        stage.accept(eap(3) + named(b"alice@a.example"))
        assert (stage.to, stage.reason) == ([], "user_differs")

    def test_the_line_says_whom_the_home_server_has_accepted(self):
        stage = HomeStage()
        stage.relay(response(PEAP))
        stage.accept(eap(3) + named(b"mallory"))
        assert stage.finished.verdict.account.endswith(f" ({HOST}: 'mallory')")

    @pytest.mark.parametrize(
        "names", [(), (b"alice",), (b"Alice", b"alice"), (b"CORP\\alice",), (b"alice@corp.example",), (b"alice\0",)]
    )
    def test_who_is_accepted_by_that_name_or_by_none_is_asked_by_duo(self, names):
        stage = HomeStage()
        stage.relay(response(PEAP))
        stage.accept(eap(3) + named(*names))
        assert stage.to == ["app"]

    @pytest.mark.parametrize("credentials", [b"", CHAP, MS_CHAP])
    def test_where_the_home_server_has_checked_the_requests_own_name_it_may_say_another(self, credentials):
        stage = HomeStage()
        stage.relay(credentials) if credentials else stage.ask()
        stage.accept(named(b"alice.of.accounting"))
        assert stage.to == ["app"]

    @pytest.mark.parametrize("method", [IDENTITY, TLS, TTLS, PEAP, FAST, TEAP, EXPANDED])
    @pytest.mark.parametrize("names", [(), (b"alice",)])
    def test_nobody_is_exempt_by_a_name_outside(self, method, names):
        """FreeRADIUS says the name outside in its accept where nobody has set another."""
        stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
        stage.relay(response(method))
        stage.accept(eap(3) + named(*names))
        assert stage.to == ["app"]

    @pytest.mark.parametrize("method", [MD5, OTP, GTC, MS_CHAP_V2])
    def test_methods_without_another_name_are_exempt(self, method):
        stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
        stage.relay(response(method))
        stage.accept(eap(3) + named(b"alice"))
        assert (stage.to, stage.reason) == ([], "exempt")


class TestEapStart:
    """An EAP-Message without octets asks the home server to begin (RFC 3579 section 2.1)."""

    START = bytes((EAP_MESSAGE, 2))

    def test_goes_on_as_it_came_and_the_rounds_follow(self):
        stage = HomeStage()
        stage.relay(self.START)
        assert (stage.checked.password, stage.checked.attributes) == (None, self.START)
        stage.challenge(b"theirs", eap(1))
        assert (stage.reply.value(EAP_MESSAGE), stage.reply.has(REPLY_MESSAGE)) == (bytes((1, 42, 0, 4)), False)
        stage.relay(EAP, stage.state)
        assert (stage.checked.attributes, stage.checked.state) == (EAP, b"theirs")
        stage.accept(eap(3))
        assert stage.to == ["app"]

    @pytest.mark.parametrize("state", [b"", b"of a conversation"])
    def test_lets_nobody_in_for_it_proves_nothing(self, state):
        stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
        stage.outage()
        if state:
            stage.relay(EAP)
            stage.challenge(state, eap(1))
            state = stage.state
        stage.relay(self.START, state)
        stage.accept(eap(3))
        assert (stage.to, stage.reason, stage.reply.code) == ([], "first_factor_rejected", Code.ACCESS_REJECT)
        assert "EAP-Start" in stage.finished.verdict.account
        assert not stage.reply.has(REPLY_MESSAGE)

    @pytest.mark.parametrize(("make", "home"), [(Auto, ""), (Concat, HOME), (Challenge, HOME)])
    def test_is_refused_where_eap_is(self, make, home):
        stage = HomeStage(make, home=home)
        stage.relay(self.START)
        assert (stage.to, stage.reason, stage.reply.has(REPLY_MESSAGE)) == ([], "unsupported_credentials", False)
        assert stage.reply.values(EAP_MESSAGE) == [bytes((4, 0, 0, 4))]

    def test_the_home_servers_refusal_is_the_one(self):
        stage = HomeStage()
        stage.relay(self.START)
        stage.refuse(eap(4, 7))
        assert stage.reply.values(EAP_MESSAGE) == [bytes((4, 7, 0, 4))]

    @pytest.mark.parametrize("beside", [CHAP, MS_CHAP])
    def test_beside_other_credentials_it_is_none(self, beside):
        stage = HomeStage()
        stage.relay(beside + self.START)
        assert stage.checked.attributes == beside

    def test_it_is_no_answer_to_a_menu(self):
        stage = HomeStage(Challenge)
        stage.ask()
        stage.accept()
        stage.answer(GO_ON)
        stage.relay(self.START, stage.state)
        assert (stage.to, stage.reply.code) == ([], Code.ACCESS_REJECT)
