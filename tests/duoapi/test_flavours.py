"""Requests and answers of both API flavours."""

import json
from typing import Any

import pytest

from gateway.duoapi.calls import (
    Auth,
    AuthAnswer,
    AuthStatus,
    Call,
    Check,
    Device,
    Factor,
    Ping,
    Preauth,
    PreauthAnswer,
    Refusal,
    Time,
)
from gateway.duoapi.flavours import V1, V2, Flavour
from gateway.duoapi.signing import encode_params
from gateway.unavailable import Trouble, Unavailable


def ok(response: Any) -> bytes:
    return json.dumps({"stat": "OK", "response": response}).encode()


def trouble_of(flavour: Flavour, call: Call, http_status: int, body: bytes) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        flavour.read(call, http_status, body)
    return caught.value


@pytest.mark.parametrize(
    ("call", "method", "path", "params"),
    [
        (Ping(), "GET", "/auth/v2/ping", {}),
        (Check(), "GET", "/auth/v2/check", {}),
        (Preauth("jdoe"), "POST", "/auth/v2/preauth", {"username": "jdoe"}),
        (Preauth("jdoe", "203.0.113.7"), "POST", "/auth/v2/preauth", {"username": "jdoe", "ipaddr": "203.0.113.7"}),
        (
            Auth("jdoe", Factor.AUTO),
            "POST",
            "/auth/v2/auth",
            {"username": "jdoe", "factor": "auto", "device": "auto", "async": "1"},
        ),
        (
            Auth("jdoe", Factor.PUSH, device="DP1", ordinal=2, ipaddr="203.0.113.7"),
            "POST",
            "/auth/v2/auth",
            {"username": "jdoe", "factor": "push", "device": "DP1", "async": "1", "ipaddr": "203.0.113.7"},
        ),
        (
            Auth("jdoe", Factor.SMS, device="DP1"),
            "POST",
            "/auth/v2/auth",
            {"username": "jdoe", "factor": "sms", "device": "DP1"},
        ),
        (
            Auth("jdoe", Factor.PASSCODE, passcode="123456"),
            "POST",
            "/auth/v2/auth",
            {"username": "jdoe", "factor": "passcode", "passcode": "123456"},
        ),
        (AuthStatus("tx-1"), "GET", "/auth/v2/auth_status", {"txid": "tx-1"}),
    ],
)
def test_v2_requests(call: Call, method: str, path: str, params: dict[str, str]) -> None:
    request = V2.request(call)
    assert (request.method, request.path, request.params.decode()) == (method, path, encode_params(params.items()))
    assert request.is_signed is not isinstance(call, Ping)


@pytest.mark.parametrize(
    ("call", "path", "params"),
    [
        (Preauth("jdoe", "203.0.113.7"), "/rest/v1/preauth", {"user": "jdoe", "ipaddr": "203.0.113.7"}),
        (
            Auth("jdoe", Factor.AUTO),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "auto", "auto": "auto", "async": "1"},
        ),
        (
            Auth("jdoe", Factor.PUSH),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "push", "phone": "phone1", "async": "1"},
        ),
        (
            Auth("jdoe", Factor.PUSH, device="DP1", ordinal=2),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "auto", "auto": "push2", "async": "1"},
        ),
        (Auth("jdoe", Factor.SMS), "/rest/v1/auth", {"user": "jdoe", "factor": "sms", "phone": "phone1"}),
        (
            Auth("jdoe", Factor.PHONE, device="phone3", ordinal=1),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "auto", "auto": "phone3", "async": "1"},
        ),
        (
            Auth("jdoe", Factor.AUTO, device="push2", ordinal=2),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "auto", "auto": "push2", "async": "1"},
        ),
        (
            Auth("jdoe", Factor.AUTO, device="DP2", ordinal=2),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "auto", "auto": "auto", "async": "1"},
        ),
        (Auth("jdoe", Factor.SMS, device="sms2"), "/rest/v1/auth", {"user": "jdoe", "factor": "auto", "auto": "sms2"}),
        (
            Auth("jdoe", Factor.PASSCODE, passcode="123456"),
            "/rest/v1/auth",
            {"user": "jdoe", "factor": "passcode", "code": "123456"},
        ),
        (AuthStatus("tx-1"), "/rest/v1/status", {"txid": "tx-1"}),
        (Check(), "/rest/v1/check", {}),
    ],
)
def test_v1_requests(call: Call, path: str, params: dict[str, str]) -> None:
    request = V1.request(call)
    assert (request.path, request.params.decode()) == (path, encode_params(params.items()))


