"""Duo Auth API v2: which call is answered how. No clock, no I/O.

Calls and answers are those of `bench.simulator.api_v2`, with one difference: `async=1` is heeded where a person is
waited for, a passcode is answered at once.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qsl

from bench.lean_duo import answers
from bench.lean_duo.cloud import PASSCODE, Cloud, Push
from bench.lean_duo.request import Request
from bench.simulator.cloud import FACTORS, CallRefused, State
from bench.simulator.counts import UNKNOWN
from bench.simulator.signature import Application, SignedRequest, verify
from bench.simulator.wire import required

_BEGUN = {"push": State.PUSHED, "auto": State.PUSHED, "phone": State.CALLING}


class Instant(NamedTuple):
    """When a request came: by the clock that pushes count in, and by Duo's."""

    now: float
    unix_now: float


class Wait(NamedTuple):
    """The answer must wait for somebody; `forever`, or as long as a long poll is held."""

    push: Push
    forever: bool


class Api:
    """The calls.

    Attributes:
        n_calls: how many of each there were.
        n_verified, n_refused: signatures looked at, and those that were wrong.
    """

    def __init__(self, cloud: Cloud, application: Application, verify_every: int) -> None:
        """Prepare; of `verify_every` signed calls one is verified, 0 = none."""
        self._cloud = cloud
        self._applications = {application.ikey: application}
        self._verify_every = verify_every
        self._endpoints = {
            "/auth/v2/ping": _Endpoint("ping", "GET", False, _time),
            "/auth/v2/check": _Endpoint("check", "GET", True, _time),
            "/auth/v2/preauth": _Endpoint("preauth", "POST", True, _preauth),
            "/auth/v2/auth": _Endpoint("auth", "POST", True, self._auth),
            "/auth/v2/auth_status": _Endpoint("auth_status", "GET", True, self._auth_status),
        }
        self.zero_counts()

    def zero_counts(self) -> None:
        """Count from nothing."""
        self.n_calls: Counter[str] = Counter()
        self._n_signed = self.n_verified = self.n_refused = 0

    def count(self, request: Request) -> None:
        """Count a request at its arrival, whatever becomes of it."""
        endpoint = self._endpoints.get(request.path)
        self.n_calls[endpoint.call if endpoint else UNKNOWN] += 1

    def carry_out(self, request: Request, instant: Instant) -> bytes | Wait:
        """Return Duo's answer, or what it must wait for."""
        try:
            endpoint = self._endpoints.get(request.path)
            if endpoint is None:
                raise CallRefused(40401)
            if endpoint.method != request.method:
                raise CallRefused(40501)
            if endpoint.is_signed and self._verify_every:
                self._verify_some(request, instant.unix_now)
            return endpoint.answer(request, instant)
        except CallRefused as error:
            return answers.refusal(error)

    def _auth(self, request: Request, instant: Instant) -> bytes | Wait:
        parameters = request.parameters()
        username, factor = _username(parameters), required(parameters, "factor")
        if factor not in FACTORS:
            raise CallRefused(40002, "factor")
        needed = "passcode" if factor == "passcode" else "device"
        if not parameters.get(needed):
            raise CallRefused(40001, needed)
        if factor == "passcode":
            return answers.STATUS[State.ALLOWED] if parameters[needed] == PASSCODE else answers.WRONG_PASSCODE
        if factor == "sms":
            return answers.STATUS[State.SENT]
        push = self._cloud.begin(username, _BEGUN[factor], instant.now)
        return answers.txid(push.txid) if parameters.get("async") == "1" else Wait(push, forever=True)

    def _auth_status(self, request: Request, _instant: Instant) -> bytes | Wait:
        push = self._cloud.pushes.get(required(request.parameters(), "txid"))
        if push is None:
            raise CallRefused(40002, "txid")
        if push.is_pending and push.has_been_told:
            return Wait(push, forever=False)
        push.has_been_told = True
        return answers.STATUS[push.state]

    def _verify_some(self, request: Request, unix_now: float) -> None:
        self._n_signed += 1
        if self._n_signed % self._verify_every:
            return
        self.n_verified += 1
        signed = SignedRequest(
            method=request.method,
            host=request.header("Host"),
            path=request.path,
            parameters=parse_qsl(request.text, keep_blank_values=True),
            date=request.header("X-Duo-Date") or request.header("Date"),
            authorization=request.header("Authorization"),
        )
        try:
            verify(signed, self._applications, unix_now)
        except CallRefused:
            self.n_refused += 1
            raise


class _Endpoint(NamedTuple):
    call: str
    method: str
    is_signed: bool
    answer: Callable[[Request, Instant], bytes | Wait]


def _time(_request: Request, instant: Instant) -> bytes:
    return answers.ok({"time": int(instant.unix_now)})


def _preauth(request: Request, _instant: Instant) -> bytes:
    return answers.preauth(_username(request.parameters()))


def _username(parameters: dict[str, str]) -> str:
    if "user_id" in parameters:  # nobody has one here
        raise CallRefused(40002, "user_id")
    username = required(parameters, "username")
    if not username:
        raise CallRefused(40002, "username")
    return username
