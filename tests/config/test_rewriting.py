"""Files with their secrets encrypted: nothing else changes, and the way back leads to the same octets."""

import itertools
import re

import pytest

from gateway.config.problems import ConfigError
from gateway.config.protection import KEY_SIZE, NONCE_SIZE, encode_key, protect
from gateway.config.rewriting import protect_entries, reveal_entries
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse, problems_of

KEY, OTHER_KEY = b"k" * KEY_SIZE, b"o" * KEY_SIZE
KEY_FILE = "/var/lib/radgate/secrets.key"
FULL = f"""\
; skey=in a comment
[main]
debug=true

[ad_client]
  host = 10.0.0.2
  service_account_password:  pass=word ; no comment

[radius_client]
secret={SHARED_SECRET}

{MINIMAL}skey_file=
; the other one
radius_secret_2\t=\tüüüüüüüüüüüüüüüü\u2003
radius_ip_2=10.0.0.9
[gateway]
workers=2
"""


def protected(text: str | bytes, key: bytes = KEY) -> bytes:
    octets = text.encode() if isinstance(text, str) else text
    numbers = itertools.count()
    return protect_entries(octets, key, lambda: next(numbers).to_bytes(NONCE_SIZE, "big"), KEY_FILE)


def test_every_secret_is_encrypted_and_every_other_line_stays():
    rewritten = protected(FULL).decode()
    for secret in (SKEY, SHARED_SECRET, "pass=word", "üüü"):
        assert secret not in rewritten
    lines = rewritten.replace(f"secrets_key_file={KEY_FILE}\n", "").splitlines()
    changed = [new for old, new in zip(FULL.splitlines(), lines, strict=True) if old != new]
    assert [re.match(r"\s*([^\s=:]+)\s*[=:]\s*radgate1:", line)[1] for line in changed] == [
        "service_account_password_protected",
        "secret_protected",
        "skey_protected",
        "radius_secret_protected_1",
        "radius_secret_protected_2",
    ]
    assert f"[gateway]\nsecrets_key_file={KEY_FILE}\nworkers=2\n" in rewritten


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "last"])
def test_undo_gives_the_same_octets(end, mark, last):
    octets = (mark + (FULL if not last else FULL.rstrip("\n"))).replace("\n", end).encode()
    assert reveal_entries(protected(octets), KEY) == octets


def test_a_section_for_the_key_file_is_put_at_the_end_where_there_is_none():
    assert protected(MINIMAL.rstrip("\n")).decode().endswith(f"\n\n[gateway]\nsecrets_key_file={KEY_FILE}\n")


