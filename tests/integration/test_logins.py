"""The main job, with real processes on real sockets: what people type, and what they get."""

import pytest

from gateway.radius.client import encode_attribute
from tests.integration.shared import SharedSite

pytestmark = pytest.mark.integration

SECTIONS = [
    *[{}] * 3,
    *[{"preauth": "needed"}] * 2,
    {"unrecognised_factor": "auto"},
    {"reject_delay_s": 1},
    *({"application": "radius_v1", "api_version": version} for version in ("auto", "1")),
]

ACCEPT, REJECT = 2, 3
DISABLED = "Your account is disabled and cannot access this application. Please contact your administrator."
FACTORS = "Enter a passcode, or push, phone or sms."

LOGINS = [
    # user, typed, reply, Reply-Message, reason
    ("alice", "123456", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("alice", "123 456", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("alice", "999999", REJECT, "Incorrect passcode. Please try again.", "duo_denied"),
    ("alice", "push", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("alice", "Push ", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("alice", "phone", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("alice", "sms", REJECT, "New SMS passcodes sent.", "sms_sent"),
    ("alice", "push2", REJECT, "You have no such device. Try without a number.", "no_such_device"),
    ("dave", "push2", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("dave", "phone2", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("dave", "sms2", REJECT, "You have no such device. Try without a number.", "no_such_device"),
    ("bob", "push", REJECT, "Login request denied.", "duo_denied"),
    ("carol", "push", REJECT, "Login timed out.", "duo_timeout"),
    ("mallory", "push", REJECT, "Login request reported as fraudulent.", "duo_fraud"),
    ("erin", "anything", ACCEPT, None, "duo_bypass"),
    ("frank", "push", REJECT, DISABLED, "duo_denied"),
    ("grace", "123456", REJECT, DISABLED, "duo_denied"),
    ("heidi", "push", REJECT, None, "not_enrolled"),
    ("ivan", "123456", REJECT, "Incorrect passcode. Please try again.", "duo_denied"),
    ("judy", "push", REJECT, DISABLED, "duo_denied"),
    ("olivia", "654321", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("olivia", "push", REJECT, "Duo could not use this factor. Try another one.", "duo_refused_call"),
    ("alice", "", REJECT, FACTORS, "no_password"),
    ("alice", "Winter2026!", REJECT, FACTORS, "unknown_factor"),
    ("ユーザー", "123456", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("josé", "push", ACCEPT, "Success. Logging you in...", "duo_allowed"),
    ("x", "push", REJECT, None, "not_enrolled"),
    ("n" * 253, "push", REJECT, None, "not_enrolled"),
]


def test_every_login_gets_the_right_reply_and_one_line_with_the_right_reason(shared: SharedSite):
    nas = shared.start().nas()
    for user, typed, code, message, _ in LOGINS:
        reply = nas.login(user, typed)
        assert reply.code == code, (user, typed, reply)
        assert message is None or reply.message == message, (user, typed)
    lines = shared.log_lines()
    assert [line.fields["reason"] for line in lines] == [reason for *_, reason in LOGINS]
    for (user, _, code, *_), line in zip(LOGINS, lines, strict=True):
        assert f", {user}, " in line.text
        assert line.fields["reply"] == {ACCEPT: "Access-Accept", REJECT: "Access-Reject"}[code]
        assert line.fields["server"] == shared.server


def test_too_many_failures_lock_a_user_out_and_the_line_says_so(shared: SharedSite):
    nas = shared.start(preauth="needed").nas()
    messages = [nas.login("alice", f"0000{number}").message for number in range(10, 21)]
    assert (messages[0], messages[10]) == ("Incorrect passcode. Please try again.", DISABLED)
    assert [line.fields["reason"] for line in shared.log_lines()][-1] == "duo_locked_out"


def test_a_text_that_is_no_factor_may_ask_for_the_automatic_one(shared: SharedSite):
    nas = shared.start(unrecognised_factor="auto").nas()
    assert nas.login("alice", "Winter2026!").is_accept
    assert nas.login("alice", "").is_accept
    lines = shared.log_lines()
    assert [line.fields["factor"] for line in lines] == ["auto", "auto"]
    assert "Winter2026!" not in (shared.folder / "log" / "authproxy.log").read_text()
    calls = shared.simulator.get("/api/calls")
    assert {call["factor"] for call in calls if call["path"].endswith("/auth")} == {"auto"}


def test_preauth_is_skipped_where_only_needed_for_the_device_list(shared: SharedSite):
    nas = shared.start(preauth="needed").nas()
    assert nas.login("alice", "123456").is_accept
    assert nas.login("dave", "push2").is_accept
    paths = [call["path"].rpartition("/")[2] for call in reversed(shared.simulator.get("/api/calls"))]
    assert [path for path in paths if path in ("preauth", "auth")] == ["auth", "preauth", "auth"]


def test_the_users_address_reaches_duo(shared: SharedSite):
    nas = shared.start().nas()
    nas.login("alice", "123456", encode_attribute(31, b"203.0.113.7"))
    assert {call["ipaddr"] for call in shared.simulator.get("/api/calls") if call["username"]} == {"203.0.113.7"}


@pytest.mark.parametrize("api_version", ["auto", "1"])
def test_an_application_that_may_use_v1_only_is_served_in_v1(shared: SharedSite, api_version: str):
    nas = shared.start(application="radius_v1", api_version=api_version).nas()
    assert nas.login("alice", "123456").is_accept
    assert nas.login("dave", "push2").is_accept
    assert nas.login("bob", "push").message == "Login request denied."
    assert nas.login("alice", "sms").message == "New SMS passcodes sent."
    assert [line.fields["reason"] for line in shared.log_lines()] == [
        "duo_allowed",
        "duo_allowed",
        "duo_denied",
        "sms_sent",
    ]


def test_refused_credentials_are_answered_late_and_others_at_once(shared: SharedSite):
    """The delay itself is seen in the engine's tests; here, that a delayed reject blocks nobody."""
    nas = shared.start(reject_delay_s=1).nas()
    nas.send("bob", "999999")
    nas.send("alice", "123456")
    assert [nas.receive().code, nas.receive().code] == [ACCEPT, REJECT]


def test_a_person_can_approve_on_the_simulators_page(shared: SharedSite):
    nas = shared.start().nas()
    nas.send("trent", "push")
    (push,) = shared.simulator.pending()
    shared.simulator.decide(push)
    assert nas.receive().is_accept
