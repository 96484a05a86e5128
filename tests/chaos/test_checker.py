"""The judge must be able to say guilty: every rule is broken once, beside logins that break none."""

import math
from typing import Any

import pytest

from tests.chaos.checker import AFTERMATH_S, EXPLANATIONS, RULES, Evidence, check
from tests.chaos.records import ACCEPT, PUSH, REJECT, WRONG_PASSCODE, Outage, Plan, Record

ALICE = Plan("alice", PUSH, "approve", 0.5)
BOB = Plan("bob")
NOBODY_ANSWERS = Plan("alice", PUSH, "timeout")
TOLD = "Logged in without a second factor, which is unavailable."


def record(user: str = "alice", code: int | None = ACCEPT, **details: Any) -> Record:
    """A login sent at 100 s and answered a second later."""
    replied_at = math.inf if code is None else 101.0
    return Record(user, **{"sent_at": 100.0, "n_sent": 1, "code": code, "replied_at": replied_at, **details})


def evidence(plan: Plan, seen: Record, reason: str = "", **details: Any) -> Evidence:
    """What is known of one login that Duo was asked for once."""
    known: dict[str, Any] = {
        "fail_mode": "secure",
        "deadline_s": 30.0,
        "n_pushes": {plan.user: int(plan.is_push)},
        "n_passcodes": {plan.user: int(not plan.is_push)},
        "reasons": {plan.user: frozenset({reason})} if reason else {},
        **details,
    }
    return Evidence({plan.user: plan}, [seen], **known)


def broken(*arguments: Any, **details: Any) -> set[str]:
    return {violation.rule for violation in check(evidence(*arguments, **details))}


OUTAGE = [Outage("refuse", 99.0, 102.0)]
UNASKED: dict[str, Any] = {"n_pushes": {}, "n_passcodes": {}}


@pytest.mark.parametrize(
    ("plan", "seen", "reason", "details"),
    [
        pytest.param(ALICE, record(), "duo_allowed", {}, id="a push approved"),
        pytest.param(BOB, record("bob"), "duo_allowed", {}, id="a passcode"),
        pytest.param(
            BOB._replace(typed=WRONG_PASSCODE), record("bob", REJECT), "duo_denied", {}, id="a wrong passcode"
        ),
        pytest.param(ALICE._replace(answer="deny"), record(code=REJECT), "duo_denied", {}, id="a push denied"),
        pytest.param(ALICE._replace(answer="fraud"), record(code=REJECT), "duo_fraud", {}, id="a fraud reported"),
        pytest.param(NOBODY_ANSWERS, record(code=REJECT), "duo_timeout", {}, id="a push ignored"),
        pytest.param(
            ALICE, record(), "failmode_safe", {"fail_mode": "safe", "outages": OUTAGE, **UNASKED}, id="fail mode safe"
        ),
        pytest.param(
            ALICE, record(code=REJECT), "failmode_secure", {"outages": OUTAGE, **UNASKED}, id="fail mode secure"
        ),
        pytest.param(
            ALICE,
            record(code=REJECT),
            "failmode_secure",
            {"outages": [Outage("refuse", 80.0, 101 - AFTERMATH_S)]},
            id="the aftermath of an outage",
        ),
        pytest.param(
            BOB, record("bob", REJECT), "overloaded", {"outages": [Outage("rate_limit", 99.0)]}, id="a rate limit"
        ),
        pytest.param(ALICE, record(n_duplicates=5, n_sent=6), "duo_allowed", {}, id="the same octets again"),
        pytest.param(ALICE, record(), "", {"was_killed": True}, id="a line lost with a worker"),
        pytest.param(
            ALICE._replace(answer="deny"), record(code=REJECT), "", {"was_killed": True}, id="a denial's line lost"
        ),
        pytest.param(
            ALICE, record(code=None, gave_up_at=110.0), "", {}, id="a NAS without patience is not the gateway's fault"
        ),
        pytest.param(
            ALICE._replace(answer="person"), record(), "duo_allowed", {"approved_at": {"alice": 100.9}}, id="in time"
        ),
        pytest.param(
            ALICE, record(code=None, gave_up_at=130.0), "", {"was_killed": True}, id="a push lost with its worker"
        ),
        pytest.param(ALICE, record(code=REJECT), "push_lost", {"was_killed": True}, id="a lost push is told"),
    ],
)
def test_logins_that_break_no_rule(plan: Plan, seen: Record, reason: str, details: dict[str, Any]) -> None:
    assert broken(plan, seen, reason, **details) == set()


