"""Messages come whole, however they are cut, and nothing without an end is kept."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.ber import ENUMERATED, OCTET_STRING, SEQUENCE, BerError, element, integer
from gateway.ldap.reader import MAX_SIZE, MessageReader
from gateway.ldap.responses import BindDone, Referral, Result, SearchDone

BOUND = bytes.fromhex("300c 020101 6107 0a0100 0400 0400")
FOUND = bytes.fromhex("3084 00000010 020102 6584 00000007 0a0100 0400 0400")
FINE = Result(0, b"", "")


def searched(text: bytes) -> bytes:
    strings = element(OCTET_STRING, b"") + element(OCTET_STRING, text)
    return element(SEQUENCE, integer(2) + element(0x65, integer(0, ENUMERATED) + strings))


def test_several_messages_come_at_once():
    assert MessageReader().feed(BOUND + FOUND + BOUND) == [
        BindDone(1, FINE, None),
        SearchDone(2, FINE),
        BindDone(1, FINE, None),
    ]


def test_a_message_comes_octet_by_octet():
    reader = MessageReader()
    found = [reader.feed(octet.to_bytes()) for octet in FOUND + BOUND]
    assert found[len(FOUND) - 1] == [SearchDone(2, FINE)]
    assert found[-1] == [BindDone(1, FINE, None)]
    assert sum(map(len, found)) == 2


def test_nothing_changes_nothing():
    reader = MessageReader()
    assert reader.feed(b"") == reader.feed(BOUND[:5]) == reader.feed(b"") == []
    assert reader.feed(BOUND[5:] + b"") == [BindDone(1, FINE, None)]


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400", b"\x16\x03\x01", b"\x30\x80", b"\x30\x85", BOUND + b"\x04"])
def test_what_is_no_ldap_is_refused_at_once(octets):
    with pytest.raises(BerError):
        MessageReader().feed(octets)


def test_a_message_with_a_long_length_is_read_once_it_is_whole_however_short():
    reader = MessageReader()
    for octet in b"\x30\x81\x02\x30":
        assert reader.feed(bytes([octet])) == []
    with pytest.raises(BerError):
        reader.feed(b"\0")


def test_a_message_has_a_limit_that_is_told_by_its_first_octets():
    with pytest.raises(BerError):
        MessageReader().feed(b"\x30\x84" + (MAX_SIZE - 5).to_bytes(4, "big"))
    assert MessageReader().feed(b"\x30\x84" + (MAX_SIZE - 6).to_bytes(4, "big")) == []
    with pytest.raises(BerError):
        MessageReader(max_size=13).feed(BOUND[:2])
    assert len(MessageReader(max_size=14).feed(BOUND)) == 1


def test_a_long_message_in_small_pieces_is_put_together_once():
    octets = searched(b"x" * 200_000)
    reader = MessageReader()
    pieces = [octets[at : at + 7] for at in range(0, len(octets), 7)]
    assert all(reader.feed(piece) == [] for piece in pieces[:-1])
    assert len(reader._pieces) > len(pieces) - 4  # the first ones, until the size was known
    assert len(reader.feed(pieces[-1])) == 1
    assert reader._pieces == []


sent = st.lists(
    st.sampled_from([BOUND, FOUND, searched(b"x" * 300), bytes.fromhex("3007 020104 7302 0400")]), max_size=6
)


@given(sent, st.data())
def test_messages_are_the_same_however_they_are_cut(messages, data):
    octets = b"".join(messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    reader = MessageReader()
    found = [
        each for begin, end in zip([0, *cuts], [*cuts, None], strict=True) for each in reader.feed(octets[begin:end])
    ]
    assert found == [each for octets in messages for each in MessageReader().feed(octets)]
    assert len(found) == len(messages)
    assert all(isinstance(each, BindDone | SearchDone | Referral) for each in found)


@given(
    st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([BOUND, FOUND, BOUND[:3], b"\x30\x84\x00"])), max_size=8)
)
def test_any_octets_are_messages_or_refused(pieces):
    reader = MessageReader()
    with contextlib.suppress(BerError):
        for piece in pieces:
            reader.feed(piece)
