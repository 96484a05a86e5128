"""What may be shown of a configuration, and what is found and hidden in any other text."""

import base64
import urllib.parse

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.problems import ConfigError
from gateway.config.redaction import Redactor, Replacer, forms_of, redact_config, secrets_of
from gateway.logs.lines import one_line
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse

SECRET = 'x7!pä$w&rd="quoted" \'n more\\'


def shown(text: str) -> tuple[str, set[bytes]]:
    try:
        problems = parse(text)[1]
    except ConfigError as error:
        problems = error.problems
    return redact_config(text.encode(), problems)


def test_values_of_known_keys_are_shown_and_secrets_are_not():
    text, hidden = shown(f"[main]\r\ndebug=true\r\n; a comment\r\n\r\n{MINIMAL}")
    assert text == (
        "[main]\ndebug=true\n*****[11]\n\n"
        + MINIMAL.replace(SKEY, "*****[40]").replace(SHARED_SECRET, f"*****[{len(SHARED_SECRET)}]")
    )
    assert hidden == {SKEY.encode(), SHARED_SECRET.encode()}


def test_a_filter_that_goes_on_in_other_lines_is_shown_in_one():
    text, hidden = shown(f"{MINIMAL}[ad_client]\nldap_filter=(&\n  (a=b)\n  )\nhost=dc1\n  (c=d)\n")
    assert text.splitlines()[-5:] == ["ldap_filter=(&(a=b))", "", "", "host=dc1", "*****[5]"]
    assert hidden == {SKEY.encode(), SHARED_SECRET.encode()}


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("sky=hunter2hunter2", "hunter2hunter2"),
        ("SKEYS : hunter2hunter2", "hunter2hunter2"),
        ("skey2=hunter2", "hunter2"),
        ("skey = hunter2hunter2 ; the old one", "hunter2hunter2"),
        ('skey="hunter2hunter2"', "hunter2hunter2"),
        ("; skey=hunter2hunter2", "hunter2hunter2"),
        ("#radius_secret_9 = hunter2", "hunter2"),
        ("hunter2hunter2", "hunter2hunter2"),
        ("Hunter2Hunter2 = x", "Hunter2Hunter2"),
        ("skey Hunter2Hunter2=", "Hunter2Hunter2"),
        ("aGVsbG8gd29ybGQ==", "aGVsbG8gd29ybGQ"),
        ("http_proxy_host=user:hunter2@proxy", "hunter2"),
        ("http_proxy=http://user:hunter2@proxy:3128/", "hunter2"),
        ("api_host=https://hunter2hunter2/", "hunter2hunter2"),
        ("port=hunter2hunter2", "hunter2hunter2"),
        ("failmode=hunter2hunter2", "hunter2hunter2"),
        ("radius_ip_7=hunter2hunter2", "hunter2hunter2"),
        ("my_new_key=hunter2hunter2", "hunter2hunter2"),
        ("admin_password=hunt", "hunt"),
        ("secret=hunt", "hunt"),
        ("service_account_password=hunt2", "hunt2"),
        ("skey_protected=radgate1:AAAAhunter2", "radgate1:AAAAhunter2"),
        ("[hunter2hunter2]", "hunter2hunter2"),
        ("  hunter2hunter2 continues", "hunter2hunter2"),
    ],
)
def test_a_secret_in_an_unusual_place_is_not_shown(line, secret):
    text, hidden = shown(f"{MINIMAL}{line}\n")
    assert secret not in text
    assert secret.lower() not in text
    if not line.startswith("["):
        assert secret.encode() not in Redactor(hidden).redact(f"a problem: {line.lower()}".encode())


@given(st.from_regex(r"[ -~\t]{0,30}", fullmatch=True), st.sampled_from(["=", ": ", " ", ""]), st.booleans())
def test_whatever_stands_before_it(before, delimiter, in_main):
    secret = "x7Qhunter2hunter2"
    line = f"{before}{delimiter}{secret}\n"
    text, hidden = shown(f"[main]\n{line}{MINIMAL}" if in_main else f"{MINIMAL}{line}")
    assert secret not in text
    if delimiter and not before.strip().startswith(("#", ";", "[")):
        assert secret.encode() not in Redactor(hidden).redact(f"in a log: {secret}".encode())


