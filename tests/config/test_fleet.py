"""The section [fleet]: a host that is not what its file says would push people twice, and nobody would know why."""

import pytest

from gateway.config.settings import FleetSettings, WhenIsolated
from gateway.fleetapi.keys import encode_fleet_key
from tests.config.files import MINIMAL, parse, problems_of

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
FILES = {
    "/etc/radgate/fleet.key": encode_fleet_key(KEY),
    "/etc/radgate/both.key": encode_fleet_key(KEY) + encode_fleet_key(OTHER_KEY),
    "/etc/radgate/word": b"Zq7-hBv2Lm\n",
    "/etc/radgate/empty": b"\n",
    "/etc/radgate/zero.key": encode_fleet_key(bytes(32)),
    "/etc/radgate/short.key": b"AAAA\n",
}
NAME = "up to 63 letters, digits, dots, hyphens or underscores, beginning with a letter or digit"
LEAST = "engine=redis://127.0.0.1:6379/0\nfleet_key_file=fleet.key\n"


def fleet(lines: str = LEAST) -> FleetSettings:
    settings, problems = parse(f"[fleet]\n{lines}{MINIMAL}", FILES)
    assert not problems
    assert settings.fleet is not None
    return settings.fleet


def texts(lines: str) -> list[str]:
    return [f"{each.key}: {each.text}" for each in problems_of(f"[fleet]\n{lines}{MINIMAL}", FILES) if each.is_error]


def test_without_the_section_there_is_no_fleet():
    assert parse(MINIMAL)[0].fleet is None


def test_what_need_not_be_said():
    found = fleet()
    assert (found.name, found.patience_ms, found.when_isolated) == ("", 20, WhenIsolated.FAIL_MODE)
    assert (found.password, found.ca_certs_file) == (None, None)
    assert [key.octets for key in found.keys] == [KEY]


def test_two_keys_while_one_is_changed():
    found = fleet(LEAST.replace("fleet.key", "both.key"))
    assert [key.octets for key in found.keys] == [KEY, OTHER_KEY]


def test_password_and_keys_arrive_and_are_never_shown():
    found = fleet(f"{LEAST}engine_password_file=word\n")
    assert found.password is not None
    assert found.password.octets == b"Zq7-hBv2Lm"
    assert "Zq7-hBv2Lm" not in repr(found)
    assert repr(KEY) not in repr(found)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "engine: is missing; write engine=rediss://"),
        ("engine=redis://127.0.0.1\n", "fleet_key_file: is missing; write fleet_key_file=/etc/radgate/fleet.key"),
        (LEAST.replace("fleet.key", "gone"), "fleet_key_file: "),
        (LEAST.replace("fleet.key", "empty"), "fleet_key_file: /etc/radgate/empty is empty; write the key into it"),
        (LEAST.replace("fleet.key", "short.key"), "fleet_key_file: /etc/radgate/short.key cannot be used: line 1 "),
        (LEAST.replace("fleet.key", "zero.key"), "fleet_key_file: /etc/radgate/zero.key cannot be used: line 1 "),
        (f"{LEAST}engine_password_file=empty\n", "engine_password_file: /etc/radgate/empty is empty"),
        (LEAST.replace("127", "radgate@127"), "engine_password_file: is missing, and engine names a user; write "),
        (LEAST.replace("redis:", "http:"), "engine: "),
        (f"{LEAST}name=a host\n", f"name: 'a host' cannot be a host's name; write {NAME}"),
        (f"{LEAST}name=_a\n", f"name: '_a' cannot be a host's name; write {NAME}"),
        (f"{LEAST}patience_ms=0\n", "patience_ms: '0' is out of range; write a whole number from 1 to 1000"),
        (f"{LEAST}when_isolated=quiet\n", "when_isolated: 'quiet' "),
        (f"{LEAST}patience=20\n", "patience: "),
    ],
)
def test_what_is_wrong(lines, problem):
    assert any(text.startswith(problem) for text in texts(lines)), texts(lines)


def test_the_key_itself_is_not_shown_where_a_path_is_wanted():
    line = encode_fleet_key(KEY).decode().strip()
    assert not any(line in text for text in texts(f"engine=redis://127.0.0.1\nfleet_key_file={line}\n"))


def test_all_of_it_is_told_at_once():
    assert [text.partition(":")[0] for text in texts("patience_ms=x\nwhen_isolated=y\n")] == [
        "engine", "fleet_key_file", "patience_ms", "when_isolated",
    ]  # fmt: skip
