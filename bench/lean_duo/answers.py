"""Whole answers, made beforehand: Duo's JSON, its HTTP head, and the answers of a Duo that is not well."""

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


def http(http_status: int, body: bytes, content_type: str = "application/json") -> bytes:
    """Return the octets of an answer."""
    head = f"HTTP/1.1 {http_status} {_REASONS[http_status]}\r\nServer: lean\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body


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


def _status(state: State, text: str) -> bytes:
    return ok({"result": state.result, "status": state.status, "status_msg": text})


_TXID = ok({"txid": "x" * 36}).replace(b"x" * 36, b"%s")
PREAUTH = ok({"result": "auth", "status_msg": cloud.ACCOUNT_ACTIVE, "devices": [PHONE]})
STATUS = {
    State.PUSHED: _status(State.PUSHED, cloud.PUSHED),
    State.CALLING: _status(State.CALLING, f"Dialing {PHONE['number']}..."),
    State.ALLOWED: _status(State.ALLOWED, cloud.SUCCESS),
    State.DENIED: _status(State.DENIED, cloud.DENIED),
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
