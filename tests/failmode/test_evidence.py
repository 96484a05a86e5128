"""What a worker has seen of Duo, and what all have seen together."""

import pytest

from gateway.duoapi.calls import Auth, AuthStatus, Call, Check, Factor, Ping, Preauth
from gateway.failmode.evidence import (
    LATELY_S,
    MAX_USERS,
    OVERDUE_S,
    SILENCE_S,
    Evidence,
    Witness,
    add_up,
    patience_s,
)
from gateway.unavailable import Trouble

POLL = AuthStatus("tx")


class Worker:
    """A witness, and calls of users that it hears of."""

    def __init__(self) -> None:
        self.witness = Witness()
        self.show(0.0)

    def ask(self, user: str, now: float) -> Call:
        call = Preauth(user)
        self.witness.asked(call, id(call), now)
        return call

    def answer(self, call: Call, now: float, seconds: float = 0.1) -> None:
        self.witness.answered(call, id(call), seconds, now)

    def fail(self, call: Call, now: float, trouble: Trouble = Trouble.CONNECT) -> None:
        self.witness.failed(call, id(call), trouble, "why", 0.0, now)

    def fail_at_once(self, user: str, now: float, trouble: Trouble = Trouble.CONNECT) -> None:
        self.fail(self.ask(user, now), now, trouble)

    def show(self, now: float, since: float = 0.0) -> Evidence:
        """Return the evidence of somebody who shows it all the time."""
        self.witness.evidence(now - 0.1, since)
        return self.witness.evidence(now, since)


def test_nothing_is_known_at_first():
    evidence = Witness().evidence(100.0, 0.0)
    assert evidence == Evidence(typical_s=evidence.typical_s)
    assert evidence.last_trouble is None


def test_the_numbers_fit_the_cells_of_the_board():
    evidence = Witness().evidence(100.0, 0.0)
    assert len(evidence) == 9
    assert Evidence(*[float(number) for number in evidence]) == evidence


def test_different_users_are_counted_not_calls():
    worker = Worker()
    for user in ("ann", "ANN", "ann", "bob"):
        worker.fail_at_once(user, 10.0)
    evidence = worker.show(10.0)
    assert (evidence.n_failing, evidence.troubled_at, evidence.last_trouble) == (2, 10.0, Trouble.CONNECT)


def test_no_more_users_are_told_apart_than_matter():
    worker = Worker()
    for number in range(2 * MAX_USERS):
        worker.fail_at_once(f"user-{number}", 10.0)
        worker.ask(f"waiting-{number}", 10.0)
    for number in range(2 * MAX_USERS):
        worker.fail_at_once(f"user-{number}", 10.0)
    evidence = worker.show(15.0)
    assert (evidence.n_failing, evidence.n_overdue, evidence.n_lately) == (MAX_USERS, MAX_USERS, MAX_USERS)


def test_of_more_users_the_latest_count():
    """What was asked in a trial must not be lost behind those who failed before it."""
    worker = Worker()
    for number in range(2 * MAX_USERS):
        worker.fail_at_once(f"before{number}", 1.0)
    worker.fail_at_once("trial", 2.0)
    assert worker.show(2.1, since=1.5).n_failing == 1


def test_an_answer_ends_the_count():
    worker = Worker()
    call = worker.ask("ann", 10.0)
    worker.fail_at_once("bob", 10.1)
    worker.answer(call, 10.2)
    evidence = worker.show(10.3)
    assert (evidence.n_failing, evidence.answered_at, evidence.since) == (0, 10.2, 10.2)


def test_what_was_asked_before_the_last_answer_says_nothing_when_it_times_out():
    worker = Worker()
    lost = worker.ask("ann", 10.0)
    worker.answer(worker.ask("bob", 10.0), 10.1)
    assert worker.show(15.0).waiting_since == 0.0
    worker.fail(lost, 20.0, Trouble.TIMEOUT)
    evidence = worker.show(20.0)
    assert (evidence.troubled_at, evidence.waiting_since, evidence.n_failing, evidence.n_overdue) == (0.0, 0.0, 0, 0)
    assert (evidence.n_lately, evidence.last_trouble) == (1, Trouble.TIMEOUT)


@pytest.mark.parametrize("trouble", [Trouble.CONNECT, Trouble.PROXY])
def test_a_long_poll_that_finds_no_way_any_more_is_a_reason_to_look(trouble: Trouble):
    """Where nobody logs in it is all that tells of a way that was cut."""
    worker = Worker()
    worker.answer(worker.ask("bob", 10.0), 10.1)
    poll = AuthStatus("txid")
    worker.witness.asked(poll, id(poll), 10.2)
    worker.fail(poll, 45.0, trouble)
    evidence = worker.show(45.0)
    assert (evidence.troubled_at, evidence.last_trouble, evidence.n_failing) == (45.0, trouble, 0)


