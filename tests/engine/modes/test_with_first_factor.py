"""What auto, concat and challenge have in common: the first factor before Duo, its attributes, its challenges."""

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, Factor, PreauthAnswer
from gateway.engine.digests import PasswordDigests
from gateway.engine.modes.asked import Asked
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.engine.modes.concat import Concat
from gateway.engine.verdict import LOGIN_FAILED, Verdict
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE, REPLY_MESSAGE, STATE, Code
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import decode_packet
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import Reason
from tests.engine.home_scene import (
    CHAP,
    CLASS,
    EAP,
    GO_ON,
    HOME,
    HOST,
    MS_CHAP,
    PASSWORD,
    SILENT,
    HomeStage,
)
from tests.engine.scene import RA, SECRET, SOURCE, Stage, message

TYPED = {Auto: PASSWORD, Concat: f"{PASSWORD},push", Challenge: PASSWORD}
MODES = pytest.mark.parametrize("make", TYPED)
MODES_AND_FAILURES = pytest.mark.parametrize("fail_open", [True, False])


class TestOrder:
    @MODES
    def test_the_first_factor_is_asked_then_duo(self, make):
        stage = HomeStage(make)
        stage.ask(TYPED[make])
        assert stage.to == [HOME]
        assert stage.checked.password == PASSWORD.encode()
        stage.accept()
        assert stage.to == ["app"]

    @MODES
    @MODES_AND_FAILURES
    def test_whom_it_refuses_duo_is_never_asked_about(self, make, fail_open):
        stage = HomeStage(make, fail_open=fail_open)
        stage.outage()
        stage.ask(TYPED[make])
        stage.refuse(text="no such user")
        assert (stage.to, stage.reason, message(stage.reply)) == ([], "first_factor_rejected", "Login failed.")
        assert stage.reply.code == Code.ACCESS_REJECT

    @MODES
    @MODES_AND_FAILURES
    @pytest.mark.parametrize("trouble", Trouble)
    def test_nobody_gets_in_whose_first_factor_is_away(self, make, fail_open, trouble):
        stage = HomeStage(make, fail_open=fail_open)
        stage.outage()
        stage.ask(TYPED[make])
        stage.answer(Unavailable(trouble, "gone", may_have_acted=True))
        assert (stage.to, stage.reason, stage.reply.code) == ([], "first_factor_unreachable", Code.ACCESS_REJECT)

    @MODES
    def test_while_duo_is_away_a_right_password_gets_in_with_its_attributes(self, make):
        stage = HomeStage(make)
        stage.outage()
        stage.ask(TYPED[make])
        assert (stage.to, stage.replies) == ([HOME], [])
        stage.accept()
        assert (stage.reason, stage.reply.code, stage.reply.value(25)) == ("failmode_safe", 2, b"staff")

    @MODES
    def test_with_failmode_secure_it_does_not(self, make):
        stage = HomeStage(make, fail_open=False)
        stage.outage()
        stage.ask(TYPED[make])
        stage.accept()
        assert (stage.reason, stage.reply.code, stage.reply.value(25)) == ("failmode_secure", 3, None)

    @MODES
    def test_an_exempt_user_needs_it_nevertheless(self, make):
        stage = HomeStage(make, rules={"exempt_usernames": frozenset({"alice"})})
        stage.ask(TYPED[make])
        assert (stage.to, stage.replies) == ([HOME], [])
        stage.accept()
        assert (stage.reason, stage.reply.code, stage.reply.value(25)) == ("exempt", 2, b"staff")
        stage.ask(TYPED[make] + " ")
        stage.refuse()
        assert stage.reason == "first_factor_rejected"

    @pytest.mark.parametrize(
        ("user", "is_exempt"),
        [
            ("ALICE", True),
            ("CORP\\Alice", True),
            ("alice@corp.example", True),
            ("corp/alice", False),
            ("alice@x\\mallory", False),
            ("mallory\\alice@x", False),
            ("alice@x@y", False),
            (".alice.", False),
            (" alice", False),
            ("al\u200bice", False),
            ("\uff41lice", False),
        ],
    )
    def test_exempt_is_a_name_with_one_domain_or_none(self, user, is_exempt):
        """Of two, a home server may take either for the domain, and accept another user; so of names alike."""
        stage = HomeStage(rules={"exempt_usernames": frozenset({"alice"})})
        stage.ask(user=user)
        stage.accept()
        assert (stage.to == []) is is_exempt

    @MODES
    def test_an_empty_password_never_leaves(self, make):
        stage = HomeStage(make)
        stage.ask("" if make is not Concat else ",push")
        assert (stage.to, stage.reason) == ([], "no_password")

    @MODES
    def test_nobody_is_asked_first_where_there_is_none(self, make):
        stage = HomeStage(make, home="")
        stage.ask(TYPED[make])
        assert stage.to == ["app"]

    def test_what_duo_says_before_any_factor_counts_after_it(self):
        stage = HomeStage()
        stage.ask()
        stage.accept()
        stage.answer(PreauthAnswer("allow", "Bypass"))
        assert (stage.reason, stage.reply.value(25)) == ("duo_bypass", b"staff")

    def test_a_refused_password_is_answered_late_and_not_asked_about_twice(self):
        stage = HomeStage(section={"reject_delay_s": 1.0})
        stage.ask()
        stage.refuse()
        stage.ask(port=40002)
        assert (stage.to, stage.replies) == ([], [])
        stage.effects = stage.engine.timer(2.0)
        assert [reply.code for reply in stage.replies] == [3, 3]


