"""The shapes between HTTP and the cloud: what is asked, what is answered, and what must wait."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from bench.simulator.cloud import CallRefused, Cloud, Transaction

MESSAGES = {
    40001: "Missing required request parameters",
    40002: "Invalid request parameters",
    40101: "Missing request credentials",
    40102: "Invalid integration key in request credentials",
    40103: "Invalid signature in request credentials",
    40104: "Missing or unreadable date header in request",
    40105: "Bad request timestamp",
    40301: "Access forbidden",
    40401: "Resource not found",
    40501: "Method not allowed",
    42901: "Too Many Requests",
    50000: "Unknown internal server error",
}


class Reply(NamedTuple):
    """A whole answer. `outcome` is for the record: Duo's result, or the error code."""

    http_status: int
    body: bytes
    outcome: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Wait(NamedTuple):
    """Answer later: when the transaction is decided, or for a long poll when it changes or the hold time is over."""

    transaction: Transaction
    until_final: bool
    render: Callable[[Transaction], Reply]


class Question(NamedTuple):
    """One call, its signature checked already; `unix_now` is Duo's clock, `now` the cloud's."""

    cloud: Cloud
    parameters: Mapping[str, str]
    now: float
    unix_now: float
    base_url: str


class Endpoint(NamedTuple):
    """How one path is called and answered. `call` is its name in either flavour, for faults."""

    method: str
    call: str
    needs_signature: bool
    answer: Callable[[Question], "Step"]


class Begun(NamedTuple):
    """A second factor was started: count it, then go on with `step`."""

    transaction: Transaction
    step: Reply | Wait


Step = Reply | Wait | Begun


def ok(response: object, outcome: str) -> Reply:
    """Duo's envelope for success."""
    return Reply(200, msgspec.json.encode({"stat": "OK", "response": response}), outcome)


def refused(error: CallRefused) -> Reply:
    """Duo's envelope for failure; the first three digits of the code are the HTTP status."""
    content: dict[str, object] = {"stat": "FAIL", "code": error.code, "message": MESSAGES[error.code]}
    if error.detail:
        content["message_detail"] = error.detail
    return Reply(error.code // 100, msgspec.json.encode(content), str(error.code))


def required(parameters: Mapping[str, str], name: str) -> str:
    """The value of a parameter.

    Raises:
        CallRefused: it is not there.
    """
    value = parameters.get(name)
    if value is None:
        raise CallRefused(40001, name)
    return value


def begun(transaction: Transaction, render: Callable[[Transaction], Reply], *, asynchronous: bool) -> Begun:
    """The answer to `auth`: only the txid, or the verdict as soon as there is one."""
    if asynchronous:
        return Begun(transaction, ok({"txid": transaction.txid}, "txid"))
    return Begun(transaction, render(transaction) if transaction.is_final else Wait(transaction, True, render))


def polled(transaction: Transaction, render: Callable[[Transaction], Reply]) -> Step:
    """The answer to a status call: at once where there is news, else later."""
    if transaction.has_news:
        transaction.reported = transaction.version
        return render(transaction)
    return Wait(transaction, False, render)
