"""Which attributes go on: the rules, one by one."""

import pytest

from gateway.radius.attributes import AttributeKind, attributes_in, encode
from gateway.radius.client import encode_access_request
from gateway.radius.hidden import Hop, hide_salted
from gateway.radius.packet import decode_packet
from gateway.radius.passing import Passing, to_challenge, to_reject, values_of
from gateway.radius.shared_secret import SharedSecret

CAME = Hop(SharedSecret(b"home secret"), bytes(range(16)))
LEAVES = Hop(SharedSecret(b"secret of the NAS"), bytes(range(16, 32)))
EVERYTHING = Passing(everything=True)

CLASS, CALLING_STATION_ID, NAS_IP_ADDRESS = AttributeKind(0, 25), AttributeKind(0, 31), AttributeKind(0, 4)
STATE, REPLY_MESSAGE, EAP_MESSAGE, PROMPT = (AttributeKind(0, kind) for kind in (24, 18, 79, 76))
CISCO_AV_PAIR = AttributeKind(9, 1)
MS_CHAP_ERROR, MS_CHAP2_SUCCESS, SEND_KEY = (AttributeKind(311, kind) for kind in (2, 26, 16))


Pair = tuple[AttributeKind, bytes]


def pairs(octets: bytes) -> list[Pair]:
    return [(each.kind, each.value) for each in attributes_in(octets)]


def request(*attributes: Pair):
    encoded = b"".join(encode(*each) for each in attributes)
    return decode_packet(encode_access_request(1, bytes(16), CAME.secret, b"ann", b"secret", encoded))


def to_nas(passing: Passing, *attributes: Pair) -> list[Pair]:
    passed = passing.to_nas(b"".join(encode(*each) for each in attributes), CAME, LEAVES, 0)
    assert not passed.dropped
    return pairs(passed.octets)


@pytest.mark.parametrize("passing", [Passing(), EVERYTHING, Passing(frozenset({CLASS, CISCO_AV_PAIR}))])
def test_types_that_may_go_on_to_the_nas_are_those_of_which_one_is_kept(passing):
    for kind, may in enumerate(passing.types_to_nas()):
        assert may == (kind == 26 or bool(passing.of_accept(encode(AttributeKind(0, kind), b"1"))))


def test_nothing_goes_on_unless_it_is_asked_for():
    assert Passing().to_home(request((CALLING_STATION_ID, b"10.0.0.1"))) == b""
    assert to_nas(Passing(), (CLASS, b"staff"), (CISCO_AV_PAIR, b"priv-lvl=15")) == []


def test_what_is_named_goes_on_in_order_and_as_often_as_it_stands_there():
    passing = Passing(frozenset({CLASS, CISCO_AV_PAIR}))
    attributes = [(CISCO_AV_PAIR, b"a"), (CLASS, b"1"), (CISCO_AV_PAIR, b"b"), (CLASS, b"2")]
    assert to_nas(passing, *attributes, (AttributeKind(0, 11), b"filter")) == attributes
    assert pairs(passing.to_home(request(*attributes))) == attributes


def test_name_and_credential_attributes_a_request_go_on_otherwise():
    assert EVERYTHING.to_home(request((STATE, b"s"), (AttributeKind(0, 33), b"p"))) == b""
    ms_chap = [(AttributeKind(311, kind), bytes(24)) for kind in (1, 3, 4, 5, 6, 11, 25, 27)]
    others = [(EAP_MESSAGE, b"e"), (AttributeKind(0, 3), bytes(17)), (AttributeKind(0, 60), bytes(16))]
    assert EVERYTHING.to_home(request(*ms_chap, *others)) == b""
    assert Passing(frozenset(kind for kind, _ in (*ms_chap, *others))).to_home(request(*ms_chap, *others)) == b""


@pytest.mark.parametrize("held", [b"\x00\x08\x19\x06abcd", b"\x19\x06abcd\x01"])
def test_no_ms_chap_goes_on_in_a_frame_that_is_wrong(held):
    packet = request((AttributeKind(311, 0), held))
    assert EVERYTHING.to_home(packet) == b""


