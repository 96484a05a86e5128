"""The file with the fleet's key: two spellings, two lines at most, and never its content in an error."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fleetapi.keys import BadFleetKeyError, decode_fleet_keys, encode_fleet_key

KEY = bytes(range(32))
OTHER = bytes(range(100, 132))


@pytest.mark.parametrize(
    "line",
    [encode_fleet_key(KEY), KEY.hex().encode(), KEY.hex().upper().encode() + b"\r\n"],
    ids=["base64", "hex", "HEX"],
)
def test_a_key_stands_in_base64_or_hexadecimal_digits(line):
    assert decode_fleet_keys(line) == [KEY]


def test_the_first_line_is_the_one_that_seals():
    assert decode_fleet_keys(encode_fleet_key(OTHER) + encode_fleet_key(KEY)) == [OTHER, KEY]


def test_blank_lines_and_a_mark_of_editors_are_no_keys():
    assert decode_fleet_keys(b"\xef\xbb\xbf\n  " + encode_fleet_key(KEY) + b"\n\t\n") == [KEY]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it holds no key; make one with radgate fleet-key FILE"),
        (b"\n\n", "it holds no key; make one with radgate fleet-key FILE"),
        (encode_fleet_key(KEY) * 2, "both lines hold the same key; remove one"),
        (encode_fleet_key(KEY) + KEY.hex().encode(), "both lines hold the same key; remove one"),
        (
            b"".join(encode_fleet_key(bytes([n]) + KEY[1:]) for n in range(3)),
            "it holds 3 keys; leave the one that seals and one more that opens",
        ),
        (encode_fleet_key(KEY) + b"secretsecret", "line 2 holds no key: 32 octets in base64"),
        (encode_fleet_key(KEY[1:]), "line 1 holds no key"),
        (KEY.hex().encode()[2:], "line 1 holds no key"),
        (b"z" * 64, "line 1 holds no key"),
        ("schlüssel".encode("utf-16"), "line 1 holds no key"),
        (base64.b64encode(bytes(32)), "line 1 holds a stand-in"),
        (b"deadbeef" * 8, "line 1 holds a stand-in"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(content, text):
    with pytest.raises(BadFleetKeyError) as caught:
        decode_fleet_keys(content)
    assert str(caught.value).startswith(text)
    assert "secretsecret" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_octets_are_keys_or_refused(content):
    try:
        keys = decode_fleet_keys(content)
    except BadFleetKeyError:
        return
    assert all(len(key) == 32 for key in keys)