@pytest.mark.parametrize(
    ("rule", "plan", "seen", "reason", "details"),
    [
        pytest.param("pushed too often", ALICE, record(), "duo_allowed", {"n_pushes": {"alice": 2}}, id="pushed twice"),
        pytest.param(
            "pushed too often",
            BOB,
            record("bob"),
            "duo_allowed",
            {"n_pushes": {"bob": 1}},
            id="a push for a passcode",
        ),
        pytest.param("accept from nobody", ALICE, record(), "duo_allowed", UNASKED, id="Duo was never asked"),
        pytest.param("accept from nobody", ALICE._replace(answer="deny"), record(), "duo_allowed", {}, id="Duo denied"),
        pytest.param(
            "accept from nobody", BOB._replace(typed=WRONG_PASSCODE), record("bob"), "duo_allowed", {}, id="wrong code"
        ),
        pytest.param("accept from nobody", NOBODY_ANSWERS, record(), "duo_allowed", {}, id="nobody approved"),
        pytest.param(
            "accept from nobody", ALICE, record(replied_at=100.4), "duo_allowed", {}, id="before anybody approved"
        ),
        pytest.param(
            "accept from nobody",
            ALICE._replace(answer="person"),
            record(),
            "duo_allowed",
            {"approved_at": {"alice": 101.5}},
            id="before the test approved",
        ),
        pytest.param(
            "accept from nobody", ALICE._replace(answer="person"), record(), "duo_allowed", {}, id="never approved"
        ),
        pytest.param(
            "accept from nobody",
            ALICE,
            record(),
            "failmode_safe",
            {"fail_mode": "safe", **UNASKED},
            id="fail mode without an outage lets nobody in",
        ),
        pytest.param(
            "accept from nobody",
            ALICE,
            record(),
            "failmode_safe",
            {"fail_mode": "secure", "outages": OUTAGE, **UNASKED},
            id="nor does secure",
        ),
        pytest.param(
            "accept from nobody",
            ALICE,
            record(),
            "failmode_safe",
            {"fail_mode": "safe", "outages": [Outage("refuse", 10.0, 20.0)], **UNASKED},
            id="an outage long ago",
        ),
        pytest.param(
            "accept from nobody",
            ALICE,
            record(),
            "failmode_safe",
            {"fail_mode": "safe", "outages": [Outage("refuse", 101.5)], **UNASKED},
            id="an outage to come",
        ),
        pytest.param("fail mode without cause", ALICE, record(), "failmode_safe", {"fail_mode": "safe"}, id="Duo well"),
        pytest.param(
            "fail mode without cause",
            ALICE,
            record(),
            "failmode_safe",
            {"fail_mode": "safe", "outages": [Outage("rate_limit", 99.0)]},
            id="a rate limit is no outage",
        ),
        pytest.param(
            "fail mode without cause", ALICE, record(code=REJECT), "failmode_secure", {}, id="Duo well, secure"
        ),
        pytest.param(
            "fail mode without cause",
            ALICE,
            record(),
            "failmode_safe",
            {"outages": OUTAGE},
            id="the other way than it is set",
        ),
        pytest.param(
            "fail mode without cause",
            ALICE,
            record(message=TOLD),
            "duo_allowed",
            {"outages": OUTAGE},
            id="told to the user and not to the log",
        ),
        pytest.param("silence", ALICE, record(code=None, gave_up_at=130.0), "", {}, id="no answer"),
        pytest.param(
            "silence", ALICE, record(gave_up_at=130.0), "duo_allowed", {}, id="no second answer to a retransmission"
        ),
        pytest.param(
            "silence",
            ALICE,
            record(code=None, gave_up_at=130.0),
            "",
            {"was_killed": True, "followed": {"alice"}},
            id="a push that the dead worker's successor should have followed",
        ),
        pytest.param(
            "silence", BOB, record("bob", None, gave_up_at=130.0), "", {"was_killed": True}, id="passcodes are not lost"
        ),
        pytest.param("reject without reason", ALICE, record(code=REJECT), "push_lost", {}, id="nobody was killed"),
        pytest.param("still open", ALICE, record(code=None), "", {}, id="the fleet went home"),
        pytest.param("answers differ", ALICE, record(n_conflicting=1), "duo_allowed", {}, id="other octets"),
        pytest.param("odd code", ALICE, record(code=11), "duo_allowed", {}, id="a challenge"),
        pytest.param("reject without reason", ALICE, record(code=REJECT), "duo_denied", {}, id="Duo would allow"),
        pytest.param(
            "reject without reason",
            ALICE._replace(answer="deny"),
            record(code=REJECT),
            "duo_denied",
            UNASKED,
            id="Duo was not asked",
        ),
        pytest.param("reject without reason", ALICE, record(code=REJECT), "duo_timeout", {}, id="no time-out there"),
        pytest.param("reject without reason", ALICE, record(code=REJECT), "overloaded", {}, id="no rate limit there"),
        pytest.param("reject without reason", ALICE, record(code=REJECT), "too_many_pending", {}, id="one per user"),
        pytest.param("reject without reason", ALICE, record(code=REJECT), "", {}, id="no line at all"),
        pytest.param(
            "reject without reason",
            BOB,
            record("bob", REJECT),
            "",
            {"was_killed": True},
            id="a lost line is no excuse",
        ),
        pytest.param("untold", ALICE, record(), "", {}, id="an accept without a line"),
        pytest.param("our mistake", ALICE, record(code=REJECT), "internal_error", {}, id="an internal error"),
    ],
)
def test_every_rule_can_be_broken(rule: str, plan: Plan, seen: Record, reason: str, details: dict[str, Any]) -> None:
    assert rule in RULES
    assert rule in broken(plan, seen, reason, **details)


def test_pushes_for_users_without_a_login_are_found() -> None:
    (violation,) = check(evidence(ALICE, record(), "duo_allowed", n_pushes={"alice": 1, "eve": 1}))
    assert (violation.rule, violation.user) == ("nobody asked", "eve")


def test_a_plan_that_was_never_begun_proves_nothing() -> None:
    known = evidence(ALICE, record(), "duo_allowed")
    (violation,) = check(known._replace(plans={**known.plans, "bob": BOB}))
    assert (violation.rule, violation.user) == ("not begun", "bob")


def test_one_of_two_reasons_is_enough() -> None:
    """A worker died after its line was written and before the reply left; its successor decided for itself."""
    reasons = {"alice": frozenset({"failmode_secure", "duo_allowed"})}
    assert check(evidence(ALICE, record(), reasons=reasons, outages=OUTAGE)) == []


def test_explanations_are_for_reasons_that_there_are() -> None:
    from gateway.words.reasons import Reason

    assert set(EXPLANATIONS) - {""} <= set(Reason)
