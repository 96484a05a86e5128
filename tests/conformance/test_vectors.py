"""Every vector against the codec and the engine; `test_vectors_on_the_wire.py` sends the same to a running gateway."""

from typing import Any

import pytest

from gateway.engine.effects import Finished
from gateway.radius.discards import DecodeError
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from tests.conformance.wire import asked, decide, sent
from tests.engine.scene import REQUIRED, Stage
from tests.vectors import load, octets

REQUESTS, RESPONSES = load("requests"), load("responses")
PUBLISHED = load("rfc2865-section7") + load("rfc5997-section6")


CHOICES = {  # where a vector leaves the choice
    "many-attributes": "discard",  # more than the cap
    "user-name-with-nul-and-newline": "process",  # what stands behind the NUL is no part of the name
}


def expected_disposition(vector: dict[str, Any]) -> str:
    """What the vector demands, or which of the outcomes that it permits is ours."""
    choice = CHOICES.get(vector["name"])
    assert choice is None or choice in vector["also_acceptable"]
    return choice or str(vector["expected"]["disposition"])


def name(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def stage_for(vector: dict[str, Any], **section: Any) -> Stage:
    """A stage whose client has the vector's secret."""
    stage = Stage(coalesce=False, policy={"automatic": True}, **section)
    stage.nas.shared_secret = SharedSecret(octets(vector, "secret_hex"))
    return stage


def disposition(stage: Stage) -> str:
    """What became of the last datagram, in the words of the vectors."""
    codes = [reply[0] for reply in sent(stage.effects)]
    if asked(stage.effects):
        return "process"
    if not codes:
        return "discard"
    is_login = any(isinstance(effect, Finished) for effect in stage.effects)
    return {(2, False): "status", (3, True): "reject"}[codes[0], is_login]


def disposition_of_exchange(vector: dict[str, Any]) -> str:
    """How a gateway that takes PAP alone and never challenges treats a published request."""
    types = {attribute["type"] for attribute in vector["expected"]["request"]["attributes"]}
    if vector["expected"]["request"]["code"] == 12:
        return "status"
    return "reject" if types & {3, 24} else "process"


@pytest.mark.parametrize("vector", REQUESTS + RESPONSES + PUBLISHED, ids=name)
def test_A1_requests_decode_as_the_vectors_say(vector: dict[str, Any]):
    """RFC 2865 sections 3 and 5."""
    datagram, expected = octets(vector, "request_hex"), vector["expected"]
    if "parse_error" in expected or CHOICES.get(vector["name"]) == "discard":
        with pytest.raises(DecodeError):
            decode_packet(datagram)
        return
    packet, header = decode_packet(datagram), expected["request"]
    assert (packet.code, packet.identifier) == (header["code"], header["identifier"])
    assert (len(packet.octets), packet.authenticator.hex()) == (header["length"], header["authenticator"])
    values: dict[int, list[str]] = {}
    for attribute in header.get("attributes", []):
        values.setdefault(attribute["type"], []).append(attribute["hex"])
    assert {kind: [value.hex() for value in packet.values(kind)] for kind in values} == values


@pytest.mark.parametrize("vector", REQUESTS, ids=name)
def test_C1_requests_end_in_the_engine_as_the_vectors_say(vector):
    """Process, reject, discard or status, under the policy that the vector names."""
    policy = vector["policy"]
    stage = stage_for(
        vector,
        require_message_authenticator=REQUIRED[policy["require_message_authenticator"]],
        limit_proxy_state=policy["limit_proxy_state"],
    )
    stage.receive(octets(vector, "request_hex"))
    assert disposition(stage) == expected_disposition(vector)


@pytest.mark.parametrize("vector", PUBLISHED + RESPONSES, ids=name)
def test_P10_published_exchanges_end_in_the_engine_as_a_pap_gateway_must(vector):
    """RFC 2865 section 7, RFC 5997 section 6: CHAP and the continuation of a challenge are rejected."""
    stage = stage_for(vector)
    stage.receive(octets(vector, "request_hex"))
    assert disposition(stage) == disposition_of_exchange(vector)


@pytest.mark.parametrize("vector", load("sequences"), ids=name)
def test_D5_sequences_run_as_the_vectors_say(vector):
    """RFC 5080 section 2.2.2."""
    stage, questions, replies = stage_for(vector), [], {}
    for step in vector["steps"]:
        now = step.get("at_s", 0.0)
        if "datagram_hex" in step:
            stage.receive(octets(step, "datagram_hex"), now=now, port=step["source_port"])
            questions += asked(stage.effects)
        else:
            verdict, _, which = step["backend"].partition(" ")
            assert verdict == "accept"
            decide(stage, questions[int(which or 0) - 1], now=now)
        check(step["expect"], stage, replies)
    assert len(questions) == vector.get("backend_calls", len(questions))


def check(expect: str, stage: Stage, replies: dict[str, bytes]) -> None:
    """Hold the last effects against a step's words; `replies` remembers the octets of "reply R"."""
    octets_sent = sent(stage.effects)
    if expect.startswith("silence"):
        assert not octets_sent
        assert not asked(stage.effects)
    elif "backend call" in expect or expect.startswith("new request"):
        assert not octets_sent
        assert len(asked(stage.effects)) == 1
    elif expect.startswith("byte-identical "):
        assert octets_sent == [replies[expect.removeprefix("byte-identical ")]]
    else:
        assert [reply[0] for reply in octets_sent] == [2]
        replies[expect] = octets_sent[0]
