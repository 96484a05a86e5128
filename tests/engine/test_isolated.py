"""A host that cannot reach Duo while another can, and is to be silent: its NAS ask the other."""

import pytest

from gateway.engine.effects import SendReply
from gateway.engine.login import HOLD_S
from gateway.radius.client import sign_request
from gateway.radius.dictionary import Code
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import ALLOWED, GO_ON, PUSHED, SECRET, Stage

AWAY = Unavailable(Trouble.OUTAGE, "known")


def isolated(stage: Stage | None = None, **section) -> Stage:
    stage = stage or Stage(**section)
    stage.engine.isolate("app", is_isolated=True)
    stage.effects = stage.engine.outage("app", AWAY, 1.0)
    return stage


def test_new_logins_meet_silence_and_are_counted():
    stage = isolated()
    stage.login()
    assert stage.replies == []
    assert stage.discards == {"isolated": 1}
    assert stage.engine.n_pending == 0


def test_so_does_status_server_by_which_balancers_see_it():
    stage = isolated()
    stage.receive(sign_request(Code.STATUS_SERVER, 3, bytes(16), SECRET, b""))
    assert stage.replies == []
    assert stage.discards == {"isolated": 1}


def test_and_the_probe_of_a_balancer_that_knows_no_status_server():
    stage = isolated(probe_usernames=frozenset({"probe"}))
    stage.login("probe", "x")
    assert stage.replies == []
    assert stage.discards == {"isolated": 1}


def test_what_was_answered_before_is_answered_again():
    stage = Stage()
    stage.login("alice", "123456")
    stage.answer(GO_ON)
    stage.answer(ALLOWED)
    (sent,) = [each for each in stage.effects if isinstance(each, SendReply)]
    isolated(stage)
    stage.login("alice", "123456")
    assert [each.octets for each in stage.effects if isinstance(each, SendReply)] == [sent.octets]


@pytest.mark.parametrize("answers", [[], [GO_ON]])
def test_a_login_that_waits_for_no_person_is_forgotten_instead_of_let_in(answers):
    stage = Stage()
    stage.login("alice", "123456")
    for answer in answers:
        stage.answer(answer)
    isolated(stage)
    assert stage.replies == []
    assert stage.engine.n_pending == 0


def test_so_is_one_whose_next_question_is_about_to_be_put():
    stage = Stage()
    stage.login("alice", "push")
    pending = stage.asked[-1].pending
    stage.engine.isolate("app", is_isolated=True)
    stage.engine._outages.begin("app", AWAY)
    stage.effects = stage.engine.answered(pending, GO_ON, 1.0)
    assert stage.replies == []
    assert stage.engine.n_pending == 0


def test_a_forgotten_login_begins_anew_when_the_host_is_silent_no_more():
    stage = Stage()
    stage.login("alice", "123456")
    isolated(stage)
    stage.engine.isolate("app", is_isolated=False)
    stage.engine.outage("app", None, 2.0)
    stage.login("alice", "123456", now=3.0)
    assert len(stage.asked) == 1


def test_a_push_that_is_out_is_waited_for():
    stage = Stage()
    stage.login("alice", "push")
    stage.answer(GO_ON)
    stage.answer(PUSHED)
    isolated(stage)
    assert stage.engine.n_pending == 1


def test_nobody_gets_in_for_a_push_that_may_have_been():
    stage = Stage()
    stage.login("alice", "push")
    stage.answer(GO_ON)
    stage.answer(Unavailable(Trouble.CLOSED, "gone", may_have_acted=True), now=0.5)
    isolated(stage)
    stage.effects = stage.engine.timer(0.5 + HOLD_S)
    assert stage.reason == "push_lost"


def test_another_application_is_served():
    stage = Stage()
    stage.engine.isolate("other", is_isolated=True)
    stage.login()
    assert len(stage.asked) == 1
