import pytest

from gateway.config.problems import Severity
from gateway.config.settings import ApplicationSettings, ClientSettings, Secret, ServerSettings
from gateway.engine.rules import Accounting, FailMode, RequireMessageAuthenticator
from tests.config.files import IKEY, MINIMAL, SERVER, SHARED_SECRET, SKEY, parse, problems_of

ERROR, WARNING = Severity.ERROR, Severity.WARNING


def server_of(text: str) -> ServerSettings:
    settings, problems = parse(text)
    assert not problems
    return settings.servers[0]


def test_a_minimal_section_has_the_defaults_of_the_settings():
    """The schema's defaults and those of the types are the same."""
    assert server_of(MINIMAL) == ServerSettings(
        section="radius_server_duo_only",
        clients=(
            ClientSettings(
                name="radius_ip_1", networks=("10.0.1.10/32",), shared_secret=Secret(SHARED_SECRET.encode())
            ),
        ),
        application=ApplicationSettings(
            api_host="api-12345678.duosecurity.com", ikey=IKEY, secret_key=Secret(SKEY.encode())
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        MINIMAL + "client=duo_only_client\n",
        MINIMAL + "client=duo_only_client\n[duo_only_client]\n",
        "[duo_only_client]\n" + MINIMAL,
        "[duo_only_client2]\n" + MINIMAL + "client=Duo_Only_Client2\n",
        MINIMAL + "client=\n",
    ],
)
def test_served_with_and_without_client(text):
    settings, _ = parse(text)
    assert len(settings.servers) == 1


def test_sections_have_any_number():
    settings, _ = parse(f"[radius_server_duo_only007]\n{SERVER}[radius_server_duo_only99999]\n{SERVER}port=1813\n")
    assert [server.section for server in settings.servers] == [
        "radius_server_duo_only007",
        "radius_server_duo_only99999",
    ]


def test_keys_of_main_are_defaults():
    first, second = parse(
        f"[main]\nfailmode=secure\nport=1645\ninterface=127.0.0.1\n[radius_server_duo_only]\n{SERVER}"
        f"[radius_server_duo_only2]\n{SERVER}failmode=safe\nport=1646\n"
    )[0].servers
    assert (first.fail_mode, first.port, first.interface) == (FailMode.SECURE, 1645, "127.0.0.1")
    assert (second.fail_mode, second.port, second.interface) == (FailMode.SAFE, 1646, "127.0.0.1")


def test_every_key_arrives():
    server = server_of(
        MINIMAL + "interface=10.9.0.1\nport=1645\nfailmode= SECURE \napi_timeout=12.5\napi_version=1\npreauth=needed\n"
        "http_proxy_host=proxy\nhttp_proxy_port=3128\nunrecognised_factor=auto\nclient_ip_attr=paloalto\n"
        "pw_codec=latin-1\nlimit_proxy_state=no\nreject_delay_s=0\nresponse_deadline_s=18\ncoalesce=false\n"
        "max_pending_per_user=0\nrequire_message_authenticator=yes\napi_port=8443\n"
        "accounting=acknowledge\n"
    )
    application = server.application
    assert (application.api_port, application.api_timeout_s, application.api_version.value) == (8443, 12.5, "1")
    assert (application.http_proxy_host, application.http_proxy_port) == ("proxy", 3128)
    assert (server.interface, server.port, server.fail_mode) == ("10.9.0.1", 1645, FailMode.SECURE)
    assert (server.preauth.value, server.unrecognised_factor.value) == ("needed", "auto")
    assert (server.client_ip_attr.name, server.client_ip_attr.vendor, server.pw_codec) == (
        "PaloAlto-Client-Source-IP",
        25461,
        "latin-1",
    )
    assert (server.limit_proxy_state, server.coalesce, server.max_pending_per_user) == (False, False, 0)
    assert (server.reject_delay_s, server.response_deadline_s) == (0.0, 18.0)
    assert server.require_message_authenticator is RequireMessageAuthenticator.YES
    assert server.accounting is Accounting.ACKNOWLEDGE


