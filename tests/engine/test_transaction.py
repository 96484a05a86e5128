"""A request as one who waits for a verdict."""

import pytest

from gateway.engine.nas import Nas
from gateway.engine.peer import Peer
from gateway.engine.records import verdict_record
from gateway.engine.replies import LABELS, OUTCOMES, REPLY_CODES
from gateway.engine.transaction import Transaction
from gateway.engine.verdict import Verdict
from gateway.radius.client import encode_access_request
from gateway.radius.packet import decode_packet
from gateway.words.reasons import Outcome, Reason
from tests.engine.scene import SECRET, SOURCE, Stage, message

STATE = b"\x18\x07state"


def waiting(*, is_login_client: bool = False) -> Transaction:
    nas = Nas("radius_ip_1", Stage().section, SECRET, is_login_client=is_login_client)
    packet = decode_packet(encode_access_request(7, bytes(16), SECRET, b"alice", b"123456"))
    return Transaction(packet, nas, Peer((SOURCE, 40001), 0), b"", 0.0)


@pytest.mark.parametrize(("outcome", "code"), [("accept", 2), ("reject", 3), ("challenge", 11)])
def test_it_is_told_the_outcome_the_message_and_the_attributes(outcome, code):
    verdict = Verdict(Outcome(outcome), Reason.DUO_DENIED, "Say more", "account", "", STATE)
    reply = decode_packet(waiting().encode(verdict))
    assert (reply.code, message(reply), reply.attributes(24)) == (code, "Say more", STATE)


def test_the_operator_is_told_the_reason_too():
    verdict = Verdict(Outcome.REJECT, Reason.DUO_DENIED, "No", "account", "a hint")
    reply = decode_packet(waiting(is_login_client=True).encode(verdict))
    assert message(reply) == "No" + verdict.explanation


def test_every_outcome_has_a_reply_with_a_name():
    assert set(REPLY_CODES) == set(LABELS) == set(OUTCOMES.values()) == set(Outcome)
    assert LABELS[Outcome.ACCEPT] == "Access-Accept"


@pytest.mark.parametrize("outcome", Outcome)
def test_a_verdict_comes_whole_to_another_worker(outcome):
    verdict = Verdict(outcome, Reason.DUO_DENIED, "Say more", "account", "a hint", STATE)
    assert verdict_record(verdict).verdict == verdict
