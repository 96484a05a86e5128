"""One login as a state machine, from the typed factor to the verdict.

A login asks somebody one thing at a time: it returns the next `Ask`, or its `Verdict`. Tables are the whole of its
behaviour: `TRANSITIONS` says which states may follow, `_HANDLERS` what an answer means in each state, and `_FAILURES`
what it means that there is none. A new kind of question is a state and its rows.

Fail mode belongs to the questions to Duo before anybody is pushed: the rows of PREAUTH and AUTH know it, no others do.

Where several hosts act as one, a login claims itself before it asks Duo for what must not happen twice. If another host
has it, it joins: that host asks Duo, and says what became of it. Those rows are `login_among_hosts`.
"""

from collections.abc import Callable
from typing import Any, Final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import (
    Auth,
    AuthAnswer,
    Device,
    Preauth,
    PreauthAnswer,
    Refusal,
)
from gateway.duoapi.echoes import without_passcode
from gateway.engine import login_among_hosts as among_hosts
from gateway.engine import login_first_factor as first_factor
from gateway.engine.asking import Answer
from gateway.engine.duo_verdicts import (
    auth_verdict,
    duo_verdict,
    fail_mode,
    preauth_verdict,
    push_lost,
    refused_call,
)
from gateway.engine.first_factor import Accepted, Challenged, Refused
from gateway.engine.login_standing import LoginPolicy, LoginStanding
from gateway.engine.login_states import (
    AUTH,
    CLAIMING,
    DECIDED,
    ELSEWHERE,
    FIRST_FACTOR,
    JOINED,
    LOST,
    PERSON_PATIENCE_S,
    PREAUTH,
    USING,
    WAITING,
    LoginState,
)
from gateway.engine.primary import Primary
from gateway.engine.records import LoginRecord, PrimaryRecord
from gateway.engine.steps import Consult, Hold, Step
from gateway.engine.typed_factor import TypedFactor, number_among
from gateway.engine.verdict import Verdict, rejection
from gateway.fleetapi.questions import Decided, Granted, Held, Joined, Lost, Released, TakenOver, Unused, UsedBefore
from gateway.radius.attributes import is_framed
from gateway.unavailable import Unavailable
from gateway.words.reasons import Reason

HOLD_S: Final = 2.5  # until it is known whether Duo is away; see docs/fail-mode.md
POLL_PAUSE_S: Final = 1.0  # between questions to a Duo that answers a long poll at once, or fails
_FREE_POLLS: Final = 2  # the first long poll answers "pushed" at once: no pause for it

_STATES: Final = {state.value: state for state in LoginState}


def choose_device(typed: TypedFactor, devices: tuple[Device, ...]) -> str | None:
    """Return the device that the typed number means; None when there is none.

    v1 takes the number itself, too, so that a list which is not there is no obstacle.
    """
    if not typed.ordinal or not devices:
        return "auto"
    capable = [device.device for device in devices if typed.factor in device.capabilities]
    number = number_among(typed, capable)
    return capable[number - 1] if number <= len(capable) else None