def test_it_is_a_reason_to_look_when_it_fails_otherwise():
    worker = Worker()
    lost = worker.ask("ann", 10.0)
    worker.answer(worker.ask("bob", 10.0), 10.1)
    worker.fail(lost, 20.0, Trouble.CLOSED)
    evidence = worker.show(20.0)
    assert (evidence.troubled_at, evidence.n_failing) == (20.0, 0)


def test_a_call_asked_at_the_very_instant_of_an_answer_counts():
    """A login's next call follows its last answer at once."""
    worker = Worker()
    worker.answer(worker.ask("ann", 10.0), 10.1)
    worker.fail(worker.ask("ann", 10.1), 10.2)
    assert worker.show(10.2).n_failing == 1


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMIT, Trouble.BUSY])
def test_what_users_can_provoke_is_no_trouble(trouble: Trouble):
    worker = Worker()
    for number in range(10):
        worker.fail_at_once(f"user-{number}", 10.0, trouble)
    evidence = worker.show(10.0)
    assert (evidence.n_failing, evidence.troubled_at) == (0, 0.0)
    assert evidence.answered_at == (10.0 if trouble is Trouble.RATE_LIMIT else 0.0)


def test_a_call_that_is_asked_again_after_429_waits_for_nobody():
    worker = Worker()
    call = worker.ask("ann", 10.0)
    worker.witness.postponed(call, id(call), 10.1)
    evidence = worker.show(15.0)
    assert (evidence.answered_at, evidence.waiting_since, evidence.n_overdue) == (10.1, 0.0, 0)
    worker.answer(call, 15.1, 5.1)
    assert worker.show(15.1).answered_at == 15.1
    assert worker.show(15.1).typical_s == evidence.typical_s


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMIT, Trouble.CONFIGURATION, Trouble.CLOCK])
def test_no_refusal_of_a_long_poll_hides_that_no_login_can_begin(trouble: Trouble):
    worker = Worker()
    worker.fail_at_once("eve", 10.0)
    worker.witness.asked(POLL, 1, 9.0)
    worker.witness.postponed(POLL, 1, 11.0)
    worker.fail(POLL, 12.0, trouble)
    evidence = worker.show(12.1)
    assert (evidence.n_failing, evidence.answered_at) == (1, 0.0)


@pytest.mark.parametrize("trouble", [Trouble.CONFIGURATION, Trouble.CLOCK])
def test_a_refusal_for_keys_or_clock_is_an_answer_and_a_trouble(trouble: Trouble):
    worker = Worker()
    worker.fail_at_once("bob", 9.0)
    worker.fail_at_once("ann", 10.0, trouble)
    evidence = worker.show(10.0)
    assert (evidence.n_failing, evidence.n_lately) == (0, 2)
    assert (evidence.answered_at, evidence.troubled_at, evidence.last_trouble) == (10.0, 10.0, trouble)


def test_users_who_failed_lately_are_counted_whatever_was_answered_since():
    worker = Worker()
    for user, at in (("ann", 10.0), ("bob", 11.0), ("ANN", 12.0), ("eve", 13.0)):
        worker.fail_at_once(user, at)
        worker.answer(worker.ask("well", at), at + 0.1)
    worker.fail_at_once("busy", 13.0, Trouble.BUSY)
    worker.fail_at_once("busy", 13.0, Trouble.RATE_LIMIT)
    worker.fail(POLL, 13.0, Trouble.CLOSED)
    assert worker.show(13.2).n_lately == 3
    assert worker.show(11.0 + LATELY_S + 0.1).n_lately == 2
    assert worker.show(12.0 + LATELY_S + 0.1).n_lately == 1
    assert worker.show(14.0 + LATELY_S).n_lately == 0


def test_a_long_poll_is_answered_when_a_person_has_decided():
    worker = Worker()
    worker.witness.asked(POLL, 1, 10.0)
    assert worker.show(15.0).waiting_since == 0.0
    typical_s = worker.show(15.0).typical_s
    worker.witness.answered(POLL, 1, 20.0, 30.0)
    evidence = worker.show(30.0)
    assert (evidence.answered_at, evidence.typical_s) == (0.0, typical_s)


def test_what_duo_tells_of_old_pushes_does_not_hide_that_no_login_can_begin():
    worker = Worker()
    worker.witness.asked(POLL, 1, 9.0)
    for user in ("ann", "bob"):
        worker.ask(user, 10.0)
    worker.fail_at_once("eve", 10.0)
    worker.witness.answered(POLL, 1, 5.0, 14.0)
    evidence = worker.show(14.1)
    assert (evidence.waiting_since, evidence.n_failing, evidence.since) == (10.0, 1, 0.0)


def test_a_long_polls_time_out_says_nothing_and_another_failure_counts_for_nobody():
    worker = Worker()
    worker.witness.asked(POLL, 1, 10.0)
    worker.fail(POLL, 40.0, Trouble.TIMEOUT)
    assert worker.show(40.0).troubled_at == 0.0
    worker.fail(POLL, 40.0, Trouble.CLOSED)
    evidence = worker.show(40.0)
    assert (evidence.troubled_at, evidence.n_failing, evidence.last_trouble) == (40.0, 0, Trouble.CLOSED)


