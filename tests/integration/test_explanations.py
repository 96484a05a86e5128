"""Where Duo's own words mislead, the log says what to look at, and `radgate login` says the same."""

import pytest

from tests.cli.files import run_main
from tests.integration.shared import SharedSite
from tests.integration.site import Site

pytestmark = pytest.mark.integration

SECTIONS = [{}, *({"skey": "0" * 40, "failmode": failmode} for failmode in ("safe", "secure"))]

MISLEADING = [
    # user, typed, what Duo says, the reason, words of the hint
    ("ivan", "123456", "Incorrect passcode. Please try again.", "duo_denied", "policy does not permit passcodes"),
    ("judy", "push", "Your account is disabled", "duo_denied", "user access"),
    ("grace", "push", "Your account is disabled", "duo_denied", "locked out"),
    ("heidi", "push", "Enroll an authentication device", "not_enrolled", "compare the names"),
    ("nobody", "push", "Enroll an authentication device", "not_enrolled", "alias"),
    ("mallory", "push", "Login request reported as fraudulent.", "duo_fraud", "first password"),
    ("alice", "Winter2026!", "Enter a passcode", "unknown_factor", "unrecognised_factor=auto"),
    ("olivia", "push", "Duo could not use this factor.", "duo_refused_call", "device"),
]


def test_the_line_and_the_command_give_the_same_reason_and_hint(shared: SharedSite, capsys):
    config = str(shared.start().config)
    told = []
    for user, typed, message, reason, words in MISLEADING:
        status, out, err = run_main(capsys, "login", user, typed, "--server", shared.server, "--config", config)
        first, second, third, fourth = out.splitlines()
        assert (status, err) == (1, "")
        assert message in first
        assert second.startswith(f"  reason={reason}: ")
        assert words in third
        assert fourth == f"  more: radgate explain {reason}"
        told.append((reason, third.removeprefix("  hint: ")))
    assert [(line.fields["reason"], line.fields["hint"]) for line in shared.log_lines()] == told


@pytest.mark.parametrize(("failmode", "status"), [("safe", 0), ("secure", 1)])
def test_keys_that_duo_refuses_are_named_in_the_line_of_the_login(shared: SharedSite, capsys, failmode, status):
    shared.start(skey="0" * 40, failmode=failmode)
    got, out, _ = run_main(capsys, "login", "alice", "push", "--server", shared.server, "--config", str(shared.config))
    assert got == status
    assert f"reason=failmode_{failmode}: Duo is unavailable (" in out
    assert shared.log_lines()[0].fields["reason"] == f"failmode_{failmode}"


def test_an_application_of_the_wrong_type_is_named(site: Site, capsys):
    application = next(each for each in site.simulator.applications if each["kind"] == "radius_v1")
    site.start(ikey=application["ikey"], skey=application["skey"], api_version="2", failmode="secure")
    _, out, _ = run_main(capsys, "login", "alice", "push", "--config", str(site.config))
    assert "reason=failmode_secure: Duo is unavailable (" in out
    site.stop()
    assert "Wrong integration type" in site.log_text


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_log_tells_afterwards_why(site: Site, capsys, log_format):
    nas = site.start(gateway=f"log_format={log_format}").nas()
    for user, typed in (("ivan", "123456"), ("alice", "123456"), ("CORP\\Ivan", "push")):
        nas.login(user, typed)
    site.stop()
    status, out, err = run_main(capsys, "why", "IVAN", "--config", str(site.config))
    assert (status, err) == (0, "")
    first, *_ = lines = out.splitlines()
    assert " ivan at radius_server_duo_only from 127.0.0.1: passcode asked, refused after " in first
    assert "Incorrect passcode. Please try again." in first
    assert "policy does not permit passcodes" in out
    assert any("CORP\\Ivan" in line for line in lines)
    assert "alice" not in out
