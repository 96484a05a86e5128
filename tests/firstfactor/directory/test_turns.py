"""From host to host: who is asked next, and when."""

import pytest

from gateway.engine.first_factor import Accepted
from gateway.firstfactor.directory.search import SearchRules
from gateway.firstfactor.directory.states import ENDED, SEARCHING
from gateway.firstfactor.directory.watch import PROBE_INTERVAL_S, REST_S
from gateway.firstfactor.host_states import DOWN, UP
from tests.firstfactor.directory.scene import BASE, Scene, ready, reason


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
