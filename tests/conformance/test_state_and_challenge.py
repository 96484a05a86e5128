"""State: duo_only never challenges, so that no State is one of its own; others do."""

import pytest

from gateway.engine.modes.challenge import Challenge
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import PROMPT, SESSION_TIMEOUT, STATE, Code
from gateway.radius.packet import decode_packet
from tests.conformance.wire import accept, asked, decide, pap, reject_reason, sent, signed
from tests.engine.home_scene import GO_ON, HomeStage
from tests.engine.scene import DENIED, PUSHED, Stage


@pytest.mark.parametrize("state", [b"\0", b"a state of somebody", bytes(253)])
@pytest.mark.parametrize("policy", [{}, {"automatic": True}, {"exempt": frozenset({"alice"})}])
def test_S2_a_request_with_an_unknown_state_is_rejected_and_never_a_fresh_login(state, policy):
    """RFC 5080 section 2.1.1."""
    stage = Stage(policy=policy)
    stage.receive(signed(pap() + encode_attribute(STATE, state)))
    assert reject_reason(stage) == "unknown_state"


def test_S3_no_state_is_accepted_from_anybody():
    """RFC 5080 section 2.1.1: nor the one that came with the request before."""
    stage = Stage()
    for identifier, user in enumerate((b"alice", b"bob", b"alice")):
        stage.receive(signed(pap(user=user) + encode_attribute(STATE, b"state"), identifier=identifier))
        assert reject_reason(stage) == "unknown_state"


def test_S1_no_reply_holds_a_state_or_is_a_challenge():
    """RFC 2865 sections 4.4 and 5.24: one State for each challenge, and there is none."""
    assert not decode_packet(accept(Stage(), signed(pap()))).has(STATE)
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap(b"push"))))
    decide(stage, question, PUSHED)
    assert not sent(stage.effects)
    (reply,) = sent(stage.engine.answered(question.pending, DENIED, 1.0))
    assert reply[0] == Code.ACCESS_REJECT
    assert not decode_packet(reply).has(STATE)


def test_S7_a_challenge_says_how_long_it_can_be_answered():
    """RFC 2865 section 5.27; and by RFC 2869 section 5.10 that the answer is not to be shown."""
    stage = HomeStage(Challenge)
    stage.ask()
    stage.accept()
    stage.answer(GO_ON)
    assert stage.reply.code == Code.ACCESS_CHALLENGE
    assert stage.reply.values(SESSION_TIMEOUT) == [(300).to_bytes(4, "big")]
    assert stage.reply.values(PROMPT) == [bytes(4)]
