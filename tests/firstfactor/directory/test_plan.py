"""How directories are asked: hosts in turn, one bind, what is tried again and what is not."""

import pytest

from gateway.engine.first_factor import Accepted, CheckFirstFactor, Refused
from gateway.firstfactor.directory.account import AccountRules
from gateway.firstfactor.directory.binder import Binder
from gateway.firstfactor.directory.binds import IDLE_S, MAX_OPENING
from gateway.firstfactor.directory.effects import Send
from gateway.firstfactor.directory.host import FIRST_PAUSE_S, LONGEST_PAUSE_S, Host, Limits
from gateway.firstfactor.directory.outcomes import Manner
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.firstfactor.directory.search import SearchRules
from gateway.firstfactor.directory.searches import FIRST_LOCKING_PAUSE_S, KEEP_ALIVE_S, LONGEST_LOCKING_PAUSE_S
from gateway.firstfactor.directory.states import ENDED, SEARCHING, WAITING
from gateway.firstfactor.directory.watch import PROBE_INTERVAL_S, REST_S
from gateway.firstfactor.host_states import DOWN, UP
from gateway.unavailable import Unavailable
from tests.firstfactor.directory.answers import bind_done, disconnection, entry, referral, search_done
from tests.firstfactor.directory.scene import BASE, SERVICE, Question, Scene
from tests.ldap.ntlm.server import Authenticate, answer, challenge

TEN = Limits(timeout_s=10.0)


def ready(n_hosts: int = 1, limits: Limits = TEN, **how) -> Scene:
    scene = Scene(n_hosts, limits, **how)
    scene.ready()
    return scene


def found(scene: Scene, **how) -> Question:
    """A question whose user was found, and whose bind is out."""
    question = scene.ask(**how)
    scene.answer()
    if scene.opening:
        scene.opens()
    assert scene.due[-1].is_user_bind
    return question


def reason(question: Question) -> str:
    assert isinstance(question.result, Refused)
    return question.result.reason


# The way of one question.


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
    assert reason(ready().ask(b"DOM\\")) == "user_not_found"


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


@pytest.mark.parametrize("code", [8, 53, 1])
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
    octets = b"\x30\x09\x02\x01%c\x64\x04\x04\x00\x30\x00" % sent.message_id
    scene.say(sent.number, octets + b"\x30\x0c\x02\x01%c\x65\x07\x0a\x01\x00\x04\x00\x04\x00" % sent.message_id)
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


# From host to host.


def test_one_that_cannot_be_reached_is_passed_over():
    scene = Scene(2)
    question = scene.ask()
    scene.fail(1)
    scene.ready()
    assert scene.due[-1].host is scene.hosts[1]
    scene.answer()
    scene.opens()
    scene.answer()
    assert question.result == Accepted(b"", "dc1:389", None)
    assert scene.hosts[0].state is DOWN
    assert scene.news == [("dc0:389", "down")]


def test_all_that_cannot_be_reached_is_told_in_order():
    scene = Scene(2)
    question = scene.ask()
    scene.fail(1, "connection refused by 10.0.0.1:389")
    scene.fail(2, "cannot resolve dc1")
    assert question.why == (
        "connect",
        "dc0:389 cannot be reached: connection refused by 10.0.0.1:389; dc1:389 cannot be reached: cannot resolve dc1",
    )


@pytest.mark.parametrize("code", [32, 51, 80])
def test_one_that_cannot_search_is_passed_over(code):
    scene = ready(2)
    scene.ask()
    scene.answer(None, code)
    assert scene.due[-1].host is scene.hosts[1]
    assert scene.hosts[0].state is (UP if code == 80 else DOWN)  # which may be of this very name


def test_a_group_that_cannot_be_seen_is_no_fault_of_the_host():
    scene = ready(rules=SearchRules(BASE, b"", b"cn=vpn," + BASE))
    question = scene.ask()
    scene.answer(n_found=0)
    scene.answer()
    scene.answer(None, 32, n_found=0)
    assert reason(question) == "not_in_group"
    assert scene.hosts[0].state is UP


def test_hosts_share_the_time_and_silence_moves_on():
    scene = ready(2)
    question = scene.ask()
    scene.wait(4.9)
    assert scene.due[-1].host is scene.hosts[0]
    scene.wait(0.2)
    assert scene.due[-1].host is scene.hosts[1]
    assert scene.hosts[0].state is DOWN
    scene.wait(5.0)
    assert question.why == ("timeout", "dc0:389 did not answer in time; dc1:389 did not answer in time")
    assert scene.now <= 1010.2


