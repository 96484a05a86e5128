"""Attributes: frame, order, data types, and what replies may hold."""

from itertools import permutations

import pytest

from gateway.engine.effects import Finished
from gateway.engine.verdict import rejection
from gateway.logs.lines import TextLines
from gateway.radius.address import AddressAttribute
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import (
    CALLING_STATION_ID,
    CHAP_CHALLENGE,
    CHAP_PASSWORD,
    MESSAGE_AUTHENTICATOR,
    NAS_IDENTIFIER,
    NAS_IP_ADDRESS,
    NAS_PORT,
    PROXY_STATE,
    REPLY_MESSAGE,
    STATE,
    USER_NAME,
    USER_PASSWORD,
    VENDOR_SPECIFIC,
    Code,
)
from gateway.radius.packet import MAX_REPEATS, decode_packet
from gateway.radius.reply import encode_reply, encode_texts
from gateway.words.reasons import Reason
from gateway.worker.reports import finished_line
from tests.conformance.wire import (
    ALICE,
    accept,
    asked,
    attribute,
    decide,
    discard_reason,
    pap,
    plain,
    reject_reason,
    sent,
    signed,
    source,
)
from tests.engine.scene import DENIED, SECRET, Stage
from tests.integration.site import parse_line
from tests.vectors import load, octets

FRAMED_IP_ADDRESS, CLASS, SERVICE_TYPE = 8, 25, 6


@pytest.mark.parametrize("length", [*range(2), 4, 255])
def test_A1_an_attribute_that_overruns_the_packet_or_is_shorter_than_its_header_is_discarded(length):
    """RFC 2865 section 5."""
    stage = Stage()
    stage.receive(plain(pap() + bytes((CLASS, length)) + b"x"))
    assert discard_reason(stage) == "attribute_length"


def test_A1_every_attribute_is_checked_before_any_is_used():
    """RFC 2865 section 5: a login whose last attribute is broken is none."""
    stage = Stage()
    assert not asked(stage.receive(plain(pap() + attribute(CLASS, b"x")[:-1])))
    assert discard_reason(stage) == "attribute_length"


def test_A2_a_single_octet_left_over_is_malformed():
    """RFC 2865 section 5, RFC 6613 section 2.6.4."""
    stage = Stage()
    stage.receive(plain(pap() + b"\x01"))
    assert discard_reason(stage) == "attribute_truncated"


@pytest.mark.parametrize("length", [0, 1])
@pytest.mark.parametrize("n_behind", [0, 1, 100])
def test_A3_length_0_or_1_ends_the_walk(length, n_behind):
    """RFC 2865 section 5: no endless loop, nothing read behind the buffer."""
    stage = Stage()
    stage.receive(plain(bytes((USER_NAME, length)) + bytes(n_behind)))
    assert discard_reason(stage) == "attribute_length"


def test_A4_the_order_of_types_means_nothing():
    """RFC 2865 section 5."""
    name, password = pap()[:7], pap()[7:]
    others = encode_attribute(NAS_PORT, bytes(4))
    calls = set()
    for order in permutations((name, password, others)):
        (question,) = asked(Stage().receive(signed(b"".join(order))))
        calls.add(repr(question.question))
    assert len(calls) == 1


def test_A4_the_order_within_a_type_is_kept():
    """RFC 2865 section 5."""
    packet = decode_packet(plain(b"".join(encode_attribute(PROXY_STATE, value) for value in (b"2", b"1", b"3"))))
    assert packet.values(PROXY_STATE) == [b"2", b"1", b"3"]


def test_A5_attributes_of_one_type_need_not_be_adjacent():
    """RFC 2865 section 5."""
    first, second = encode_attribute(PROXY_STATE, b"1"), encode_attribute(PROXY_STATE, b"2")
    assert decode_packet(accept(Stage(), signed(first + pap() + second))).attributes(PROXY_STATE) == first + second


