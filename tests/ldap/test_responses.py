"""What a server says, read from octets: of RFC 4511 section 4 by hand, and what is none of it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, SET, BerError, element, integer
from gateway.ldap.responses import (
    MAX_ATTRIBUTES,
    BindDone,
    Disconnection,
    Entry,
    ExtendedDone,
    Referral,
    Result,
    SearchDone,
    read_message,
)

AD_TEXT = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839"
FINE = Result(0, b"", "")


def message(number: int, operation: bytes, behind: bytes = b"") -> bytes:
    return element(SEQUENCE, integer(number) + operation + behind)


def ended(tag: int, code: int = 0, matched: bytes = b"", text: bytes = b"", behind: bytes = b"") -> bytes:
    """Return an operation with an LDAPResult."""
    strings = element(OCTET_STRING, matched) + element(OCTET_STRING, text)
    return element(tag, integer(code, ENUMERATED) + strings + behind)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("300c 020101 6107 0a0100 0400 0400", BindDone(1, FINE, None)),
        ("3084 00000010 020101 6184 00000007 0a0100 0400 0400", BindDone(1, FINE, None)),
        ("3012 020102 610d 0a010e 0400 0400 8704 4e544c4d", BindDone(2, Result(14, b"", ""), b"NTLM")),
        ("300e 020102 6109 0a0100 0400 0400 8700", BindDone(2, FINE, b"")),
        ("300c 020103 6507 0a0104 0400 0400", SearchDone(3, Result(4, b"", ""))),
        ("3014 020103 650f 0a0120 0404 64633d78 0404 6e6f6e65", SearchDone(3, Result(32, b"dc=x", "none"))),
        ("301c 020103 6517 0a010a 0400 0400 a30e 040c 6c6461703a2f2f782f64633d", SearchDone(3, Result(10, b"", ""))),
        ("3011 0202012c 730b 0409 6c6461703a2f2f782f", Referral(300)),
        ("300c 020101 7807 0a0100 0400 0400", ExtendedDone(1, FINE, b"")),
        ("300c 020100 7807 0a0100 0400 0400", ExtendedDone(0, FINE, b"")),
        ("3015 020104 6410 0404 64633d78 3008 3006 0402 434e 3100", Entry(4, b"dc=x", {b"cn": []})),
        ("300d 020104 6408 0404 64633d78 3000", Entry(4, b"dc=x", {})),
    ],
)
def test_a_message_is_read(octets, expected):
    assert read_message(bytes.fromhex(octets)) == expected


def test_an_entry_has_its_values_by_name_in_lower_case():
    def attribute(name: bytes, *values: bytes) -> bytes:
        held = b"".join([element(OCTET_STRING, value) for value in values])
        return element(SEQUENCE, element(OCTET_STRING, name) + element(SET, held))

    attributes = attribute(b"sAMAccountName", b"alice") + attribute(b"memberOf", b"cn=a", b"cn=b", b"")
    operation = element(0x64, element(OCTET_STRING, b"cn=alice") + element(SEQUENCE, attributes))
    assert read_message(message(7, operation)) == Entry(
        7, b"cn=alice", {b"samaccountname": [b"alice"], b"memberof": [b"cn=a", b"cn=b", b""]}
    )


def test_the_text_of_active_directory_is_without_the_octet_at_its_end():
    refused = read_message(message(1, ended(0x61, 49, text=AD_TEXT.encode() + b"\0")))
    assert refused == BindDone(1, Result(49, b"", AD_TEXT), None)


def test_a_text_is_one_printable_line():
    found = read_message(message(1, ended(0x61, 49, text=b"a\x1b[31m\nb\xff\0")))
    assert isinstance(found, BindDone)
    assert found.result.text == "a?[31m?b\ufffd"


def test_credentials_stand_behind_a_referral():
    referral = element(0xA3, element(OCTET_STRING, b"ldap://x/"))
    found = read_message(message(1, ended(0x61, 14, behind=referral + element(0x87, b"token"))))
    assert found == BindDone(1, Result(14, b"", ""), b"token")


def test_controls_are_passed_over():
    controls = element(0xA0, element(SEQUENCE, element(OCTET_STRING, b"1.2.840.113556.1.4.319")))
    assert read_message(message(1, ended(0x65), controls)) == SearchDone(1, FINE)


def test_the_notice_of_disconnection_is_one():
    notice = ended(0x78, 52, text=b"idle", behind=element(0x8A, b"1.3.6.1.4.1.1466.20036"))
    assert read_message(message(0, notice)) == Disconnection(Result(52, b"", "idle"))


def test_another_notice_is_no_disconnection():
    notice = ended(0x78, behind=element(0x8A, b"1.3.6.1.1.21.4"))
    assert read_message(message(0, notice)) == ExtendedDone(0, FINE, b"1.3.6.1.1.21.4")


def test_an_extended_answer_has_its_name_and_its_value_is_passed_over():
    answer = ended(0x78, 2, behind=element(0x8A, b"1.3.6.1.4.1.1466.20037") + element(0x8B, b"value"))
    assert read_message(message(1, answer)) == ExtendedDone(1, Result(2, b"", ""), b"1.3.6.1.4.1.1466.20037")


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30",
        "3000",
        "3003 020101",
        "3080 020101 6107 0a0100 0400 0400 0000",
        "300c 020100 6107 0a0100 0400 0400",
        "300c 020100 6507 0a0100 0400 0400",
        "300c 0201ff 6107 0a0100 0400 0400",
        "3010 0205 0100000001 6107 0a0100 0400 0400",
        "300b 0200 6107 0a0100 0400 0400",
        "300c 020101 6107 0a01ff 0400 0400",
        "300c 020101 6107 020100 0400 0400",
        "300a 020101 6105 0a0100 0400",
        "300c 020101 6108 0a0100 0400 0400",
        "300c 020101 6107 0a0100 0400 0500",
        "300c 020101 6107 0a0100 0400 0400 00",
        "300e 020101 6109 0a0100 0400 0400 8701",
        "300c 020101 6007 020103 0400 8000",
        "3005 020101 4200",
        "300c 020101 7907 0a0100 0400 0400",
        "300d 020104 6408 0404 64633d78 3100 00",
        "3015 020104 6410 0404 64633d78 3008 3006 0402 434e 3000",
        "3015 020104 6410 0404 64633d78 3008 3006 0402 434e 3101",
        "300b 020104 6406 0404 64633d78",
    ],
)
def test_what_is_no_message_is_refused(octets):
    with pytest.raises(BerError):
        read_message(bytes.fromhex(octets))


def test_an_entry_has_a_bounded_number_of_attributes():
    attributes = [
        element(SEQUENCE, element(OCTET_STRING, b"%d" % number) + element(SET, b""))
        for number in range(MAX_ATTRIBUTES + 1)
    ]
    begin = element(OCTET_STRING, b"cn=a")
    read_message(message(1, element(0x64, begin + element(SEQUENCE, b"".join(attributes[1:])))))
    with pytest.raises(BerError):
        read_message(message(1, element(0x64, begin + element(SEQUENCE, b"".join(attributes)))))


def test_an_error_repeats_no_octet_of_a_message():
    with pytest.raises(BerError) as raised:
        read_message(message(1, element(0x60, b"secret")))
    assert "secret" not in str(raised.value)


whole = [
    message(1, ended(0x61, 49, b"dc=x", AD_TEXT.encode(), element(0x87, b"token"))),
    message(2, element(0x64, element(OCTET_STRING, b"cn=a") + element(SEQUENCE, b""))),
    message(0, ended(0x78, 52, behind=element(0x8A, b"1.3.6.1.4.1.1466.20036"))),
]


@given(st.sampled_from(whole), st.integers(0, 200), st.integers(0, 255))
def test_a_message_with_another_octet_is_read_or_refused(octets, place, octet):
    changed = bytearray(octets)
    changed[place % len(changed)] = octet
    with contextlib.suppress(BerError):
        read_message(bytes(changed))


@given(st.sampled_from(whole), st.integers(0, 200))
def test_a_message_that_is_cut_off_is_refused(octets, size):
    with pytest.raises(BerError):
        read_message(octets[: size % len(octets)])


@given(st.binary(max_size=100))
def test_any_octets_are_a_message_or_refused(octets):
    with contextlib.suppress(BerError):
        read_message(octets)
