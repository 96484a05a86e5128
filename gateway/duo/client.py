"""Asking Duo as one application: signs, sends, reads, and asks again what `duoapi.retries` says.

A ping is always v2's, which tells the time; it is unsigned, so that applications of v1 may ask it too. Until it is told
there, or by a check, the Date header of any answer of Duo's tells it, which comes by the same verified TLS. Answers to
long polls do not: nobody can tell at which instant of one Duo's clock was read.
"""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from gateway.duo.clock import DuoClock, unix_time_of
from gateway.duo.misdated import Misdated
from gateway.duo.observer import CallObserver
from gateway.duo.pending_call import CallOwner, OnAnswer, PendingCall
from gateway.duo.signing_keys import SigningKeys
from gateway.duoapi.calls import Answer, Auth, AuthStatus, Call, Check, Ping, Refusal, Time
from gateway.duoapi.flavours import V1, V2, Flavour
from gateway.duoapi.retries import (
    Next,
    after_refusal,
    flavour_after,
    is_repeatable,
    neither_key,
    rate_limit_wait_s,
    trouble_of,
)
from gateway.duoapi.signing import Signer
from gateway.http1.request import RequestTemplate
from gateway.http1.response import Response
from gateway.https.exchange import Exchange, ExchangeOutcome
from gateway.https.pool import HttpsPool
from gateway.unavailable import Trouble, Unavailable

CONNECT_TIMEOUT_S: Final = 5.0
BRIEF_TIMEOUT_S: Final = 10.0
WARM_CONNECTIONS: Final = 4
CORRECTION_WORTH_TELLING_S: Final = 30.0

_boot_time = partial(time.clock_gettime, time.CLOCK_BOOTTIME)


class Application(NamedTuple):
    """A Duo application as an administrator configures it; `api_version` is `auto`, `1` or `2`.

    `next_secret_key` is tried when Duo takes the other one no more; empty for none.
    """

    ikey: str
    secret_key: bytes
    api_timeout_s: float = 0.0
    api_version: str = "auto"
    next_secret_key: bytes = b""

    @property
    def connect_timeout_s(self) -> float:
        """What bounds connecting, for `HttpsPools.pool`."""
        return self.api_timeout_s or CONNECT_TIMEOUT_S

    def __repr__(self) -> str:
        return f"Application({self.ikey!r}, secret_key=…, {self.api_timeout_s!r}, {self.api_version!r})"


