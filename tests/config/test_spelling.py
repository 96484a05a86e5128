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
        ("radius_ip", "radius_ip_2"),  # the first number is taken
        ("radius_ip2", "radius_ip_2"),
        ("radius_ip_n", "radius_ip_2"),
        ("raduis_ip_17", "radius_ip_17"),
        ("radius_secret", "radius_secret_2"),
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
    ("key", "meant", "line"),
    [
        ("api-host", "api_host", 4),
        ("apihost", "api_host", 4),
        ("api_hots", "api_host", 4),
        ("radius_ip_1_2", "radius_ip_1", 5),
        ("ikye", "ikey", 2),
        ("skye", "skey", 3),
    ],
)
def test_a_key_is_not_offered_where_it_stands_already(key, meant, line):
    problem, *_ = problems_of(f"{MINIMAL}{key}=1\n")
    assert problem.is_error
    assert problem.text == f"is not known; {meant} is there, in line {line}: remove one of the two"


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("radius_server_duoonly", "radius_server_duo_only2"),
        ("radius-server-duo-only3", "radius_server_duo_only3"),
        ("radius_server_duo", "radius_server_duo_only2"),
        ("radius_server", "radius_server_duo_only2"),
        ("raidus_server_duo_only", "radius_server_duo_only2"),
        ("raidus_server_duo", "radius_server_duo_only2"),
        ("duo_only_cleint", "duo_only_client"),
        ("mian", "main"),
        ("main2", "main"),
        ("gatway", "gateway"),
        ("default", "main"),
        ("prometheus", None),
    ],
)
def test_section_like_a_known_one_is_an_error_that_names_what_to_write(section, meant):
    """Never one that stands there already: who follows the advice would get the next error."""
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
    ("there", "section", "meant"),
    [
        ("", "radius_server_duo_only_vpn", "radius_server_duo_only2"),
        ("", "radius_server_duo_only_2", "radius_server_duo_only2"),
        ("", "radius_server_duo_only tokyo", "radius_server_duo_only2"),
        ("", "radius_server_duo_only-1", "radius_server_duo_only1"),
        ("[radius_server_duo_only2]\n", "radius_server_duo_only_vpn", "radius_server_duo_only3"),
        ("[radius_server_duo_only2]\n", "radius_server_duo_only_2", "radius_server_duo_only3"),
        ("[duo_only_client]\n", "duo_only_client_vpn", "duo_only_client2"),
    ],
)
def test_a_section_with_a_name_of_its_own_gets_the_next_free_number(there, section, meant):
    problems = problems_of(f"{MINIMAL}{there}[{section}]\n")
    (problem,) = [problem for problem in problems if problem.section == section]
    assert problem.is_error
    where = "" if "client" in meant else "; the name goes into name="
    assert problem.text == f"is not known; write [{meant}] (only a number may follow{where})"


def test_what_would_be_a_second_main_is_to_be_put_into_the_first():
    (problem,) = problems_of(f"[main]\ndebug=true\n[mian]\nlog_dir=/x\n{MINIMAL}")
    assert problem.text == "is not known; [main] is there already, in line 1: put the keys together there"


@pytest.mark.parametrize(
    "section",
    [
        "radius_server_accounting",
        "radius_server_push",
        "radius_server_challange",
        "radius_server_vpn2",
        "raduis_server_atuo",
        "radius_server_mschap",
    ],
)
def test_radius_servers_that_nobody_knows_are_not_served(section):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nport=1813\n")
    assert (problem.section, problem.is_error) == (section, True)
    assert "is not served" in problem.text
    assert "write [" not in problem.text


@pytest.mark.parametrize(
    "section",
    ["ldap_server_challenge", "ldap_server_concat", "ldap_server", "ldap_auto", "lpad_server_auto", "cloud_eu"],
)
def test_what_does_not_concern_radius_is_ignored_under_any_name(section):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nikey = x\nikey = y\n")
    assert (problem.section, problem.is_error) == (section, False)
    assert "does not concern RADIUS" in problem.text


@pytest.mark.parametrize(
    "section", ["ad_client", "ad_client_corp", "radius_client3", "radius_client_nps", "duo_only_client"]
)
def test_first_factors_are_ignored(section):
    problems = problems_of(f"{MINIMAL}[{section}]\nhost=10.0.0.1\n")
    assert not any(problem.is_error for problem in problems if problem.section == section)


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("ad_clinet", "ad_client"),
        ("radius-client2", "radius_client2"),
    ],
)
def test_a_mistyped_first_factor_is_an_error_that_names_the_known_one(section, meant):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nhost=10.0.0.1\n")
    assert (problem.section, problem.is_error) == (section, True)
    assert f"write [{meant}]" in problem.text


@pytest.mark.parametrize("client", ["[duo_only_client]\n", "[main]\nclient=duo_only_client\n", "[duo_only_client3]\n"])
@pytest.mark.parametrize("line", ["", "client=Duo_Only_Client\n"])
def test_auto_that_asks_duo_alone_is_told_what_does_the_same_here(client, line):
    problems = problems_of(f"{client}[radius_server_auto]\n{line}factors=push\n")
    (problem,) = [problem for problem in problems if problem.section == "radius_server_auto"]
    assert problem.is_error
    assert "write [radius_server_duo_only] and unrecognised_factor=auto" in problem.text


@pytest.mark.parametrize("clients", ["[ad_client]\n", "[ad_client]\n[duo_only_client]\n", ""])
def test_auto_that_checks_a_password_is_not_served(clients):
    problems = problems_of(f"{clients}[radius_server_auto]\n")
    (problem,) = [problem for problem in problems if problem.section == "radius_server_auto"]
    assert "keep Duo's proxy" in problem.text


def test_a_letter_that_looks_like_another_is_named():
    (key,) = problems_of(f"{MINIMAL}f\u0430ilmode=secure\n")
    assert key.text == "is not known (U+0430 CYRILLIC SMALL LETTER A is in it); write failmode"


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
    ("text", "key", "remedy"),
    [
        (f"[main]\ndebug=true\n{MINIMAL}debug=1\n", "debug", "[main] has it in line 2; remove it"),
        (f"[duo_only_client]\nikey=1\n{MINIMAL}", "ikey", "[radius_server_duo_only] has it in line 4; remove it"),
        (
            "[gateway]\nfailmode=safe\n" + MINIMAL.replace("only]", "only7]"),
            "failmode",
            "write it in [radius_server_duo_only7]",
        ),
    ],
)
def test_a_key_is_sent_where_it_is_not_yet(text, key, remedy):
    (problem,) = [problem for problem in problems_of(text) if problem.key == key]
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


@pytest.mark.parametrize(("typed", "meant"), [("prot", "port"), ("cleint", "client")])
def test_two_letters_that_changed_places_are_a_typing_mistake(typed, meant):
    (problem,) = [problem for problem in problems_of(f"{MINIMAL}{typed}=1\n") if problem.key == typed]
    assert problem.is_error
    assert f"write {meant}" in problem.text
