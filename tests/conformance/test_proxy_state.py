"""Proxy-State: what proxies on the way have added goes back to them."""

import pytest

from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import PROXY_STATE, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from tests.conformance.wire import ALICE, accept, asked, decide, pap, sent, signed
from tests.engine.scene import DENIED, SECRET, Stage

OUTER = encode_attribute(PROXY_STATE, b"outer")
INNER = encode_attribute(PROXY_STATE, bytes(range(253)))


@pytest.mark.parametrize("code", [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE])
def test_X1_every_proxy_state_returns_unmodified_and_in_order(code):
    """RFC 2865 sections 2 and 5.33."""
    request = decode_packet(signed(OUTER + pap() + INNER + OUTER))
    reply = decode_packet(encode_reply(code, request, SECRET, "text"))
    assert reply.attributes(PROXY_STATE) == OUTER + INNER + OUTER


def test_X1_every_answer_of_the_engine_returns_proxy_state():
    """RFC 2865 sections 2 and 5.33: accepts, rejects of Duo and rejects of ours."""
    assert accept(Stage(), signed(OUTER + pap() + INNER)).endswith(OUTER + INNER)
    stage = Stage()
    (question,) = asked(stage.receive(signed(OUTER + pap() + INNER)))
    assert sent(decide(stage, question, DENIED))[0].endswith(OUTER + INNER)
    assert sent(stage.receive(signed(OUTER + ALICE + INNER, identifier=2)))[0].endswith(OUTER + INNER)


@pytest.mark.parametrize("value", [b"\0", b"\0\0a\0", b"\x21\x03\x21", bytes(253), "ü".encode("latin-1")])
def test_X2_proxy_state_is_opaque(value):
    """RFC 2865 section 5.33: NULs included."""
    proxy_state = encode_attribute(PROXY_STATE, value)
    assert accept(Stage(), signed(pap() + proxy_state)).endswith(proxy_state)


def test_X2_packets_that_join_one_login_each_get_their_own_proxy_state():
    """RFC 2865 section 5.33: and their own Identifier."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap(b"push") + OUTER, identifier=1)))
    assert stage.receive(signed(pap(b"push") + INNER, identifier=2)) == []
    replies = {reply[1]: decode_packet(reply).attributes(PROXY_STATE) for reply in sent(decide(stage, question))}
    assert replies == {1: OUTER, 2: INNER}
