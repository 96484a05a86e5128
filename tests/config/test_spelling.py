import re

import pytest

from gateway.config.problems import Severity
from tests.config.files import IKEY, MINIMAL, SERVER, problems_of

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
        ("radius_ip_1b", "radius_ip_2"),
        ("radius_ip_1_2", "radius_ip_2"),
        ("radius_secret_1b", "radius_secret_2"),
        ("api_key", None),
        ("secret_key", None),
        ("radius_port_1", None),
        ("http_proxy_passwrd", None),
    ],
)
def test_key_like_a_known_one_is_an_error_that_names_it(key, meant):
    problem, *others = problems_of(f"{MINIMAL}{key}=1\n")
    assert (problem.section, problem.key, problem.place.line) == ("radius_server_duo_only", key, 7)
    assert {(other.key, other.place.line) for other in others} <= {(meant, 7)}  # the value is checked as that key's
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
        ("radius-ip-1", "radius_ip_1", 5),
        ("i_key", "ikey", 2),
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
        ("radius_server_challange", "radius_server_challenge"),
        ("raduis_server_atuo", "radius_server_auto"),
        ("radius_server_conact2", "radius_server_concat2"),
        ("radius-server-auto", "radius_server_auto"),
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
    assert {(other.section, other.place.line) for other in others} <= {(meant, 7)}  # it is read as that section
    assert (problem.section, problem.key, problem.place.line) == (section, "", 7)
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
        "radius_server_vpn2",
        "radius_server_mschap",
    ],
)
def test_radius_servers_that_nobody_knows_are_ignored_with_a_warning_that_names_the_known_ones(section):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nport=1813\n")
    assert (problem.section, problem.is_error) == (section, False)
    assert problem.text.startswith("is not known, ignored; if [radius_server_")


def test_one_that_nobody_knows_alone_is_an_error():
    problem, *_ = (each for each in problems_of("[radius_server_push]\nport=1813\n") if each.section)
    assert (problem.is_error, problem.text[:28]) == (True, "is not known; write [radius_")


def test_the_nearest_kind_is_named_first():
    (problem,) = problems_of(f"{MINIMAL}[radius_server_otto]\nport=1813\n")
    assert problem.text.startswith("is not known, ignored; if [radius_server_auto], ")


@pytest.mark.parametrize("line", ["", "client=radius_cleint\n", "clinet=radius_client\n", "client=radius_client2\n"])
def test_where_a_server_section_names_no_client_that_is_there_all_clients_are_read(line):
    problems = problems_of(f"[radius_server_auto]\n{SERVER}{line}[radius_client]\nhost=10.0.0.5\nretries=many\n")
    assert not [each for each in problems if "remove the section" in each.text]
    assert {("radius_client", "host"), ("radius_client", "retries")} <= {(each.section, each.key) for each in problems}


@pytest.mark.parametrize(
    "section",
    ["ldap_server_challenge", "ldap_server_concat", "ldap_server", "ldap_auto", "lpad_server_auto", "cloud_eu"],
)
def test_what_does_not_concern_radius_is_ignored_under_any_name(section):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nikey = x\nikey = y\n")
    assert (problem.section, problem.is_error) == (section, False)
    assert "does not concern RADIUS" in problem.text


@pytest.mark.parametrize("section", ["ad_client", "ad_client_corp", "radius_client3", "radius_client_nps"])
def test_first_factors_that_nobody_names_are_ignored(section):
    """Whatever they hold: a file of Duo's proxy may have some that only sections use which are not served."""
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nhost=10.0.0.1\nfailmod=1\ntimeout=long\n")
    assert (problem.section, problem.is_error) == (section, False)
    assert problem.text == "ignored: no server section that is served names it; remove the section"


def test_a_first_factor_that_a_section_names_is_not_called_idle():
    problems = problems_of(f"[radius_server_auto]\n{SERVER}client=radius_client\n[radius_client]\n")
    assert not [problem for problem in problems if "ignored" in problem.text]


