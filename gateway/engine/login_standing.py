"""Where one login stands, and how it goes on: it asks somebody, waits in vain, or has its verdict.

What an answer means is not said here, see `engine.login`.
"""

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import PASSCODE, Auth, AuthStatus, Call, Factor
from gateway.duoapi.echoes import is_harmless, without_passcode
from gateway.engine.duo_verdicts import timed_out
from gateway.engine.first_factor import CheckFirstFactor
from gateway.engine.login_states import (
    AUTH,
    CLAIMING,
    DECIDED,
    ELSEWHERE,
    FAIL_MODE_STATES,
    FIRST_FACTOR,
    JOINED,
    LOST,
    NEW,
    PERSON_PATIENCE_S,
    TRANSITIONS,
    USING,
    WAITING,
    LoginState,
)
from gateway.engine.steps import Ask, Hold, Step
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import Verdict
from gateway.unavailable import Unavailable
from gateway.values import Value
from gateway.words.reasons import Reason

if TYPE_CHECKING:
    from gateway.engine.primary import Primary
    from gateway.fleetapi.questions import Held

_UNKNOWN_FACTOR: Final = Reason.UNKNOWN_FACTOR
_BRIEF: Final = (CLAIMING, FIRST_FACTOR, USING)
_FACTORS: Final = {factor.value: factor for factor in Factor}


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


@mypyc_attr(free_list_len=1)
class LoginStanding:
    """What one user asked for, and how far Duo is with it.

    Attributes:
        user_name: as the NAS sent it.
        txid: Duo's name of a push that is under way.
        auth: what it asks Duo once it is granted; None where nothing can be begun any more.
        held: what this host has of it in the fleet's store; None before it is claimed, and without a fleet.
        primary: its first factor; None where there is none.
        other_host: how another host has it (`joined`, `took_over`), and its name; None for none.
        asked_at, pushed_at: the instants of the last question and of the push.
    """

    __slots__ = (
        "_ipaddr",
        "_loss",
        "_no_factor",
        "_polls",
        "_state_elsewhere",
        "_typed",
        "asked_at",
        "auth",
        "held",
        "other_host",
        "policy",
        "primary",
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
        self.other_host: tuple[str, str] | None = None
        self.primary: Primary | None = None
        self.auth: Auth | None = None
        self._typed: TypedFactor | None = None
        self._loss: Unavailable | None = None
        self._no_factor = _UNKNOWN_FACTOR
        self.asked_at = self.pushed_at = 0.0
        self._polls = 0
        self._state_elsewhere = NEW

    def typed_elsewhere(self, factor: str) -> None:
        """Take note of the factor, in Duo's words, of a login that was begun elsewhere: nothing else is known of it."""
        known = _FACTORS.get(factor)
        self._typed = TypedFactor(known) if known is not None else None

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
    def is_asked_briefly(self) -> bool:
        """Whether somebody is asked for it here who does not wait for a person."""
        return self.state in FAIL_MODE_STATES or self.state in _BRIEF

    @property
    def has_pushed(self) -> bool:
        """Whether somebody may have been pushed, called or sent passcodes, so that asking again would do it twice."""
        progress = self.progress
        if progress is AUTH:
            return self.factor is not PASSCODE
        return progress is WAITING or progress is LOST or progress is JOINED

    def poll(self, now: float, at: float, why_not: str = "") -> Step:
        """Ask what became of the push, at the instant `at`; or time out, for `why_not`, when that would be too late."""
        left_s = self.pushed_at + PERSON_PATIENCE_S - at
        if left_s <= 0:
            return self.decide(timed_out(why_not))
        self._polls += 1
        ask = self.ask(WAITING, AuthStatus(self.txid, left_s), at)
        ask.at = at if at > now else 0.0
        return ask

    def ask(self, state: LoginState, call: Call, at: float) -> Ask:
        """Ask Duo this, in that state."""
        self.move(state)
        self.asked_at = at
        return Ask(self.policy.application, call)

    def check(self, to: str, question: CheckFirstFactor, at: float) -> Ask:
        """Ask the first factor by this name."""
        self.move(FIRST_FACTOR)
        self.asked_at = at
        if self.primary is not None:
            self.primary.question = question
        return Ask(to, question)

    def forget_password(self) -> None:
        """Forget what the first factor was asked with: it has answered, or nobody waits for it."""
        if self.primary is not None:
            self.primary.forget()

    def lose(self, error: Unavailable, until: float) -> Hold:
        """Wait until an instant for word of what became of a question that somebody may have acted on."""
        self._loss = error
        self.move(LOST)
        return Hold(until)

    def decide(self, verdict: Verdict) -> Verdict:
        """End it, and forget the passcode; nobody may have it from what Duo said."""
        self.move(DECIDED)
        typed = self._typed
        if typed is not None and typed.passcode:
            if not (is_harmless(verdict.account) and is_harmless(verdict.reply_message)):
                verdict.account = without_passcode(verdict.account, typed.passcode)
                verdict.reply_message = without_passcode(verdict.reply_message, typed.passcode)
            typed.passcode = ""  # it has served
        if self.primary is not None:
            self.primary.ends(verdict)
        return verdict

    def move(self, state: LoginState) -> None:
        """Go to another state.

        Raises:
            ValueError: `TRANSITIONS` does not have it.
        """
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"a login does not go from {self.state} to {state}")
        self.state = state

    def __repr__(self) -> str:
        """Show the state; never what was typed."""
        return f"<Login {self.user_name!r} {self.state}>"
