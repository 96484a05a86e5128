"""Encrypted secrets: bound to their place, and worthless when anything is changed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.protection import (
    KEY_SIZE,
    NONCE_SIZE,
    CannotReveal,
    clear_key,
    decode_key,
    encode_key,
    is_protected,
    protect,
    protected_key,
    reveal,
)

KEY, NONCE = bytes(range(KEY_SIZE)), bytes(NONCE_SIZE)
PLACE = ("radius_server_duo_only", "skey")
VALUE = protect(b"secret", *PLACE, KEY, NONCE)


def test_a_value_of_this_version_can_be_read_by_every_later_one():
    assert VALUE == "radgate1:AAAAAAAAAAAAAAAAfdnWrNBYoXTryBUBLgHRQw3FjPZ1tA=="


@given(st.binary(max_size=300), st.binary(min_size=NONCE_SIZE, max_size=NONCE_SIZE))
def test_any_octets_come_back(secret, nonce):
    value = protect(secret, *PLACE, KEY, nonce)
    assert is_protected(value)
    assert reveal(value, *PLACE, KEY) == secret


@pytest.mark.parametrize(
    "place",
    [("radius_server_duo_only2", "skey"), ("radius_server_duo_only", "radius_secret_1"), ("main", "skey"), ("", "")],
)
def test_a_value_is_bound_to_its_section_and_key(place):
    with pytest.raises(CannotReveal, match="another section or key"):
        reveal(VALUE, *place, KEY)


def test_another_key_does_not_open_it():
    with pytest.raises(CannotReveal, match="key in secrets_key_file is another one"):
        reveal(VALUE, *PLACE, bytes(KEY_SIZE))


def test_no_changed_octet_goes_unnoticed():
    octets = base64.b64decode(VALUE.removeprefix("radgate1:"))
    for place in range(len(octets)):
        changed = bytearray(octets)
        changed[place] ^= 1
        with pytest.raises(CannotReveal):
            reveal(f"radgate1:{base64.b64encode(changed).decode()}", *PLACE, KEY)


@pytest.mark.parametrize("value", ["radgate1:", "radgate1:AAAA", f"{VALUE[:30]}", "radgate1:not base64!", "radgate1:ü"])
def test_what_is_cut_off_is_told(value):
    with pytest.raises(CannotReveal, match="cut off"):
        reveal(value, *PLACE, KEY)


def test_a_key_file_is_a_line():
    assert decode_key(encode_key(KEY)) == KEY
    assert encode_key(KEY).endswith(b"\n")


@pytest.mark.parametrize("content", [b"", b"x", b"AAAA\n", encode_key(KEY)[:-5], bytes(32), encode_key(KEY) * 2])
def test_other_files_hold_no_key(content):
    with pytest.raises(ValueError, match="holds no key"):
        decode_key(content)


@pytest.mark.parametrize(
    ("clear", "protected"),
    [
        ("skey", "skey_protected"),
        ("radius_secret_12", "radius_secret_protected_12"),
        ("secret", "secret_protected"),
        ("service_account_password", "service_account_password_protected"),
    ],
)
def test_keys_of_secrets_have_the_names_of_duos_proxy(clear, protected):
    assert (protected_key(clear), clear_key(protected)) == (protected, clear)
    assert clear_key(clear) is None
    assert protected_key(protected) is None


@pytest.mark.parametrize("key", ["skey_file", "radius_secret_1_file", "radius_secret", "ikey", "host", "skey_1x", ""])
def test_other_keys_hold_no_secret(key):
    assert protected_key(key) is None
