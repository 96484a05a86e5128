"""Asking Duo as one application: signs, sends, reads, and decides what is asked again.

| what happens | what follows |
| --- | --- |
| 429, too many requests | asked again after 1, 2, 4 s and a random part of one, or Retry-After, if time allows |
| "wrong integration type" (40301) from v2 before any answer, version `auto` | asked in v1, and so is all that follows |
| any other 401 or 403 | `DuoUnavailable` CONFIGURATION: no user can mend it, so fail mode decides, loudly |
| the connection is lost | see `https_pool`: only what does no harm is sent again |

What was answered 429 or 403 has not been acted on, so that even an auth may be asked again.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import NamedTuple

from gateway.duoapi.calls import Answer, Auth, AuthStatus, Call, Check, DuoUnavailable, Factor, Refusal, Trouble
from gateway.duoapi.flavours import V1, V2, Flavour
from gateway.duoapi.signing import Signer, encode_params
from gateway.http1.request import RequestTemplate
from gateway.http1.response import Response
from gateway.net.exchange import Exchange, Outcome
from gateway.net.https_pool import HttpsPool

CONNECT_TIMEOUT_S = 5.0
BRIEF_TIMEOUT_S = 10.0
RATE_LIMIT_WAITS_S = (1.0, 2.0, 4.0)

_HINTS = {
    40101: "is a proxy removing headers?",
    40102: "check ikey and api_host",
    40103: "check skey",
    40104: "check this machine's clock",
    40105: "check this machine's clock",
}


class Application(NamedTuple):
    """A Duo application as an administrator configures it; `api_version` is `auto`, `1` or `2`."""

    ikey: str
    secret_key: bytes
    api_timeout_s: float = 0.0
    api_version: str = "auto"

    @property
    def connect_timeout_s(self) -> float:
        """What bounds connecting, for `HttpsPools.pool`."""
        return self.api_timeout_s or CONNECT_TIMEOUT_S

    def __repr__(self) -> str:
        return f"Application({self.ikey!r}, secret_key=…, {self.api_timeout_s!r}, {self.api_version!r})"


OnAnswer = Callable[[Answer | DuoUnavailable], None]


class DuoClient:
    """Asks calls of one application, many at once."""

    def __init__(
        self,
        pool: HttpsPool,
        application: Application,
        *,
        user_agent: str = "radgate",
        wall_clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
        on_version_changed: Callable[[str], None] | None = None,
    ) -> None:
        """Use `pool`, which other applications may share.

        Args:
            pool: connections to the application's API host.
            application: keys and bounds.
            user_agent: for Duo's log.
            wall_clock: Unix time, for the Date header.
            draw: a random number from 0 to 1, spreading repetitions.
            on_version_changed: hears `1` or `2` when version `auto` changes over, to be logged.
        """
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._signer = Signer(application.ikey, application.secret_key, pool.endpoint.host)
        self._template = RequestTemplate(str(pool.endpoint), user_agent)
        self._brief_timeout_s = application.api_timeout_s or BRIEF_TIMEOUT_S
        self._may_change_flavour = application.api_version == "auto"
        self._flavour: Flavour = V1 if application.api_version == "1" else V2
        self._wall_clock = wall_clock
        self._draw = draw
        self._on_version_changed = on_version_changed
        self._date_second = -1
        self._date = ""
        self._pending: set[PendingCall] = set()
        self.n_asked: Counter[str] = Counter()
        """Calls by kind: `Preauth`, `Auth`, …"""
        self.n_troubles: Counter[Trouble] = Counter()
        """Calls that ended without an answer, by trouble."""

    def ask(self, call: Call, on_answer: OnAnswer) -> "PendingCall":
        """Ask Duo; `on_answer` hears the answer or why there is none, once, and never before this returns."""
        kind = type(call)
        self.n_asked[kind.__name__] += 1
        timeout_s = call.patience_s if type(call) is AuthStatus else self._brief_timeout_s
        pending = PendingCall(self, call, on_answer, self._loop.time() + timeout_s)
        self._pending.add(pending)
        self._send(pending)
        return pending

    def start(self, on_checked: OnAnswer) -> None:
        """Check keys, clock and application type in the background; `on_checked` hears the outcome.

        That also opens the first connection and settles the version. No call waits for it.
        """
        self.ask(Check(), on_checked)

    def close(self) -> None:
        """Drop all calls without a word; the pool stays open for others."""
        for pending in tuple(self._pending):
            pending.cancel()

    def drop(self, pending: "PendingCall") -> None:
        """Forget a cancelled call."""
        self._pending.discard(pending)

    @property
    def api_version(self) -> str:
        """The flavour in use: `2` or `1`."""
        return self._flavour.version

    @property
    def n_pending(self) -> int:
        """Calls without an answer yet."""
        return len(self._pending)

    def _send(self, pending: "PendingCall") -> None:
        call = pending.call
        pending.flavour = self._flavour
        pending.timer = None
        pending.exchange = exchange = Exchange(
            self._octets(call),
            pending.deadline,
            pending.responded,
            is_repeatable=_is_repeatable(call),
            waits_for_person=type(call) is AuthStatus,
        )
        self._pool.send(exchange)

    def _octets(self, call: Call) -> bytes:
        method, path, params, is_signed = self._flavour.request(call)
        encoded = encode_params(params)
        if not is_signed:
            return self._template.unsigned_get(path, encoded)
        second = int(self._wall_clock())
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second)
        authorization = self._signer.authorization(self._date, method, path, encoded)
        if method == "GET":
            return self._template.get(path, encoded, self._date, authorization)
        return self._template.post(path, encoded, self._date, authorization)

    def heard(self, pending: "PendingCall", outcome: Outcome) -> None:
        """Take a call's outcome: deliver, or ask again, or change over to the other flavour."""
        if isinstance(outcome, DuoUnavailable):
            self._finish(pending, outcome)
            return
        try:
            answer = pending.flavour.read(pending.call, outcome.http_status, outcome.body)
        except DuoUnavailable as trouble:
            if trouble.trouble is not Trouble.RATE_LIMIT or not self._ask_again_later(pending, outcome):
                self._finish(pending, trouble)
            return
        except Exception as error:  # noqa: BLE001 -- no answer, however odd, may leave a login without an end
            text = f"an answer that cannot be read: {type(error).__name__}"
            self._finish(pending, DuoUnavailable(Trouble.BAD_ANSWER, text))
            return
        if type(answer) is Refusal and answer.is_configuration:
            if answer.is_wrong_application_type and self._change_over(pending):
                self._send(pending)
            else:
                self._finish(pending, _configuration_trouble(answer))
            return
        self._may_change_flavour = False  # it works: a 40301 from now on has another cause, and pushes are under way
        self._finish(pending, answer)

    def _finish(self, pending: "PendingCall", result: Answer | DuoUnavailable) -> None:
        self._pending.discard(pending)
        if isinstance(result, DuoUnavailable):
            self.n_troubles[result.trouble] += 1
        pending.on_answer(result)

    def _ask_again_later(self, pending: "PendingCall", response: Response) -> bool:
        """Whether another try, after the wait that is due, fits into the call's time."""
        if pending.n_waits == len(RATE_LIMIT_WAITS_S):
            return False
        wait_s = RATE_LIMIT_WAITS_S[pending.n_waits] + self._draw()
        if response.retry_after:
            wait_s = _retry_after_s(response.retry_after, self._wall_clock(), wait_s)
        if self._loop.time() + wait_s >= pending.deadline:
            return False
        pending.n_waits += 1
        pending.timer = self._loop.call_later(wait_s, self._send, pending)
        return True

    def _change_over(self, pending: "PendingCall") -> bool:
        """Whether to ask the call in the other flavour; v2 is the one to come back to when neither is allowed."""
        if not self._may_change_flavour:
            return False
        was_v2 = pending.flavour is V2
        flavour: Flavour = V1 if was_v2 else V2
        if flavour is not self._flavour:
            self._flavour = flavour
            if self._on_version_changed is not None:
                self._on_version_changed(flavour.version)
        return was_v2


