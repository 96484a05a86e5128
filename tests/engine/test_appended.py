"""A password with a factor behind it: whose octets are which, and never two readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.duoapi.calls import Factor
from gateway.engine.appended import Splitter, Typed, append_text
from gateway.engine.typed_factor import TypedFactor

MODHEX = "cccccccbdefghijklnrtuvcbdefghijklnrtuvcbdefg"
PUSH = TypedFactor(Factor.PUSH)
AUTO = Splitter("utf-8")
EIGHT = Splitter("utf-8", n_characters=8)
CONCAT = Splitter("utf-8", takes_any=True)


def passcode(text: str) -> TypedFactor:
    return TypedFactor(Factor.PASSCODE, 0, text)


@pytest.mark.parametrize(
    ("typed", "password", "factor"),
    [
        (b"secret,push", b"secret", PUSH),
        (b"secret,PUSH ", b"secret", PUSH),
        (b"secret, phone3", b"secret", TypedFactor(Factor.PHONE, 3)),
        (b"secret,sms99", b"secret", TypedFactor(Factor.SMS, 99)),
        (b"secret,Auto", b"secret", TypedFactor(Factor.AUTO)),
        (b"secret,auto2", b"secret", TypedFactor(Factor.AUTO, 2)),
        (b"secret,123 456", b"secret", passcode("123456")),
        (b"secret,1234567890", b"secret", passcode("1234567890")),
        (f"secret,{MODHEX.upper()}".encode(), b"secret", passcode(MODHEX)),
        (b" se,cret ,push", b" se,cret ", PUSH),
        (b"secret,123456,push", b"secret,123456", PUSH),
        (b"secret,,push", b"secret,", PUSH),
        (b"caf\xe9\xff\x00 ,push", b"caf\xe9\xff\x00 ", PUSH),
        (b",push", b"", PUSH),
    ],
)
@pytest.mark.parametrize("splitter", [AUTO, CONCAT])
def test_what_follows_the_last_delimiter_is_the_factor(splitter, typed, password, factor):
    assert splitter.split(typed) == Typed(password, factor)


@pytest.mark.parametrize(
    "typed",
    [b"", b"secret", b"secret,", b"secret,  ", b"push", b"123456", b"a,push,", b"secret,\xff", b"secret,push\x00"],
)
@pytest.mark.parametrize("splitter", [AUTO, CONCAT])
def test_without_a_factor_all_of_it_is_the_password(splitter, typed):
    assert splitter.split(typed) == Typed(typed)


@pytest.mark.parametrize("behind", ["push0", "push100", "push 2", "12345", "Winter2026", "１２３４５６", "pu\u017fh"])
def test_what_is_no_factor_is_part_of_the_password_but_where_one_must_follow(behind):
    typed = f"secret,{behind}".encode()
    assert AUTO.split(typed) == Typed(typed)
    assert CONCAT.split(typed) == Typed(b"secret", passcode(behind))


@pytest.mark.parametrize("delimiter", ["&", "::", "#!#", "§", " "])
def test_any_text_may_be_the_delimiter(delimiter):
    typed = f"a,b{delimiter}123456".encode()
    assert Splitter("utf-8", delimiter).split(typed) == Typed(b"a,b", passcode("123456"))


@pytest.mark.parametrize(
    ("typed", "password", "factor"),
    [
        (b"secretpush", b"secret", PUSH),
        (b"secret,push", b"secret", PUSH),
        (b"secret,,push", b"secret", passcode(",push")),
        (b"se,ret123456", b"se,ret", passcode("123456")),
        (b"secretsomething", b"secret", passcode("something")),
        (b"secret,", b"secret", None),
        (b"secret ", b"secret", None),
        (b"secret", b"secret", None),
        (b"se,push", b"se,pus", passcode("h")),
        (b",push", b",push", None),
        ("gehéim".encode() + b"push", "gehéim".encode(), PUSH),
        (b"geh\xe9im" + b"push", b"geh\xe9im", PUSH),
        ("😀😀😀😀😀😀,push".encode(), "😀😀😀😀😀😀".encode(), PUSH),
    ],
)
def test_a_fixed_length_counts_characters_and_no_delimiter(typed, password, factor):
    assert Splitter("utf-8", n_characters=6).split(typed) == Typed(password, factor)


def test_half_of_a_letter_is_no_delimiter():
    """In Shift JIS the second octet of 表 is a backslash."""
    splitter = Splitter("cp932", "\\")
    assert splitter.split("push表123456".encode("cp932")) == Typed("push表123456".encode("cp932"))
    assert splitter.split("表\\123456".encode("cp932")) == Typed("表".encode("cp932"), passcode("123456"))
    assert splitter.split("表\\表push".encode("cp932")) == Typed("表\\表push".encode("cp932"))


def test_octets_within_an_escape_sequence_are_no_delimiter():
    """In ISO-2022-JP an octet between escape sequences is half of another letter."""
    typed = b"\x1b$B%,123456\x1b(B"
    assert Splitter("iso2022_jp").split(typed) == Typed(typed)


def test_a_codec_that_cannot_say_which_octets_are_no_text_leaves_all_of_it():
    assert Splitter("cp932").split(b"\x81") == Typed(b"\x81")
    assert Splitter("iso2022_jp").split(b"\x1b$B%,push") == Typed(b"\x1b$B%,push")


passwords = st.binary(max_size=60)
factors = st.sampled_from([b"push", b"PHONE2", b"sms", b"auto9", b"123456", b"123 456", MODHEX.encode()])
delimiters = st.sampled_from([",", "&", "::", "§", "ab"])
codecs = st.sampled_from(["utf-8", "latin-1", "cp1252", "cp932", "euc_kr", "gb18030", "iso2022_jp"])


@given(passwords, delimiters, factors)
def test_password_delimiter_and_factor_come_back_octet_for_octet(password, delimiter, factor):
    typed = Splitter("utf-8", delimiter).split(password + delimiter.encode() + factor)
    assert typed.factor is not None
    assert typed.password == password


@given(st.binary(max_size=130), codecs, st.sampled_from([",", "\\", "@", "ab"]), st.integers(0, 9), st.booleans())
def test_nothing_is_lost_and_nothing_raises(octets, codec, delimiter, n_characters, takes_any):
    typed = Splitter(codec, delimiter, n_characters, takes_any=takes_any).split(octets)
    assert octets.startswith(typed.password)
    if typed.factor is None and not n_characters:
        assert typed.password == octets


@given(passwords.filter(lambda password: b"," not in password))
def test_a_password_without_a_delimiter_is_whole(password):
    assert CONCAT.split(password) == Typed(password)


def test_ways_to_type_the_same_thing_mean_the_same_and_blanks_of_a_password_count():
    assert AUTO.split(b"secret,Push ").meaning == AUTO.split(b"secret,push").meaning
    meanings = [AUTO.split(typed).meaning for typed in (b"secret,push", b"secret ,push", b"secret", b"secret,123456")]
    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize(
    ("splitter", "typed", "reading"),
    [
        (AUTO, b"Sommer,123456", "was split at its last delimiter, and what stood behind it was taken for a passcode"),
        (AUTO, b"secret,push2", "was split at its last delimiter, and what stood behind it was taken for push"),
        (CONCAT, b"secret,pusch", "was split at its last delimiter, and what stood behind it was taken for a passcode"),
        (AUTO, b"secret,pusch", "has a delimiter, and what follows is no factor: all of it was taken for the password"),
        (EIGHT, b"Sommer26push", "was cut after 8 characters (delimited_password_length), and what follows was taken"),
    ],
)
def test_how_it_was_told_apart_can_be_told_without_any_of_it(splitter, typed, reading):
    told = splitter.split(typed)
    said = splitter.reading(told.password, told.factor)
    assert said.startswith(f"the text {reading}")
    assert "ommer" not in said
    assert "secret" not in said


@pytest.mark.parametrize(("splitter", "typed"), [(AUTO, b"secret"), (AUTO, b""), (EIGHT, b"sec,ret"), (EIGHT, b"a")])
def test_of_a_password_alone_there_is_nothing_to_tell(splitter, typed):
    told = splitter.split(typed)
    assert splitter.reading(told.password, told.factor) == ""


def test_half_a_letter_is_no_delimiter_to_tell_of():
    typed = "表".encode("shift_jis") + b"x"
    assert Splitter("shift_jis", "\\").reading(typed, None) == ""


def test_repr_hides_what_was_typed():
    assert repr(AUTO.split(b"secret,123456")) == "<Typed factor=<TypedFactor passcode>>"
    assert "secret" not in repr(AUTO)


@pytest.mark.parametrize(
    ("delimiter", "text"),
    [
        (",", "Enter your password, a comma, and a passcode or push."),
        ("&", "Enter your password, &, and a passcode or push."),
    ],
)
def test_the_text_for_a_missing_factor_names_the_delimiter(delimiter, text):
    assert append_text(delimiter) == text


@given(st.text() | st.binary(max_size=40), st.data())
def test_in_utf_8_a_letter_begins_at_every_octet_that_continues_none(typed, data):
    octets = typed if isinstance(typed, bytes) else typed.encode("utf-8", "surrogatepass")
    at = data.draw(st.integers(0, len(octets)))
    if at == len(octets) or not 0x80 <= octets[at] < 0xC0:
        left, right = (part.decode("utf-8", "surrogateescape") for part in (octets[:at], octets[at:]))
        assert left + right == octets.decode("utf-8", "surrogateescape")