def test_one_that_answers_others_is_not_down():
    scene = ready(2)
    first, second = scene.ask(), scene.ask()
    scene.wait(1)
    scene.answer(next(sent for sent in scene.due if sent.message_id == second.message_id), n_found=0)
    scene.wait(4.5)
    assert scene.hosts[0].state is UP
    assert first.host is scene.hosts[1]


def test_the_deadline_of_a_login_counts():
    scene = ready()
    question = scene.ask(deadline=scene.now + 2)
    scene.wait(1.9)
    assert question.state is SEARCHING
    scene.wait(0.2)
    assert question.state is ENDED
    assert scene.ask(deadline=scene.now - 1).why[0] == "timeout"


def test_one_that_failed_is_asked_last_until_it_answers_after_its_rest():
    scene = Scene(2)
    scene.fail(1)
    scene.ready()
    for _ in range(2):
        scene.ask()
        assert scene.due[-1].host is scene.hosts[1]
        scene.answer(n_found=0)
    assert not scene.opening
    scene.wait(REST_S - 1)
    assert not scene.opening
    scene.wait(2)
    scene.fail()
    scene.wait(PROBE_INTERVAL_S)
    scene.opens()
    scene.answer()
    assert scene.due[-1].is_check
    assert scene.hosts[0].state is DOWN
    scene.answer()
    assert scene.hosts[0].state is UP
    assert scene.news == [("dc0:389", "down"), ("dc0:389", "up")]
    scene.ask()
    assert scene.due[-1].host is scene.hosts[0]
    scene.wait(10 * REST_S)
    assert sum(sent.is_check for sent in scene.sent) < 10


def test_the_only_one_is_asked_although_it_failed():
    scene = Scene()
    scene.fail()
    question = scene.ask()
    scene.ready()
    assert scene.due[-2].is_check
    scene.answer()
    scene.opens()
    scene.answer()
    assert isinstance(question.result, Accepted)
    assert scene.hosts[0].state is UP


# One bind.


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


# Connections.


def test_a_connection_serves_one_user_after_the_other():
    scene = ready()
    for code in (0, 49, 0):
        found(scene)
        scene.answer(None, code)
    assert {sent.number for sent in scene.user_binds} == {2}
    scene.wait(IDLE_S + 1)
    assert set(scene.open) == {1}


def test_one_on_which_something_else_was_said_does_not():
    scene = ready()
    found(scene)
    scene.answer(None, 53)
    assert set(scene.open) == {1}


def test_no_more_than_may_be_have_a_place_and_the_others_wait():
    scene = ready(1, Limits(timeout_s=10.0, max_in_flight=2))
    questions = [scene.ask() for _ in range(4)]
    assert [each.state for each in questions] == [SEARCHING, SEARCHING, WAITING, WAITING]
    scene.answer(n_found=0)
    assert questions[2].state is SEARCHING
    scene.cancel(questions[0])
    assert questions[3].state is SEARCHING


def test_who_waits_for_a_place_for_too_long_is_told_so():
    scene = ready(1, Limits(timeout_s=10.0, max_in_flight=1))
    scene.ask()
    scene.wait(1)
    question = scene.ask(deadline=scene.now + 2)
    scene.wait(3)
    assert question.why == ("busy", "dc0:389 has 1 questions of ours already")


def test_who_waits_at_one_that_fails_turns_to_one_that_answers():
    scene = ready(2, Limits(timeout_s=10.0, max_in_flight=1))
    scene.ask()
    waiting = scene.ask()
    scene.answer(None, 51)
    assert waiting.host is scene.hosts[1]


def test_connections_for_binds_are_as_few_as_places():
    scene = ready(1, Limits(timeout_s=10.0, max_in_flight=2))
    for _ in range(5):
        question = scene.ask()
        scene.answer()
        scene.cancel(question)
    assert len(scene.opening) == 1  # it is for whoever comes next
    last = scene.ask()
    scene.answer()
    assert len(scene.opening) == 1
    scene.opens()
    scene.answer()
    assert isinstance(last.result, Accepted)


