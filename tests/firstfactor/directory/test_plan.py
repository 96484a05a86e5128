"""How a directory is asked: the way of one question, one bind, and what is tried once more."""

import pytest

from gateway.engine.first_factor import Accepted, CheckFirstFactor, Refused
from gateway.firstfactor.directory.account import AccountRules
from gateway.firstfactor.directory.binder import Binder
from gateway.firstfactor.directory.effects import Send
from gateway.firstfactor.directory.host import Host, Limits
from gateway.firstfactor.directory.outcomes import Manner
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.firstfactor.directory.search import SearchRules
from gateway.firstfactor.directory.states import SEARCHING
from gateway.firstfactor.directory.texts import MAX_TEXT
from gateway.firstfactor.host_states import DOWN
from gateway.unavailable import Unavailable
from tests.firstfactor.directory.answers import bind_done, disconnection, entry, search_done
from tests.firstfactor.directory.scene import ALICE, BASE, SERVICE, TEN, Question, Scene, found, ready, reason
from tests.ldap.ntlm.server import Authenticate, answer, challenge


def test_a_search_as_the_service_account_and_a_bind_as_who_was_found():
    scene = Scene()
    assert scene.opens() == 1
    bind = scene.answer()
    assert (bind.name, bind.password) == (SERVICE.name, SERVICE.password)
    question = scene.ask(b"alice", b"secret")
    assert scene.answer().base == BASE
    scene.opens()
    bind = scene.due[-1]
    assert (bind.name, bind.password, bind.number) == (b"uid=0," + BASE, b"secret", 2)
    assert question.question.password == b"secret"
    scene.answer()
    assert question.result == Accepted(b"", "dc0:389", None)
    assert question.question.password is None


def test_a_question_before_anything_is_open_waits_for_it():
    scene = Scene()
    question = scene.ask()
    assert len(scene.opening) == 1
    scene.ready()
    assert scene.due[-1].base == BASE
    assert question.state is SEARCHING


def test_without_a_service_account_nobody_binds_as_it():
    scene = Scene(account=None)
    scene.ask()
    scene.opens()
    assert [sent.base for sent in scene.sent] == [BASE]


@pytest.mark.parametrize("password", [b"", b"\0", b"a\0b"])
def test_the_empty_password_is_refused_before_anything_is_asked(password):
    scene = ready()
    n_sent = len(scene.sent)
    question = scene.ask(password=password)
    assert reason(question) == "first_factor_rejected"
    assert len(scene.sent) == n_sent


def test_a_question_without_a_password_is_none_for_a_directory():
    assert ready().ask(password=None).why[0] == "configuration"


def test_a_name_of_nobody_is_unknown():
    question = ready().ask(b"DOM\\")
    assert isinstance(question.result, Refused)
    assert (question.result.reason, question.result.host) == ("user_not_found", "")


@pytest.mark.parametrize(("n_found", "word"), [(0, "user_not_found"), (2, "user_ambiguous")])
def test_nobody_binds_who_was_not_found(n_found, word):
    scene = ready()
    question = scene.ask()
    scene.answer(n_found=n_found)
    assert reason(question) == word
    assert not scene.user_binds
    assert not scene.opening


def test_a_wrong_password_is_final():
    scene = ready(3)
    question = found(scene)
    scene.answer(None, 49, "data 775, v4563")
    assert reason(question) == "account_locked"
    assert len(scene.user_binds) == 1


def test_what_the_directory_repeats_of_the_password_is_not_told():
    scene = ready()
    question = found(scene, password=b"correct horse")
    scene.answer(None, 49, "no: correct horse")
    assert isinstance(question.result, Refused)
    assert question.result.text == "no: ***"


@pytest.mark.parametrize("password", [b"the", b"connection", b"a user's bind"])
def test_what_we_say_ourselves_stays_whatever_the_password(password):
    scene = ready()
    question = found(scene, password=password)
    scene.answer(None, 1, "no: " + password.decode())
    assert question.why == ("bad_answer", "dc0:389 fails at a user's bind (operationsError: no: ***)")
    question = found(scene, password=password)
    scene.say(scene.due[-1].number, disconnection("no: " + password.decode()))
    assert question.why == ("closed", "dc0:389 closes the connection: no: ***")


def test_what_a_refusal_means_is_told_whatever_the_password():
    scene = ready()
    question = found(scene, password=b"data")
    scene.answer(None, 49, "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 775, v4563")
    assert reason(question) == "account_locked"


def test_nor_is_what_it_repeats_when_it_closes_the_connection():
    scene = ready()
    question = found(scene, password=b"correct horse")
    scene.say(scene.due[-1].number, disconnection("no: correct horse"))
    assert question.why == ("closed", "dc0:389 closes the connection: no: ***")
    assert scene.hosts[0].complaint == "closes the connection: no: ***"
    question = scene.ask()
    scene.lose(1)
    scene.ready()
    scene.say(scene.due[-1].number, disconnection("no: the-readers-own"))
    assert question.why == ("closed", "dc0:389 closes the connection: no: ***")


@pytest.mark.parametrize(("code", "word"), [(51, "busy"), (80, "bad_answer")])
def test_nor_is_what_it_repeats_of_the_service_accounts_where_somebody_is_searched_for(code, word):
    scene = ready()
    question = scene.ask()
    scene.answer(None, code, "no: the-readers-own, " + "x" * 2000)
    trouble, text = question.why
    assert trouble == word
    assert MAX_TEXT < len(text) < MAX_TEXT + 100
    assert ": no: ***, x" in text


