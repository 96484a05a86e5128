"""One login as a state machine, from the typed factor to the verdict.

A login asks somebody one thing at a time: it returns the next `Ask`, or its `Verdict`. The tables of this file are the
whole of its behaviour: `TRANSITIONS` says which states may follow, `_HANDLERS` what an answer means in each state, and
`_FAILURES` what it means that there is none. A new kind of question is a state and its rows.

Fail mode belongs to the questions to Duo before anybody is pushed: the rows of PREAUTH and AUTH know it, no others do.

Where several hosts act as one, a login claims itself before it asks Duo for what must not happen twice. If another host
has it, it joins: that host asks Duo, and says what became of it.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import (
    PASSCODE,
    Auth,
    AuthAnswer,
    AuthStatus,
    Call,
    Device,
    Factor,
    Preauth,
    PreauthAnswer,
    Refusal,
)
from gateway.duoapi.echoes import is_harmless, without_passcode
from gateway.engine.asking import Answer, Question
from gateway.engine.duo_verdicts import (
    auth_verdict,
    duo_verdict,
    fail_mode,
    preauth_verdict,
    push_lost,
    refused_call,
    timed_out,
)
from gateway.engine.records import LoginRecord, unpacked_verdict
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import Verdict, rejection
from gateway.fleetapi.questions import (
    Claim,
    Decided,
    Granted,
    Held,
    Join,
    Joined,
    Lost,
    Released,
    TakenOver,
)
from gateway.unavailable import Unavailable
from gateway.values import Value
from gateway.words.reasons import Reason

PERSON_PATIENCE_S: Final = 75.0  # a push lives 60 s at Duo; what is not decided by then has timed out
CLAIM_LIFE_S: Final = 10.0  # far less than what makes other hosts claim a login anew
HOLD_S: Final = 2.5  # until it is known whether Duo is away; see docs/fail-mode.md
POLL_PAUSE_S: Final = 1.0  # between questions to a Duo that answers a long poll at once, or fails
_FREE_POLLS: Final = 2  # the first long poll answers "pushed" at once: no pause for it


@final
@mypyc_attr(acyclic=True)
class LoginPolicy(Value):
    """What a login carries on of its section's mode; plain values, for the engine knows no configuration.

    Attributes:
        application: whom to ask for the second factor, by the name under which the worker holds that Duo application.
        fail_open: `failmode=safe`: let the user in while Duo is unavailable.
        fleet: whom to ask whether another host has the same login, likewise; empty where nobody is asked.
    """

    __slots__ = ("application", "fail_open", "fleet")

    def __init__(self, application: str, fail_open: bool = True, fleet: str = "") -> None:
        self.application = application
        self.fail_open = fail_open
        self.fleet = fleet


def choose_device(typed: TypedFactor, devices: tuple[Device, ...]) -> str | None:
    """Return the device that the typed number means: the n-th of those that can do the factor; None when there is none.

    v1 has no device list and takes the number itself, so that a list which is not there is no obstacle.
    """
    if not typed.ordinal or not devices:
        return "auto"
    capable = [device.device for device in devices if typed.factor in device.capabilities]
    return capable[typed.ordinal - 1] if typed.ordinal <= len(capable) else None


class LoginState(StrEnum):
    """Where a login stands."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    NEW = "new"
    PREAUTH = "preauth"
    CLAIMING = "claiming"
    JOINED = "joined"  # another host asks Duo
    AUTH = "auth"
    WAITING = "waiting"
    ELSEWHERE = "elsewhere"  # another worker waits for Duo's answer
    LOST = "lost"  # Duo may have pushed, but the worker that asked, or its connection, was gone before the push's name
    DECIDED = "decided"


# Bare names, for the tables' sake; before Python 3.12 they also cost a tenth of `LoginState.NEW`.
NEW: Final = LoginState.NEW
PREAUTH: Final = LoginState.PREAUTH
CLAIMING: Final = LoginState.CLAIMING
JOINED: Final = LoginState.JOINED
AUTH: Final = LoginState.AUTH
WAITING: Final = LoginState.WAITING
ELSEWHERE: Final = LoginState.ELSEWHERE
LOST: Final = LoginState.LOST
DECIDED: Final = LoginState.DECIDED
_UNKNOWN_FACTOR: Final = Reason.UNKNOWN_FACTOR