@pytest.mark.parametrize(
    ("api", "port"),
    [
        ("api_host=127.0.0.1:8443\n", 8443),
        ("api_host=127.0.0.1\napi_port=8443\n", 8443),
        ("api_host=127.0.0.1:8443\napi_port=8443\n", 8443),
        ("api_host=127.0.0.1\n", 443),
    ],
)
def test_port_of_the_api(api, port):
    text = MINIMAL.replace("api_host=api-12345678.duosecurity.com\n", api)
    application = server_of(text).application
    assert (application.api_host, application.api_port) == ("127.0.0.1", port)


def test_port_of_the_section_goes_before_that_of_main():
    no_host = MINIMAL.replace("api_host=api-12345678.duosecurity.com\n", "")
    assert server_of(f"[main]\napi_host=a.b:1\n{no_host}api_port=2\n").application.api_port == 2
    assert server_of(f"[main]\napi_port=2\n{no_host}api_host=a.b:1\n").application.api_port == 1


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ("", "auto"),
        ("force_message_authenticator=true\n", "yes"),
        ("force_message_authenticator=false\n", "no"),
        ("force_message_authenticator=true\nrequire_message_authenticator=yes\n", "yes"),
        ("force_message_authenticator=auto\n", "auto"),
        ("force_message_authenticator=auto\nrequire_message_authenticator=auto\n", "auto"),
        ("force_message_authenticator=false\nrequire_message_authenticator=auto\n", "auto"),
        ("require_message_authenticator=no\n", "no"),
    ],
)
def test_message_authenticator(lines, rule):
    assert server_of(MINIMAL + lines).require_message_authenticator is RequireMessageAuthenticator(rule)


@pytest.mark.parametrize("value", ["true", "false", "auto"])
def test_one_line_of_main_says_it_of_who_asks_and_of_whom_we_ask(value):
    client = f"[radius_client]\nhost=10.0.0.5\nsecret={SHARED_SECRET}\n"
    server = MINIMAL.replace("duo_only", "auto") + "client=radius_client\n"
    settings, problems = parse(f"[main]\nforce_message_authenticator={value}\n{client}{server}")
    assert not problems
    (asked,) = settings.clients
    assert asked.force_message_authenticator is settings.servers[0].require_message_authenticator


def test_exempt_users_are_kept_with_a_loud_warning():
    settings, problems = parse(MINIMAL + "exempt_username_1=anna\nexempt_username_2=bert\nexempt_username_3=\n")
    assert settings.servers[0].exempt_usernames == {"anna", "bert"}
    assert [(problem.key, problem.is_error) for problem in problems] == [
        ("exempt_username_1", False),
        ("exempt_username_2", False),
        ("exempt_username_3", False),
    ]
    assert "ANYBODY can log in as 'anna'" in problems[0].text


def test_names_of_probes_are_kept_as_they_are_compared():
    server = server_of(MINIMAL + "probe_username_1=NsMonitor\nprobe_username_7=f5-probe\n")
    assert server.probe_usernames == {"nsmonitor", "f5-probe"}


def test_a_name_that_is_let_in_cannot_be_that_of_a_probe():
    problems = problems_of(MINIMAL + "exempt_username_1=Monitor\nprobe_username_1=monitor\n")
    (error,) = [problem for problem in problems if problem.is_error]
    assert (error.key, error.place.line) == ("probe_username_1", 8)
    assert "exempt_username_N as well" in error.text