@pytest.mark.parametrize("call", [Ping(), Check()])
def test_our_own_questions_answered_do_not_speak_for_logins(call: Call):
    worker = Worker()
    worker.fail_at_once("ann", 10.0)
    worker.witness.asked(call, 1, 10.0)
    worker.witness.answered(call, 1, 0.1, 10.1)
    assert worker.show(10.2)[:2] == (0.0, 0.0)
    assert worker.show(10.2).n_failing == 1
    assert worker.show(20.0).waiting_since == 0.0


def test_a_forgotten_call_waits_no_more():
    worker = Worker()
    call = worker.ask("ann", 10.0)
    worker.witness.forgotten(id(call))
    assert worker.show(20.0).waiting_since == 0.0


def test_the_oldest_waiting_call_and_the_users_that_wait_too_long():
    worker = Worker()
    worker.ask("ann", 10.0)
    worker.ask("Ann", 10.1)
    worker.ask("bob", 10.2)
    auth = Auth("cid", Factor.PUSH)
    worker.witness.asked(auth, id(auth), 10.9)
    assert worker.show(10.5)[3:7] == (10.0, worker.show(10.5).typical_s, 0, 0)
    assert worker.show(10.0 + OVERDUE_S + 0.2).n_overdue == 2
    assert worker.show(12.0).n_overdue == 3


def test_a_user_whose_call_failed_is_not_counted_again_for_waiting():
    worker = Worker()
    worker.fail_at_once("ann", 10.0)
    worker.ask("ann", 10.0)
    evidence = worker.show(20.0)
    assert (evidence.n_failing, evidence.n_overdue) == (1, 0)


def test_after_our_own_pause_nobody_is_overdue_before_the_sockets_have_been_read():
    worker = Worker()
    worker.ask("ann", 10.0)
    worker.witness.evidence(10.0, 0.0)
    assert worker.witness.evidence(13.0, 0.0).n_overdue == 0
    assert worker.witness.evidence(13.1, 0.0).n_overdue == 1


def test_what_the_supervisor_publishes_makes_void_what_was_asked_before():
    worker = Worker()
    worker.fail_at_once("ann", 10.0)
    worker.ask("bob", 10.0)
    worker.fail_at_once("cid", 11.0)
    worker.ask("dan", 11.0)
    evidence = worker.show(20.0, since=10.5)
    assert evidence.since == 10.5
    assert (evidence.n_failing, evidence.n_overdue, evidence.waiting_since) == (1, 1, 11.0)
    assert worker.show(20.0, since=5.0).since == 10.5


def test_typical_is_what_few_answers_exceed_and_takes_an_outlier_calmly():
    worker = Worker()
    for number in range(2_000):
        worker.answer(worker.ask("ann", number), number, 0.8 if number % 50 == 0 else 0.7)
    assert 0.6 < worker.show(2_000.0).typical_s < 0.9
    worker.answer(worker.ask("ann", 2_000.0), 2_009.0, 9.0)
    assert worker.show(2_009.0).typical_s < 1.1


def test_patience_grows_with_what_is_typical_within_bounds():
    assert patience_s(0.01, SILENCE_S) == SILENCE_S
    assert patience_s(0.7, SILENCE_S) == pytest.approx(2.1)
    assert patience_s(60.0, OVERDUE_S) == 4.0


def test_workers_add_up():
    together = add_up(
        [
            Evidence(since=5.0, troubled_at=6.0, waiting_since=5.5, typical_s=0.2, n_failing=2, n_overdue=1, trouble=2),
            Evidence(since=5.0, answered_at=5.0, troubled_at=5.1, typical_s=0.3, n_failing=1, n_lately=1, trouble=1),
        ],
        4.0,
    )
    assert together == Evidence(5.0, 5.0, 6.0, 5.5, 0.3, 3, 1, 1, 2)


def test_an_answer_in_one_worker_ends_the_count_of_one_that_has_not_heard_of_it():
    ailing, well = Evidence(since=5.0, n_failing=60, waiting_since=5.1), Evidence(since=9.0, answered_at=9.0)
    together = add_up([ailing, well], 5.0)
    assert (together.since, together.n_failing, together.waiting_since) == (9.0, 0, 0.0)


def test_instants_may_lose_their_last_bits_on_the_way():
    published = round(1_234_567.123456789123 * 1e9) / 1e9
    assert add_up([Evidence(since=published, n_failing=1)], 1_234_567.123456789123).n_failing == 1


def test_no_workers_have_seen_nothing():
    assert add_up([], 7.0) == Evidence(since=7.0)


def test_repr_names_no_user():
    worker = Worker()
    worker.fail_at_once("ann", 10.0)
    worker.ask("bob", 10.0)
    assert repr(worker.witness) == "<Witness pending=1 failing=1 lately=1>"
