import random
import re
from pathlib import Path

import pytest

from gateway.config.problems import ConfigError, Severity
from gateway.config.reading import read_settings
from gateway.config.settings import ConsoleSettings, GatewaySettings, LogFormat, LogSettings, Secret
from tests.config.certificates import certificate
from tests.config.files import IKEY, MINIMAL, PATH, SHARED_SECRET, SKEY, parse, problems_of

ERROR, WARNING = Severity.ERROR, Severity.WARNING
SAMPLE = Path(__file__).parents[2] / "conf" / "authproxy.sample.cfg"
N_MUTATIONS = 500
SIGNIFICANT = (b"\n", b"\n ", b" ", b"=", b":", b"[", b"]", b"-", b"/", b"%", b"#", b"\0", b"\xff")


def test_defaults_are_those_of_the_settings():
    settings, problems = parse(MINIMAL)
    assert not problems
    assert settings.path == PATH
    assert settings.log == LogSettings(directory="/var/log/radgate")
    assert settings.gateway == GatewaySettings(run_dir="/run/radgate")


def test_defaults_of_an_ordinary_user():
    settings, _ = parse(MINIMAL, environment={"HOME": "/home/a", "XDG_RUNTIME_DIR": "/run/user/7"}, user_id=7)
    assert settings.log.directory == "/home/a/.local/state/radgate"
    assert settings.gateway.run_dir == "/run/user/7/radgate"


def test_every_key_of_main_arrives():
    settings, problems = parse(
        "[main]\ndebug=1\nlog_dir=log\nlog_stdout=yes\nlog_max_size=0\nlog_max_files=0\nlog_auth_events=on\n"
        f"log_syslog=true\nsyslog_facility=log_local7\nhttp_ca_certs_file=ca.pem\n{MINIMAL}",
        {"/etc/radgate/ca.pem": certificate()[0]},
        mode=0o644,
    )
    assert not problems
    assert settings.log == LogSettings(
        directory="/etc/radgate/log",
        debug=True,
        stdout=True,
        auth_events=True,
        max_size=0,
        max_files=0,
        syslog=True,
        syslog_facility="LOG_LOCAL7",
    )
    assert settings.servers[0].application.ca_certs_file == "/etc/radgate/ca.pem"


def test_certificates_of_the_system():
    settings, _ = parse(f"[main]\nhttp_ca_certs_file=System\n{MINIMAL}")
    assert settings.servers[0].application.ca_certs_file == "system"


def test_every_key_of_gateway_arrives():
    settings, problems = parse(
        "[gateway]\nworkers=4\nrun_dir=/run/x\nuser=radgate\ngroup=radius\nconsole=0.0.0.0:9000\n"
        "console_token_file=token\nmax_pending=5\nduplicate_window_s=10\ndrain_timeout_s=0.5\nlog_format=json\n"
        + MINIMAL,
        {"/etc/radgate/token": b"a-token-long-enough\n"},
    )
    assert [problem.key for problem in problems] == ["console"]  # its traffic is not encrypted
    assert settings.log.format is LogFormat.JSON
    assert settings.gateway == GatewaySettings(
        workers=4,
        run_dir="/run/x",
        user="radgate",
        group="radius",
        console=ConsoleSettings(host="0.0.0.0", port=9000, token=Secret(b"a-token-long-enough")),
        max_pending=5,
        duplicate_window_s=10.0,
        drain_timeout_s=0.5,
    )


def test_console_off():
    assert parse(f"[gateway]\nconsole=off\n{MINIMAL}")[0].gateway.console is None


def test_console_that_others_can_reach_needs_more_than_an_empty_token_key():
    problems = problems_of(f"[gateway]\nconsole=0.0.0.0:8480\nconsole_token_file=\n{MINIMAL}")
    assert any(problem.is_error and "console=off" in problem.text for problem in problems)


