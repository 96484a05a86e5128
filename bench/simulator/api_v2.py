"""Duo Auth API v2: `/auth/v2/*`."""

from collections.abc import Mapping

from bench.simulator.cloud import CallRefused, Cloud, Transaction
from bench.simulator.people import Device
from bench.simulator.wire import Endpoint, Question, Reply, Step, begun, ok, polled, required


def ping(question: Question) -> Step:
    """Duo's clock."""
    return ok({"time": int(question.unix_now)}, "ok")


def preauth(question: Question) -> Step:
    """May the user log in, and with what?"""
    username = _username(question.cloud, question.parameters)
    answer = question.cloud.preauth(username)
    response: dict[str, object] = {"result": answer.result, "status_msg": answer.text}
    if answer.result == "auth":
        response["devices"] = [_device(each) for each in answer.devices]
    if answer.result == "enroll":
        response["enroll_portal_url"] = f"{question.base_url}/portal?code=simulated"
    return ok(response, answer.result)


def auth(question: Question) -> Step:
    """The second factor."""
    parameters = question.parameters
    username = _username(question.cloud, parameters)
    asynchronous = parameters.get("async") == "1"
    transaction = question.cloud.auth(
        username,
        required(parameters, "factor"),
        question.now,
        device=parameters.get("device", ""),
        passcode=parameters.get("passcode", ""),
        keep=asynchronous,
    )
    return begun(transaction, _status, asynchronous=asynchronous)


def auth_status(question: Question) -> Step:
    """The long poll of an asynchronous auth."""
    return polled(question.cloud.transaction(required(question.parameters, "txid")), _status)


ENDPOINTS = {
    "/auth/v2/ping": Endpoint("GET", "ping", False, ping),
    "/auth/v2/check": Endpoint("GET", "check", True, ping),
    "/auth/v2/preauth": Endpoint("POST", "preauth", True, preauth),
    "/auth/v2/auth": Endpoint("POST", "auth", True, auth),
    "/auth/v2/auth_status": Endpoint("GET", "auth_status", True, auth_status),
}


def _username(cloud: Cloud, parameters: Mapping[str, str]) -> str:
    """The user, named in exactly one of the two ways."""
    if "user_id" not in parameters:
        return required(parameters, "username")
    if "username" in parameters:
        raise CallRefused(40002, "Provide only one of user_id and username")
    return cloud.name_of(parameters["user_id"])


def _device(device: Device) -> dict[str, object]:
    described: dict[str, object] = {"device": device.device, "type": device.type, "name": device.name}
    if device.type != "phone":
        return described  # a token has no capabilities, not even an empty list of them
    return {
        **described,
        "number": device.number,
        "display_name": f"{device.name or 'Phone'} ({device.number})",
        "capabilities": device.capabilities,
        **({"sms_nextcode": "1"} if device.can("sms") else {}),
    }


def _status(transaction: Transaction) -> Reply:
    state = transaction.state
    return ok({"result": state.result, "status": state.status, "status_msg": transaction.text}, state.status)