def test_nor_where_the_group_is_asked():
    scene = ready(rules=SearchRules(BASE, b"", b"cn=vpn," + BASE))
    question = scene.ask()
    scene.answer(n_found=0)
    scene.answer()
    scene.answer(None, 32, "no: the-readers-own")
    assert isinstance(question.result, Refused)
    assert question.result.text.endswith("(noSuchObject: no: ***)")


def asked_as_a_member(code: int) -> tuple[Scene, Question]:
    """A question whose group was asked for, with this result, at the first of two hosts."""
    scene = ready(2, rules=SearchRules(BASE, b"", b"cn=vpn," + BASE))
    question = scene.ask()
    scene.answer(n_found=0)
    scene.answer()
    scene.answer(None, code)
    return scene, question


@pytest.mark.parametrize("code", [32, 34, 50])
def test_a_group_that_cannot_be_seen_has_no_members(code):
    _, question = asked_as_a_member(code)
    assert reason(question) == "not_in_group"


@pytest.mark.parametrize("code", [3, 51, 52, 80])
def test_one_that_cannot_be_asked_now_is_asked_at_the_next_host(code):
    scene, question = asked_as_a_member(code)
    assert question.host is scene.hosts[1]
    assert scene.due[-1].base == b"cn=vpn," + BASE


@pytest.mark.parametrize("code", [8, 7, 1])
def test_a_result_that_looks_at_no_password_is_final_too(code):
    scene = ready(2)
    question = found(scene)
    scene.answer(None, code)
    assert isinstance(question.result, Unavailable)
    assert len(scene.user_binds) == 1


@pytest.mark.parametrize("code", [51, 52])
def test_a_host_without_time_for_a_bind_is_left_for_the_next_one_and_no_third(code):
    scene = ready(3)
    question = found(scene)
    for _ in range(2):
        scene.answer(None, code)
        if scene.opening:
            scene.opens()
    assert question.why[0] == "busy"
    assert [sent.host.index for sent in scene.user_binds] == [0, 1]


def test_a_dn_that_would_make_the_bind_anonymous_is_not_bound_as():
    scene = ready()
    question = scene.ask()
    sent = scene.due.pop()
    scene.say(sent.number, entry(sent.message_id, b"", uid=ALICE) + search_done(sent.message_id))
    scene.opens()
    assert not scene.user_binds
    assert question.why[0] == "bad_answer"


def test_who_is_bound_as_by_ntlm_is_who_was_found():
    binder = Binder(Manner(is_ntlm=True, is_tls=True), "", bytes, lambda: 0)
    rules, names = SearchRules(BASE, wants_account=True), AccountRules(b"uid", b"mail")
    plan = DirectoryPlan([Host(0, "dc0:636", "dc0")], TEN, names, rules, None, binder)
    plan.start(0.0)
    plan.opened(1, b"", 0.0)
    plan.ask(Question(CheckFirstFactor(b"alice", b"secret")), 0.0)
    own = {"uid": b"alice", "sAMAccountName": b"alice1", "msDS-PrincipalName": b"EXAMPLE\\alice1"}
    plan.received(1, entry(1, b"uid=alice," + BASE, **own) + search_done(1), 0.0)
    plan.opened(2, b"", 0.0)
    (sent,) = plan.received(2, bind_done(1, 14, credentials=answer(challenge())), 0.0)
    assert isinstance(sent, Send)
    proof = Authenticate(sent.octets[sent.octets.index(b"NTLMSSP\0") :])
    assert (proof.user, proof.domain) == ("alice1", "EXAMPLE")


def test_a_bind_whose_answer_is_lost_is_tried_once_more_at_the_next_host():
    scene = ready(3)
    question = found(scene)
    scene.lose(scene.due[-1].number)
    scene.opens()
    assert scene.due[-1].host is scene.hosts[1]
    assert scene.due[-1].name == scene.user_binds[0].name
    scene.lose(scene.due[-1].number)
    assert question.why == ("closed", "dc0:389 closed the connection; dc1:389 closed the connection")
    assert [sent.host.index for sent in scene.user_binds] == [0, 1]


def test_a_host_that_loses_a_bind_is_passed_over_by_those_who_come_later():
    scene = ready(2)
    found(scene)
    scene.lose(scene.due[-1].number)
    assert scene.hosts[0].state is DOWN
    assert scene.ask().host is scene.hosts[1]


def test_so_is_one_that_is_not_answered_in_time():
    scene = ready(3, Limits(timeout_s=9.0))
    question = found(scene)
    number = scene.due[-1].number
    scene.wait(3.1)
    assert number not in scene.open
    scene.opens()
    assert scene.due[-1].host is scene.hosts[1]
    scene.answer(None, 49)
    assert reason(question) == "first_factor_rejected"
    assert len(scene.user_binds) == 2


def test_with_one_host_there_is_no_second_bind():
    scene = ready()
    question = found(scene)
    scene.lose(scene.due[-1].number)
    assert isinstance(question.result, Unavailable)
    assert len(scene.user_binds) == 1


def test_a_notice_with_the_answer_does_not_undo_it():
    scene = ready(2)
    question = found(scene)
    bind = scene.due[-1]
    scene.say(bind.number, bind_done(bind.message_id) + disconnection())
    assert isinstance(question.result, Accepted)
    assert bind.number not in scene.open


def test_a_bind_that_never_left_is_put_on_a_new_connection_of_the_same_host():
    scene = ready(2)
    found(scene)
    scene.answer()
    scene.dies_at_looks = True
    question = scene.ask()
    scene.answer()
    scene.opens()
    assert scene.due[-1].host is scene.hosts[0]
    assert len(scene.user_binds) == 2  # one for each question
    scene.answer()
    assert isinstance(question.result, Accepted)