class TestDeadline:
    """`response_deadline_s`: the NAS does not wait any more."""

    @MODES
    def test_the_first_factor_is_told_when_nobody_waits_any_more(self, make):
        stage = HomeStage(make, rules={"response_deadline_s": 5.0})
        stage.receive(stage.request(TYPED[make]), now=100.0)
        assert stage.checked.deadline == 105.0
        stage = HomeStage(make)
        stage.receive(stage.request(TYPED[make]), now=100.0)
        assert stage.checked.deadline == 0.0

    def test_for_the_answer_to_its_challenge_it_begins_anew(self):
        stage = HomeStage(rules={"response_deadline_s": 5.0})
        stage.ask()
        stage.challenge()
        state = stage.state
        stage.ask("1234", state, now=60.0)
        assert stage.checked.deadline == 65.0

    @pytest.mark.parametrize(
        ("at", "reason"), [(4.9, "first_factor_unreachable"), (5.0, "deadline"), (5.1, "deadline")]
    )
    def test_whoever_sees_first_that_it_is_over_the_login_ends_as_deadline(self, at, reason):
        stage = HomeStage(rules={"response_deadline_s": 5.0})
        stage.ask()
        stage.answer(SILENT, now=at)
        assert (stage.reason, stage.reply.code) == (reason, Code.ACCESS_REJECT)
        assert "10.0.0.1:1812 did not answer" in stage.finished.verdict.account


class TestRelayedChallenge:
    def challenged(self, make=Auto, typed: str = PASSWORD, **mode) -> HomeStage:
        stage = HomeStage(make, **mode)
        stage.ask(typed)
        stage.challenge(
            b"theirs", encode_attribute(REPLY_MESSAGE, b"New PIN:") + encode_attribute(27, bytes(4)) + CLASS
        )
        return stage

    def test_is_shown_with_a_state_of_ours_and_what_belongs_to_it(self):
        stage = self.challenged()
        assert (message(stage.reply), stage.reply.value(27), stage.reply.value(25)) == ("New PIN:", bytes(4), None)
        assert stage.reply.values(STATE) != [b"theirs"]
        assert stage.reason == "challenged"

    def test_its_answer_goes_to_the_same_host_with_its_state(self):
        stage = self.challenged()
        stage.ask("1234,push", stage.state)
        question = stage.checked
        assert (question.password, question.state, question.host) == (b"1234,push", b"theirs", HOST)
        stage.accept()
        assert stage.to == ["app"]

    @pytest.mark.parametrize("user", ["ALICE", "alice ", "\uff41lice", "al\u00adice"])
    def test_another_spelling_of_the_name_does_not_answer_it(self, user):
        """The home server may tell the two apart, and has asked one of them."""
        stage = self.challenged()
        stage.ask("1234", stage.state, user=user)
        assert (stage.to, stage.reason) == ([], "challenge_unknown")

    @pytest.mark.parametrize("answer", ["", " 1234 "])
    def test_it_may_be_empty_and_is_not_trimmed(self, answer):
        stage = self.challenged()
        stage.ask(answer, stage.state)
        assert stage.checked.password == answer.encode()

    @pytest.mark.parametrize("make", [Auto, Concat])
    def test_the_factor_that_was_typed_before_it_is_asked_after_it(self, make):
        stage = self.challenged(make, f"{PASSWORD},654321")
        stage.ask("1234", stage.state)
        stage.accept()
        stage.answer(GO_ON)
        (question,) = [each.question for each in stage.asked]
        assert isinstance(question, Auth)
        assert (question.factor, question.passcode) == (Factor.PASSCODE, "654321")

    def test_nobody_gets_in_by_it_while_duo_is_away(self):
        stage = HomeStage()
        stage.outage()
        stage.ask()
        stage.challenge()
        stage.ask("1234", stage.state)
        assert stage.to == [HOME]
        stage.refuse()
        assert stage.reason == "first_factor_rejected"

    def test_nobody_gets_in_by_it_where_nobody_is_asked_first_any_more(self):
        """The token is of the client's section; this is what stands behind that."""
        stage = self.challenged()
        state = stage.state
        stage.section.mode._first_factor = HomeStage(home="").section.mode._first_factor
        stage.ask("1234", state)
        assert (stage.to, stage.reply.code) == ([], Code.ACCESS_REJECT)