def test_a_key_file_that_is_named_already_stays():
    text = f"{MINIMAL}[gateway]\nsecrets_key_file=%d/secrets.key\n"
    assert protected(text).decode().endswith("[gateway]\nsecrets_key_file=%d/secrets.key\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_key_file_without_a_name_gets_one(end):
    text = f"[gateway]\nworkers=2\n{MINIMAL}[gateway]\nsecrets_key_file ={end}".removeprefix("[gateway]\nworkers=2\n")
    assert protected(text).decode().endswith(f"[gateway]\nsecrets_key_file ={KEY_FILE}{end}")


def test_encrypting_again_changes_nothing_but_what_is_new():
    once = protected(MINIMAL)
    assert protected(once) == once
    more = once.replace(b"[gateway]", b"radius_ip_2=10.0.0.2\nradius_secret_2=another secret, long enough\n[gateway]")
    again = protected(more)
    assert again.count(b"radgate1:") == 3
    assert b"another secret" not in again
    assert once.splitlines()[2] in again


def test_the_configuration_reads_as_before():
    rewritten = protected(MINIMAL)
    settings, problems = parse(rewritten, {KEY_FILE: encode_key(KEY)})
    assert not problems
    assert settings == parse(MINIMAL)[0]


def test_secrets_under_another_key_are_named_and_nothing_is_mixed():
    more = protected(MINIMAL) + b"[radius_server_duo_only2]\nskey=abc\n"
    with pytest.raises(ConfigError) as caught:
        protected(more, OTHER_KEY)
    assert [problem.key for problem in caught.value.problems] == ["skey_protected", "radius_secret_protected_1"]


def test_a_mistyped_name_could_hide_a_secret():
    for text in (f"{MINIMAL}sky={SKEY}\n", f"{MINIMAL}skey={SKEY}\n", f"{MINIMAL}no entry\n", "skey=x\n"):
        with pytest.raises(ConfigError) as caught:
            protected(text)
        assert SKEY not in str(caught.value)


def test_what_no_line_can_hold_stays_encrypted():
    value = protect(b"two\nlines", "radius_server_duo_only", "radius_secret_1", KEY, bytes(NONCE_SIZE))
    text = MINIMAL.replace(f"radius_secret_1={SHARED_SECRET}", f"radius_secret_protected_1={value}")
    with pytest.raises(ConfigError, match="radius_secret_1_file=PATH"):
        reveal_entries(text.encode(), KEY)


def test_nothing_to_encrypt_changes_nothing():
    text = b"[main]\ndebug=true\n"
    assert protected(text) == text


class TestReading:
    """What the configuration says of encrypted secrets that it cannot use."""

    @pytest.mark.parametrize(
        ("files", "key", "remedy"),
        [
            ({}, "secrets_key_file", "cannot read"),
            ({KEY_FILE: b""}, "secrets_key_file", "write the key into it"),
            ({KEY_FILE: b"password"}, "secrets_key_file", "holds no key"),
            ({KEY_FILE: encode_key(OTHER_KEY)}, "skey_protected", "is another one"),
        ],
    )
    def test_key_files_that_do_not_fit(self, files, key, remedy):
        problem = problems_of(protected(MINIMAL), files)[0]
        assert problem.key == key
        assert remedy in problem.text

    def test_a_key_that_others_can_read(self):
        (problem,) = problems_of(protected(f"{MINIMAL}"), {KEY_FILE: encode_key(KEY)}, mode=0o644)
        assert (problem.key, problem.is_error) == ("secrets_key_file", False)
        assert f"chmod o-r {KEY_FILE}" in problem.text

    def test_no_key_file(self):
        text = protected(MINIMAL).replace(b"secrets_key_file", b";secrets_key_file")
        problems = problems_of(text)
        assert [problem.key for problem in problems] == ["skey_protected", "radius_secret_protected_1"]
        assert all("secrets_key_file=PATH in [gateway]" in problem.text for problem in problems)

    def test_two_values_that_have_changed_places(self):
        lines = protected(MINIMAL).decode().splitlines()
        lines[2], lines[5] = (
            f"{one.partition('=')[0]}={other.partition('=')[2]}"
            for one, other in ((lines[2], lines[5]), (lines[5], lines[2]))
        )
        problems = problems_of("\n".join(lines), {KEY_FILE: encode_key(KEY)})
        assert [problem.key for problem in problems] == ["skey_protected", "radius_secret_protected_1"]
        assert all("another section or key" in problem.text for problem in problems)

    def test_a_value_under_the_key_for_clear_text(self):
        text = protected(MINIMAL).replace(b"radius_secret_protected_1", b"radius_secret_1")
        (problem,) = problems_of(text, {KEY_FILE: encode_key(KEY)})
        assert "write radius_secret_protected_1=" in problem.text

    def test_a_value_of_duos_proxy_on_windows(self):
        text = MINIMAL.replace("skey=", "skey_protected=AQAAANCMnd8BFdERjHoAwE")
        (problem,) = problems_of(text, {KEY_FILE: encode_key(KEY)})
        assert "only Duo's proxy on Windows can read it; write skey=SECRET in clear" in problem.text

    def test_two_sections_with_one_application_and_different_encrypted_keys_are_told(self):
        second = MINIMAL.replace("duo_only]", "duo_only2]").replace(SKEY, SKEY[::-1]) + "port=1813\n"
        (problem,) = problems_of(protected(MINIMAL + second), {KEY_FILE: encode_key(KEY)})
        assert (problem.section, problem.key) == ("radius_server_duo_only2", "skey_protected")
