"""What a section that takes a password first asks of its users and of its RADIUS clients."""

import pytest

from gateway.checks.findings import Severity
from gateway.checks.sections import section_findings
from tests.config.files import SERVER, SHARED_SECRET, parse

HOME = f"[radius_client]\nhost=10.0.0.5\nsecret={SHARED_SECRET}\ntimeout=10\n"

DIRECTORY = (
    f"[ad_client]\nhost=dc1\nsearch_dn=DC=a\nservice_account_username=r\nservice_account_password={SHARED_SECRET}\n"
)


def findings(mode: str, keys: str = "", client: str = "radius_client") -> dict[str, tuple[Severity, str]]:
    """What is not OK, by what was looked at."""
    settings, _ = parse(f"[radius_server_{mode}]\n{SERVER}client={client}\n{keys}{HOME}{DIRECTORY}[duo_only_client]\n")
    known = {each.section: each for each in settings.clients}
    (server,) = settings.servers
    found = section_findings(server, known[client])
    return {each.step: (each.severity, each.text) for each in found if each.severity is not Severity.OK}


@pytest.mark.parametrize("mode", ["auto", "concat"])
def test_a_delimiter_that_passwords_have_is_a_warning(mode):
    assert "delimiter" not in findings(mode)
    assert findings(mode, "delimiter=!\n")["delimiter"][0] is Severity.WARNING
    assert "delimiter" not in findings(mode, "delimiter=!\ndelimited_password_length=8\n")


@pytest.mark.parametrize(
    ("mode", "keys", "asks"),
    [("challenge", "", True), ("auto", "factors=push,passcode\n", True), ("auto", "", False), ("concat", "", False)],
)
def test_who_challenges_says_what_its_clients_need(mode, keys, asks):
    assert ("challenge" in findings(mode, keys)) is asks


def test_how_long_a_client_has_to_wait():
    severity, text = findings("auto")["patience"]
    assert (severity, text) == (Severity.NOTE, "a login may take 70 s, of which [radius_client] has 10 s at most")
    assert findings("auto", "response_deadline_s=30\n")["patience"][1].startswith("a login may take 30 s")
    assert findings("auto", "response_deadline_s=10\n")["patience"][0] is Severity.WARNING
    assert findings("auto", client="ad_client")["patience"][1].endswith("of which [ad_client] has 10 s at most")
    assert findings("auto", client="duo_only_client")["patience"] == (Severity.NOTE, "a login may take 60 s")
    assert findings("auto", "response_deadline_s=30\n", "duo_only_client")["patience"][1] == "a login may take 30 s"


def test_failmode_safe_is_less_where_a_password_is_checked():
    assert "a right password is enough" in findings("concat")["failmode"][1]
    assert "a right password is enough" in findings("concat", client="ad_client")["failmode"][1]
    assert "EVERY login is accepted" in findings("concat", client="duo_only_client")["failmode"][1]