class TestUnsignedAnswers:
    """Whoever sees a State on its way can send it from the address of a client."""

    def answered(self, stage: HomeStage, credentials: bytes) -> None:
        attributes = encode_attribute(1, b"alice") + encode_attribute(STATE, stage.state) + credentials
        stage.receive(bytes([1, 200, 0, 20 + len(attributes)]) + RA + attributes, port=40_002)

    @MODES
    @pytest.mark.parametrize("credentials", [b"", CHAP, MS_CHAP], ids=["none", "chap", "ms_chap"])
    def test_without_a_password_that_proves_the_secret_they_use_nothing_up(self, make, credentials):
        stage = HomeStage(make)
        stage.ask(TYPED[make])
        stage.challenge()
        state = stage.state
        self.answered(stage, credentials)
        assert (stage.to, stage.reason) == ([], "unsupported_credentials")
        assert "Message-Authenticator" in stage.finished.verdict.hint
        stage.ask("1234", state)
        assert (stage.to, stage.checked.password) == ([HOME], b"1234")

    @pytest.mark.parametrize("credentials", [b"", CHAP, MS_CHAP], ids=["none", "chap", "ms_chap"])
    def test_nor_do_they_answer_a_menu(self, credentials):
        stage = HomeStage(Challenge)
        stage.ask()
        stage.accept()
        stage.answer(GO_ON)
        state = stage.state
        self.answered(stage, credentials)
        stage.ask("1", state)
        assert stage.to == ["app"]

    def test_a_password_that_proves_it_is_an_answer(self):
        stage = HomeStage()
        stage.ask()
        stage.challenge()
        self.answered(stage, encode_attribute(2, SECRET.hide_user_password(b"1234", RA)))
        assert (stage.to, stage.checked.password) == ([HOME], b"1234")


class TestMeaning:
    @MODES
    def test_of_the_password_a_login_is_known_by_a_digest_alone(self, make):
        stage = HomeStage(make)
        stage.ask(TYPED[make])
        pending = stage.asked[-1].pending
        assert PASSWORD.encode() not in pending.key
        assert PASSWORD not in repr(pending)

    @pytest.mark.parametrize("credentials", [CHAP, EAP])
    def test_so_it_is_of_other_credentials(self, credentials):
        stage = HomeStage()
        stage.relay(credentials)
        assert credentials[2:18] not in stage.asked[-1].pending.key

    def test_the_same_password_joins_and_another_does_not(self):
        stage = HomeStage()
        stage.ask()
        stage.ask(port=40002)
        assert stage.to == []
        stage.ask(PASSWORD + " ", port=40002)
        assert stage.to == [HOME]

    def test_the_same_text_in_answer_to_another_state_is_another_login(self):
        stage = HomeStage()
        states = []
        for port in (40001, 40002):
            stage.ask(port=port)
            stage.challenge()
            states.append(stage.state)
        for state in states:
            stage.ask("1234", state)
            assert stage.to == [HOME]
        stage.ask("1234", states[1], port=40003)
        assert stage.to == []

    def test_what_a_home_server_asked_is_answered_octet_for_octet(self):
        stage = HomeStage()
        stage.ask()
        stage.challenge()
        state = stage.state
        stage.ask("push", state)
        stage.ask("PUSH", state, port=40002)
        assert stage.reason == "challenge_unknown"

    def test_another_spelling_of_the_name_is_another_login_for_the_first_factor_may_tell_them_apart(self):
        stage = HomeStage()
        stage.ask(user="Alice")
        stage.ask(user="alice", port=40002)
        assert stage.to == [HOME]
        assert stage.checked.user_name == b"alice"

    def test_what_differs_stands_apart_wherever_its_octets_end(self):
        stage = HomeStage()
        meanings = set()
        for user, password, state in (("ab", "c", b"d"), ("a", "bc", b"d"), ("ab", "cd", b""), ("a", "c", b"bd")):
            asked = stage.section.mode.read(decode_packet(stage.request(password, state, user=user)), stage.nas, SOURCE)
            assert isinstance(asked, Asked)
            meanings.add(asked.meaning)
        assert len(meanings) == 4

    def test_another_key_gives_another_digest(self):
        packet = decode_packet(HomeStage().request(PASSWORD))
        found = []
        for number in range(2):
            stage = HomeStage()
            stage.section.mode._digests = PasswordDigests(bytes([number]) * 32)
            asked = stage.section.mode.read(packet, stage.nas, SOURCE)
            assert isinstance(asked, Asked)
            found.append(asked.meaning)
        assert found[0] != found[1]