def test_a_rush_opens_few_connections_at_once():
    scene = ready()
    questions = [scene.ask() for _ in range(50)]
    for sent in tuple(scene.due):
        scene.answer(sent)
    assert len(scene.opening) == MAX_OPENING
    scene.opens()
    assert len(scene.opening) == MAX_OPENING
    while scene.due or scene.opening:
        for sent in tuple(scene.due):
            scene.answer(sent)
        if scene.opening:
            scene.opens()
    assert all(isinstance(question.result, Accepted) for question in questions)


def test_if_none_can_be_opened_each_turns_to_the_next_host():
    scene = ready(2)
    questions = [scene.ask() for _ in range(50)]
    for sent in tuple(scene.due):
        scene.answer(sent)
    while any(host is scene.hosts[0] for host in scene.opening.values()):
        scene.fail(next(number for number, host in scene.opening.items() if host is scene.hosts[0]))
    assert {question.host for question in questions} == {scene.hosts[1]}


def test_a_cancelled_bind_takes_its_connection_along():
    scene = ready()
    question = found(scene)
    number = scene.due[-1].number
    scene.cancel(question)
    assert number not in scene.open
    assert question.question.password is None
    assert not question.results


def test_a_search_on_a_kept_connection_that_dies_is_made_once_more_there():
    scene = ready(2)
    scene.ask()
    scene.answer(n_found=0)
    question = scene.ask()
    scene.lose(1)
    assert question.host is scene.hosts[0]
    scene.ready()
    assert scene.due[-1].host is scene.hosts[0]
    assert scene.hosts[0].state is UP
    scene.lose(scene.due[-1].number)
    assert question.host is scene.hosts[1]
    assert scene.hosts[0].state is DOWN


def test_who_searches_at_one_that_is_silent_turns_to_the_next_with_the_first_to_notice():
    scene = ready(2)
    scene.ask()
    scene.answer(n_found=0)
    first = scene.ask()
    scene.wait(3)
    second = scene.ask()
    scene.wait(2.1)
    assert first.host is second.host is scene.hosts[1]
    assert scene.due[-1].host is scene.hosts[1]


def test_with_no_other_host_it_searches_once_more_there():
    scene = ready()
    scene.ask()
    scene.answer(n_found=0)
    scene.ask()
    scene.wait(3)
    second = scene.ask()
    scene.wait(7.1)
    assert second.state is SEARCHING
    scene.ready()
    assert scene.due[-1].host is scene.hosts[0]
    scene.answer(n_found=0)
    assert reason(second) == "user_not_found"


def test_one_on_a_new_connection_is_made_at_the_next_host():
    scene = ready(2)
    question = scene.ask()
    scene.lose(1)
    assert question.host is scene.hosts[1]


def test_a_search_without_end_ends_for_who_searches_and_others_go_on():
    scene = ready(2)
    scene.ask()
    scene.answer(n_found=0)
    endless, other = scene.ask(), scene.ask()
    scene.say(1, referral(endless.message_id) * 101)
    assert endless.host is scene.hosts[1]
    assert other.host is scene.hosts[0]
    scene.ready()
    assert other.state is SEARCHING


def test_a_connection_that_says_nothing_is_given_up_with_the_question():
    scene = ready()
    scene.ask()
    scene.wait(10.1)
    assert 1 not in scene.open


def test_what_idles_is_asked_for_a_sign_of_life_and_kept():
    scene = ready()
    scene.wait(KEEP_ALIVE_S + 1)
    assert scene.due[-1].is_check
    scene.answer()
    scene.wait(KEEP_ALIVE_S + 1)
    assert sum(sent.is_check for sent in scene.sent) == 2
    assert set(scene.open) == {1}


def test_one_that_gives_none_is_lost_and_its_host_rests():
    scene = ready()
    scene.wait(KEEP_ALIVE_S + 1)
    scene.wait(TEN.timeout_s)
    assert 1 not in scene.open
    assert scene.hosts[0].state is DOWN


def test_a_connection_that_is_lost_is_opened_and_bound_again():
    scene = ready()
    scene.wait(20)
    scene.lose(1)
    scene.ready()
    assert sum(sent.is_service_bind for sent in scene.sent) == 2
    scene.lose(2)  # too soon: it is opened again when somebody asks
    assert not scene.opening
    scene.ask()
    assert scene.opening


# The service account.


WRONG, DISABLED = "data 52e, v4563", "data 533, v4563"


