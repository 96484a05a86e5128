import re

import pytest

from gateway.config.problems import Severity
from gateway.config.settings import Secret
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse, problems_of

HEAD = f"[radius_server_duo_only]\nikey={IKEY}\napi_host=api-12345678.duosecurity.com\nradius_ip_1=10.0.0.1\n"


@pytest.mark.parametrize("content", [SKEY, f"{SKEY}\n", f"{SKEY}\r\n"])
def test_secret_key_in_a_file(content):
    settings, problems = parse(
        f"{HEAD}skey_file=skey\nradius_secret_1={SHARED_SECRET}\n", {"/etc/radgate/skey": content.encode()}
    )
    assert not problems
    assert settings.servers[0].application.secret_key == Secret(SKEY.encode())


@pytest.mark.parametrize("key", ["radius_secret_1_file", "radius_secret_file_1"])
def test_shared_secret_in_a_file_is_any_octets(key):
    settings, problems = parse(
        f"{HEAD}skey={SKEY}\n{key}=/run/secret\n", {"/run/secret": bytes(range(128, 160)) + b"\n"}
    )
    assert not problems
    assert settings.servers[0].clients[0].shared_secret == Secret(bytes(range(128, 160)))


def test_file_in_the_credentials_directory_of_systemd():
    text = f"{HEAD}skey_file=%d/skey\nradius_secret_1={SHARED_SECRET}\n"
    _, problems = parse(text, {"/run/cred/skey": SKEY.encode()}, environment={"CREDENTIALS_DIRECTORY": "/run/cred"})
    assert not problems
    (problem,) = problems_of(text)
    assert "LoadCredential=" in problem.text


def test_own_file_goes_before_the_secret_of_main():
    text = f"[main]\nskey={'m' * 40}\n{HEAD}skey_file=skey\nradius_secret_1={SHARED_SECRET}\n"
    settings, problems = parse(text, {"/etc/radgate/skey": SKEY.encode()})
    assert not problems
    assert settings.servers[0].application.secret_key == Secret(SKEY.encode())


@pytest.mark.parametrize(
    ("name", "lines", "key", "line", "remedy"),
    [
        ("two_skeys", f"skey={SKEY}\nskey_file=skey\n", "skey_file", 7, "skey gives this secret too, in line 6"),
        ("no_such_file", "skey_file=missing\n", "skey_file", 6, "names no file in /etc/radgate; correct the path, or"),
        ("no_such_path", "skey_file=./missing\n", "skey_file", 6, "cannot read '/etc/radgate/missing': No such file"),
        ("empty_file", "skey_file=empty\n", "skey_file", 6, "write the secret into it"),
        ("empty_skey", "skey=\n", "skey", 6, "skey_file=PATH"),
        ("empty_path", "skey_file=\n", "skey_file", 6, "skey_file=PATH"),
        ("no_skey", "", "skey", 1, "skey_file=PATH"),
        ("short_skey", f"skey={SKEY[1:]}\n", "skey", 6, "has 40 characters, this one has 39"),
        ("short_skey_in_file", "skey_file=short\n", "skey_file", 6, "has 40 characters, this one has 39"),
        ("protected", f"skey_protected={SKEY}\n", "skey_protected", 6, "skey=SECRET in clear, or skey_file=PATH"),
    ],
)
def test_faulty_secret_keys(name, lines, key, line, remedy):
    files = {"/etc/radgate/skey": SKEY.encode(), "/etc/radgate/empty": b"\n", "/etc/radgate/short": SKEY[1:].encode()}
    (problem,) = problems_of(f"{HEAD}radius_secret_1={SHARED_SECRET}\n{lines}", files)
    assert (problem.key, problem.place.line, problem.severity) == (key, line, Severity.ERROR)
    assert remedy in problem.text
    assert SKEY[1:] not in problem.text


def test_secret_file_that_others_can_read_is_a_warning():
    text = f"{HEAD}radius_secret_1={SHARED_SECRET}\nskey_file=skey\n"
    (problem,) = problems_of(text, {"/etc/radgate/skey": SKEY.encode()}, mode=0o644)
    assert (problem.key, problem.severity) == ("skey_file", Severity.WARNING)
    assert "chmod o-r /etc/radgate/skey" in problem.text


def test_blanks_around_the_secret_of_a_file_are_a_warning():
    text = f"{HEAD}skey={SKEY}\nradius_secret_1_file=secret\n"
    (problem,) = problems_of(text, {"/etc/radgate/secret": SHARED_SECRET.encode() + b" \n"})
    assert (problem.key, problem.severity) == ("radius_secret_1_file", Severity.WARNING)
    assert SHARED_SECRET not in problem.text


@pytest.mark.parametrize(
    ("section", "key", "clear"),
    [
        ("radius_server_duo_only", "skey_file", "skey=SECRET"),
        ("radius_server_duo_only", "radius_secret_1_file", "radius_secret_1=SECRET"),
        ("radius_server_duo_only", "radius_secret_file", "radius_secret_1=SECRET"),
        ("gateway", "console_token_file", "the path"),
        ("gateway", "console_token", "the path"),
        ("gateway", "console_tls_key_file", "the path"),
        ("gateway", "secrets_key_file", "the path"),
        ("gateway", "secrets_key", "the path"),
        ("fleet", "engine_password_file", "the path"),
        ("fleet", "engine_password", "the path"),
        ("fleet", "fleet_key_file", "the path"),
        ("fleet", "fleet_key", "the path"),
    ],
)
@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("Hunter2pass", "names no file in /etc/radgate"),
        ("Hunter-2_pass.word", "names no file in /etc/radgate"),
        ("Hunter2passHunter2passHunter2pass", "looks like the secret itself"),
        ("Hunter2+pass/Hunter2pass//Hunter2pass==", "looks like the secret itself"),
    ],
)
def test_a_secret_in_the_place_of_its_file_is_not_shown(section, key, clear, secret, text):
    head = HEAD if "skey" in key else f"{HEAD}skey={SKEY}\n"
    head += "" if "radius_secret" in key else f"radius_secret_1={SHARED_SECRET}\n"
    line = f"{key}={secret}\n"
    problems = problems_of(f"{head}{line}" if "radius" in section else f"{head}[{section}]\n{line}")
    assert not [problem for problem in problems if re.search("hunter", problem.text, re.IGNORECASE)]
    (problem,) = [problem for problem in problems if text in problem.text]
    assert problem.is_error
    assert clear in problem.text


@pytest.mark.parametrize("name", ["skey", "aFileWithALongNameOfLetters4Duo", "keys/aFileWithALongNameOfLetters4Duo"])
def test_a_file_that_is_there_is_read_whatever_it_is_called(name):
    text = f"{HEAD}skey_file={name}\nradius_secret_1={SHARED_SECRET}\n"
    assert not problems_of(text, {f"/etc/radgate/{name}": SKEY.encode()})