def test_v2_preauth_answer() -> None:
    """Tokens have no capabilities; unknown keys, values and capabilities are tolerated."""
    body = ok(
        {
            "result": "auth",
            "status_msg": "Account is active",
            "devices": [
                {"device": "DP1", "type": "phone", "number": "", "capabilities": ["auto", "push", "hologram"]},
                {"device": "DH1", "type": "token", "name": "123456"},
                {"type": "something without an id"},
            ],
            "unheard_of": {"deep": [1]},
        }
    )
    assert V2.read(Preauth("jdoe", wants_devices=True), 200, body) == PreauthAnswer(
        "auth",
        "Account is active",
        (Device("DP1", frozenset({"auto", "push", "hologram"})), Device("DH1", name="123456")),
    )
    assert V2.read(Preauth("jdoe"), 200, body) == PreauthAnswer("auth", "Account is active")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"result": "allow", "status_msg": "Bypass", "devices": None}, PreauthAnswer("allow", "Bypass")),
        (
            {"result": "enroll", "enroll_portal_url": "https://e.test", "status_msg": None},
            PreauthAnswer("enroll", "", (), "https://e.test"),
        ),
        ({"result": "brand_new"}, PreauthAnswer("brand_new")),
    ],
)
def test_v2_other_preauth_answers(response: dict[str, Any], expected: PreauthAnswer) -> None:
    for wants_devices in (False, True):
        assert V2.read(Preauth("jdoe", None, wants_devices), 200, ok(response)) == expected


@pytest.mark.parametrize(
    ("entry", "name", "next_code"),
    [
        ({"number": "XXX-XXX-1234", "name": "work", "display_name": "iOS (XXX-XXX-1234)"}, "XXX-XXX-1234", ""),
        ({"number": "", "name": "tablet", "display_name": "iPad"}, "iPad", ""),
        ({"number": None, "name": "tablet", "sms_nextcode": "2"}, "tablet", "2"),
        ({"name": "a\nb\x1b", "sms_nextcode": 0}, "a b ", "0"),
        ({}, "", ""),
    ],
)
def test_a_device_is_known_by_its_number_or_its_name(entry: dict[str, Any], name: str, next_code: str) -> None:
    body = ok({"result": "auth", "devices": [{"device": "DP1"} | entry]})
    answer = V2.read(Preauth("jdoe", wants_devices=True), 200, body)
    assert answer == PreauthAnswer("auth", "", (Device("DP1", frozenset(), name, next_code),))


def test_devices_that_nobody_wants_are_not_looked_at() -> None:
    body = ok({"result": "auth", "devices": "none today"})
    assert V2.read(Preauth("jdoe"), 200, body) == PreauthAnswer("auth")


def test_a_verdict_of_the_same_octets_is_the_same_for_every_login() -> None:
    body = ok({"result": "allow", "status": "allow", "status_msg": "Success. Logging you in..."})
    first, second = (V2.read(Auth(user, Factor.PASSCODE, passcode="123456"), 200, body) for user in ("jdoe", "alice"))
    assert first == AuthAnswer("allow", "allow", "Success. Logging you in...")
    assert second is first


@pytest.mark.parametrize(
    ("passcode", "status_msg"),
    [
        ("123456", "Incorrect passcode 123456."),
        ("cccccccccccbdefghijklnrtuvcbdefghijklnrtuvcb", "No: cccccccccccbdefghijklnrtuvcbdefghijklnrtuvcb"),
    ],
)
def test_no_verdict_is_remembered_in_which_something_typed_may_be(passcode: str, status_msg: str) -> None:
    body = ok({"result": "deny", "status": "deny", "status_msg": status_msg})
    auth = Auth("jdoe", Factor.PASSCODE, passcode=passcode)
    assert passcode not in repr(V2.read(auth, 200, body))
    assert V2.read(auth, 200, body) is not V2.read(auth, 200, body)


def test_v2_auth_answers() -> None:
    auth = Auth("jdoe", Factor.PUSH)
    assert V2.read(auth, 200, ok({"txid": "tx-1"})) == AuthAnswer("", txid="tx-1")
    verdict = {"result": "deny", "status": "locked_out", "status_msg": "No.", "auth_delayed": False}
    assert V2.read(AuthStatus("tx-1"), 200, ok(verdict)) == AuthAnswer("deny", "locked_out", "No.")


