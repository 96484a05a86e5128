"""The tables agree with each other and with the files of `conf/`."""

import re
from itertools import pairwise, takewhile
from pathlib import Path

import pytest

from gateway.config.general import GATEWAY, MAIN
from gateway.config.kinds import FOREIGN, KEYS, KINDS, SERVED, section_kind
from gateway.config.protection import encode_key
from gateway.config.schema import WITHOUT_EFFECT, key_pattern
from gateway.config.servers import SERVER
from gateway.fleetapi.keys import encode_fleet_key
from tests.config.certificates import certificate
from tests.config.files import IKEY, SHARED_SECRET, SKEY, parse, problems_of
from tests.config.files import SERVER as SERVER_LINES

CONF = Path(__file__).parents[2] / "conf"
FULL = (CONF / "authproxy.full.cfg").read_text()
TABLES = {name: kind.keys for name, kind in KINDS.items() if kind.keys}
MODES = SERVED[1:]
"""Kinds whose sections have all keys of the first one, which stand there alone, and own ones."""


def test_sample_has_no_problems_once_it_is_completed():
    settings, problems = parse(completed((CONF / "authproxy.sample.cfg").read_text()))
    assert not problems
    assert [client.name for client in settings.servers[0].clients] == ["radius_ip_1", "radius_ip_2"]


def test_sample_as_it_stands_never_starts():
    """With `failmode=safe` and a Duo that is not there it would let everybody in."""
    problems = problems_of((CONF / "authproxy.sample.cfg").read_text())
    assert {problem.key for problem in problems} == {"ikey", "skey", "api_host", "radius_secret_1", "radius_secret_2"}
    assert all(problem.is_error for problem in problems)


def completed(text: str) -> str:
    """Write values in the placeholders' place."""
    text = text.replace("api-XXXXXXXX.duosecurity.com", "api-12345678.duosecurity.com")
    text = text.replace(f"next={'X' * 40}", f"next={SKEY[::-1]}").replace(
        f"next={'X' * 24}", f"next={SHARED_SECRET[::-1]}"
    )
    return text.replace(f"DI{'X' * 18}", IKEY).replace("X" * 40, SKEY).replace("X" * 24, SHARED_SECRET)


def written_keys(section: str) -> dict[str, str]:
    """Return the keys, as patterns, and values that a section of the full file holds, commented out."""
    body = re.split(rf"\n;?\[{section}\]\n", FULL)[1].splitlines()
    lines = takewhile(lambda line: not line.startswith(("[", ";[")), body)
    matches = filter(None, (re.fullmatch(r";([a-z_0-9]+)=(.+)", line) for line in lines))
    return {
        key_pattern(match[1]) if match[1][-1].isdigit() or "secret" in match[1] else match[1]: match[2]
        for match in matches
    }


@pytest.mark.parametrize("section", TABLES)
def test_full_file_has_every_key_with_its_default(section):
    written, table = written_keys(section), TABLES[section]
    own = {key for key in table if section not in MODES or key not in SERVER or key == "client"}
    assert written.keys() == own
    for key in own:
        assert not table[key] or written[key] == table[key]


def test_full_file_explains_every_key():
    lines = FULL.splitlines()
    for above, line in pairwise(lines):
        if re.match(";[a-z]", line):
            assert re.fullmatch("; .*[.]", above), line


PROTECTED = (
    "skey_protected", "radius_secret_protected_1", "skey_next_protected", "radius_secret_1_next_protected",
    "secret_protected", "secret_protected_2", "service_account_password_protected",
)  # fmt: skip


@pytest.mark.parametrize(
    "left_out",
    [
        (
            "skey_file",
            "radius_secret_1_file",
            "skey_next_file",
            "radius_secret_1_next_file",
            "secret_file",
            "secret_2_file",
            "service_account_password_file",
        ),
        (
            "skey",
            "radius_secret_1",
            "skey_next",
            "radius_secret_1_next",
            "secret",
            "secret_2",
            "service_account_password",
        ),
    ],
)
def test_full_file_can_be_used_when_its_keys_are_uncommented(left_out):
    """All but those that say the same thing in two ways."""
    twice = (*(f"{key}=" for key in PROTECTED), "force_message_authenticator=true", "bind_dn=")
    pattern = "|".join((*(f"{key}=" for key in left_out), *twice))
    text = re.sub(rf"^;({pattern}).*\n", "", FULL, flags=re.MULTILINE)
    text = re.sub(r"^;(?=[a-z\[])", "", text, flags=re.MULTILINE)
    for port, mode in enumerate(MODES, 1813):
        text = text.replace(
            f"\n[{mode}]\n", f"\n[{mode}]\n{SERVER_LINES.replace(IKEY, f'DIABCDEFGHIJKLMN{port}')}port={port}\n"
        )
    chain, key = certificate()
    files = {
        "/cred/skey": SKEY.encode(),
        "/cred/radius_secret": SHARED_SECRET.encode(),
        "/cred/home_secret": SHARED_SECRET.encode(),
        "/cred/home_secret_2": SHARED_SECRET.encode(),
        "/cred/skey_next": SKEY[::-1].encode(),
        "/cred/radius_secret_next": SHARED_SECRET[::-1].encode(),
        "/cred/secrets.key": encode_key(bytes(32)),
        "/cred/fleet.key": encode_fleet_key(bytes(range(32))),
        "/cred/redis.password": b"password of the store",
        "/etc/radgate/console.token": b"token-of-the-page-1",
        "/etc/radgate/console.crt": chain,
        "/etc/radgate/authproxy.d/tokyo.cfg": b"",
        "/cred/console.key": key,
        "/cred/directory_password": SHARED_SECRET.encode(),
        "/etc/radgate/directory.pem": chain,
    }
    text = text.replace("transport=clear", "transport=starttls")
    settings, problems = parse(completed(text), files, environment={"CREDENTIALS_DIRECTORY": "/cred"})
    assert [problem.key for problem in problems] == ["exempt_username_1", "pass_through_attr_names"]
    assert settings.gateway.user == "radgate"


def test_tables_do_not_contradict_each_other():
    assert not MAIN.keys() & GATEWAY.keys() & SERVER.keys()
    assert not WITHOUT_EFFECT.keys() & KEYS["main"]
    assert not any(keys & KEYS["main"] for keys in FOREIGN.values())
    assert not any(kind.keys and kind.foreign for kind in KINDS.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("main", "main"),
        ("main2", None),
        ("radius_server_duo_only", "radius_server_duo_only"),
        ("radius_server_duo_only0012", "radius_server_duo_only"),
        ("radius_server_duo_only_2", None),
        ("ad_client3", "ad_client"),
        ("", None),
    ],
)
def test_kind_of_a_section(name, kind):
    assert section_kind(name) == kind


def test_numbers_of_keys_are_ascii_digits():
    assert key_pattern("radius_ip_12") == "radius_ip_N"
    assert key_pattern("radius_ip_１") == "radius_ip_１"