def test_a_first_factor_with_a_name_of_its_own_gets_a_number_where_a_section_names_it():
    problems = problems_of(f"[radius_server_auto]\n{SERVER}client=radius_client_nps\n[radius_client_nps]\n")
    (problem,) = [problem for problem in problems if problem.section == "radius_client_nps"]
    assert problem.text == "is not known; write [radius_client] (only a number may follow)"


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("ad_clinet", "ad_client"),
        ("radius-client2", "radius_client2"),
        ("radius_clients", "radius_client"),
    ],
)
def test_a_mistyped_first_factor_is_an_error_that_names_the_known_one(section, meant):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nhost=10.0.0.1\n")
    assert (problem.section, problem.is_error) == (section, True)
    assert f"write [{meant}]" in problem.text


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("retry", "retries"),
        ("retry_time", "retry_wait"),
        ("retrywait", "retry_wait"),
        ("shared_secret", "secret"),
        ("radius_secret", "secret"),
        ("server", "host"),
        ("status_check", "status_server"),
        ("server_port", "port"),
    ],
)
def test_a_mistyped_key_of_a_home_server_is_an_error(key, meant):
    text = f"[radius_server_auto]\n{SERVER}client=radius_client\n[radius_client]\n{key}=1\n"
    (problem,) = [each for each in problems_of(text) if each.key == key]
    assert (problem.is_error, problem.text) == (True, f"is not known; write {meant}")


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
        ("main", "exempt_ou_1", WARNING, "a key of [ldap_server_auto]"),
        ("main", "from_the_future", WARNING, "not known, ignored"),
        ("main", "debgu", ERROR, "write debug"),
        ("gateway", "debug", ERROR, "write it in [main]"),
        ("gateway", "failmode", ERROR, "write it in [radius_server_duo_only]"),
        ("gateway", "worker", ERROR, "write workers"),
        ("gateway", "max_pending_s", ERROR, "write max_pending"),
        ("duo_only_client", "failmode", ERROR, "write it in [radius_server_duo_only]"),
        ("duo_only_client", "workers", ERROR, "write it in [gateway]"),
        ("duo_only_client", "host", WARNING, "a key of [radius_client]"),
        ("duo_only_client", "anything", WARNING, "not known, ignored"),
    ],
)
def test_key_outside_of_its_section(section, key, severity, remedy):
    (problem,) = problems_of(f"[{section}]\n{key}=1\n{MINIMAL}")
    assert (problem.section, problem.key, problem.place.line, problem.severity) == (section, key, 2, severity)
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
        ("host_2", WARNING, "a key of [radius_client]"),
        ("debug", WARNING, "write it in [main]"),
        ("log_dir", WARNING, "write it in [main]"),
        ("max_pending", ERROR, "write it in [gateway]"),
    ],
)
def test_key_of_another_section_in_a_server_section(key, severity, remedy):
    (problem,) = problems_of(f"{MINIMAL}{key}=1\n")
    assert (problem.key, problem.place.line, problem.severity) == (key, 7, severity)
    assert remedy in problem.text


@pytest.mark.parametrize("kind", ["eap", "iframe"])
def test_other_server_kinds_are_ignored_where_another_section_is_served(kind):
    (problem,) = problems_of(f"{MINIMAL}[radius_server_{kind}2]\nikey=whatever\nfactor=push\n")
    assert (problem.section, problem.place.line, problem.severity) == (f"radius_server_{kind}2", 7, WARNING)
    assert "keep Duo's proxy" in problem.text


@pytest.mark.parametrize("kind", ["eap", "iframe"])
def test_other_server_kinds_are_refused_where_nothing_else_is_left(kind):
    _, problem = problems_of(f"[radius_server_{kind}2]\nikey=whatever\nfactor=push\n")
    assert (problem.section, problem.severity) == (f"radius_server_{kind}2", ERROR)
    assert "is not served, only radius_server_duo_only" in problem.text


