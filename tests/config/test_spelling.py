import pytest

from gateway.config.problems import Severity
from tests.config.files import MINIMAL, problems_of

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("failmod", "failmode"),
        ("fail_mode", "failmode"),
        ("fail-mode", "failmode"),
        ("filamode", "failmode"),
        ("failmode2", "failmode"),
        ("api-host", "api_host"),
        ("apihost", "api_host"),
        ("api_hots", "api_host"),
        ("radius_ip", "radius_ip_1"),
        ("radius_ip2", "radius_ip_2"),
        ("radius_ip_n", "radius_ip_1"),
        ("radius_ip_1_2", "radius_ip_1"),
        ("raduis_ip_17", "radius_ip_17"),
        ("radius_secret", "radius_secret_1"),
        ("radius_secret3", "radius_secret_3"),
        ("radius_secret_file", "radius_secret_1_file"),
        ("iface", None),
        ("interfaces", "interface"),
        ("exempt_username", "exempt_username_1"),
        ("unrecognized_factor", "unrecognised_factor"),
        ("port2", "port"),
        ("timeout_api", None),
        ("http_proxy_user", None),
    ],
)
def test_key_like_a_known_one_is_an_error_that_names_it(key, meant):
    problem, *others = problems_of(f"{MINIMAL}{key}=1\n")
    assert (problem.section, problem.key, problem.line) == ("radius_server_duo_only", key, 7)
    assert {(other.key, other.line) for other in others} <= {(meant, 7)}  # the value is checked as that key's
    if meant:
        assert problem.is_error
        assert problem.text == f"is not known; write {meant}"
    else:
        assert not problem.is_error
        assert "is not known, ignored" in problem.text


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("radius_server_duoonly", "radius_server_duo_only"),
        ("radius_server_duo_only_2", "radius_server_duo_only2"),
        ("radius-server-duo-only3", "radius_server_duo_only3"),
        ("radius_server_duo", "radius_server_duo_only"),
        ("radius_server", "radius_server_duo_only"),
        ("raidus_server_duo_only", "radius_server_duo_only"),
        ("radius_server_challange", "radius_server_challenge"),
        ("duo_only_cleint", "duo_only_client"),
        ("mian", "main"),
        ("main2", "main"),
        ("gatway", "gateway"),
        ("default", "main"),
        ("prometheus", None),
    ],
)
def test_section_like_a_known_one_is_an_error_that_names_it(section, meant):
    problem, *others = problems_of(f"{MINIMAL}[{section}]\n")
    assert {(other.section, other.line) for other in others} <= {(meant, 7)}  # it is read as that section
    assert (problem.section, problem.key, problem.line) == (section, "", 7)
    if meant:
        assert problem.is_error
        assert problem.text == f"is not known; write [{meant}]"
    else:
        assert not problem.is_error
        assert "is not known, ignored" in problem.text


@pytest.mark.parametrize(
    ("section", "key", "severity", "remedy"),
    [
        ("main", "fips_mode", WARNING, "OpenSSL"),
        ("main", "test_connectivity_on_startup", WARNING, "passed the check of keys and clock"),
        ("main", "log_sso_events", WARNING, "no effect here"),
        ("main", "log_file", WARNING, "log_dir"),
        ("main", "service_account_username", WARNING, "a key of [ad_client]"),
        ("main", "from_the_future", WARNING, "not known, ignored"),
        ("main", "debgu", ERROR, "write debug"),
        ("gateway", "debug", ERROR, "write it in [main]"),
        ("gateway", "failmode", ERROR, "write it in [radius_server_duo_only]"),
        ("gateway", "worker", ERROR, "write workers"),
        ("gateway", "max_pending_s", ERROR, "write max_pending"),
        ("duo_only_client", "failmode", ERROR, "write it in [radius_server_duo_only]"),
        ("duo_only_client", "workers", ERROR, "write it in [gateway]"),
        ("duo_only_client", "host", WARNING, "a key of [ad_client]"),
        ("duo_only_client", "anything", WARNING, "not known, ignored"),
    ],
)
def test_key_outside_of_its_section(section, key, severity, remedy):
    (problem,) = problems_of(f"[{section}]\n{key}=1\n{MINIMAL}")
    assert (problem.section, problem.key, problem.line, problem.severity) == (section, key, 2, severity)
    assert remedy in problem.text


@pytest.mark.parametrize(
    ("key", "severity", "remedy"),
    [
        ("pass_through_all", WARNING, "no effect here"),
        ("pass_through_attr_names", WARNING, "no effect here"),
        ("factors", WARNING, "a key of [radius_server_auto]"),
        ("delimiter", WARNING, "a key of [radius_server_auto]"),
        ("host_2", WARNING, "a key of [ad_client]"),
        ("debug", WARNING, "write it in [main]"),
        ("log_dir", WARNING, "write it in [main]"),
        ("max_pending", ERROR, "write it in [gateway]"),
    ],
)
def test_key_of_another_section_in_a_server_section(key, severity, remedy):
    (problem,) = problems_of(f"{MINIMAL}{key}=1\n")
    assert (problem.key, problem.line, problem.severity) == (key, 7, severity)
    assert remedy in problem.text


@pytest.mark.parametrize("kind", ["auto", "challenge", "concat", "eap", "iframe"])
def test_other_server_kinds_are_refused(kind):
    (problem,) = problems_of(f"{MINIMAL}[radius_server_{kind}2]\nikey=whatever\nfactor=push\n")
    assert (problem.section, problem.line, problem.severity) == (f"radius_server_{kind}2", 7, ERROR)
    assert "keep Duo's proxy" in problem.text


@pytest.mark.parametrize(
    "section", ["cloud", "cloud2", "sso", "ldap_server_auto", "http_proxy", "ad_client", "radius_client3"]
)
def test_sections_that_are_not_served_get_one_warning_each(section):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nfailmod=1\nport=many\n")
    assert (problem.section, problem.line, problem.severity) == (section, 7, WARNING)
    assert "ignored" in problem.text


@pytest.mark.parametrize(
    ("typed", "meant"), [("prot", "port"), ("ikye", "ikey"), ("skye", "skey"), ("cleint", "client")]
)
def test_two_letters_that_changed_places_are_a_typing_mistake(typed, meant):
    (problem,) = [problem for problem in problems_of(f"{MINIMAL}{typed}=1\n") if problem.key == typed]
    assert problem.is_error
    assert f"write {meant}" in problem.text
