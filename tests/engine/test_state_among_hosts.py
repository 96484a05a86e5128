"""A challenge is answered where several hosts act as one: before all else the fleet is asked about its State."""

import pytest

from gateway.duoapi.calls import Auth
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.challenges.records import ChallengeRecord, packed_challenge
from gateway.engine.effects import KeepLogin
from gateway.engine.first_factor import CheckFirstFactor
from gateway.engine.login_states import LoginState
from gateway.engine.modes.challenge import Challenge
from gateway.fleetapi.questions import Claim, Granted, Held, Unused, UsedBefore, UseState
from gateway.unavailable import Trouble, Unavailable
from tests.engine.fleet_home import AHEAD, Host, drawing
from tests.engine.home_scene import GO_ON, HomeStage
from tests.engine.scene import ALLOWED, PUSHED

GONE = Unavailable(Trouble.CLOSED, "closed")


def answering(typed: str = "1") -> Host:
    """One whose menu is answered."""
    host = Host()
    host.ask(typed, host.asked_for_a_factor())
    return host


def test_the_fleet_is_asked_before_all_else():
    host = answering()
    question = host.question
    assert host.to == ["fleet"]
    assert isinstance(question, UseState)
    assert (question.number, question.wants_kept, question.life_s) == (host.asked[0].pending.number, False, 300.0)
    assert question.login == host.asked[0].pending.fleet_key
    assert len(question.login) == len(question.name) == 16
    assert not [each for each in host.effects if isinstance(each, KeepLogin)]


def test_who_is_the_first_goes_on_and_is_claimed():
    host = answering()
    host.answer(Unused())
    claim = host.question
    assert isinstance(claim, Claim)
    assert claim.again_s == 0.0
    host.answer(Granted(Held("ours:1", 1)))
    assert isinstance(host.question, Auth)
    host.answer(ALLOWED)
    assert host.reply.value(25) == b"staff"


def test_whoever_is_not_is_rejected_and_the_log_says_where_it_was_answered():
    host = answering()
    host.answer(UsedBefore("gw-b"))
    assert (host.reason, host.reply.code, host.to) == ("challenge_unknown", 3, [])
    assert host.finished.verdict.account.endswith("it was answered before (at gw-b)")


def test_without_an_answer_it_goes_on_for_duo_is_asked_after_it():
    host = answering()
    host.answer(GONE)
    assert isinstance(host.question, Claim)


def test_one_that_comes_again_says_so_to_whoever_grants_it():
    host = answering()
    host.answer(Unused(again_s=20.0))
    assert host.question.again_s == 20.0
    host.answer(UsedBefore("gw-b"))
    assert (host.reason, host.reply.code) == ("challenge_unknown", 3)


def test_at_another_host_it_joins_and_has_what_the_home_server_said():
    draw = drawing()
    a, b = Host(draw), Host(draw)
    state = a.asked_for_a_factor()
    (record,) = a.shared
    b.ask("1", state)
    assert b.question.wants_kept
    b.answer(Unused(packed_challenge(record), 5.0))
    b.answer(Granted(Held("ours:1", 1)))
    b.answer(PUSHED)
    b.answer(ALLOWED)
    assert (b.reason, b.reply.value(25)) == ("duo_allowed", b"staff")


@pytest.mark.parametrize("answer", [Unused(), Unused(b"nonsense"), GONE])
def test_without_what_is_kept_elsewhere_nobody_is_asked_anything(answer):
    draw = drawing()
    a, b = Host(draw), Host(draw)
    state = a.asked_for_a_factor()
    b.ask("1", state)
    b.answer(answer)
    assert (b.reason, b.to) == ("challenge_unknown", [])
    assert b.finished.verdict.account.endswith("what was kept for it is gone")


def test_the_same_answer_is_the_same_login_at_every_host_and_another_one_is_not():
    draw = drawing()
    a, b, c = Host(draw), Host(draw), Host(draw)
    state = a.asked_for_a_factor()
    names = []
    for host, typed in ((a, "1"), (b, "1"), (c, "2")):
        host.ask(typed, state)
        names.append(host.question.login)
    assert names[0] == names[1] != names[2]


def test_the_home_servers_own_question_is_answered_at_another_host_with_its_state_and_host():
    draw = drawing()
    a, b = Host(draw), Host(draw)
    a.ask()
    a.challenge(b"theirs")
    (record,) = a.shared
    b.ask("654321", a.state)
    b.answer(Unused(packed_challenge(record)))
    question = b.question
    assert isinstance(question, CheckFirstFactor)
    assert (question.state, question.password, question.host) == (b"theirs", b"654321", record.host)


def test_no_password_is_shared():
    host = Host()
    host.ask("Tr0ub4dor&3")
    host.challenge(b"theirs")
    assert all(b"Tr0ub4dor" not in packed_challenge(record) for record in host.shared)


def test_what_was_answered_is_forgotten_with_the_end():
    host = answering("123456")
    pending = host.asked[0].pending
    host.answer(UsedBefore("gw-b"))
    assert pending.login.state is LoginState.DECIDED
    assert pending.login.primary is not None
    assert pending.login.primary.answering is None


def test_without_a_fleet_nobody_is_asked_about_a_state():
    host = HomeStage(Challenge)
    host.ask()
    host.accept()
    host.answer(GO_ON)
    host.ask("1", host.state)
    assert isinstance(host.asked[0].question, Auth)


def test_a_host_that_leaves_lets_the_other_one_be_asked():
    host = answering()
    host.effects = host.engine.leave(1.0)
    assert host.engine.n_pending == 0


def test_one_that_is_shown_shows_nothing_that_was_typed():
    host = answering("123456")
    pending = host.asked[0].pending
    assert "123456" not in repr(pending.login.primary.answering)
    assert "123456" not in repr(host.question)


def test_a_successor_of_a_worker_that_died_over_it_takes_the_same_packet_again():
    """Without a fleet, too."""
    before = HomeStage(Challenge, memory=(memory := ChallengeMemory(UnixClock(AHEAD))))
    records: list[ChallengeRecord] = []
    memory.note = lambda record, _life_s: records.append(record)
    before.ask()
    before.accept()
    before.answer(GO_ON)
    state = before.state
    request = before.request("1", state)
    before.receive(request, now=1.0)
    successor = ChallengeMemory(UnixClock(AHEAD))
    for record in records:
        successor.adopt(record, 2.0)
    after = HomeStage(Challenge, memory=successor)
    after.receive(request, now=3.0)
    assert isinstance(after.asked[0].question, Auth)
    after.answer(ALLOWED)
    assert after.reply.value(25) == b"staff"
    after._n_packets = 100  # another packet than all before
    after.ask("1", state, now=3.0)
    assert after.reason == "challenge_unknown"