def test_a_line_that_is_no_text_is_hidden():
    text, _ = redact_config(b"[main]\nskey=\xff\xfehunter2\n", [])
    assert "hunter2" not in text


def test_the_secrets_of_settings_are_found_wherever_they_come_from():
    settings, _ = parse(
        MINIMAL.replace("radius_secret_1=", "radius_secret_1_file=/s ;").replace(f" ;{SHARED_SECRET}", ""),
        {"/s": b"from a file\n"},
    )
    assert secrets_of(settings) == {SKEY.encode(), b"from a file"}


class TestForms:
    FORMS = (
        pytest.param(lambda secret: secret, id="as it is"),
        pytest.param(lambda secret: secret.upper(), id="upper case"),
        pytest.param(lambda secret: base64.b64encode(secret.encode()).decode(), id="base64"),
        pytest.param(lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(), id="base64 of URLs"),
        pytest.param(lambda secret: base64.b64encode(f"DIXX:{secret}:x".encode()).decode(), id="basic authentication"),
        pytest.param(lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(), id="proxy authentication"),
        pytest.param(lambda secret: base64.b64encode(f"us:{secret}".encode()).decode(), id="another place in base64"),
        pytest.param(lambda secret: secret.encode().hex(), id="hex"),
        pytest.param(lambda secret: secret.encode().hex().upper(), id="HEX"),
        pytest.param(lambda secret: secret.encode().hex(":"), id="he:x"),
        pytest.param(urllib.parse.quote, id="percent"),
        pytest.param(lambda secret: urllib.parse.quote(secret, safe="").lower(), id="percent, lower case"),
        pytest.param(urllib.parse.quote_plus, id="form"),
        pytest.param(lambda secret: "".join(f"%{octet:02x}" for octet in secret.encode()), id="every octet"),
        pytest.param(lambda secret: msgspec.json.encode(secret).decode(), id="JSON"),
        pytest.param(lambda secret: repr(secret), id="repr"),
        pytest.param(lambda secret: repr(secret.encode())[2:-1], id="repr of octets"),
        pytest.param(one_line, id="log"),
    )

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("secret", [SKEY, SHARED_SECRET, SECRET, "hunt"])
    def test_it_is_hidden(self, form, secret):
        text = form(secret)
        redacted = Redactor([secret.encode()]).redact(f"before {text} after".encode())
        assert text.encode() not in redacted
        assert b"*****[" in redacted
        assert redacted.startswith(b"before ")
        assert redacted.endswith(b" after")

    def test_what_looks_like_a_secret_key_of_duo_is_hidden_even_if_nobody_knows_it(self):
        assert (
            Redactor([]).redact(b"skey 0123456789abcdefghijABCDEFGHIJ0123456789, ikey DIABC")
            == b"skey *****[40], ikey DIABC"
        )

    @given(st.binary(min_size=6, max_size=60), st.binary(max_size=7), st.binary(max_size=7))
    def test_base64_among_other_octets_leaves_no_core_of_it(self, secret, before, after):
        encoded = base64.b64encode(before + secret + after)
        assert Redactor([secret]).redact(encoded) != encoded


class TestReplacer:
    def test_the_longest_goes_first_and_nothing_is_replaced_twice(self):
        replacer = Replacer({b"abc": b"abcabc", b"abcd": b"X", b"d": b"Y"})
        assert replacer.replace(b"abcd abc d xabcx") == b"X abcabc Y xabcabcx"

    def test_whole_words(self):
        replacer = Replacer({b"al": b"U", b"info": b"V", b"j.doe": b"W"}, whole_words=True)
        assert replacer.replace(b"al 'al' ali al-x al, al@x info=information j.doe jj.doe al") == (
            b"U 'U' ali al-x U, U@x V=information W jj.doe U"
        )

    @given(st.dictionaries(st.binary(min_size=1, max_size=6), st.just(b"*")), st.binary(max_size=100))
    def test_nothing_that_is_looked_for_is_left(self, replacements, text):
        left = Replacer(replacements).replace(text)
        assert not any(form in part for form in replacements for part in left.split(b"*"))


def test_short_secrets_have_no_form_that_is_everywhere():
    assert min(map(len, forms_of(b"hunt"))) == 4