def test_gateway_keys_in_main_are_defaults_too():
    assert parse(f"[main]\nworkers=3\nlog_format=json\n{MINIMAL}")[0].gateway.workers == 3


@pytest.mark.parametrize(
    ("section", "lines", "key", "severity", "remedy"),
    [
        ("main", "debug=maybe", "debug", ERROR, "true or false"),
        ("main", "debug=", "debug", WARNING, "means the default false"),
        ("main", "log_dir=", "log_dir", WARNING, "remove the line"),
        ("main", "log_max_size=10MB", "log_max_size", ERROR, "write bytes: 10485760"),
        ("main", "log_max_files=-1", "log_max_files", ERROR, "from 0"),
        ("main", "syslog_facility=mine", "syslog_facility", ERROR, "LOG_USER"),
        ("main", "http_ca_certs_file=none.pem", "http_ca_certs_file", ERROR, "'/etc/radgate/none.pem': No such file"),
        ("main", "http_ca_certs_file=text", "http_ca_certs_file", ERROR, "PEM file"),
        ("gateway", "workers=0", "workers", ERROR, "from 1 to 1024, or auto"),
        ("gateway", "console=8480", "console", ERROR, "from 0 to 255"),
        ("gateway", "console=localhost", "console", ERROR, "127.0.0.1:8480"),
        ("gateway", "console=status.example.com:80", "console", ERROR, "one of this machine's"),
        ("gateway", "console=0.0.0.0:8480", "console_token_file", ERROR, "console=off"),
        ("gateway", "console_token_file=missing", "console_token_file", ERROR, "names no file in /etc/radgate"),
        ("gateway", "console_token_file=empty", "console_token_file", ERROR, "write the token into it"),
        ("gateway", "max_pending=0", "max_pending", ERROR, "from 1"),
        ("gateway", "duplicate_window_s=5000", "duplicate_window_s", ERROR, "from 0 to 3600"),
        ("gateway", "drain_timeout_s=1m", "drain_timeout_s", ERROR, "without a unit"),
        ("gateway", "log_format=xml", "log_format", ERROR, "text or json"),
    ],
)
def test_faulty_values(section, lines, key, severity, remedy):
    files = {"/etc/radgate/text": b"no certificate", "/etc/radgate/empty": b"\n"}
    (problem,) = problems_of(f"{MINIMAL}[{section}]\n{lines}\n", files)
    assert (problem.section, problem.key, problem.severity) == (section, key, severity)
    assert remedy in problem.text


@pytest.mark.parametrize(
    "text", ["", "; nothing\n", "[main]\n", "[cloud]\n[duo_only_client]\n", "[radius_server_eap]\n"]
)
def test_nothing_to_serve_is_an_error(text):
    assert any(problem.is_error and "nothing to serve" in problem.text for problem in problems_of(text))


def test_every_problem_is_told_at_once_in_the_order_of_the_file():
    with pytest.raises(ConfigError) as caught:
        parse(
            "[main]\n"
            "debug=maybe\n"
            "fips_mode=true\n"
            "[radius_server_duo_only]\n"
            f"ikey={IKEY}\n"
            "skey=short\n"
            "api-host=api-12345678.duosecurity.com\n"
            "radius_ip=10.0.0.1\n"
            "failmode=saef\n"
            "just words\n"
            "[cloud]\n"
            "[radius_server_eap]\n"
        )
    problems = caught.value.problems
    assert [(problem.place.line, problem.section, problem.key, problem.is_error) for problem in problems] == [
        (2, "main", "debug", True),
        (3, "main", "fips_mode", False),
        (6, "radius_server_duo_only", "skey", True),
        (7, "radius_server_duo_only", "api-host", True),
        (8, "radius_server_duo_only", "radius_ip", True),
        (8, "radius_server_duo_only", "radius_ip_1", True),  # without a secret
        (9, "radius_server_duo_only", "failmode", True),
        (10, "radius_server_duo_only", "", True),
        (11, "cloud", "", False),
        (12, "radius_server_eap", "", False),
    ]
    assert f"{PATH}:9 [radius_server_duo_only] failmode: 'saef' is not known; write safe or secure" in str(caught.value)


