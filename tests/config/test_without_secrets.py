"""A file on a machine that does not have its secrets: notes in the place of errors, and all else is found."""

import pytest

from gateway.config.problems import ConfigError, Problem
from gateway.config.reading import read_settings
from gateway.config.settings import Settings
from gateway.config.surroundings import FileContent
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY

ELSEWHERE = MINIMAL.replace(f"skey={SKEY}", "skey_file=%d/skey").replace(
    f"radius_secret_1={SHARED_SECRET}", "radius_secret_1_file=/nowhere/secret"
)
SECOND = ELSEWHERE.replace("only]", "only2]")


def read(text: str) -> tuple[Settings, list[Problem]]:
    return read_settings("/etc/radgate/authproxy.cfg", FileContent(text.encode(), 0o600), has_secrets=False)


def notes_of(text: str) -> list[str]:
    _, problems = read(text)
    assert {problem.severity.value for problem in problems} == {"note"}
    return [problem.key for problem in problems]


def test_secrets_in_files_that_are_elsewhere_get_notes():
    assert notes_of(ELSEWHERE) == ["skey_file", "radius_secret_1_file"]


def test_so_do_those_that_are_encrypted_with_a_key_that_is_elsewhere():
    protected = MINIMAL.replace(f"skey={SKEY}", f"skey_protected=radgate1:{'A' * 80}")
    assert notes_of(protected) == ["skey_protected"]
    assert notes_of(protected + "[gateway]\nsecrets_key_file=/nowhere/key\n") == ["secrets_key_file"]


def test_so_do_token_certificate_and_key_of_the_status_page_and_those_of_a_fleet():
    page = "console=192.0.2.1:8480\nconsole_token_file=/nowhere/t\n"
    page += "console_tls_cert_file=%d/c\nconsole_tls_key_file=%d/k\n"
    fleet = "engine=redis://radgate@192.0.2.2:6379\nengine_password_file=%d/p\nfleet_key_file=%d/f\n"
    keys = notes_of(f"{MINIMAL}[gateway]\n{page}[fleet]\n{fleet}")
    assert sorted(keys) == [
        "console_tls_cert_file", "console_tls_key_file", "console_token_file", "engine_password_file", "fleet_key_file",
    ]  # fmt: skip


def test_clients_without_their_secrets_are_compared_all_the_same():
    with pytest.raises(ConfigError, match="overlaps"):
        read(ELSEWHERE + SECOND)
    assert len(read(ELSEWHERE + SECOND.replace("10.0.1.10", "10.0.2.10"))[0].servers) == 2


@pytest.mark.parametrize("line", ["failmode=sometimes", "skey=XXXX", "fialmode=secure"])
def test_what_is_wrong_otherwise_is_an_error_as_ever(line):
    with pytest.raises(ConfigError):
        read(ELSEWHERE + line + "\n")


def test_with_secrets_they_are_errors():
    with pytest.raises(ConfigError, match="LoadCredential"):
        read_settings("/etc/radgate/authproxy.cfg", FileContent(ELSEWHERE.encode(), 0o600))