@pytest.mark.parametrize("kind", [4, 32, 95])
def test_where_the_nas_is_goes_on_only_if_it_is_named(kind):
    place = (AttributeKind(0, kind), b"\x0a\x00\x00\x01")
    assert EVERYTHING.to_home(request(place)) == b""
    assert Passing(frozenset({place[0]})).to_home(request(place)) == encode(*place)


@pytest.mark.parametrize(
    "kind",
    [
        *(2, 3, 4, 5, 18, 24, 31, 32, 33, 40, 44, 60, 61, 80),
        *(52, 53, 55, 70, 73, 74, 75, 76, 77),  # RFC 2869 section 5.19
        *(68, 86),  # RFC 2867
        *(94, 101),  # RFC 7155, RFC 5176
    ],
)
def test_what_no_accept_has_never_goes_on(kind):
    assert to_nas(EVERYTHING, (AttributeKind(0, kind), b"\x0a\x00\x00\x01")) == []
    assert to_nas(Passing(frozenset({AttributeKind(0, kind)})), (AttributeKind(0, kind), b"1")) == []


@pytest.mark.parametrize("kind", [1, 25, 64, 66, 69, 71, 72, 78, 79, 82, 84, 85, 88, 89, 90, 91, 92, 102])
def test_what_an_accept_may_have_goes_on(kind):
    assert EVERYTHING.of_accept(encode(AttributeKind(0, kind), b"1"))


def test_what_ms_chap_and_eap_say_at_their_end_goes_on_unasked():
    said = [(EAP_MESSAGE, b"\x03\x01\x00\x04"), (MS_CHAP2_SUCCESS, b"\0S=1")]
    assert to_nas(Passing(), *said, (CLASS, b"c")) == said


def test_keys_are_hidden_anew_each_with_a_salt_of_its_own():
    keys = [(SEND_KEY, hide_salted(bytes([number]) * 16, CAME, number)) for number in (1, 2)]
    found = to_nas(Passing(), *keys)
    assert len({value[:2] for _, value in found}) == 2
    assert not {value for _, value in found} & {value for _, value in keys}


def test_what_cannot_be_read_is_left_out_and_told_of():
    passed = EVERYTHING.to_nas(encode(SEND_KEY, b"\x80\x01rubbish") + encode(CLASS, b"c"), CAME, LEAVES, 0)
    assert (passed.octets, passed.dropped) == (encode(CLASS, b"c"), (SEND_KEY,))


def test_what_may_hide_something_in_an_unknown_frame_is_left_out_and_told_of():
    wimax = encode(AttributeKind(24757, 0), b"\x05\x14\x00" + bytes(17))
    passed = EVERYTHING.to_nas(wimax, CAME, LEAVES, 0)
    assert (passed.octets, passed.dropped) == (b"", ((24757, 0),))
    assert Passing().to_nas(wimax, CAME, LEAVES, 0).dropped == ()


def test_a_reject_has_what_ms_chap_and_eap_say_and_nothing_else():
    error = (MS_CHAP_ERROR, b"\x07E=691 R=1")
    attributes = [
        (CLASS, b"c"),
        error,
        (REPLY_MESSAGE, b"no"),
        (EAP_MESSAGE, b"\x04\x01\x00\x04"),
        (CISCO_AV_PAIR, b"a"),
    ]
    assert to_reject(b"".join(encode(*each) for each in attributes)) == encode(*error) + encode(*attributes[3])


def test_a_challenge_has_how_long_and_how_to_prompt():
    attributes = [(STATE, b"s"), (PROMPT, b"\0\0\0\1"), (AttributeKind(0, 27), b"\0\0\0\x3c"), (CLASS, b"c")]
    assert to_challenge(b"".join(encode(*each) for each in attributes)) == encode(*attributes[1]) + encode(
        *attributes[2]
    )


def test_texts_are_found_in_order():
    assert values_of(18, encode(REPLY_MESSAGE, b"one") + encode(CLASS, b"c") + encode(REPLY_MESSAGE, b"two")) == [
        b"one",
        b"two",
    ]
