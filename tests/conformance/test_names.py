"""User names, and the address of the user's own machine."""

import unicodedata

import pytest

from gateway.duoapi.calls import Preauth
from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import CALLING_STATION_ID
from tests.conformance.wire import asked, pap, reject_reason, signed
from tests.engine.scene import Stage


def name_asked(user: bytes) -> str:
    """The name that Duo is asked about."""
    (question,) = asked(Stage().receive(signed(pap(user=user))))
    assert isinstance(question.question, Preauth)
    return question.question.username


@pytest.mark.parametrize("user", ["n" * 253, "ü" * 126, "x"])
def test_N1_a_name_of_253_octets_is_handled(user):
    """RFC 2865 section 5.1, RFC 7542 section 2.4."""
    assert name_asked(user.encode()) == user


@pytest.mark.parametrize(
    "user", ["Alice", "ALICE", "alice ", "a b", "EXAMPLE\\alice", "alice+tag", "'; --", "*)(uid=*"]
)
def test_N2_the_name_is_opaque_and_keeps_its_letter_case(user):
    """RFC 7542 sections 2.2 to 2.4."""
    assert name_asked(user.encode()) == user


def test_N2_an_exempt_name_is_matched_with_its_letter_case():
    """RFC 7542 section 2.4."""
    stage = Stage(coalesce=False, policy={"exempt": frozenset({"Alice"})})
    assert asked(stage.receive(signed(pap(user=b"alice"), identifier=1)))
    assert asked(stage.receive(signed(pap(user=b"ALICE"), identifier=2)))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_N3_a_name_is_not_normalised_on_its_way(form):
    """RFC 7542 section 2.6."""
    user = unicodedata.normalize(form, "josé")
    assert name_asked(user.encode()) == user


@pytest.mark.parametrize("user", ["alice@example.com", "alice@a@b", "@", "alice@"])
def test_N4_no_realm_is_cut_off_or_invented(user):
    """RFC 7542 section 2.2: whether names have one is Duo's business (username normalisation)."""
    assert name_asked(user.encode()) == user


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_N5_a_name_with_control_characters_is_rejected(sign):
    """Before it reaches a log or a URL."""
    stage = Stage()
    stage.receive(signed(pap(user=f"alice{sign}mallory".encode())))
    assert reject_reason(stage) == "bad_user_name"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"203.0.113.7", "203.0.113.7"),
        (b"2001:DB8::1", "2001:db8::1"),
        (b"00-11-22-33-44-55", None),
        (b"15551234567", None),
        (b"203.0.113.7:4500", "203.0.113.7"),
        (b"203.0.113.007", None),
        (b"203.0.113.7\0", "203.0.113.7"),
        (b"0.0.0.0", None),
        (b"fe80::1%eth0", None),
        (b"::1%\r\nX-Forwarded-For: 203.0.113.7", None),
        (b"\xff", None),
    ],
)
def test_N6_the_users_address_goes_to_duo_only_if_it_is_one(value, address):
    """RFC 2865 section 5.31 lets Calling-Station-Id hold anything."""
    stage = Stage(client_address=AddressAttribute(0, CALLING_STATION_ID, "string"))
    (question,) = asked(stage.receive(signed(pap() + encode_attribute(CALLING_STATION_ID, value))))
    assert question.question.ipaddr == address
