"""The judge: what may become of a login, given what was asked, what Duo did, and what went wrong meanwhile.

Pure: evidence in, violations out. The rules are the table at the end; each looks at one login.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from tests.chaos.records import ACCEPT, REJECT, Outage, Plan, Record

AFTERMATH_S = 15.0  # after an outage: calls still wait for their time-out (10 s), the breaker for its next probe
EARLY_S = 0.005  # clocks of timers are this coarse

SAFE, SECURE = "safe", "secure"
NO_OUTAGES = {"rate_limit", "chunked", "close_after"}  # what users can provoke, and what is merely unusual


class Evidence(NamedTuple):
    """All that is known once the fleet is done.

    Attributes:
        plans: by user.
        records: of all logins begun.
        fail_mode: `safe` or `secure`.
        deadline_s: how long a NAS must have asked before silence counts.
        n_pushes, n_passcodes: by user, what the simulated Duo was asked for.
        reasons: by user, why the gateway says that the login ended; a login answered by two workers has two.
        outages: faults of Duo, and of the way to it, by their kinds.
        approved_at: by user, when the test approved a push whose plan says `person`, or began to.
        was_killed: whether any worker was: its last lines may be missing in the log then.
        aftermath_s: how long after an outage it may still be felt.
        followed: users whose push Duo was asked about at least once, so that the gateway knew the push by its name.
        may_repeat: users who were asked for at two hosts that could not know of each other: each may push.
    """

    plans: Mapping[str, Plan]
    records: Sequence[Record]
    fail_mode: str
    deadline_s: float
    n_pushes: Mapping[str, int]
    n_passcodes: Mapping[str, int]
    reasons: Mapping[str, frozenset[str]]
    outages: Sequence[Outage] = ()
    approved_at: Mapping[str, float] = {}
    was_killed: bool = False
    aftermath_s: float = AFTERMATH_S
    followed: AbstractSet[str] = frozenset()
    may_repeat: AbstractSet[str] = frozenset()


class Violation(NamedTuple):
    """A rule that a login broke, and how."""

    rule: str
    user: str
    text: str


class Case:
    """One login and the evidence about it; `begun_at` is when its user was first asked for, at any host."""

    def __init__(self, record: Record, evidence: Evidence, begun_at: float) -> None:
        user = record.user
        self.begun_at = begun_at
        self.record = record
        self.evidence = evidence
        self.plan = evidence.plans[user]
        self.n_pushes = evidence.n_pushes.get(user, 0)
        self.n_passcodes = evidence.n_passcodes.get(user, 0)
        self.reasons = evidence.reasons.get(user, frozenset())

    @property
    def was_asked(self) -> bool:
        """Whether Duo was asked for this login's factor."""
        return bool(self.n_pushes if self.plan.is_push else self.n_passcodes)

    @property
    def decided_at(self) -> float:
        """Before which Duo cannot have said yes: nobody had approved yet."""
        if not self.plan.is_push:
            return self.begun_at
        if self.plan.answer == "person":
            return self.evidence.approved_at.get(self.record.user, math.inf)
        return self.begun_at + self.plan.answer_after_s

    @property
    def duo_said_yes(self) -> bool:
        """Whether an accept may be Duo's."""
        is_in_time = self.record.replied_at >= self.decided_at - EARLY_S
        return self.was_asked and self.plan.duo_allows and is_in_time

    @property
    def troubles(self) -> set[str]:
        """The kinds of what went wrong in this login's time."""
        start, end, aftermath_s = self.record.sent_at, self.record.ended_at, self.evidence.aftermath_s
        return {each.kind for each in self.evidence.outages if each.touches(start, end, aftermath_s)}

    @property
    def met_outage(self) -> bool:
        """Whether Duo was away, as far as fail mode is concerned."""
        return bool(self.troubles - NO_OUTAGES)

    @property
    def may_have_lost_push(self) -> bool:
        """Whether a worker may have died between asking for the push and hearing its name, which nobody can mend."""
        is_followed = self.record.user in self.evidence.followed
        return self.plan.is_push and self.evidence.was_killed and not is_followed

    def fail_mode_is(self, fail_mode: str) -> bool:
        """Whether fail mode may have decided, and decides so."""
        return self.evidence.fail_mode == fail_mode and self.met_outage


def check(evidence: Evidence) -> list[Violation]:
    """Return every violation, none if all is well."""
    begun_at: dict[str, float] = {}
    for record in evidence.records:
        begun_at[record.user] = min(record.sent_at, begun_at.get(record.user, math.inf))
    judged = (v for r in evidence.records for v in _judge(r, evidence, begun_at[r.user]))
    return [*_unplanned(evidence), *_missing(evidence), *judged]


def _judge(record: Record, evidence: Evidence, begun_at: float) -> Iterator[Violation]:
    if record.user not in evidence.plans:
        return
    case = Case(record, evidence, begun_at)
    for name, rule in RULES.items():
        text = rule(case)
        if text:
            yield Violation(name, record.user, text)


