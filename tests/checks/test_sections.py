"""What a section lets happen."""

import pytest

from gateway.checks.findings import Finding, Severity
from gateway.checks.sections import section_findings
from gateway.config.settings import ApplicationSettings, ClientSettings, Secret, ServerSettings
from gateway.engine.rules import FailMode


def findings(*networks: tuple[str, ...], fail_mode: FailMode = FailMode.SECURE) -> list[Finding]:
    clients = [
        ClientSettings(name=f"radius_ip_{number}", networks=each, shared_secret=Secret(b"s"))
        for number, each in enumerate(networks, 1)
    ]
    application = ApplicationSettings(api_host="duo.test", ikey="DI", secret_key=Secret(b"k"))
    server = ServerSettings(
        section="radius_server_duo_only", clients=tuple(clients), application=application, fail_mode=fail_mode
    )
    return [finding for finding in section_findings(server) if finding.severity is not Severity.OK]


def test_failmode_safe_is_called_what_it_is():
    (finding,) = findings(("10.0.0.1/32",), fail_mode=FailMode.SAFE)
    assert (finding.step, finding.severity) == ("failmode", Severity.NOTE)
    assert "EVERY login is accepted" in finding.text


def test_failmode_secure_needs_no_words():
    assert findings(("10.0.0.1/32",)) == []


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/8", "::/0"])
def test_a_client_of_half_the_world_is_a_warning(network):
    (finding,) = findings((network,))
    assert (finding.step, finding.severity) == ("clients", Severity.WARNING)
    assert network in finding.text


@pytest.mark.parametrize("network", ["10.0.0.0/16", "10.0.0.0/24", "2001:db8::/48"])
def test_a_client_of_a_site_is_none(network):
    assert findings((network,)) == []


def test_a_client_within_another_is_told_with_the_secret_that_counts():
    (finding,) = findings(("10.0.0.0/24",), ("10.0.0.7/32",), ("10.0.1.0/24",))
    assert finding.severity is Severity.NOTE
    assert "radius_ip_2 (10.0.0.7/32) lies within radius_ip_1 (10.0.0.0/24)" in finding.text


def test_nesting_is_seen_to_any_depth_and_only_the_nearest_is_named():
    texts = [finding.text for finding in findings(("10.0.0.7/32",), ("10.0.0.0/24",), ("10.0.0.0/16",))]
    assert [text.split(":")[0] for text in texts] == [
        "radius_ip_2 (10.0.0.0/24) lies within radius_ip_3 (10.0.0.0/16)",
        "radius_ip_1 (10.0.0.7/32) lies within radius_ip_2 (10.0.0.0/24)",
    ]


def test_the_two_versions_of_ip_have_nothing_to_do_with_each_other():
    assert findings(("10.0.0.0/24",), ("::a00:0/120",)) == []


def test_the_networks_of_one_range_are_one_client():
    assert findings(("10.0.0.1/32", "10.0.0.2/31")) == []