@pytest.mark.parametrize("kind", [0, 17, 49, 54, 192, 223, 224, 240, 250, 255])
def test_A6_unknown_types_are_ignored(kind):
    """RFC 5080 section 2.5."""
    assert accept(Stage(), signed(pap() + encode_attribute(kind, b"whatever")))


@pytest.mark.parametrize(
    "invalid",
    [
        attribute(NAS_IP_ADDRESS, b"abc"),
        attribute(NAS_PORT, b"abcde"),
        attribute(SERVICE_TYPE, b""),
        attribute(FRAMED_IP_ADDRESS, bytes(5)),
        attribute(97, bytes(1)),  # Framed-IPv6-Prefix
        attribute(95, bytes(15)),  # NAS-IPv6-Address
        attribute(55, bytes(3)),  # Event-Timestamp
    ],
    ids=lambda octets_: f"type-{octets_[0]}",
)
def test_A7_a_value_that_does_not_fit_its_type_spoils_that_attribute_alone(invalid):
    """RFC 6929 section 2.8."""
    assert accept(Stage(), signed(pap() + invalid))


@pytest.mark.parametrize(
    "value", [b"", b"\x00", bytes(4), bytes(4) + b"\x01\x00", bytes(4) + b"\x01\xff", bytes(4) + b"\x01"]
)
def test_A8_vendor_attributes_are_ignored_and_their_errors_stay_inside(value):
    """RFC 2865 section 5.26, RFC 6929 section 2.8."""
    assert accept(Stage(), signed(pap() + attribute(VENDOR_SPECIFIC, value)))


@pytest.mark.parametrize("broken", [b"\x01", b"\x01\x00", b"\x01\x01", b"\x01\xff", b"\x01\x02", b"\x02\x03a\x01"])
def test_A8_an_error_inside_one_vendor_attribute_does_not_reach_the_next(broken):
    """RFC 6929 section 2.8: the user's address may stand in a vendor attribute."""
    vendor = (25461).to_bytes(4, "big")
    right = attribute(VENDOR_SPECIFIC, vendor + attribute(1, b"203.0.113.7"))
    stage = Stage(client_address=AddressAttribute(25461, 1, "string"))
    (question,) = asked(stage.receive(signed(pap() + attribute(VENDOR_SPECIFIC, vendor + broken) + right)))
    assert question.question.ipaddr == "203.0.113.7"


def test_A9_an_interior_nul_ends_no_value_that_is_only_passed_on():
    """RFC 2865 section 5."""
    proxy_state = encode_attribute(PROXY_STATE, b"\0a\0b\0")
    assert proxy_state in accept(Stage(), signed(pap() + proxy_state))