class TestReading:
    def unsigned(self, password: bytes, stage: Stage) -> object:
        hidden = SECRET.hide_user_password(password, RA)
        attributes = encode_attribute(1, b"alice") + encode_attribute(2, hidden)
        packet = decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)
        return stage.section.mode.read(packet, stage.nas, SOURCE)

    def test_random_octets_are_no_empty_password(self):
        """One in 256 begins with a NUL: without a first factor to ask, somebody would be pushed for it."""
        stage = HomeStage(home="")
        assert self.unsigned(b"\0" + bytes(range(129, 144)), stage) is DiscardReason.WRONG_SECRET
        assert isinstance(self.unsigned(b"", stage), Asked)
        assert isinstance(self.unsigned(b"secret", stage), Asked)

    @MODES
    @pytest.mark.parametrize("password", ["Grüßexxxxxxxxxx", "Grüßexxxxxxxxxxx"])
    def test_a_right_password_that_could_be_chance_fails_as_a_wrong_one_does_and_the_hint_says_why(
        self, make, password
    ):
        stage = HomeStage(make, rules={"pw_codec": "latin-1"})
        stage.nas.was_read(SOURCE)
        refused = self.unsigned(password.encode("latin-1"), stage)
        assert isinstance(refused, Verdict)
        assert (refused.reason, refused.reply_message) == (Reason.UNREADABLE_PASSWORD, LOGIN_FAILED)
        assert "15, 16, 31, 32" in refused.hint
        assert refused.account.endswith("the first factor was not asked")

    @pytest.mark.parametrize("beside", [CHAP, MS_CHAP])
    def test_a_password_proves_the_secret_before_anything_beside_it_is_looked_for(self, beside):
        stage = HomeStage()
        attributes = encode_attribute(1, b"alice") + encode_attribute(2, bytes(16)) + beside
        packet = decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)
        assert stage.section.mode.read(packet, stage.nas, SOURCE) is DiscardReason.WRONG_SECRET

    def test_a_password_of_no_octets_proves_nothing(self):
        stage = HomeStage(home="")
        attributes = encode_attribute(1, b"alice") + bytes([2, 2])
        packet = decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)
        assert stage.section.mode.read(packet, stage.nas, SOURCE) is DiscardReason.WRONG_SECRET
        assert not stage.nas.is_proven(SOURCE)

    @pytest.mark.parametrize("password", [b" two blanks ", b"\xff\xfe\x80", "Grüße".encode("latin-1")])
    def test_a_password_goes_on_octet_for_octet(self, password):
        stage = HomeStage()
        hidden = SECRET.hide_user_password(password, RA)
        from gateway.radius.client import sign_request

        attributes = encode_attribute(1, b"alice") + encode_attribute(2, hidden)
        stage.receive(sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, attributes))
        assert stage.checked.password == password

    def test_without_any_credential_nothing_is_asked(self):
        stage = HomeStage()
        stage.relay(b"")
        assert stage.reason == "unsupported_credentials"

    @pytest.mark.parametrize("kind", [2, 3])
    def test_an_empty_credential_is_none(self, kind):
        """A home server that lets in whoever brings none, such as a machine by its address, is not asked by it."""
        stage = HomeStage()
        stage.relay(bytes([kind, 2]) + encode_attribute(60, bytes(16)))
        assert (stage.to, stage.reply.code) == ([], Code.ACCESS_REJECT)

    def test_an_empty_one_hides_none_behind_it(self):
        stage = HomeStage()
        stage.relay(CHAP + bytes([EAP_MESSAGE, 2]) + EAP)
        assert (stage.to, stage.reason) == ([], "conflicting_credentials")

    def test_two_kinds_at_once_are_refused(self):
        stage = HomeStage()
        stage.ask(extra=CHAP)
        assert stage.reason == "conflicting_credentials"


def test_sms_typed_behind_a_password_is_sent_and_ends_the_login():
    stage = HomeStage()
    stage.ask(f"{PASSWORD},sms")
    stage.accept()
    stage.answer(GO_ON)
    stage.answer(AuthAnswer("deny", "sent", "New SMS passcodes sent."))
    assert (stage.reason, stage.reply.code) == ("sms_sent", 3)