@pytest.mark.parametrize(
    ("text", "why", "first_s", "longest_s"),
    [
        (WRONG, "the name or the password is wrong (52e)", FIRST_LOCKING_PAUSE_S, LONGEST_LOCKING_PAUSE_S),
        (DISABLED, "it is disabled (533)", FIRST_PAUSE_S, LONGEST_PAUSE_S),
    ],
)
def test_a_refused_service_account_is_tried_again_after_a_pause_and_ever_later(text, why, first_s, longest_s):
    scene = Scene()
    first = scene.ask()
    scene.opens()
    scene.answer(None, 49, text)
    refused = "refuses the service account cn=reader,dc=example,dc=test"
    keys = "see bind_dn, service_account_username and service_account_password"
    assert first.why == ("configuration", f"dc0:389 {refused}: {why}; {keys}")
    assert scene.ask().why == first.why
    assert not scene.opening
    pause_s = first_s
    for _ in range(7):
        scene.wait(pause_s - 0.1)
        assert scene.ask().results
        assert not scene.opening
        scene.wait(0.2)
        question = scene.ask() if not scene.opening else None
        scene.opens()
        scene.answer(None, 49, text)
        assert question is None or question.results
        pause_s = min(2 * pause_s, longest_s)
    scene.wait(longest_s + 0.1)
    if not scene.opening:
        scene.ask()
    scene.ready()
    assert scene.hosts[0].pause_s == 0


def test_a_wrong_one_is_tried_four_times_in_an_hour_at_all_hosts_together():
    scene = Scene(3)
    while scene.now < 1000.0 + 3600.0:
        scene.ask()
        scene.ask()
        while scene.opening:
            scene.opens()
        for sent in tuple(scene.due):
            scene.answer(sent, 49, WRONG)
        scene.wait(5.0)
    assert [round(sent.at - 1000.0, -2) for sent in scene.sent] == [0, 300, 900, 2100]


def test_where_it_is_bound_searches_go_on_while_another_host_finds_it_wrong():
    scene = ready(2)
    scene.wait(20)
    scene.lose(1)
    scene.opens()
    scene.answer(None, 49, WRONG)
    question = scene.ask()
    assert question.host is scene.hosts[1]
    scene.lose(2)
    assert question.results
    assert not scene.opening


@pytest.mark.parametrize(("code", "n_tries"), [(49, 1), (0, 3)])
def test_one_that_is_wrong_is_tried_at_one_host_alone_when_a_worker_starts(code, n_tries):
    scene = Scene(3)
    assert list(scene.opening) == [1]
    scene.opens()
    scene.answer(None, code)
    scene.ready()
    assert sum(sent.is_service_bind for sent in scene.sent) == n_tries


def test_who_waits_while_it_is_refused_is_answered_at_the_next_host():
    scene = Scene(2, Limits(timeout_s=10.0, max_in_flight=2))
    questions = [scene.ask() for _ in range(5)]
    scene.opens(1)
    scene.answer(None, 49, DISABLED)
    assert {question.host for question in questions} == {scene.hosts[1]}
    assert sum(sent.is_service_bind for sent in scene.sent) == 1


def test_who_waits_while_its_password_is_wrong_ends_and_no_other_host_counts_it_too():
    scene = Scene(2, Limits(timeout_s=10.0, max_in_flight=2))
    questions = [scene.ask() for _ in range(5)]
    scene.opens(1)
    scene.answer(None, 49, WRONG)
    assert all(question.results for question in questions)
    assert not scene.opening


def test_who_waits_in_line_while_it_is_refused_by_the_only_one_ends():
    scene = Scene(1, Limits(timeout_s=10.0, max_in_flight=1))
    questions = [scene.ask() for _ in range(500)]
    scene.opens()
    scene.answer(None, 49)
    assert all(question.results for question in questions)
    assert not scene.opening


def test_a_bind_of_the_service_account_that_is_not_answered_is_given_up():
    scene = Scene(2)
    question = scene.ask()
    scene.opens(1)
    scene.wait(5.1)
    assert 1 not in scene.open
    assert question.host is scene.hosts[1]


def test_what_is_repeated_of_its_password_is_not_told():
    scene = Scene()
    question = scene.ask()
    scene.opens()
    scene.answer(None, 80, "you said the-readers-own")
    assert "the-readers-own" not in question.why[1]


def test_nothing_secret_is_shown():
    scene = ready()
    question = found(scene)
    shown = repr([question, *scene.hosts, *scene.plan._board.connections.values(), SERVICE])
    assert "correct horse" not in shown
    assert "the-readers-own" not in shown