class DuoClient(CallOwner):
    """Asks calls of one application, many at once."""

    def __init__(
        self,
        pool: HttpsPool,
        application: Application,
        *,
        user_agent: str,
        wall_clock: Callable[[], float] = time.time,
        boot_clock: Callable[[], float] = _boot_time,
        draw: Callable[[], float] = random.random,
        on_version_changed: Callable[[str], None] | None = None,
        on_clock_corrected: Callable[[float], None] | None = None,
        on_key_changed: Callable[[bool], None] | None = None,
        observer: CallObserver | None = None,
    ) -> None:
        """Use `pool`, which other applications may share.

        Args:
            pool: connections to the application's API host.
            application: keys and bounds.
            user_agent: for Duo's log.
            wall_clock: this machine's Unix time, which dates the first calls.
            boot_clock: seconds by a clock that nobody sets, which carries the time on.
            draw: a random number from 0 to 1, spreading repetitions.
            on_version_changed: hears `1` or `2` when version `auto` changes over, to be logged.
            on_clock_corrected: hears `clock_offset_s` when our dates had been off by more than 30 s, to be logged.
            on_key_changed: hears whether it is the next one, when Duo has taken another key than before, to be logged.
            observer: hears of every call.
        """
        self.pool = pool
        self._loop = asyncio.get_running_loop()
        self._keys = _keys_of(application, pool.endpoint.host)
        self._on_key_changed = on_key_changed
        self._template = RequestTemplate(str(pool.endpoint), user_agent)
        self._brief_timeout_s = application.api_timeout_s or BRIEF_TIMEOUT_S
        self._may_change_flavour = application.api_version == "auto"
        self._flavour: Flavour = V1 if application.api_version == "1" else V2
        self._now = time.monotonic  # what uvloop's loop.time() reads once a turn, in whole milliseconds
        self._wall_clock = wall_clock
        self._boot_clock = boot_clock
        self._clock = DuoClock(wall_clock(), boot_clock())
        self._draw = draw
        self._on_version_changed = on_version_changed
        self._on_clock_corrected = on_clock_corrected
        self._observer = observer
        self._pending: set[PendingCall] = set()
        self._misdated = Misdated(
            self._clock, ping=partial(self.ask, Ping()), ask_again=self._send_again, give_up=self._give_up
        )

    def ask(self, call: Call, on_answer: OnAnswer) -> PendingCall:
        """Ask Duo; `on_answer` hears the answer or why there is none, once, and never before this returns."""
        timeout_s = call.patience_s if type(call) is AuthStatus else self._brief_timeout_s
        now = self._now()
        pending = PendingCall(self, call, on_answer, now, now + timeout_s)
        if self._observer is not None:
            self._observer.asked(call, pending, now)
        self._pending.add(pending)
        self._send(pending, now)
        return pending

    def start(self, on_checked: OnAnswer) -> None:
        """Check keys, clock and application type in the background; `on_checked` hears the outcome.

        That also opens the first connections, if no other application has, and settles the version. No call waits for
        it.
        """
        self.pool.warm(WARM_CONNECTIONS)
        self.ask(Check(), on_checked)

    def close(self) -> None:
        """Drop all calls without a word; the pool stays open for others."""
        for pending in tuple(self._pending):
            pending.cancel()

    def drop(self, pending: PendingCall) -> None:
        """Forget a cancelled call."""
        if pending in self._pending:
            self._pending.discard(pending)
            self._misdated.drop(pending)
            if self._observer is not None:
                self._observer.forgotten(pending)

    def drop_idle_connections(self) -> None:
        """Ask what is asked next on a new connection; other applications may share the present ones."""
        self.pool.drop_idle()

    @property
    def duo_time(self) -> float | None:
        """Duo's time in Unix seconds; None while Duo has not told it."""
        return self._clock.unix_time(self._boot_clock()) if self._clock.is_told else None

    @property
    def clock_offset_s(self) -> float:
        """How far Duo's clock is ahead of this machine's wall clock, as far as Duo has told."""
        return self._clock.unix_time(self._boot_clock()) - self._wall_clock()

    @property
    def api_version(self) -> str:
        """The flavour in use: `2` or `1`."""
        return self._flavour.version

    def destination(self, call: Call) -> str:
        """Return how and where a call is asked in the present flavour, with nothing of what it asks."""
        request = self._flavour.request(call)
        return f"{request.method} to {self.pool.endpoint.url}{request.path}"

    @property
    def signs_with_next_key(self) -> bool:
        """Whether the application's next secret key is in use."""
        return self._keys.is_next

    @property
    def n_pending(self) -> int:
        """Calls without an answer yet."""
        return len(self._pending)

    def _send(self, pending: PendingCall, now: float) -> None:
        call = pending.call
        pending.flavour = V2 if type(call) is Ping else self._flavour
        pending.dated_at = self._boot_clock()
        pending.exchange = exchange = Exchange(
            self._octets(pending),
            pending.deadline,
            pending,
            is_repeatable=is_repeatable(call),
            is_question=type(call) is not Auth,
            waits_for_person=type(call) is AuthStatus,
        )
        self.pool.send(exchange, now)

    def _send_again(self, pending: PendingCall) -> None:
        """Ask once more, after a wait that Duo wanted."""
        now = self._now()
        pending.released(now)
        self._send(pending, now)

    def _give_up(self, pending: PendingCall, trouble: Unavailable) -> None:
        """End a call that has waited in vain for being asked again."""
        now = self._now()
        pending.released(now)
        self._finish(pending, trouble, now)

    def _octets(self, pending: PendingCall) -> bytes:
        request = pending.flavour.request(pending.call)
        if not request.is_signed:
            return self._template.unsigned_get(request.path, request.params)
        date = self._clock.date(pending.dated_at)
        authorization = self._keys.signer.authorization(date, request.method, request.path, request.params)
        if request.method == "GET":
            return self._template.get(request.path, request.params, date, authorization)
        return self._template.post(request.path, request.params, date, authorization)

    def asked_anew(self, pending: PendingCall, now: float) -> None:
        """Begin to wait anew for a call whose connection was dead: that says nothing of Duo."""
        if self._observer is not None:
            self._observer.forgotten(pending)
            self._observer.asked(pending.call, pending, now)

    def heard(self, pending: PendingCall, outcome: ExchangeOutcome, now: float) -> None:
        """Take a call's outcome: deliver it, or ask again."""
        if isinstance(outcome, Unavailable):
            self._finish(pending, outcome, now)
            return
        try:
            answer = pending.flavour.read(pending.call, outcome.http_status, outcome.body)
        except Unavailable as trouble:
            if trouble.trouble is not Trouble.RATE_LIMIT:
                self._not_answered(pending, trouble, now)
            elif not self._ask_again_later(pending, outcome, now):
                self._finish(pending, trouble, now)
            return
        except Exception as error:  # noqa: BLE001 -- no answer, however odd, may leave a login without an end
            text = f"an answer that cannot be read: {type(error).__name__}"
            self._not_answered(pending, Unavailable(Trouble.BAD_ANSWER, text), now)
            return
        if type(answer) is Refusal and answer.is_configuration:
            self._refused(pending, answer, now)
            return
        if type(answer) is Time and answer.time is not None:
            self._take_time(answer.time, pending)
        if not (type(answer) is Refusal and answer.is_foreign):
            self._duo_answered(pending, outcome)
        self._finish(pending, answer, now)

    def _duo_answered(self, pending: PendingCall, response: Response) -> None:
        """Note that Duo itself has answered: in this flavour, to this key, at this time if it has told none."""
        if not self._clock.is_told and type(pending.call) is not AuthStatus:
            self._take_time(unix_time_of(response.date()), pending)
        if type(pending.call) is not Ping:
            self._may_change_flavour = False  # later 40301s have another cause, and pushes are under way
        if pending.was_resigned and self._keys.taken() and self._on_key_changed is not None:
            self._loop.call_soon(self._on_key_changed, self._keys.is_next)

    def _not_answered(self, pending: PendingCall, trouble: Unavailable, now: float) -> None:
        """End a call to which something came that is no answer of Duo's; Duo may have heard it all the same."""
        trouble.may_have_acted = not is_repeatable(pending.call)
        self._finish(pending, trouble, now)

    def _refused(self, pending: PendingCall, refusal: Refusal, now: float) -> None:
        """Ask again what Duo refused for what may be mended so; else give it up."""
        if refusal.is_signature and self._keys.are_two:
            self._resign(pending, refusal, now)
            return
        self._use(flavour_after(refusal, pending.flavour, self._flavour, self._may_change_flavour))
        step = after_refusal(refusal, pending.call, pending.flavour, self._flavour, pending.was_redated)
        if step is Next.ASK_IN_V1:
            self._send(pending, now)
        elif step is Next.ASK_BY_DUOS_CLOCK:
            pending.was_redated = True
            self._misdated.wait(pending, trouble_of(refusal), now)
        else:
            self._finish(pending, trouble_of(refusal), now)

    def _resign(self, pending: PendingCall, refusal: Refusal, now: float) -> None:
        """Ask again what Duo refused for its signature, and so has not acted on; else give it up."""
        if self._keys.refused(pending.dated_at, pending.was_resigned, self._boot_clock()):
            pending.was_resigned = True
            self._send(pending, now)
        else:
            self._finish(pending, neither_key(refusal), now)

    def _finish(self, pending: PendingCall, result: Answer | Unavailable, now: float) -> None:
        self._pending.discard(pending)
        try:
            if self._observer is not None:
                _tell(self._observer, pending, result, now)
        finally:  # no mistake of an observer may leave a login without an end
            pending.on_answer(result)

    def _ask_again_later(self, pending: PendingCall, response: Response, now: float) -> bool:
        """Whether another try, after the wait that is due, fits into the call's time."""
        unix_now = self._clock.unix_time(self._boot_clock())
        left_s = pending.deadline - now
        wait_s = rate_limit_wait_s(pending.n_waits, response.retry_after(), self._draw(), unix_now, left_s)
        if wait_s is None:
            return False
        pending.n_waits += 1
        if self._observer is not None:
            self._observer.postponed(pending.call, pending, now)
        pending.held(now, self._loop.call_later(wait_s, self._send_again, pending))
        return True

    def _take_time(self, duo_time: int, pending: PendingCall) -> None:
        correction_s = self._clock.told(duo_time, pending.dated_at, self._boot_clock())
        if abs(correction_s) > CORRECTION_WORTH_TELLING_S and self._on_clock_corrected is not None:
            self._loop.call_soon(self._on_clock_corrected, self.clock_offset_s)  # calls wait for what follows here

    def _use(self, flavour: Flavour) -> None:
        """Ask all that follows in this flavour."""
        if flavour is not self._flavour:
            self._flavour = flavour
            if self._on_version_changed is not None:
                self._on_version_changed(flavour.version)


def _keys_of(application: Application, host: str) -> SigningKeys:
    present = Signer(application.ikey, application.secret_key, host)
    if not application.next_secret_key:
        return SigningKeys(present)
    return SigningKeys(present, Signer(application.ikey, application.next_secret_key, host))


def _tell(observer: CallObserver, pending: PendingCall, result: Answer | Unavailable, now: float) -> None:
    call, seconds = pending.call, now - pending.asked_at
    if isinstance(result, Unavailable):
        observer.failed(call, pending, result.trouble, result.detail, seconds, now)
    elif type(result) is Refusal and result.is_foreign:
        observer.forgotten(pending)
    else:
        observer.answered(call, pending, seconds, now)