@pytest.mark.parametrize(
    ("lines", "key", "severity", "remedy"),
    [
        ("probe_username_1=", "probe_username_1", WARNING, "write one or remove the line"),
        ("probe_username=nsmonitor", "probe_username", ERROR, "write probe_username_1"),
        ("accounting=on", "accounting", ERROR, "write off or acknowledge"),
        ("failmode=saef", "failmode", ERROR, "write safe or secure"),
        ("failmode=", "failmode", ERROR, "such as the default safe"),
        ("failmode=safe ; or secure", "failmode", ERROR, "a comment needs a line of its own"),
        ("port=0", "port", ERROR, "from 1 to 65535"),
        ("port=", "port", WARNING, "the default 1812"),
        ("interface=eth0", "interface", ERROR, "10.0.0.5"),
        ("interface=", "interface", WARNING, "remove the line"),
        ("interface=fd00::1", "radius_ip_1", WARNING, "other IP version"),
        ("api_timeout=-1", "api_timeout", ERROR, "from 0 to 3600"),
        ("api_timeout=10s", "api_timeout", ERROR, "without a unit"),
        ("api_version=3", "api_version", ERROR, "auto, 1 or 2"),
        ("api_port=https", "api_port", ERROR, "from 1 to 65535"),
        ("preauth=never", "preauth", ERROR, "always or needed"),
        ("unrecognised_factor=push", "unrecognised_factor", ERROR, "reject or auto"),
        ("client_ip_attr=Class", "client_ip_attr", WARNING, "Class usually holds no address"),
        ("client_ip_attr=Vendor-Foo", "client_ip_attr", ERROR, "is no attribute that is known here"),
        ("pw_codec=ebcdic", "pw_codec", ERROR, "utf-8"),
        ("limit_proxy_state=maybe", "limit_proxy_state", ERROR, "true or false"),
        ("reject_delay_s=61", "reject_delay_s", ERROR, "from 0 to 60"),
        ("response_deadline_s=601", "response_deadline_s", ERROR, "from 0 to 600"),
        ("response_deadline_s=0.5", "response_deadline_s", WARNING, "reject_delay_s, which is 1"),
        ("coalesce=2", "coalesce", ERROR, "true or false"),
        ("max_pending_per_user=-1", "max_pending_per_user", ERROR, "from 0"),
        ("http_proxy_host=http://proxy", "http_proxy_host", ERROR, "remove http://"),
        ("http_proxy_host=proxy:3128", "http_proxy_host", ERROR, "has a port"),
        ("client=ad_client", "client", ERROR, "write client=duo_only_client"),
        ("client=radius_client2", "client", ERROR, "make it a [radius_server_auto]"),
        ("require_message_authenticator=always", "require_message_authenticator", ERROR, "yes, no or auto"),
        ("force_message_authenticator=", "force_message_authenticator", ERROR, "yes, no or auto"),
        ("force_message_authenticator=always", "force_message_authenticator", ERROR, "yes, no or auto"),
        (
            "require_message_authenticator=no\nforce_message_authenticator=true",
            "force_message_authenticator",
            ERROR,
            "in line 7",
        ),
        (
            "require_message_authenticator=yes\nforce_message_authenticator=false",
            "force_message_authenticator",
            ERROR,
            "remove one",
        ),
        (
            "require_message_authenticator=no\nforce_message_authenticator=auto",
            "force_message_authenticator",
            ERROR,
            "contradicts require_message_authenticator",
        ),
    ],
)
def test_faulty_values(lines, key, severity, remedy):
    (problem,) = problems_of(f"{MINIMAL}{lines}\n")
    assert (problem.section, problem.key, problem.severity) == ("radius_server_duo_only", key, severity)
    assert remedy in problem.text


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "severity", "remedy"),
    [
        (f"ikey={IKEY}", "", "ikey", 1, ERROR, "write ikey=DIXX"),
        (f"ikey={IKEY}", "ikey=", "ikey", 2, ERROR, "write ikey=DIXX"),
        (f"ikey={IKEY}", f"ikey={IKEY}X", "ikey", 2, ERROR, "this one has 21"),
        (f"ikey={IKEY}", f"ikey={SKEY}", "ikey", 2, ERROR, "may be the skey"),
        (f"ikey={IKEY}", "ikey=XX345678901234567890", "ikey", 2, WARNING, "does not start with DI"),
        ("api_host=api-12345678.duosecurity.com", "", "api_host", 1, ERROR, "write api_host=api-"),
        ("api_host=", "api_host=https://", "api_host", 4, ERROR, "remove https://"),
        ("duosecurity.com", "duosecurity.com:70000", "api_host", 4, ERROR, "from 1 to 65535"),
        ("duosecurity.com", "duosecurity.com:1\napi_port=2", "api_port", 5, ERROR, "names port 1"),
    ],
)
def test_faulty_application(old, new, key, line, severity, remedy):
    (problem,) = problems_of(MINIMAL.replace(old, new))
    assert (problem.key, problem.place.line, problem.severity) == (key, line, severity)
    assert remedy in problem.text
    assert SKEY not in problem.text


def test_default_of_main_is_blamed_once_and_where_it_stands():
    (problem,) = problems_of(
        f"[main]\nfailmode=never\n[radius_server_duo_only]\n{SERVER}[radius_server_duo_only2]\n{SERVER}port=1813\n"
    )
    assert (problem.section, problem.place.line) == ("main", 2)