@pytest.mark.parametrize(
    "section", ["cloud", "cloud2", "sso", "ldap_server_auto", "http_proxy", "ad_client", "radius_client3"]
)
def test_sections_that_are_not_served_get_one_warning_each(section):
    (problem,) = problems_of(f"{MINIMAL}[{section}]\nfailmod=1\nport=many\n")
    assert (problem.section, problem.place.line, problem.severity) == (section, 7, WARNING)
    assert "ignored" in problem.text


@pytest.mark.parametrize(("typed", "meant"), [("prot", "port"), ("cleint", "client")])
def test_two_letters_that_changed_places_are_a_typing_mistake(typed, meant):
    (problem,) = [problem for problem in problems_of(f"{MINIMAL}{typed}=1\n") if problem.key == typed]
    assert problem.is_error
    assert f"write {meant}" in problem.text


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("http_proxy_hots=x\nhttp_proxy_prot=Hunter2pass\n", "what stands there is no number; write a whole number"),
        ("http_proxy_hots=Hunter2/pass\n", "what stands there has a path; write only the host name"),
        ("api_timeuot=Hunter2pass\n", "what stands there is no number; write seconds from 0 to 3600"),
        ("interfaces=Hunter2pass\n", "what stands there is not an address; write one of this machine's, such as"),
        ("failmod='Hunter2' pass'\n", "what stands there is not known; write safe or secure"),
        ("clinet=Hunter2pass\n", "what stands there "),
    ],
)
def test_no_problem_shows_what_stands_behind_a_key_that_was_guessed(lines, text):
    """It may be anything: `http_proxy_prot` would be a port, and who knows what somebody meant."""
    problems = problems_of(f"{MINIMAL}{lines}")
    assert any(problem.text.startswith(text) for problem in problems), problems
    assert not [problem for problem in problems if re.search("hunter2", problem.text, re.IGNORECASE)]


def test_nor_do_those_of_a_value_that_could_be_used():
    text = re.sub("api_host=.*", "api_hots=admin-Hunter2.duosecurity.com", MINIMAL.replace(IKEY, "XX" + IKEY[2:]))
    problems = problems_of(text.replace("ikey", "ikye"))
    assert [problem.text for problem in problems] == [
        "is not known; write ikey",
        "what stands there does not start with DI as Duo's integration keys do; copy it again from Duo's admin panel",
        "is not known; write api_host",
        "what stands there is Duo's admin panel; write the API hostname of your Duo application, api-…",
    ]


@pytest.mark.parametrize("key", ["user", "username", "pass", "passwd", "password", "pwd"])
@pytest.mark.parametrize("proxy", ["", "http_proxy_host=proxy.corp\nhttp_proxy_port=3128\n"])
def test_credentials_for_a_proxy_are_ignored_as_duos_proxy_ignores_them(key, proxy):
    (problem,) = problems_of(f"{MINIMAL}{proxy}http_proxy_{key}=Hunter2pass\n")
    assert (problem.key, problem.severity) == (f"http_proxy_{key}", WARNING)
    assert "a proxy that asks for a name and a password is not supported; remove the line" in problem.text


@pytest.mark.parametrize("key", ["bind_pw", "bindpw", "bind_password", "password", "service_account_pwd"])
def test_a_password_of_a_directory_is_the_service_accounts(key):
    text = f"[radius_server_auto]\n{SERVER}client=ad_client\n[ad_client]\nhost=dc\n{key}=Hunter2pass\n"
    (problem,) = [each for each in problems_of(text) if each.key == key]
    assert (problem.is_error, problem.text) == (True, "is not known; write service_account_password")


def test_a_stray_letter_behind_a_number_means_one_that_no_other_key_gives():
    text = re.sub("radius_secret_1=.*", "radius_secret_1_file=/s", MINIMAL)
    problems = problems_of(
        f"{text}radius_ip_1b=10.0.0.2\nradius_secret_1b=aSecretThatIsLongEnough\n", {"/s": b"k" * 20}
    )
    assert [problem.text for problem in problems if "known" in problem.text] == [
        "is not known; write radius_ip_2",
        "is not known; write radius_secret_2",
    ]
