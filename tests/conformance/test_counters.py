"""Counts: each packet once, under one reason; and the order of checks, which decides under which."""

import pytest

from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import EAP_MESSAGE, MESSAGE_AUTHENTICATOR, PROXY_STATE
from gateway.radius.discards import DiscardReason
from tests.conformance.wire import ALICE, asked, attribute, decide, finished, forged, pap, plain, sent, signed
from tests.engine.scene import YES, Stage

STRANGER = "198.51.100.1"
EAP, PROXIED = encode_attribute(EAP_MESSAGE, b"eap"), encode_attribute(PROXY_STATE, b"p")
SHORT_SIGNATURE = attribute(MESSAGE_AUTHENTICATOR, bytes(15))

# Each packet has all that is wrong with those below it, too.
IN_ORDER = [
    ("packet_too_short", "198.51.100.1", plain(bytes((25, 1)), code=4)[:19]),
    ("length_field", "198.51.100.1", bytes((4, 1, 0, 19)) + bytes(16) + bytes((25, 1))),
    ("packet_truncated", "198.51.100.1", plain(bytes((25, 1)) + bytes(3), code=4)[:-1]),
    ("unknown_client", "198.51.100.1", plain(EAP + PROXIED + SHORT_SIGNATURE + bytes((25, 1)), code=4)),
    ("attribute_length", "192.0.2.10", plain(EAP + PROXIED + SHORT_SIGNATURE + bytes((25, 1)), code=4)),
    ("attribute_truncated", "192.0.2.10", plain(EAP + PROXIED + SHORT_SIGNATURE + b"\x19", code=4)),
    ("unexpected_code", "192.0.2.10", plain(EAP + PROXIED + SHORT_SIGNATURE, code=4)),
    ("message_authenticator_malformed", "192.0.2.10", plain(EAP + PROXIED + SHORT_SIGNATURE)),
    ("eap_unauthenticated", "192.0.2.10", plain(EAP + PROXIED)),
    ("message_authenticator_missing", "192.0.2.10", plain(PROXIED)),
    ("message_authenticator_wrong", "192.0.2.10", forged(signed(ALICE))),
]


@pytest.mark.parametrize(("reason", "host", "datagram"), IN_ORDER, ids=[reason for reason, *_ in IN_ORDER])
def test_C1_a_packet_is_counted_under_the_first_reason_alone(reason, host, datagram):
    """RFC 4669: and the order of checks is header, client, frame, code, presence, value."""
    stage = Stage(require_message_authenticator=YES)
    for n_packets in (1, 2, 3):
        stage.receive(datagram, host=host)
        assert stage.discards == {DiscardReason(reason): n_packets}


def test_C1_a_packet_that_is_answered_is_counted_as_no_discard():
    """RFC 4669."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap())))
    decide(stage, question)
    stage.receive(signed(identifier=2))
    assert stage.discards == {}


def test_C2_a_duplicate_is_no_login_of_its_own():
    """RFC 4669 section 7, RFC 5080 section 2.2.2."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap())))
    stage.receive(signed(pap()))
    (end,) = finished(decide(stage, question))
    assert end.n_packets == 1
    again = stage.receive(signed(pap()))
    assert (len(sent(again)), finished(again)) == (1, [])
