"""What a first factor's answers mean to a login, and that no other of its states takes them."""

from itertools import product

import pytest

from gateway.engine.first_factor import REJECTED, Accepted, Challenged, CheckFirstFactor, Refused
from gateway.engine.login import Login
from gateway.engine.login_first_factor import refusal
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.login_states import DECIDED, FIRST_FACTOR, LoginState
from gateway.engine.primary import Primary, Told
from gateway.engine.steps import Ask, Consult
from gateway.engine.verdict import Verdict
from gateway.radius.client import encode_attribute
from gateway.radius.hidden import Hop
from gateway.unavailable import Trouble, Unavailable
from gateway.words.explanations import REASONS
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Reason
from tests.engine.home_scene import HOME_SECRET, eap

ACCEPTED = Accepted(b"", "home", Hop(HOME_SECRET, bytes(16)))
OF_A_DIRECTORY = Accepted(b"", "dc1.example:389", None)
CHALLENGED = Challenged(b"theirs", "home", b"")
REFUSED = Refused(REJECTED, "no such user", eap(4) + encode_attribute(25, b"staff"), "home")


def checking(*, fail_open: bool = True) -> tuple[Login, CheckFirstFactor]:
    login = Login(LoginPolicy("app", fail_open), "alice")
    login.primary = Primary()
    question = CheckFirstFactor(b"alice", b"secret")
    ask = login.check("radius_client", question, 1.0)
    assert (ask, login.state) == (Ask("radius_client", question), FIRST_FACTOR)
    return login, question


@pytest.mark.parametrize("answer", [ACCEPTED, OF_A_DIRECTORY, CHALLENGED])
def test_what_it_means_is_for_the_mode_to_say_and_the_password_is_forgotten(answer):
    login, question = checking()
    assert login.answered(answer, 2.0) == Consult(answer)
    assert (question.password, login.state) == (None, FIRST_FACTOR)


def test_a_refusal_ends_it_with_one_text_for_all_and_the_log_has_theirs():
    login, question = checking()
    verdict = login.answered(REFUSED, 2.0)
    assert isinstance(verdict, Verdict)
    assert (verdict.reason.value, verdict.reply_message) == ("first_factor_rejected", "Login failed.")
    assert verdict.account.endswith("(home: 'no such user')")
    assert (verdict.attributes, question.password, login.state) == (eap(4), None, DECIDED)


class TestRefusal:
    @pytest.mark.parametrize("reason", sorted(REFUSED_FIRST_FACTOR))
    def test_its_reason_decides_and_the_user_reads_one_text_but_for_an_expired_password(self, reason):
        verdict = refusal(Refused(reason.value, "", b"", "dc1.example:389"))
        text = "Your password has expired." if reason is Reason.PASSWORD_EXPIRED else "Login failed."
        assert (verdict.is_accept, verdict.reason, verdict.reply_message) == (False, reason, text)
        assert verdict.hint == REASONS[reason].remedy

    @pytest.mark.parametrize("word", ["duo_allowed", "exempt", "no such word", ""])
    def test_a_reason_that_is_no_refusal_is_none_all_the_same(self, word):
        verdict = refusal(Refused(word, "", b"", "dc1.example:389"))
        assert (verdict.is_accept, verdict.reason) == (False, Reason.FIRST_FACTOR_REJECTED)

    def test_a_code_of_active_directory_is_said_in_words_to_administrators_alone(self):
        verdict = refusal(Refused(REJECTED, "80090308: LdapErr, data 530", b"", "dc1.example:389", "530"))
        assert verdict.account.endswith("(dc1.example:389, 530: the user may not log in at this hour)")
        assert verdict.hint.startswith("see Logon Hours")
        assert verdict.reply_message == "Login failed."

    def test_where_nobody_was_asked_the_line_names_no_host(self):
        verdict = refusal(Refused(REJECTED, "the password is empty", b"", ""))
        assert verdict.account.endswith("(nobody was asked: 'the password is empty')")

    def test_an_unknown_code_stands_there_with_what_was_said(self):
        verdict = refusal(Refused(REJECTED, "data 9ab", b"", "dc1.example:389", "9ab"))
        assert verdict.account.endswith("(dc1.example:389, 9ab: 'data 9ab')")
        assert verdict.hint == REASONS[Reason.FIRST_FACTOR_REJECTED].remedy

    @pytest.mark.parametrize(("code", "is_told"), [("", True), ("52e", True), ("530", False), ("775", False)])
    def test_how_the_text_was_told_apart_is_told_where_the_password_may_be_wrong(self, code, is_told):
        login, _ = checking()
        assert login.primary is not None
        login.primary.reading = "the text was split"
        verdict = login.answered(Refused(REJECTED, "", b"", "dc1.example:389", code), 2.5)
        assert isinstance(verdict, Verdict)
        assert verdict.hint.endswith("; the text was split") is is_told

    def test_the_log_has_the_code_and_the_time(self):
        login, _ = checking()
        login.answered(Refused(REJECTED, "", b"", "dc1.example:389", "52e"), 2.5)
        assert login.primary is not None
        assert login.primary.told == Told(1.5, "52e", "dc1.example:389")


@pytest.mark.parametrize("answer", [ACCEPTED, OF_A_DIRECTORY, CHALLENGED, REFUSED])
def test_the_log_has_which_host_has_answered(answer):
    login, _ = checking()
    login.answered(answer, 2.0)
    assert login.primary is not None
    assert login.primary.told == Told(1.0, "", answer.host)


@pytest.mark.parametrize(("trouble", "fail_open", "may_have_acted"), list(product(Trouble, (0, 1), (0, 1))))
def test_one_that_cannot_be_asked_lets_nobody_in(trouble, fail_open, may_have_acted):
    login, question = checking(fail_open=bool(fail_open))
    verdict = login.unavailable(Unavailable(trouble, "gone", may_have_acted=bool(may_have_acted)), 2.0)
    assert isinstance(verdict, Verdict)
    assert (verdict.is_accept, verdict.reason.value) == (False, "first_factor_unreachable")
    assert question.password is None


@pytest.mark.parametrize(
    ("trouble", "hint"),
    [
        (Trouble.CONFIGURATION, "the text in parentheses says what is wrong, and what to write; "),
        (Trouble.CERTIFICATE, "the text in parentheses says what is wrong, and what to write; "),
        (Trouble.CONNECT, "see whether its servers run, "),
    ],
)
def test_where_the_host_is_there_the_hint_does_not_send_anybody_to_look_for_it(trouble, hint):
    login, _ = checking()
    verdict = login.unavailable(Unavailable(trouble, "refuses the service account"), 2.0)
    assert isinstance(verdict, Verdict)
    assert verdict.hint.startswith(hint)


def test_who_knows_what_can_be_done_says_it_in_the_hint():
    login, _ = checking()
    verdict = login.unavailable(Unavailable(Trouble.BAD_ANSWER, "is not believed", remedy="let it sign"), 2.0)
    assert isinstance(verdict, Verdict)
    assert verdict.hint == "let it sign; failmode has no part in it"


@pytest.mark.parametrize("state", [each for each in LoginState if each is not FIRST_FACTOR])
@pytest.mark.parametrize("answer", [ACCEPTED, CHALLENGED, REFUSED])
def test_no_other_state_takes_its_answers(state, answer):
    login, _ = checking()
    login.state = state
    with pytest.raises(KeyError):
        login.answered(answer, 2.0)
