"""Auto, concat and challenge on real sockets: what is asked of Duo, and what the NAS hears."""

import os
import signal

import pytest

from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.dictionary import STATE, Code
from tests.integration.shared import SharedSite
from tests.integration.site import Reply, Site

pytestmark = pytest.mark.integration

SECTIONS = [
    {"section": f"radius_server_{mode}", "client": "duo_only_client"}
    for mode in ("auto", "concat", "challenge", "challenge")
]
IN_V1 = {"client": "duo_only_client", "application": "radius_v1"}
SECTIONS += [
    {"section": "radius_server_challenge", "api_version": "1", **IN_V1},
    {"section": "radius_server_auto", "api_version": "auto", "factors": "push,passcode", **IN_V1},
]

NOBODY = "[duo_only_client]"
STATE_KIND = AttributeKind(0, STATE)


def start(site: Site, mode: str, **keys):
    site.start(section=f"radius_server_{mode}", client="duo_only_client", clients=NOBODY, **keys)
    return site.nas()


def state_of(reply: Reply) -> bytes:
    """The State of a challenge, as the NAS sends it with the answer."""
    assert reply.code == Code.ACCESS_CHALLENGE
    state = reply.packet.value(STATE)
    assert state is not None
    return encode(STATE_KIND, state)


def test_auto_pushes_whoever_types_a_password_and_takes_a_factor_behind_it(shared: SharedSite):
    nas = start(shared, "auto")
    assert nas.login("alice", "secret").is_accept
    assert nas.login("alice", "secret,123456").is_accept
    assert nas.login("alice", "secret,000000").code == Code.ACCESS_REJECT
    factors = [line.fields["factor"] for line in shared.log_lines()]
    assert factors == ["auto", "passcode", "passcode"]


def test_concat_wants_a_factor(shared: SharedSite):
    nas = start(shared, "concat")
    reply = nas.login("alice", "secret")
    assert (reply.code, reply.message) == (3, "Enter your password, a comma, and a passcode or push.")
    assert nas.login("alice", "secret,push").is_accept
    assert [line.fields["reason"] for line in shared.log_lines()] == ["factor_missing", "duo_allowed"]


def test_challenge_shows_a_menu_and_takes_a_number(shared: SharedSite):
    nas = start(shared, "challenge")
    menu = nas.login("alice", "secret")
    assert menu.message.startswith("Duo two-factor login for alice\n\nEnter a passcode or select")
    assert nas.login("alice", "1", state_of(menu)).is_accept
    first, second = shared.log_lines()
    assert (first.fields["reason"], first.fields["reply"]) == ("challenged", "Access-Challenge")
    assert (second.fields["reason"], second.fields["factor"]) == ("duo_allowed", "push")


def test_in_v1_the_menu_is_duos_and_a_number_or_a_word_of_it_is_pushed(shared: SharedSite):
    nas = start(shared, "challenge", application="radius_v1", api_version="1")
    menu = nas.login("dave", "secret")
    assert "1. Duo Push to XXX-XXX-" in menu.message
    assert "Passcode or option (1-5)" in menu.message
    assert nas.login("dave", "2", state_of(menu)).is_accept
    assert nas.login("dave", "phone2", state_of(nas.login("dave", "secret"))).is_accept
    factors = [line.fields["factor"] for line in shared.log_lines() if line.fields["reason"] == "duo_allowed"]
    assert factors == ["push", "phone"]


def test_in_v1_who_has_no_phone_is_asked_for_a_passcode(shared: SharedSite):
    nas = start(shared, "auto", application="radius_v1", api_version="auto", factors="push,passcode")
    asked = nas.login("olivia", "secret")
    assert (asked.code, asked.message) == (Code.ACCESS_CHALLENGE, "Enter a passcode:")
    assert nas.login("alice", "secret").is_accept


def test_an_answer_counts_once(shared: SharedSite):
    nas = start(shared, "challenge")
    state = state_of(nas.login("alice", "secret"))
    assert nas.login("alice", "123456", state).is_accept
    again = nas.login("alice", "123456", state)
    assert (again.code, again.message) == (3, "This question was not for you, or is answered. Please log in again.")
    assert nas.login("bob", "123456", state).code == Code.ACCESS_REJECT
    assert nas.login("alice", "123456", encode(STATE_KIND, b"forged")).code == Code.ACCESS_REJECT
    reasons = [line.fields["reason"] for line in shared.log_lines()]
    assert reasons == ["challenged", "duo_allowed", *["challenge_unknown"] * 3]


def replace_worker(site: Site, how: str) -> None:
    """Let another worker take the place of the one that serves."""
    (before,) = site.gateway.worker_pids()
    if how == "kill":
        os.kill(before, signal.SIGKILL)
    else:
        done = site.radgate("reload")
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("how", ["reload", "kill"])
def test_a_state_outlives_its_worker_and_a_used_one_stays_used(site: Site, how: str):
    nas = start(site, "challenge")
    used = state_of(nas.login("alice", "secret"))
    assert nas.login("alice", "123456", used).is_accept
    fresh = state_of(nas.login("alice", "secret"))
    replace_worker(site, how)
    assert nas.login("alice", "123456", used).code == Code.ACCESS_REJECT
    assert nas.login("alice", "123456", fresh).is_accept
    assert "Traceback" not in site.log_text