_DUO_ACCEPTS: Final = (Reason.DUO_ALLOWED, Reason.DUO_BYPASS)

_STATES: Final = {state.value: state for state in LoginState}
_FACTORS: Final = {factor.value: factor for factor in Factor}

TRANSITIONS: Final[dict[LoginState, frozenset[LoginState]]] = {
    NEW: frozenset({PREAUTH, CLAIMING, AUTH, ELSEWHERE, DECIDED}),
    PREAUTH: frozenset({CLAIMING, AUTH, DECIDED}),
    CLAIMING: frozenset({AUTH, JOINED, WAITING, DECIDED}),
    JOINED: frozenset({CLAIMING, WAITING, LOST, DECIDED}),
    AUTH: frozenset({WAITING, LOST, DECIDED}),
    WAITING: frozenset({WAITING, JOINED, DECIDED}),
    ELSEWHERE: frozenset({WAITING, JOINED, LOST, DECIDED}),
    LOST: frozenset({DECIDED}),
    DECIDED: frozenset(),
}

FAIL_MODE_STATES: Final = (PREAUTH, AUTH)
"""Where fail mode may take the place of a question that is about to be put: Duo is asked, and nobody is pushed yet."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Ask(Value):
    """Ask somebody this, not before the instant `at` (0: now).

    `to` is the name under which the worker holds who answers: a Duo application, or the fleet.
    """

    __slots__ = ("at", "question", "to")

    def __init__(self, to: str, question: Question, at: float = 0.0) -> None:
        self.to = to
        self.question = question
        self.at = at


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Hold(Value):
    """Nothing can be asked: give the login up at the instant `until`, or now if Duo is known to be away."""

    __slots__ = ("until",)

    def __init__(self, until: float) -> None:
        self.until = until


Step = Ask | Hold | Verdict


@mypyc_attr(free_list_len=1)
class Login:
    """What one user asked for, and how far Duo is with it.

    Attributes:
        user_name: as the NAS sent it.
        txid: Duo's name of a push that is under way.
        held: what this host has of it in the fleet's store; None before it is claimed, and without a fleet.
        host: the other host that had it, or has; empty for none.
        asked_at, pushed_at: the instants of the last question and of the push.
    """

    __slots__ = (
        "_auth",
        "_ipaddr",
        "_loss",
        "_no_factor",
        "_polls",
        "_state_elsewhere",
        "_typed",
        "asked_at",
        "held",
        "host",
        "policy",
        "pushed_at",
        "state",
        "txid",
        "user_name",
    )

    def __init__(self, policy: LoginPolicy, user_name: str, ipaddr: str | None = None) -> None:
        self.policy = policy
        self.user_name = user_name
        self.txid = ""
        self.state = NEW
        self._ipaddr = ipaddr
        self.held: Held | None = None
        self.host = ""
        self._auth: Auth | None = None
        self._typed: TypedFactor | None = None
        self._loss: Unavailable | None = None
        self._no_factor = _UNKNOWN_FACTOR
        self.asked_at = self.pushed_at = 0.0
        self._polls = 0
        self._state_elsewhere = NEW

    @classmethod
    def restored(cls, policy: LoginPolicy, record: LoginRecord) -> "Login":
        """Return a login that another worker has begun, and waits for Duo's answer to."""
        login = cls(policy, record.user_name)
        login._move(ELSEWHERE)
        login.heard_elsewhere(record)
        return login

    def heard_elsewhere(self, record: LoginRecord) -> None:
        """Take note of how far the other worker is.

        A state that this version does not know counts as `LOST`, and a factor as none, which is no passcode: somebody
        may have been pushed.
        """
        self._state_elsewhere = _STATES.get(record.state, LOST)
        factor = _FACTORS.get(record.factor)
        self._typed = TypedFactor(factor) if factor is not None else None
        self.txid = record.txid
        if record.held is not None:
            self.held = Held(*record.held)
        self.asked_at, self.pushed_at = record.asked_at, record.pushed_at

    @property
    def factor(self) -> Factor | None:
        """What is asked of Duo; None when the typed text named no factor."""
        return self._typed.factor if self._typed is not None else None

    @property
    def progress(self) -> LoginState:
        """How far it is, here or with the worker that waits for Duo's answer."""
        return self._state_elsewhere if self.state is ELSEWHERE else self.state

    @property
    def waits_briefly(self) -> bool:
        """Whether it waits here for an answer of Duo's that does not wait for a person, and asking pushes nobody."""
        return self.state in FAIL_MODE_STATES and not self.has_pushed

    @property
    def has_pushed(self) -> bool:
        """Whether somebody may have been pushed, called or sent passcodes, so that asking again would do it twice."""
        progress = self.progress
        if progress is AUTH:
            return self.factor is not PASSCODE
        return progress is WAITING or progress is LOST or progress is JOINED

    def without_passcode(self, text: str) -> str:
        """Return a text in which Duo may have repeated what was typed, as it may be seen."""
        return without_passcode(text, self._typed.passcode if self._typed is not None else "")

    def ask_duo(self, typed: TypedFactor | None, no_factor: Reason, preauth_always: bool, now: float) -> Step:
        """Return the first question to Duo, for this factor; without one Duo is asked for what needs none.

        Args:
            typed: the factor; None for none.
            no_factor: what the login is rejected for then, once it needs one.
            preauth_always: ask `/preauth` even when the factor does not need the device list.
            now: monotonic seconds.
        """
        self._typed = typed
        self._no_factor = no_factor
        wants_devices = typed is not None and typed.ordinal > 0
        if preauth_always or wants_devices:
            return self._ask(PREAUTH, Preauth(self.user_name, self._ipaddr, wants_devices), now)
        return self._authenticate((), now)

    def answered(self, answer: Answer, now: float) -> Step:
        """Return the step that follows the answer to the last `Ask`."""
        return _HANDLERS[self.state, type(answer)](self, answer, now)

    def unavailable(self, error: Unavailable, now: float) -> Step:
        """Return the step that follows when the last `Ask` was not answered, or is not even put."""
        return _FAILURES[self.state](self, error, now)

    def resume(self, at: float, now: float) -> Step | None:
        """Return how to go on, at an instant, without the worker that waited for Duo's answer; None to begin anew.

        What the user typed is not known here: without a push under way the NAS has to send it again.
        """
        if not self.has_pushed:
            return None
        if self.txid:
            return self.ask_again(at, now)
        if self.progress is JOINED and self.policy.fleet:
            return self._join(at, now)
        self._move(LOST)
        return Hold(self.asked_at + PERSON_PATIENCE_S)

    def ask_again(self, at: float, now: float) -> Step:
        """Ask anew, at an instant, what became of the push: the last question may never be answered."""
        return self._poll(now, at)

    def decided_elsewhere(self) -> None:
        """Take note that the other worker has its verdict."""
        self._move(DECIDED)

    def give_up(self, is_duo_away: bool = False) -> Verdict:
        """End a login whose push nobody can ask about.

        Where a connection was lost with the question on it, Duo itself may be gone, and fail mode decides as for any
        other; while others are answered, nobody gets in for it.
        """
        if self._loss is not None and is_duo_away:
            return self.decide(fail_mode(self._loss, self.policy.fail_open))
        return self.decide(push_lost(self._loss))

    @property
    def has_lost_answer(self) -> bool:
        """Whether the answer to a question was lost on which Duo may have acted: an outage tells what that means."""
        return self._loss is not None

    def expire(self) -> Verdict:
        """End the login because its deadline has come."""
        return self.decide(rejection(Reason.DEADLINE))

    def _preauth_answered(self, answer: PreauthAnswer, now: float) -> Step:
        if answer.result == "auth":
            return self._authenticate(answer.devices, now)
        return self.decide(preauth_verdict(answer))

    def _auth_answered(self, answer: AuthAnswer, now: float) -> Step:
        if answer.result in ("allow", "deny"):
            return self.decide(auth_verdict(answer, self.factor))
        if answer.txid and self.state is AUTH:
            self.txid = answer.txid
            self.pushed_at = now
            return self._poll(now, now)
        if answer.result == "waiting" and self.txid:
            return self._still_waiting(now)
        # Duo has answered, with a word that is not known yet: that is no yes, and no outage either.
        return self.decide(duo_verdict(False, Reason.DUO_DENIED, answer.status_msg, self.factor, answer.result or "?"))

    def _preauth_failed(self, error: Unavailable, _now: float) -> Step:
        return self.decide(fail_mode(error, self.policy.fail_open))

    def _auth_failed(self, error: Unavailable, now: float) -> Step:
        """Let fail mode decide, but not at once if somebody may have been pushed: Duo may be there all the same."""
        if not error.may_have_acted:
            return self.decide(fail_mode(error, self.policy.fail_open))
        self._loss = error
        self._move(LOST)
        return Hold(now + HOLD_S)

    def _still_waiting(self, now: float) -> Step:
        was_quick = now - self.asked_at < POLL_PAUSE_S
        at = now + POLL_PAUSE_S if was_quick and self._polls > _FREE_POLLS else now
        return self._poll(now, at, f"Duo had not decided after {PERSON_PATIENCE_S:g} s")

    def _poll_failed(self, error: Unavailable, now: float) -> Step:
        """Ask again: the question is harmless, and the person may have approved, or denied.

        Fail mode has no part in it any more. A push is out: nobody gets in because its answer was lost.
        """
        why = f"Duo could not be asked what became of the push ({error.trouble}: {error.detail})"
        return self._poll(now, now + POLL_PAUSE_S, why)

    def _refused(self, refusal: Refusal, _now: float) -> Step:
        return self.decide(refused_call(refusal))

    def _authenticate(self, devices: tuple[Device, ...], now: float) -> Step:
        """Ask for the typed factor, or reject what named none; a user whom preauth let in was never asked for one."""
        typed = self._typed
        if typed is None:
            return self.decide(rejection(self._no_factor))
        device = choose_device(typed, devices)
        if device is None:
            return self.decide(rejection(Reason.NO_SUCH_DEVICE))
        call = Auth(self.user_name, typed.factor, device, typed.ordinal, typed.passcode, self._ipaddr)
        if not self.policy.fleet:
            return self._ask(AUTH, call, now)
        self._auth = call
        return self._claim(now)

    # With other hosts.

    def _claim(self, now: float) -> Step:
        """Ask the fleet for the login; one whose typed text is not known here can begin nothing any more."""
        if self._auth is None:
            return self.decide(push_lost(None))
        self._move(CLAIMING)
        self.asked_at = now
        return Ask(self.policy.fleet, Claim())

    def _join(self, at: float, now: float) -> Step:
        self._move(JOINED)
        self.asked_at = at
        return Ask(self.policy.fleet, Join(), at if at > now else 0.0)

    def _granted(self, granted: Granted, now: float) -> Step:
        """Ask Duo; not for a claim of long ago: this process stood still, and another host may have pushed since."""
        self.held = granted.held
        if now - self.asked_at > CLAIM_LIFE_S:
            return self.decide(push_lost(None))
        return self._ask_claimed(now)

    def _claim_failed(self, _error: Unavailable, now: float) -> Step:
        """Go on as if there were no other host: what the fleet cannot say keeps nobody out."""
        return self._ask_claimed(now)

    def _ask_claimed(self, now: float) -> Step:
        call = self._auth
        if call is None:
            return self.decide(push_lost(None))
        return self._ask(AUTH, call, now)

    def _joined(self, joined: Joined, now: float) -> Step:
        self.held, self.host = None, joined.host
        return self._join(now, now)

    def _join_failed(self, error: Unavailable, _now: float) -> Step:
        """Wait in vain, but ask nobody a second time: the other host may have pushed."""
        self._loss = error
        self._move(LOST)
        return Hold(self.asked_at + PERSON_PATIENCE_S)

    def _taken_over(self, taken: TakenOver, now: float) -> Step:
        """Ask Duo what became of the push of a host that has gone."""
        self.held, self.host, self.txid = taken.held, taken.host, taken.txid
        self._auth = None  # whatever is said of it later: it is not pushed a second time
        factor = _FACTORS.get(taken.factor)
        self._typed = TypedFactor(factor) if factor is not None else None
        self.pushed_at = now - taken.age_s
        return self._poll(now, now)

    def _decided_there(self, decided: Decided, _now: float) -> Step:
        """Take the other host's verdict. For what is not Duo's word nobody gets in: fail mode is each host's own."""
        self.held, self.host = None, decided.host
        verdict = unpacked_verdict(decided.verdict)
        if verdict is None or (verdict.is_accept and verdict.reason not in _DUO_ACCEPTS):
            verdict = push_lost(None)
        return self.decide(verdict)

    def _released(self, _released: Released, now: float) -> Step:
        return self._claim(now)

    def _lost_there(self, lost: Lost, _now: float) -> Step:
        self.held, self.host = None, lost.host
        return self.decide(push_lost(None))

    def displaced(self, now: float) -> Step:
        """Ask Duo no more: another host took this one for gone, and asks."""
        self.held, self.txid = None, ""
        self._auth = None  # as above
        return self._join(now, now)

    def _poll(self, now: float, at: float, why_not: str = "") -> Step:
        """Ask what became of the push, at the instant `at`; or time out, for `why_not`, when that would be too late."""
        left_s = self.pushed_at + PERSON_PATIENCE_S - at
        if left_s <= 0:
            return self.decide(timed_out(why_not))
        self._polls += 1
        ask = self._ask(WAITING, AuthStatus(self.txid, left_s), at)
        ask.at = at if at > now else 0.0
        return ask

    def _ask(self, state: LoginState, call: Call, at: float) -> Ask:
        self._move(state)
        self.asked_at = at
        return Ask(self.policy.application, call)

    def decide(self, verdict: Verdict) -> Verdict:
        """End it, and forget the passcode; nobody may have it from what Duo said."""
        self._move(DECIDED)
        typed = self._typed
        if typed is not None and typed.passcode:
            if not (is_harmless(verdict.account) and is_harmless(verdict.reply_message)):
                verdict.account = without_passcode(verdict.account, typed.passcode)
                verdict.reply_message = without_passcode(verdict.reply_message, typed.passcode)
            typed.passcode = ""  # it has served
        return verdict

    def _move(self, state: LoginState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a login does not go from {self.state} to {state}")
        self.state = state

    def __repr__(self) -> str:
        """Show the state; never what was typed."""
        return f"<Login {self.user_name!r} {self.state}>"


_HANDLERS: Final[dict[tuple[LoginState, type], Callable[[Login, Any, float], Step]]] = {
    (PREAUTH, PreauthAnswer): Login._preauth_answered,
    (PREAUTH, Refusal): Login._refused,
    (AUTH, AuthAnswer): Login._auth_answered,
    (AUTH, Refusal): Login._refused,
    (WAITING, AuthAnswer): Login._auth_answered,
    (WAITING, Refusal): Login._refused,
    (CLAIMING, Granted): Login._granted,
    (CLAIMING, Joined): Login._joined,
    (CLAIMING, TakenOver): Login._taken_over,
    (CLAIMING, Decided): Login._decided_there,
    (JOINED, TakenOver): Login._taken_over,
    (JOINED, Decided): Login._decided_there,
    (JOINED, Released): Login._released,
    (JOINED, Lost): Login._lost_there,
}

_FAILURES: Final[dict[LoginState, Callable[[Login, Unavailable, float], Step]]] = {
    PREAUTH: Login._preauth_failed,
    AUTH: Login._auth_failed,
    WAITING: Login._poll_failed,
    CLAIMING: Login._claim_failed,
    JOINED: Login._join_failed,
}