class PendingCall:
    """A call that has been asked; `cancel` when its answer is of no more interest."""

    __slots__ = ("_client", "call", "deadline", "exchange", "flavour", "n_waits", "on_answer", "timer")

    def __init__(self, client: DuoClient, call: Call, on_answer: OnAnswer, deadline: float) -> None:
        self._client = client
        self.call = call
        self.on_answer = on_answer
        self.deadline = deadline
        self.flavour: Flavour = V2
        self.exchange: Exchange | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.n_waits = 0

    def cancel(self) -> None:
        """Drop the call: its `on_answer` is not called any more. What Duo has begun goes on there."""
        if self.exchange is not None:
            self.exchange.cancel()
        if self.timer is not None:
            self.timer.cancel()
        self._client.drop(self)

    def responded(self, outcome: Outcome) -> None:
        """Take what the pool brings."""
        self.exchange = None  # no reference cycle: the collector would have to find one for every call
        self._client.heard(self, outcome)


def _is_repeatable(call: Call) -> bool:
    """Whether asking twice does no harm: nobody is pushed, called or sent passcodes twice.

    A passcode that Duo has seen already is refused the second time; that is better than fail mode for a lost answer.
    """
    return type(call) is not Auth or call.factor is Factor.PASSCODE


def _configuration_trouble(refusal: Refusal) -> DuoUnavailable:
    texts = [f"Duo answered {refusal.code or refusal.http_status} {refusal.message}"]
    if refusal.detail:
        texts.append(refusal.detail)
    if refusal.code in _HINTS:
        texts.append(_HINTS[refusal.code])
    return DuoUnavailable(Trouble.CONFIGURATION, "; ".join(texts))


def _retry_after_s(text: str, wall_now: float, otherwise: float) -> float:
    """Seconds to wait by a Retry-After header, which is a number or a date (RFC 9110 section 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - wall_now)
    except (ValueError, OverflowError, TypeError):
        return otherwise
