"""Elements of BER: as they are written, as they come, and what none of them may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.ber import (
    INTEGER,
    MAX_INTEGER,
    OCTET_STRING,
    SEQUENCE,
    BerError,
    Cursor,
    boolean,
    element,
    integer,
    size_of_element,
)


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "0400"),
        (127, "047f"),
        (128, "048180"),
        (255, "0481ff"),
        (256, "04820100"),
        (65_535, "0482ffff"),
        (65_536, "0483010000"),
    ],
)
def test_a_length_has_as_few_octets_as_it_can(size, header):
    assert element(OCTET_STRING, bytes(size)) == bytes.fromhex(header) + bytes(size)


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (255, "020200ff"),
        (256, "02020100"),
        (32_767, "02027fff"),
        (32_768, "0203008000"),
        (MAX_INTEGER, "02047fffffff"),
    ],
)
def test_a_number_is_never_taken_for_a_negative_one(value, octets):
    assert integer(value) == bytes.fromhex(octets)
    assert Cursor(integer(value)).integer(INTEGER, len(octets) // 2) == value


def test_true_is_all_bits():
    assert boolean(True) == b"\x01\x01\xff"
    assert boolean(False) == b"\x01\x01\x00"


@pytest.mark.parametrize("octets", ["0402686a", "048102686a", "04820002686a", "048400000002686a"])
def test_a_length_may_come_in_more_octets_than_it_needs(octets):
    octets = bytes.fromhex(octets)
    assert Cursor(octets).octets(OCTET_STRING, len(octets)) == b"hj"
    assert size_of_element(octets, 0) == len(octets)


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "04",
        "0401",
        "0481",
        "048101",
        "04820001",
        "04850000000001aa",
        "04ff",
        "0480aa0000",
        "1f0101",
        "0484ffffffff",
        "2403040161",
        "0500",
    ],
)
def test_what_is_no_octet_string_is_refused(octets):
    octets = bytes.fromhex(octets)
    with pytest.raises(BerError):
        Cursor(octets).octets(OCTET_STRING, len(octets))


@pytest.mark.parametrize("octets", ["0200", "02050000000001", "020900ffffffffffffffff"])
def test_a_number_has_one_to_four_octets(octets):
    octets = bytes.fromhex(octets)
    with pytest.raises(BerError):
        Cursor(octets).integer(INTEGER, len(octets))


def test_no_element_reaches_beyond_the_one_that_holds_it():
    octets = bytes.fromhex("3004 0404 6162 6364")
    cursor = Cursor(octets)
    end = cursor.enter(SEQUENCE, len(octets))
    with pytest.raises(BerError):
        cursor.octets(OCTET_STRING, end)


def test_what_is_passed_over_is_measured_too():
    cursor = Cursor(bytes.fromhex("a003 040161 020105"))
    cursor.skip(8)
    assert cursor.integer(INTEGER, 8) == 5
    with pytest.raises(BerError):
        cursor.skip(8)


@pytest.mark.parametrize(("octets", "size"), [("", 0), ("30", 0), ("3081", 0), ("3005", 7), ("30840000", 0)])
def test_a_size_is_told_as_soon_as_it_is_known(octets, size):
    assert size_of_element(bytes.fromhex(octets), 0) == size


@pytest.mark.parametrize("octets", ["3080", "3085", "30ff"])
def test_a_size_that_ldap_does_not_allow_is_told_at_once(octets):
    with pytest.raises(BerError):
        size_of_element(bytes.fromhex(octets), 0)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_elements_come_as_they_were_written(contents):
    octets = element(SEQUENCE, b"".join([element(OCTET_STRING, content) for content in contents]))
    cursor = Cursor(octets)
    end = cursor.enter(SEQUENCE, len(octets))
    found = []
    while cursor.at < end:
        found.append(cursor.octets(OCTET_STRING, end))
    assert found == contents
    assert cursor.at == len(octets) == size_of_element(octets, 0)