def test_problems_never_show_a_secret():
    text = (
        MINIMAL.replace(f"skey={SKEY}", f"skey = {SKEY}extra ; {SKEY}").replace(SHARED_SECRET, f'"{SHARED_SECRET}"')
        + f"radius_secret_2={SHARED_SECRET}\n  {SHARED_SECRET}\n{SKEY}\n"
        + f"skey={SKEY}\nskey_protected={SKEY}\nskye={SKEY}\n"
        + f"radius_secret3={SHARED_SECRET}\nfailmode=radius_secret_1={SHARED_SECRET}\n[{SKEY}=\nskey={SKEY}\n"
    )
    problems = problems_of(text)
    assert len(problems) > 8
    for problem in problems:
        assert SKEY.lower() not in problem.render(PATH).lower()
        assert SHARED_SECRET.lower() not in problem.render(PATH).lower()


def mutate(chance: random.Random, octets: bytes) -> bytes:
    """Return the octets with a few of them replaced, removed, doubled or moved."""
    mutated = bytearray(octets)
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(mutated))
        end = min(len(mutated), start + chance.randint(1, 30))
        match chance.randrange(5):
            case 0:
                mutated[start] = chance.randrange(256)
            case 1:
                mutated[start:start] = chance.choice(SIGNIFICANT)
            case 2 if end - start < len(mutated):
                del mutated[start:end]
            case 3:
                mutated[start:start] = mutated[start:end]
            case _:
                mutated += mutated[start:end]
    return bytes(mutated)


def test_any_octets_are_settings_or_a_config_error():
    chance = random.Random(20_260_202)
    texts = [SAMPLE.read_bytes(), MINIMAL.encode(), ("[main]\ninterface=10.0.0.1\n" + MINIMAL + "port=1812").encode()]
    for _ in range(N_MUTATIONS):
        problems_of(mutate(chance, chance.choice(texts)))
        problems_of(chance.randbytes(chance.randint(0, 200)))


def test_a_file_on_disk(tmp_path, monkeypatch):
    file = tmp_path / "authproxy.cfg"
    file.write_text(MINIMAL)
    file.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    settings, problems = read_settings("authproxy.cfg")
    assert not problems
    assert settings.path == str(file)


def test_secrets_that_every_user_can_read_are_a_warning(tmp_path):
    file = tmp_path / "authproxy.cfg"
    file.write_text(MINIMAL)
    file.chmod(0o644)
    _, (problem,) = read_settings(file)
    assert (problem.place.line, problem.severity) == (0, WARNING)
    assert f"chmod o-r {file}" in problem.text


def test_a_command_against_it_has_a_path_with_blanks_in_quotes(tmp_path):
    file = tmp_path / "a b.cfg"
    file.write_text(MINIMAL)
    file.chmod(0o644)
    _, (problem,) = read_settings(file)
    assert problem.text.endswith(f"run chmod o-r '{file}'")


def test_what_is_no_file_is_a_config_error(tmp_path):
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "missing", "No such file"), ("a\0b", "null")):
        with pytest.raises(ConfigError) as caught:
            read_settings(path)
        assert reason in str(caught.value)


def test_a_mistyped_value_in_main_is_an_error_even_where_every_section_has_its_own():
    (problem,) = problems_of(f"[main]\nfailmode=secur\n{MINIMAL}failmode=safe\n")
    assert (problem.section, problem.key, problem.place.line, problem.is_error) == ("main", "failmode", 2, True)


IGNORED = (
    "ad_client",
    "ldap_server_auto",
    "ldap_server_challenge",
    "cloud",
    "sso",
    "http_proxy",
    "prometheus",
    "ad_client_corp",
)