@mypyc_attr(free_list_len=1)
class Login(LoginStanding):
    """A login, and what each answer means to it."""

    __slots__ = ()

    @classmethod
    def restored(cls, policy: LoginPolicy, record: LoginRecord) -> "Login":
        """Return a login that another worker has begun, and waits for Duo's answer to."""
        login = cls(policy, record.user_name)
        login.move(ELSEWHERE)
        login.heard_elsewhere(record)
        return login

    def heard_elsewhere(self, record: LoginRecord) -> None:
        """Take note of how far the other worker is.

        A state that this version does not know counts as `LOST`, and a factor as none, which is no passcode: somebody
        may have been pushed.
        """
        self._state_elsewhere = _STATES.get(record.state, LOST)
        self.typed_elsewhere(record.factor)
        self.txid = record.txid
        if record.primary is not None:
            self._primary_elsewhere(record.primary)
        if record.held is not None:
            self.held = Held(*record.held)
        self.asked_at, self.pushed_at = record.asked_at, record.pushed_at

    def _primary_elsewhere(self, record: PrimaryRecord) -> None:
        if not is_framed(record.refusal):
            raise ValueError("no attributes")
        if self.primary is None:
            self.primary = Primary()
        self.primary.refusal = record.refusal
        self.primary.accepted = record.accepted.passed_on if record.accepted is not None else None

    def without_passcode(self, text: str) -> str:
        """Return a text in which Duo may have repeated what was typed, as it may be seen."""
        return without_passcode(text, self._typed.passcode if self._typed is not None else "")

    def ask_duo(
        self,
        typed: TypedFactor | None,
        no_factor: Reason,
        preauth_always: bool,
        now: float,
        wants_devices: bool = False,
    ) -> Step:
        """Return the first question to Duo, for this factor; without one Duo is asked for what needs none.

        Args:
            typed: the factor; None for none.
            no_factor: what the login is rejected for then, once it needs one, where no mode is consulted.
            preauth_always: ask `/preauth` even when the factor does not need the device list.
            now: monotonic seconds.
            wants_devices: the mode needs that list.
        """
        self._typed = typed
        self._no_factor = no_factor
        wants_devices = wants_devices or (typed is not None and typed.ordinal > 0)
        if preauth_always or wants_devices:
            return self.ask(PREAUTH, Preauth(self.user_name, self._ipaddr, wants_devices), now)
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
            return among_hosts.join(self, at, now)
        self.move(LOST)
        return Hold(self.asked_at + PERSON_PATIENCE_S)

    def ask_again(self, at: float, now: float) -> Step:
        """Ask anew, at an instant, what became of the push: the last question may never be answered."""
        return self.poll(now, at)

    def decided_elsewhere(self) -> None:
        """Take note that the other worker has its verdict, or that nobody waits for one."""
        self.forget_password()
        self.move(DECIDED)

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

    def fail(self) -> Verdict:
        """End the login because of an internal error."""
        return self.decide(rejection(Reason.INTERNAL_ERROR))

    def _preauth_answered(self, answer: PreauthAnswer, now: float) -> Step:
        if self.primary is not None and (answer.result == "enroll" or (answer.result == "auth" and not self._typed)):
            return Consult(answer)
        if answer.result == "auth":
            return self._authenticate(answer.devices, now)
        return self.decide(preauth_verdict(answer))

    def _auth_answered(self, answer: AuthAnswer, now: float) -> Step:
        if answer.result in ("allow", "deny"):
            verdict = auth_verdict(answer, self.factor)
            if self.primary is not None and self.primary.asks_after_sms and verdict.reason is Reason.SMS_SENT:
                return Consult(answer)
            return self.decide(verdict)
        if answer.txid and self.state is AUTH:
            self.txid = answer.txid
            self.pushed_at = now
            return self.poll(now, now)
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
        return self.lose(error, now + HOLD_S)

    def _still_waiting(self, now: float) -> Step:
        was_quick = now - self.asked_at < POLL_PAUSE_S
        at = now + POLL_PAUSE_S if was_quick and self._polls > _FREE_POLLS else now
        return self.poll(now, at, f"Duo had not decided after {PERSON_PATIENCE_S:g} s")

    def _poll_failed(self, error: Unavailable, now: float) -> Step:
        """Ask again: the question is harmless, and the person may have approved, or denied.

        Fail mode has no part in it any more. A push is out: nobody gets in because its answer was lost.
        """
        why = f"Duo could not be asked what became of the push ({error.trouble}: {error.detail})"
        return self.poll(now, now + POLL_PAUSE_S, why)

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
        return self.ask_factor(typed, device, now)

    def ask_factor(self, typed: TypedFactor, device: str, now: float) -> Step:
        """Ask Duo for a factor, with the device of this name or, with `auto`, whichever it chooses."""
        self._typed = typed
        call = Auth(self.user_name, typed.factor, device, typed.ordinal, typed.passcode, self._ipaddr)
        if not self.policy.fleet:
            return self.ask(AUTH, call, now)
        self.auth = call
        return among_hosts.claim(self, now)


_HANDLERS: Final[dict[tuple[LoginState, type], Callable[[Login, Any, float], Step]]] = {
    (USING, Unused): among_hosts.unused,
    (USING, UsedBefore): among_hosts.used_before,
    (FIRST_FACTOR, Accepted): first_factor.accepted,
    (FIRST_FACTOR, Challenged): first_factor.challenged,
    (FIRST_FACTOR, Refused): first_factor.refused,
    (PREAUTH, PreauthAnswer): Login._preauth_answered,
    (PREAUTH, Refusal): Login._refused,
    (AUTH, AuthAnswer): Login._auth_answered,
    (AUTH, Refusal): Login._refused,
    (WAITING, AuthAnswer): Login._auth_answered,
    (WAITING, Refusal): Login._refused,
    (CLAIMING, Granted): among_hosts.granted,
    (CLAIMING, Joined): among_hosts.joined,
    (CLAIMING, TakenOver): among_hosts.taken_over,
    (CLAIMING, Decided): among_hosts.decided_there,
    (CLAIMING, UsedBefore): among_hosts.used_before,
    (JOINED, TakenOver): among_hosts.taken_over,
    (JOINED, Decided): among_hosts.decided_there,
    (JOINED, Released): among_hosts.released,
    (JOINED, Lost): among_hosts.lost_there,
}

_FAILURES: Final[dict[LoginState, Callable[[Login, Unavailable, float], Step]]] = {
    USING: among_hosts.use_failed,
    FIRST_FACTOR: first_factor.failed,
    PREAUTH: Login._preauth_failed,
    AUTH: Login._auth_failed,
    WAITING: Login._poll_failed,
    CLAIMING: among_hosts.claim_failed,
    JOINED: among_hosts.join_failed,
}