def test_A9_a_name_and_a_password_end_at_the_first_nul():
    """RFC 2865 section 5 has it otherwise, but nobody types a NUL, and programs in C send rubbish there."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap(b"123456\0\xff\x01", user=b"alice\0mallory"))))
    assert question.question.username == "alice"
    decide(stage, question)
    assert (stage.finished.user_name, stage.finished.factor) == ("alice", "passcode")
    stage.receive(signed(pap(user=b"\0mallory"), identifier=2))
    assert reject_reason(stage) == "no_user_name"


def test_A10_no_empty_attribute_is_sent():
    """RFC 2865 section 5."""
    assert encode_texts(("", ""), 4096) == b""
    reply = decode_packet(encode_reply(Code.ACCESS_ACCEPT, decode_packet(signed(pap())), SECRET, ""))
    assert not reply.has(REPLY_MESSAGE)


@pytest.mark.parametrize("kind", [CALLING_STATION_ID, NAS_IDENTIFIER, STATE, CLASS])
def test_A10_a_received_empty_attribute_is_absent(kind):
    """RFC 2865 section 5: an empty State continues nothing."""
    assert accept(
        Stage(client_address=AddressAttribute(0, CALLING_STATION_ID, "string")), signed(pap() + attribute(kind))
    )


def test_A10_a_received_empty_user_name_is_absent():
    """RFC 2865 section 5."""
    stage = Stage()
    stage.receive(signed(attribute(USER_NAME) + pap()[7:]))
    assert reject_reason(stage) == "no_user_name"


def test_A11_texts_are_sent_as_utf_8_and_other_octets_fail_nothing():
    """RFC 2865 section 5, RFC 8044 section 3.4."""
    request = decode_packet(signed(pap()))
    reply = decode_packet(encode_reply(Code.ACCESS_REJECT, request, SECRET, "Zugang gewährt nicht: ユーザー \udcff"))
    assert b"".join(reply.values(REPLY_MESSAGE)).decode() == "Zugang gewährt nicht: ユーザー ?"
    stage = Stage()
    stage.receive(signed(pap(user=b"jos\xe9") + encode_attribute(NAS_IDENTIFIER, b"\xff\xfe")))
    assert reject_reason(stage) == "bad_user_name"


def test_A11_original_octets_are_kept():
    """RFC 8044 section 3.4."""
    assert decode_packet(signed(pap(user=b"jos\xe9"))).value(USER_NAME) == b"jos\xe9"


@pytest.mark.parametrize("sign", ["m", "ü", "語", "🔑"])
def test_A12_a_long_text_is_split_between_characters(sign):
    """RFC 2865 section 5.18."""
    pieces = decode_packet(plain(encode_texts((sign * 300,), 4076))).values(REPLY_MESSAGE)
    assert all(0 < len(piece) <= 253 for piece in pieces)
    assert "".join(piece.decode() for piece in pieces) == sign * 300


@pytest.mark.parametrize("n_beyond", [0, 1, 1000])
def test_A13_more_repeated_attributes_than_the_cap_are_discarded(n_beyond):
    """A bound on what one packet may cost: the first of each type, and 200 more."""
    stage = Stage()
    stage.receive(signed(pap() + attribute(CLASS, b"x") * (1 + MAX_REPEATS + n_beyond)))
    if n_beyond:
        assert discard_reason(stage) == "too_many_attributes"
    else:
        assert asked(stage.effects)


@pytest.mark.parametrize("kind", [USER_NAME, USER_PASSWORD, CHAP_PASSWORD, STATE, NAS_PORT, CHAP_CHALLENGE])
def test_A14_what_may_occur_once_and_occurs_twice_is_rejected(kind):
    """RFC 2865 section 5.44."""
    stage = Stage()
    value = {USER_NAME: b"alice", NAS_PORT: bytes(4)}.get(kind, bytes(16))
    present = 1 if kind in (USER_NAME, USER_PASSWORD) else 2
    stage.receive(signed(pap() + encode_attribute(kind, value) * present))
    assert reject_reason(stage) == "conflicting_credentials"


REJECTED = {
    "no_user_name": b"",
    "unsupported_credentials": ALICE,
    "malformed_password": ALICE + encode_attribute(USER_PASSWORD, bytes(17)),
    "unknown_state": pap() + encode_attribute(STATE, b"state"),
    "bad_user_name": pap(user=b"a\nb"),
}
REQUESTED = b"".join(
    encode_attribute(kind, b"of the request") for kind in (CLASS, NAS_IDENTIFIER, VENDOR_SPECIFIC, 11, 27, PROXY_STATE)
)


@pytest.mark.parametrize("reason", REJECTED)
def test_A15_a_reject_holds_reply_message_proxy_state_and_message_authenticator_alone(reason):
    """RFC 2865 sections 2 and 5.44, RFC 5080 section 2.6.1."""
    stage = Stage()
    stage.receive(signed(REJECTED[reason] + REQUESTED))
    assert reject_reason(stage) == reason
    (reply,) = stage.replies
    assert types_of(reply.octets) == {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE, PROXY_STATE}


def test_A15_a_reject_of_duo_holds_no_more():
    """RFC 2865 sections 2 and 5.44."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap() + REQUESTED)))
    (reply,) = sent(decide(stage, question, DENIED))
    assert reply[0] == Code.ACCESS_REJECT
    assert types_of(reply) == {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE, PROXY_STATE}


