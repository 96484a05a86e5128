"""Duo Auth API v1 (legacy): `/rest/v1/*`.

A device is named by its ordinal among the user's phones (`push2`, `phone2`), whatever their capabilities; while a
transaction is undecided `status` has no `result`.
"""

import re
from typing import NamedTuple

from bench.simulator.cloud import CallRefused, Transaction
from bench.simulator.people import Device
from bench.simulator.wire import Endpoint, Question, Reply, Step, begun, ok, polled, required

_FACTOR_WORD = re.compile(r"(push|phone|sms)([0-9]*)", re.IGNORECASE)
_PHONE_WORD = re.compile(r"(?:phone)?([0-9]+)", re.IGNORECASE)
_MENU = {"push": "Duo Push", "phone": "Phone call", "sms": "SMS passcodes"}


class _Wanted(NamedTuple):
    factor: str
    device: str = ""
    passcode: str = ""


def ping(_question: Question) -> Step:
    """A word and no clock."""
    return ok("pong", "ok")


def check(_question: Question) -> Step:
    """Keys and signature are right."""
    return ok("valid", "ok")


def preauth(question: Question) -> Step:
    """May the user log in, and with which factor words?"""
    answer = question.cloud.preauth(required(question.parameters, "user"))
    response: dict[str, object] = {"result": answer.result, "status": answer.text}
    if answer.result == "auth":
        words = _factor_words(answer.devices)
        menu = {str(number): word for number, word in enumerate(words, 1)}
        response["factors"] = {"default": next(iter(words)), **menu} if words else {}
        response["prompt"] = "\n".join(f"{number}. {line}" for number, line in enumerate(words.values(), 1))
    return ok(response, answer.result)


def auth(question: Question) -> Step:
    """The second factor."""
    username = required(question.parameters, "user")
    asynchronous = question.parameters.get("async") == "1"
    wanted = _wanted(question)
    transaction = question.cloud.auth(
        username,
        wanted.factor,
        question.now,
        device=wanted.device,
        passcode=wanted.passcode,
        keep=asynchronous,
    )
    return begun(transaction, _status, asynchronous=asynchronous)


def status(question: Question) -> Step:
    """The long poll of an asynchronous auth."""
    return polled(question.cloud.transaction(required(question.parameters, "txid")), _status)


ENDPOINTS = {
    "/rest/v1/ping": Endpoint("GET", "ping", False, ping),
    "/rest/v1/check": Endpoint("GET", "check", True, check),
    "/rest/v1/preauth": Endpoint("POST", "preauth", True, preauth),
    "/rest/v1/auth": Endpoint("POST", "auth", True, auth),
    "/rest/v1/status": Endpoint("GET", "auth_status", True, status),
}


def _wanted(question: Question) -> _Wanted:
    """Factor and device as v1 spells them: `factor` and one of `auto`, `code`, `phone`."""
    parameters = question.parameters
    factor = required(parameters, "factor")
    if factor == "passcode":
        return _Wanted("passcode", passcode=required(parameters, "code"))
    if factor != "auto":
        return _Wanted(factor, device=_nth_phone(question, parameters.get("phone", "auto")))
    word = parameters.get("auto", "auto")
    if word.lower() == "auto":
        return _Wanted("auto", device="auto")
    match = _FACTOR_WORD.fullmatch(word)
    if match is None:
        return _Wanted("passcode", passcode=word)
    return _Wanted(match[1].lower(), device=_nth_phone(question, match[2] or "auto"))


def _nth_phone(question: Question, word: str) -> str:
    """The device id for `phone2`, `2` or `auto`."""
    if word.lower() == "auto":
        return "auto"
    match = _PHONE_WORD.fullmatch(word)
    if match is None:
        raise CallRefused(40002, "phone")
    phones = _phones(question.cloud.preauth(required(question.parameters, "user")).devices)
    ordinal = int(match[1])
    if not phones:
        return "auto"  # a user who is not asked for a device, or has none: the cloud says which
    if not 1 <= ordinal <= len(phones):
        raise CallRefused(40002, "phone")
    return phones[ordinal - 1].device


def _phones(devices: tuple[Device, ...]) -> list[Device]:
    return [each for each in devices if each.type == "phone"]


def _factor_words(devices: tuple[Device, ...]) -> dict[str, str]:
    """Words for the user's phones, each with what a person reads for it."""
    return {
        f"{factor}{ordinal}": f"{phrase} to {each.number}"
        for factor, phrase in _MENU.items()
        for ordinal, each in enumerate(_phones(devices), 1)
        if each.can(factor)
    }


def _status(transaction: Transaction) -> Reply:
    response = {"status": transaction.text}
    if transaction.is_final:
        response["result"] = transaction.state.result
    return ok(response, transaction.state.status)