@pytest.mark.parametrize("name", IGNORED)
@pytest.mark.parametrize(
    "body",
    [
        b"host=a\nauth_type=plain\nhost=a\nservice_account_password=\nservice_account_password=\n",
        b"host=dc1\nldap_filter=(&(objectCategory=person)\n  (memberOf=CN=VPN Users,DC=corp)\n  (!(uac=514)))\n",
        b"search_dn=OU=Z\xfcrich,DC=corp\n",
        b"allow_searches_after_bind\n",
        b"a=1\n" + b"  more of it\n" * 200,
        b'<?xml version="1.0"?>\n{}\n%%\n',
        "ho\u200bst=“a”\nskey=XXXX\n".encode(),
    ],
)
def test_ignored_sections_are_ignored_whatever_they_hold(name, body):
    """One warning for each, and the gateway starts, wherever in the file they stand."""
    section = b"[" + name.encode() + b"]\n" + body + b"\n"
    for text in (section + MINIMAL.encode(), MINIMAL.encode() + b"\n" + section):
        settings, (problem,) = parse(text)
        assert (problem.section, problem.severity) == (name, WARNING)
        assert "ignored" in problem.text
        assert len(settings.servers) == 1


def test_a_first_factor_that_nobody_names_is_ignored_with_its_lines_that_are_none():
    _, (problem,) = parse(f"[radius_client4]\nhost=a\nhost=b\njust words\nsecret=\n{MINIMAL}")
    assert (problem.section, problem.severity) == ("radius_client4", WARNING)


def test_one_ignored_section_twice_is_two_warnings():
    _, problems = parse(f"[ad_client]\nhost=a\n[ad_client]\nhost=b\n{MINIMAL}")
    assert [(problem.place.line, problem.severity) for problem in problems] == [(1, WARNING), (3, WARNING)]


def test_of_a_section_that_is_not_served_nothing_but_that_is_told():
    (problem,) = problems_of(f"{MINIMAL}[radius_server_eap]\nprompt=a\nprompt=b\n  c\nwords\n")
    assert (problem.section, problem.severity) == ("radius_server_eap", WARNING)


@pytest.mark.parametrize(
    "line", ["auth_type=plain\nauth_type=plain\n", "failmode=safe\n  or secure\n", "log_dir=/\xe4\n", "words\n"]
)
@pytest.mark.parametrize("section", ["main", "gateway", "duo_only_client", "radius_server_duo_only2"])
def test_in_sections_that_are_read_the_form_matters(section, line):
    text = f"{MINIMAL}[{section}]\n{line}".encode("latin-1")
    problems = [problem for problem in problems_of(text) if problem.place.line > 7]
    assert any(problem.is_error for problem in problems)


@pytest.mark.parametrize("size", ["10MB", "512k", "5000G"])
def test_what_is_to_be_written_for_a_size_can_be_written(size):
    (problem,) = problems_of(f"[main]\nlog_max_size={size}\n{MINIMAL}")
    for number in re.findall("write bytes: ([0-9]+)", problem.text):
        assert not problems_of(f"[main]\nlog_max_size={number}\n{MINIMAL}")


@pytest.mark.parametrize("head", ["[radius_server_duo_only]", "[main]"])
@pytest.mark.parametrize("n_lines", range(1, 5))
def test_what_a_section_lacks_that_is_there_twice_is_not_missing(head, n_lines):
    """It may be in the other one: put together they lack nothing."""
    served = "" if "server" in head else "[radius_server_duo_only]\nport=1812\n"
    lines = MINIMAL.splitlines(keepends=True)[1:]
    text = f"{served}{head}\n{''.join(lines[:n_lines])}{head}\n{''.join(lines[n_lines:])}"
    (problem,) = problems_of(text)
    assert problem.text.startswith("the section is there already, from line ")
    assert problem.is_error
