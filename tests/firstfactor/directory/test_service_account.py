"""The service account: when it is bound, and how seldom one that is refused."""

import pytest

from gateway.firstfactor.directory.host import FIRST_PAUSE_S, LONGEST_PAUSE_S, Limits
from gateway.firstfactor.directory.searches import FIRST_LOCKING_PAUSE_S, LONGEST_LOCKING_PAUSE_S
from gateway.firstfactor.directory.watch import REST_S
from gateway.firstfactor.host_states import DOWN, UP
from gateway.unavailable import Trouble
from tests.firstfactor.directory.scene import SERVICE, Scene, found, ready

WRONG, DISABLED = "data 52e, v4563", "data 533, v4563"
NOT_TRIED = "is not tried: the service account has a wrong password"


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


@pytest.mark.parametrize("n_hosts", [1, 3])
def test_as_long_as_its_password_is_wrong_no_host_does_what_it_is_for_and_the_log_is_told_once(n_hosts):
    scene = Scene(n_hosts)
    while scene.now < 1000.0 + 3 * 3600.0:
        while scene.opening:
            scene.opens()
        for sent in tuple(scene.due):
            scene.answer(sent, 49, WRONG)
        assert all(host.failed_at >= scene.now - REST_S for host in scene.hosts)
        assert {(host.state, host.trouble) for host in scene.hosts} == {(DOWN, Trouble.CONFIGURATION)}
        scene.wait(5.0)
    assert scene.news == [(f"dc{number}:389", DOWN) for number in range(n_hosts)]
    assert sum("refuses the service account" in host.complaint for host in scene.hosts) == 1
    assert sum(host.complaint == NOT_TRIED for host in scene.hosts) == n_hosts - 1
    while any(host.state is DOWN for host in scene.hosts) and scene.now < 1000.0 + 5 * 3600.0:
        scene.ready()
        for sent in tuple(scene.due):
            scene.answer(sent)
        scene.wait(5.0)
    assert [host.state for host in scene.hosts] == [UP] * n_hosts


def test_who_waits_for_another_connection_when_its_password_turns_out_wrong_ends_at_once():
    scene = Scene(3)
    scene.fail()
    question = scene.ask()
    assert question.host is scene.hosts[1]
    scene.opens(3)
    scene.answer(None, 49, WRONG)
    assert question.results
    assert [host.state for host in scene.hosts] == [DOWN] * 3
    scene.opens(2)
    assert not scene.due


def test_where_it_was_bound_nobody_is_asked_once_that_is_lost_while_it_is_wrong_elsewhere():
    scene = ready(2)
    scene.wait(20)
    scene.lose(1)
    scene.opens()
    scene.answer(None, 49, WRONG)
    assert [host.state for host in scene.hosts] == [DOWN, UP]
    scene.lose(2)
    assert [(host.state, host.trouble) for host in scene.hosts] == [(DOWN, Trouble.CONFIGURATION)] * 2
    assert scene.hosts[1].complaint == NOT_TRIED


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


@pytest.mark.parametrize("password", ["wrong", "the", "service account"])
def test_what_we_say_ourselves_of_it_stays_whatever_its_password(password):
    scene = Scene(account=SERVICE._replace(password=password.encode()))
    question = scene.ask()
    scene.opens()
    scene.answer(None, 49, "")
    assert "refuses the service account" in question.why[1]
    assert "the name or the password is wrong" in question.why[1]


def test_nothing_secret_is_shown():
    scene = ready()
    question = found(scene)
    shown = repr([question, *scene.hosts, *scene.plan._board.connections.values(), SERVICE])
    assert "correct horse" not in shown
    assert "the-readers-own" not in shown