def test_v1_answers() -> None:
    assert V1.read(Check(), 200, ok("valid")) == Time(None)
    preauth = {"result": "auth", "factors": {"default": "push1", "1": "push1"}, "prompt": "Duo login"}
    assert V1.read(Preauth("jdoe"), 200, ok(preauth)) == PreauthAnswer("auth")
    phone = Device("push1", frozenset({"push", "auto"}), "phone 1")
    assert V1.read(Preauth("jdoe", wants_devices=True), 200, ok(preauth)) == PreauthAnswer("auth", devices=(phone,))
    deny = {"result": "deny", "status": "Login request denied."}
    assert V1.read(AuthStatus("tx-1"), 200, ok(deny)) == AuthAnswer("deny", "", "Login request denied.")
    assert V1.read(Auth("jdoe", Factor.PUSH), 200, ok({"txid": "tx-1"})) == AuthAnswer("", txid="tx-1")


def v1_devices(factors: object, prompt: object = "") -> tuple[Device, ...]:
    body = ok({"result": "auth", "status": "Go on", "factors": factors, "prompt": prompt})
    answer = V1.read(Preauth("jdoe", wants_devices=True), 200, body)
    assert isinstance(answer, PreauthAnswer)
    return answer.devices


def test_each_word_of_v1s_menu_is_a_device_that_can_do_this_factor_alone():
    factors = {"default": "push2", "2": "phone1", "10": "sms2", "1": "push2"}
    assert [(each.device, *(each.capabilities - {"auto"}), each.name) for each in v1_devices(factors)] == [
        ("push2", "push", "phone 2"),
        ("phone1", "phone", "phone 1"),
        ("sms2", "sms", "phone 2"),
    ]


def test_duos_automatic_factor_is_the_first_word_of_each_phone_but_for_sms():
    """Else `auto2` would be a device that nobody has."""
    words = ("push2", "sms1", "phone1", "phone2", "sms3")
    devices = v1_devices({str(number): word for number, word in enumerate(words, 1)})
    assert [each.device for each in devices if "auto" in each.capabilities] == ["push2", "phone1"]


def test_what_v1s_menu_calls_a_phone_is_its_name_and_how_the_next_passcode_begins_is_read():
    prompt = (
        "Duo login for jdoe\n\n  1. Duo Push to XXX-XXX-1234\n\t2. Phone call to XXX-XXX-1234\n"
        "3. SMS passcodes to XXX-XXX-1234 (next code starts with: 2)\n\nPasscode or option (1-3): "
    )
    devices = v1_devices({"1": "push1", "2": "phone1", "3": "sms1"}, prompt)
    assert [(each.name, each.sms_nextcode) for each in devices] == [
        ("XXX-XXX-1234", ""),
        ("XXX-XXX-1234", ""),
        ("XXX-XXX-1234", "2"),
    ]


@pytest.mark.parametrize(
    "word", ["hologram1", "push", "push0", "push100", "passcode", "", "push1 ", "ｐush1", "push１"]
)
def test_a_word_of_v1s_menu_that_is_not_known_is_passed_over(word):
    assert [each.device for each in v1_devices({"1": word, "2": "sms1"})] == ["sms1"]


def test_who_can_choose_nothing_in_v1_has_no_phone():
    """As a token in v2: a list that is there decides, and none that is missing."""
    assert v1_devices({}) == v1_devices({"default": "passcode"}) == (Device("token"),)
    assert v1_devices(None) == ()


def test_v1s_menu_is_read_as_far_as_somebody_would():
    many = {str(number): f"push{number % 99 + 1}" for number in range(100_000)} | {"9" * 5000: "push1"}
    assert len(v1_devices(many, "1. Duo Push to x\n" * 10_000)) == 60


@pytest.mark.parametrize(("factors", "prompt"), [([], ""), ({"1": 1}, ""), ({"1": "push1"}, 7)])
def test_a_v1_menu_of_another_form_is_none(factors, prompt):
    body = ok({"result": "auth", "status": "Go on", "factors": factors, "prompt": prompt})
    assert V1.read(Preauth("jdoe", wants_devices=True), 200, body) == PreauthAnswer("auth")


def test_time() -> None:
    assert V2.read(Ping(), 200, ok({"time": 1357020061})) == Time(1357020061)


@pytest.mark.parametrize(
    ("http_status", "code", "number"),
    [(400, "40002", 40002), (401, 40102, 40102), (403, '""', 0), (404, "null", 0), (400, '"40002"', 40002)],
)
def test_refusal_with_any_code(http_status: int, code: str | int, number: int) -> None:
    body = f'{{"stat":"FAIL","code":{code},"message":"No","message_detail":"why"}}'.encode()
    assert V2.read(Preauth("jdoe"), http_status, body) == Refusal(http_status, number, "No", "why")


def test_refusal_without_code_and_message() -> None:
    assert V2.read(Check(), 401, b'{"stat":"FAIL"}') == Refusal(401, 0, "")


