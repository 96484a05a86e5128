"""Attributes one by one, those of vendors taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.radius.attributes import Attribute, AttributeKind, attributes_in, encode, has_any

CISCO, WIMAX = 9, 24757
KINDS = st.builds(AttributeKind, st.sampled_from([0, CISCO, 311]), st.integers(1, 25))


def vendor_specific(vendor: int, held: bytes) -> bytes:
    return bytes([26, 6 + len(held)]) + vendor.to_bytes(4, "big") + held


def pairs(octets: bytes) -> list[tuple[AttributeKind, bytes]]:
    return [(each.kind, each.value) for each in attributes_in(octets)]


@given(st.lists(st.tuples(KINDS, st.binary(min_size=1, max_size=247))))
def test_what_is_encoded_is_read_again(attributes):
    octets = b"".join(encode(kind, value) for kind, value in attributes)
    assert pairs(octets) == attributes


@given(st.lists(st.tuples(KINDS, st.binary(min_size=1, max_size=247))), st.sets(st.integers(0, 255)))
def test_whether_one_of_some_types_is_there(attributes, types):
    octets = b"".join(encode(kind, value) for kind, value in attributes)
    found = {26 if kind.vendor else kind.kind for kind, _ in attributes}
    assert has_any(octets, bytes(kind in types for kind in range(256))) is bool(found & types)


@pytest.mark.parametrize("octets", [b"", b"\x04", bytes(4096), b"\x01\xff"])
def test_octets_that_are_no_attributes_have_none_and_end_the_search(octets):
    assert not has_any(octets, bytes(kind == 4 for kind in range(256)))


def test_one_vendor_specific_may_hold_several():
    octets = vendor_specific(CISCO, b"\x01\x04ab" + b"\x02\x03c")
    assert pairs(octets) == [((CISCO, 1), b"ab"), ((CISCO, 2), b"c")]


def test_empty_ones_are_not_there():
    assert pairs(b"\x19\x02" + vendor_specific(CISCO, b"\x01\x02\x02\x03c")) == [((CISCO, 2), b"c")]


@pytest.mark.parametrize("held", [b"\x01", b"\x01\x01", b"\x01\x05ab", b"\x01\x04ab\x02", b"\x01\x00ab"])
def test_what_a_vendor_frames_otherwise_is_one_of_kind_0_and_stays_as_it_is(held):
    octets = vendor_specific(CISCO, held)
    assert pairs(octets) == [((CISCO, 0), held)]
    assert next(attributes_in(octets)).octets == octets


def test_a_vendor_known_for_another_frame_is_not_taken_apart():
    assert pairs(vendor_specific(WIMAX, b"\x05\x04ab")) == [((WIMAX, 0), b"\x05\x04ab")]


def test_one_of_kind_0_leaves_all_of_a_vendor_specific_as_it_is():
    """What it holds would be read as attributes of the vendor by the next hop."""
    octets = vendor_specific(311, b"\x00\x08\x19\x06abcd" + b"\x01\x03x")
    assert pairs(octets) == [((311, 0), octets[6:])]
    assert next(attributes_in(octets)).octets == octets


def test_a_vendor_of_number_0_is_none_and_its_attributes_are_none_of_the_rfcs():
    held = b"\x4f\x06\x03\x07\0\x04"  # else an EAP-Message
    octets = vendor_specific(0, held)
    assert pairs(octets) == [((0, 26), bytes(4) + held)]
    assert next(attributes_in(octets)).octets == octets


def test_a_vendor_specific_without_more_than_a_vendor_is_one_of_the_rfcs():
    assert pairs(vendor_specific(CISCO, b"")) == [((0, 26), b"\0\0\0\x09")]


@pytest.mark.parametrize(("vendor", "size"), [(0, 0), (0, 254), (CISCO, 0), (CISCO, 248)])
def test_what_no_attribute_holds_is_refused(vendor, size):
    with pytest.raises(ValueError, match="1 to 253 octets"):
        encode(AttributeKind(vendor, 1), bytes(size))


def test_a_value_is_never_shown():
    assert "key" not in repr(Attribute(AttributeKind(311, 16), b"key"))