def _unplanned(evidence: Evidence) -> Iterator[Violation]:
    """Users that nobody logged in as, and yet Duo was asked about."""
    begun = {record.user for record in evidence.records}
    for user, n_pushes in evidence.n_pushes.items():
        if user not in begun and n_pushes:
            yield Violation("nobody asked", user, f"{n_pushes} pushes for a user without a login")


def _missing(evidence: Evidence) -> Iterator[Violation]:
    """Plans without a record: the fleet never began them, so that nothing was proven."""
    begun = {record.user for record in evidence.records}
    for user in evidence.plans:
        if user not in begun:
            yield Violation("not begun", user, "the fleet did not begin this login")


def _pushed_too_often(case: Case) -> str:
    allowed = (1 + (case.record.user in case.evidence.may_repeat)) if case.plan.is_push else 0
    return f"{case.n_pushes} pushes where {allowed} is right" if case.n_pushes > allowed else ""


def _accept_from_nobody(case: Case) -> str:
    if case.record.code != ACCEPT or case.duo_said_yes or case.fail_mode_is(SAFE):
        return ""
    return f"accepted, but Duo did not say yes and fail mode had no cause ({_why(case)})"


def _fail_mode_without_cause(case: Case) -> str:
    """Fail mode decided though Duo was well, or decided the other way than it is set."""
    wanted = f"failmode_{case.evidence.fail_mode}"
    told = {reason for reason in case.reasons if reason.startswith("failmode_")}
    if case.record.is_by_fail_mode and not told and not case.evidence.was_killed:
        return "its user was told of fail mode, the log says nothing of it"
    if told - {wanted}:
        return f"{_why(case)}, where failmode={case.evidence.fail_mode}"
    return "" if not told or case.met_outage else f"{_why(case)}, though Duo was well"


def _silence(case: Case) -> str:
    waited_s = case.record.gave_up_at - case.record.sent_at
    if math.isinf(waited_s) or waited_s < case.evidence.deadline_s or case.may_have_lost_push:
        return ""
    return f"no answer within {waited_s:.1f} s and {case.record.n_sent} transmissions"


def _still_open(case: Case) -> str:
    is_open = case.record.code is None and math.isinf(case.record.gave_up_at)
    return "neither answered nor given up: the fleet ended too early" if is_open else ""


def _answers_differ(case: Case) -> str:
    n_conflicting = case.record.n_conflicting
    return f"{n_conflicting} further replies unlike the first" if n_conflicting else ""


def _odd_code(case: Case) -> str:
    return "" if case.record.code in (None, ACCEPT, REJECT) else f"a reply of code {case.record.code}"


def _reject_without_reason(case: Case) -> str:
    if case.record.code != REJECT:
        return ""
    reasons = case.reasons or ({""} if case.evidence.was_killed else frozenset())
    if any(EXPLANATIONS.get(reason, _never)(case) for reason in reasons):
        return ""
    return f"rejected, which nothing explains ({_why(case)}): {case.record.message!r}"


def _untold(case: Case) -> str:
    is_told = case.record.code is None or case.reasons or case.evidence.was_killed
    return "" if is_told else "answered without a line in the log"


def _our_mistake(case: Case) -> str:
    return "reason=internal_error" if "internal_error" in case.reasons else ""


def _why(case: Case) -> str:
    return " ".join(sorted(case.reasons)) or "no reason in the log"


def _never(_case: Case) -> bool:
    return False


def _duo_denied(case: Case) -> bool:
    return case.was_asked and not case.plan.duo_allows


def _nobody_answered(case: Case) -> bool:
    return case.was_asked and (case.plan.answer == "timeout" or case.met_outage)


def _too_many_calls(case: Case) -> bool:
    """Duo limits their rate, or they wait for connections that an outage keeps from being opened."""
    return "rate_limit" in case.troubles or case.met_outage


def _rejected_by_fail_mode(case: Case) -> bool:
    return case.fail_mode_is(SECURE)


def _push_is_lost(case: Case) -> bool:
    return case.may_have_lost_push


def _line_is_lost(case: Case) -> bool:
    return _duo_denied(case) or _nobody_answered(case) or _rejected_by_fail_mode(case) or _push_is_lost(case)


EXPLANATIONS: dict[str, Callable[[Case], bool]] = {
    # a reason in the log -> whether it can be true; a reject for any other reason is a violation
    "duo_denied": _duo_denied,
    "duo_fraud": _duo_denied,
    "duo_timeout": _nobody_answered,
    "failmode_secure": _rejected_by_fail_mode,
    "overloaded": _too_many_calls,
    "push_lost": _push_is_lost,
    "": _line_is_lost,
}

RULES: dict[str, Callable[[Case], str]] = {
    "pushed too often": _pushed_too_often,
    "accept from nobody": _accept_from_nobody,
    "fail mode without cause": _fail_mode_without_cause,
    "silence": _silence,
    "still open": _still_open,
    "answers differ": _answers_differ,
    "odd code": _odd_code,
    "reject without reason": _reject_without_reason,
    "untold": _untold,
    "our mistake": _our_mistake,
}
