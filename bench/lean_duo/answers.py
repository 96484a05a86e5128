"""Whole answers, made beforehand: Duo's JSON, its HTTP head, and the answers of a Duo that is not well.

The head is as long as those of cloud services are, and differs from answer to answer in its date and request id
(`stamped`): whoever reads answers must not seem quicker here than with the real one.
"""

from email.utils import formatdate
from functools import lru_cache
from zlib import crc32

import msgspec

from bench.simulator import cloud
from bench.simulator.cloud import CallRefused, State
from bench.simulator.wire import refused

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
}
PHONE = {
    "device": "DPLEANLEANLEANLEANXX",
    "type": "phone",
    "name": "",
    "number": "XXX-XXX-0100",
    "display_name": "Phone (XXX-XXX-0100)",
    "capabilities": ["auto", "push", "sms", "phone", "mobile_otp"],
    "sms_nextcode": "1",
}


_STAMP = "Date: {}\r\nX-Request-Id: {}"
_NO_STAMP = _STAMP.format("-" * 29, "-" * 32).encode()
_HEAD = f"""\
HTTP/1.1 {{status}} {{reason}}\r
Server: lean\r
{_NO_STAMP.decode()}\r
Content-Type: {{content_type}}\r
Content-Length: {{size}}\r
Connection: keep-alive\r
Cache-Control: no-store\r
Strict-Transport-Security: max-age=31536000\r
X-Content-Type-Options: nosniff\r
\r
"""


def http(http_status: int, body: bytes, content_type: str = "application/json") -> bytes:
    """Return the octets of an answer, which have no date and no request id yet."""
    head = _HEAD.format(status=http_status, reason=_REASONS[http_status], content_type=content_type, size=len(body))
    return head.encode("ascii") + body


def stamped(octets: bytes, unix_now: float, number: int) -> bytes:
    """Return an answer with its date, and with its number as the request's id."""
    return octets.replace(_NO_STAMP, _STAMP.format(_date(int(unix_now)), f"{number:032x}").encode(), 1)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def ok(response: object) -> bytes:
    """Return a success in Duo's envelope."""
    return http(200, msgspec.json.encode({"stat": "OK", "response": response}))


def refusal(error: CallRefused) -> bytes:
    """Return a failure in Duo's envelope."""
    reply = refused(error)
    return http(reply.http_status, reply.body)


def txid(text: str) -> bytes:
    """Return the answer to an asynchronous auth."""
    return _TXID % text.encode("ascii")


def preauth(username: str) -> bytes:
    """Return the answer to a preauth: everybody has a phone with a number of its own."""
    return _PREAUTH.replace(b"XXX-0100", b"XXX-%04d" % (crc32(username.encode()) % 10_000))


def _status(state: State, text: str) -> bytes:
    return ok({"result": state.result, "status": state.status, "status_msg": text})


_TXID = ok({"txid": "x" * 36}).replace(b"x" * 36, b"%s")
_PREAUTH = ok({"result": "auth", "status_msg": cloud.ACCOUNT_ACTIVE, "devices": [PHONE]})
STATUS = {
    State.PUSHED: _status(State.PUSHED, cloud.PUSHED),
    State.CALLING: _status(State.CALLING, f"Dialing {PHONE['number']}..."),
    State.ALLOWED: _status(State.ALLOWED, cloud.SUCCESS),
    State.DENIED: _status(State.DENIED, cloud.DENIED),
    State.FRAUD: _status(State.FRAUD, cloud.FRAUD),
    State.TIMED_OUT: _status(State.TIMED_OUT, cloud.TIMED_OUT),
    State.SENT: _status(State.SENT, cloud.SMS_SENT),
}
WRONG_PASSCODE = _status(State.DENIED, cloud.WRONG_PASSCODE)
STATUS_500 = refusal(CallRefused(50000))
RATE_LIMIT = refusal(CallRefused(42901))
CAPTIVE_PORTAL = http(200, b"<!doctype html><title>Welcome</title><h1>Please log in to go on.</h1>", "text/html")


def broken(answer: bytes) -> bytes:
    """Return an answer whose JSON ends in its middle, all else in order."""
    head, _, body = answer.partition(b"\r\n\r\n")
    half = body[: len(body) // 2]
    return head.replace(b"Length: %d" % len(body), b"Length: %d" % len(half)) + b"\r\n\r\n" + half