def test_A16_no_reject_continues_a_conversation():
    """RFC 5080 section 2.6.1: after a reject, a State in the next request is nobody's."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap())))
    decide(stage, question, DENIED)
    stage.receive(signed(pap() + encode_attribute(STATE, b"anything"), identifier=2))
    assert reject_reason(stage) == "unknown_state"


def test_A17_no_reply_holds_a_password_or_an_attribute_of_the_nas():
    """RFC 2865 section 5.44."""
    about_the_nas = b"".join(
        encode_attribute(kind, bytes(4)) for kind in (NAS_IP_ADDRESS, NAS_PORT, NAS_IDENTIFIER, 61)
    )
    reply = accept(Stage(), signed(pap() + about_the_nas))
    assert types_of(reply) == {MESSAGE_AUTHENTICATOR, REPLY_MESSAGE}


@pytest.mark.parametrize("vector", load("rfc6929-section9"), ids=lambda vector: vector["name"])
def test_A18_extended_attributes_are_whole_to_the_codec_and_ignored(vector):
    """RFC 6929 section 9: no rule of the gateway reads one."""
    extended = octets(vector, "attribute_hex")
    packet = decode_packet(signed(pap() + extended))
    assert packet.attributes(vector["expected"]["type"]) == extended
    assert accept(Stage(), signed(pap() + extended))


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01\x80", b"\x01\x80x", b"\x1a\0\0\0"])
@pytest.mark.parametrize("kind", range(241, 247))
def test_A18_invalid_extended_attributes_are_ignored(kind, value):
    """RFC 6929 sections 2.1, 2.2 and 2.8."""
    assert accept(Stage(), signed(pap() + attribute(kind, value)))


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (bytes((203, 0, 113, 7)), "203.0.113.7"),
        (b"1::2", "49.58.58.50"),
        (bytes(3), None),
        (bytes(5), None),
        (b"203.0.113.7", None),
    ],
)
def test_A19_an_ipv4_address_has_exactly_4_octets(value, address):
    """RFC 8044 section 3.8: Framed-IP-Address, if the configuration names it as the user's address."""
    (question,) = asked(
        Stage(client_address=AddressAttribute(0, FRAMED_IP_ADDRESS, "ipaddr")).receive(
            signed(pap() + attribute(FRAMED_IP_ADDRESS, value))
        )
    )
    assert question.question.ipaddr == address


def line_for(user_name: str) -> str:
    """The log line of a rejected login."""
    verdict = rejection(Reason.UNKNOWN_FACTOR)
    text, fields = finished_line(Finished(source(), 7, user_name, "radius_server_duo_only", verdict, "", 0.0, 1), 0)
    return TextLines().line(0.0, 20, "gateway.worker", text, fields)


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x1b[2J", "\x85", "\u2028", "\u202e"])
def test_A20_no_user_name_ends_a_log_line_or_steers_a_terminal(sign):
    """Values of the network are escaped."""
    assert line_for(f"alice{sign}mallory").isprintable()


def test_A20_no_user_name_plants_a_field_in_a_log_line():
    """What reads the line finds the gateway's own reply and reason, and no second ones."""
    line = line_for('alice, 7): Duo returned "allow" reply=Access-Accept reason=duo_allowed')
    assert line.count(" reason=") == line.count(" reply=") == 1
    assert parse_line(line).fields["reason"] == "unknown_factor"


def types_of(reply: bytes) -> set[int]:
    """The attribute types of a reply."""
    packet = decode_packet(reply)
    return {kind for kind in range(256) if packet.has(kind)}


def test_A3_any_octet_at_any_place_is_answered_or_discarded():
    """RFC 2865 section 5: every critical length at every place."""
    request = bytearray(signed(pap() + encode_attribute(CLASS, b"abc")))
    for offset in range(20, len(request)):
        for octet in (0, 1, 2, 3, 18, 254, 255):
            damaged = bytes(request[:offset]) + bytes((octet,)) + bytes(request[offset + 1 :])
            stage = Stage()
            assert stage.receive(damaged)
