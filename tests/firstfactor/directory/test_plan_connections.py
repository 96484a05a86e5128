"""Connections of a plan: how many there are, whom they serve, and what becomes of those that say nothing."""

import pytest

from gateway.engine.first_factor import Accepted
from gateway.firstfactor.directory.binds import IDLE_S, MAX_OPENING
from gateway.firstfactor.directory.host import Limits
from gateway.firstfactor.directory.searches import KEEP_ALIVE_S
from gateway.firstfactor.directory.states import SEARCHING, WAITING
from gateway.firstfactor.directory.watch import PROBE_INTERVAL_S, REST_S
from gateway.firstfactor.host_states import DOWN, UP
from tests.firstfactor.directory.answers import entry, referral
from tests.firstfactor.directory.scene import BASE, TEN, found, ready, reason


def test_a_connection_serves_one_user_after_the_other():
    scene = ready()
    for code in (0, 49, 0):
        found(scene)
        scene.answer(None, code)
    assert {sent.number for sent in scene.user_binds} == {2}
    scene.wait(IDLE_S + 1)
    assert set(scene.open) == {1}


def test_an_instant_at_which_floats_round_otherwise_ends_like_any_other():
    """59.999… s have passed since then by one sum, and 60 by the other."""
    since, now = 32758.354826995, 32818.354826995
    assert now - since < IDLE_S
    assert since + IDLE_S <= now
    scene = ready()
    scene.now = since
    found(scene)
    scene.answer(None)
    scene.perform(scene.plan.timer(now))
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


def test_one_that_sends_octets_and_no_message_says_nothing_either():
    """A message of 60,000 octets that comes one by one takes hours, and nothing is answered behind it."""
    scene = ready()
    scene.ask()
    for octet in (0x30, 0x82, 0xEA, 0x60, 0x02):
        scene.wait(1)
        scene.say(1, bytes((octet,)))
    scene.wait(5.1)
    assert 1 not in scene.open


def test_one_that_answers_others_is_kept_for_them():
    scene = ready()
    scene.ask()
    scene.wait(5)
    scene.ask()
    scene.answer(n_found=0)
    scene.wait(5.1)
    assert 1 in scene.open


def test_so_is_one_that_has_found_somebody_and_looks_for_more():
    scene = ready()
    question = scene.ask()
    scene.wait(1)
    scene.say(1, entry(question.message_id, b"uid=0," + BASE))
    scene.wait(9.1)
    assert question.why[0] == "timeout"
    assert 1 in scene.open


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


@pytest.mark.parametrize("code", [51, 52])
def test_one_that_has_no_time_for_a_sign_of_life_is_not_back(code):
    scene = ready()
    scene.ask()
    scene.answer(None, code)
    scene.wait(REST_S)
    for _ in range(10):
        assert scene.due[-1].is_check
        scene.answer(None, code)
        scene.wait(PROBE_INTERVAL_S)
    assert scene.news == [("dc0:389", DOWN)]
    scene.answer()
    assert scene.hosts[0].state is UP


@pytest.mark.parametrize("code", [10, 32, 50])
def test_one_that_cannot_search_as_the_file_says_is_not_back_until_it_can(code):
    scene = ready(2)
    scene.ask()
    scene.answer(None, code)
    scene.answer(n_found=0)
    scene.wait(REST_S)
    for _ in range(10):
        check = scene.due[-1]
        assert (check.host, check.base) == (scene.hosts[0], BASE)
        scene.answer(None, code)
        scene.wait(PROBE_INTERVAL_S)
    assert scene.news == [("dc0:389", DOWN)]
    scene.answer(n_found=0)
    assert scene.hosts[0].state is UP


@pytest.mark.parametrize("code", [1, 32, 50])
def test_a_root_that_nobody_may_read_is_a_sign_of_life(code):
    scene = ready()
    scene.wait(KEEP_ALIVE_S + 1)
    assert scene.due[-1].is_check
    scene.answer(None, code)
    assert not scene.news


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