@pytest.mark.parametrize("flavour", [V1, V2])
@pytest.mark.parametrize(
    ("http_status", "body", "trouble"),
    [
        (500, b'{"stat":"FAIL","code":50000}', Trouble.HTTP_STATUS),
        (503, b"<html>", Trouble.HTTP_STATUS),
        (429, b'{"stat":"FAIL","code":42901,"message":"Too many requests"}', Trouble.RATE_LIMIT),
        (429, b"", Trouble.RATE_LIMIT),
        (302, b"", Trouble.BAD_ANSWER),
        (200, b"", Trouble.BAD_ANSWER),
        (200, b"<!DOCTYPE html><title>Hotel</title>", Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK"}', Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK","response":null}', Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK","response":{}}', Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK","response":{"result":5}}', Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK","response":{"result":"allow"', Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK","response":{"result":"\xff"}}', Trouble.BAD_ANSWER),
        (200, b'{"stat":"FAIL","code":40002,"message":"No"}', Trouble.BAD_ANSWER),
        (200, b'{"response":{"result":"allow"}}', Trouble.BAD_ANSWER),
        (200, b"[" * 100_000, Trouble.BAD_ANSWER),
        (200, b'{"stat":"OK","nested":' + b"[" * 100_000, Trouble.BAD_ANSWER),
        (201, b'{"stat":"OK","response":{"result":"allow"}}', Trouble.BAD_ANSWER),
        (400, b'{"stat":"OK","response":{"result":"allow"}}', Trouble.BAD_ANSWER),
    ],
)
def test_what_is_not_an_answer(flavour: Flavour, http_status: int, body: bytes, trouble: Trouble) -> None:
    for call in (Preauth("jdoe"), Auth("jdoe", Factor.PUSH), AuthStatus("tx-1"), Check()):
        unavailable = trouble_of(flavour, call, http_status, body)
        assert unavailable.trouble is trouble
        assert "\n" not in unavailable.detail


def test_beginning_of_a_web_page_names_who_sent_it() -> None:
    detail = trouble_of(V2, Check(), 200, b"<html>\n<title>Hotel Wi-Fi</title>").detail
    assert detail == "HTTP 200 with a web page that begins '<html>\\n<title>Hotel Wi-Fi</title>'"


def test_what_may_echo_our_request_is_not_shown() -> None:
    assert "123456" not in trouble_of(V2, Check(), 200, b"factor=passcode&passcode=123456").detail


@pytest.mark.parametrize("http_status", [400, 403, 407])
@pytest.mark.parametrize("body", [b"<html>blocked</html>", b"\xff\xfe", b"", b'{"stat":"FAIL","code":{}}'])
def test_a_refusal_that_is_not_duos_is_neither_an_outage_nor_a_configuration_error(http_status, body) -> None:
    """A user can provoke it, by a name that a firewall in between dislikes: fail mode must have no part in it."""
    refusal = V2.read(Preauth("<script>"), http_status, body)
    assert isinstance(refusal, Refusal)
    assert not refusal.is_configuration


@pytest.mark.parametrize("flavour", [V1, V2])
@pytest.mark.parametrize("result", ["deny", "allow"])
def test_the_result_alone_decides_whatever_stands_beside_it(flavour, result):
    body = b'{"stat":"OK","response":{"result":"%s","status":5,"status_msg":[],"devices":{}}}' % result.encode()
    for call in (Preauth("jdoe"), Auth("jdoe", Factor.PASSCODE), AuthStatus("tx")):
        assert flavour.read(call, 200, body).result == result


def test_control_characters_of_a_text_become_blanks():
    body = b'{"stat":"OK","response":{"result":"deny","status_msg":"a\\u0000b\\nc\\u001b[31m"}}'
    assert V2.read(Auth("jdoe", Factor.PUSH), 200, body).status_msg == "a b c [31m"


def test_a_v1_status_without_result_is_one_that_waits():
    """v1 leaves `result` out until the person has answered."""
    body = b'{"stat":"OK","response":{"status":"Pushed a login request to your phone..."}}'
    assert V1.read(AuthStatus("tx"), 200, body) == AuthAnswer("waiting", "", "Pushed a login request to your phone...")
    assert trouble_of(V1, Auth("jdoe", Factor.PUSH), 200, body).trouble is Trouble.BAD_ANSWER


def test_texts_of_v1_preauth_are_bounded_and_plain_too():
    body = b'{"stat":"OK","response":{"result":"deny","status":"a\\u001b%s"}}' % (b"x" * 5000)
    answer = V1.read(Preauth("jdoe"), 200, body)
    assert answer.status_msg.startswith("a x")
    assert len(answer.status_msg) == 1000
