"""Message-Authenticator and the measures against CVE-2024-3596 (BlastRADIUS)."""

import pytest

from gateway.engine.discard_notices import (
    Notice,
    UnsignedNas,
)
from gateway.engine.effects import Effect, PutQuestion
from gateway.engine.rules import RequireMessageAuthenticator
from gateway.radius.client import encode_access_request, encode_attribute, verify_reply
from gateway.radius.dictionary import EAP_MESSAGE, MESSAGE_AUTHENTICATOR, PROXY_STATE, USER_NAME, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import SignaturePosition, encode_reply
from gateway.worker.reports import notice_line
from tests.config.files import MINIMAL, SERVER, parse
from tests.conformance.wire import (
    ALICE,
    RA,
    accept,
    asked,
    attribute,
    decide,
    discard_reason,
    forged,
    pap,
    plain,
    reject_reason,
    sent,
    signed,
)
from tests.engine.scene import AUTO, DENIED, GO_ON, NO, SECRET, YES, Stage

PROXIED = encode_attribute(PROXY_STATE, b"state of a proxy")
EAP = encode_attribute(EAP_MESSAGE, b"\x02\x01\x00\x0a\x01alice")
FIRST = bytes((MESSAGE_AUTHENTICATOR, 18))
EVERY_POLICY = [(require, limit) for require in (YES, NO, AUTO) for limit in (True, False)]


@pytest.mark.parametrize("code", [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE])
@pytest.mark.parametrize("make", [signed, plain])
def test_M1_message_authenticator_is_the_first_attribute_of_every_reply(code, make):
    """draft-ietf-radext-deprecating-radius, Server Responses: whether or not the request had one."""
    reply = encode_reply(code, decode_packet(make(PROXIED + pap())), SECRET, "text")
    assert reply[20:22] == FIRST
    assert verify_reply(reply, RA, SECRET).code == code


@pytest.mark.parametrize("make", [signed, plain])
def test_M1_every_answer_of_the_engine_begins_with_message_authenticator(make):
    """draft-ietf-radext-deprecating-radius, Server Responses."""
    assert accept(Stage(), make(pap()))[20:22] == FIRST
    stage = Stage()
    (question,) = asked(stage.receive(make(pap())))
    assert decide(stage, question, DENIED)
    (reply,) = sent(stage.effects)
    assert reply[20:22] == FIRST
    stage.receive(make(ALICE, identifier=2))
    assert sent(stage.effects)[0][20:22] == FIRST


@pytest.mark.parametrize(("require", "limit"), EVERY_POLICY)
def test_M2_no_setting_leaves_message_authenticator_out_of_replies(require, limit):
    """draft-ietf-radext-deprecating-radius, Server Responses: but for one client, see below."""
    stage = Stage(require_message_authenticator=require, limit_proxy_state=limit)
    assert accept(stage, signed(pap()))[20:22] == FIRST


@pytest.mark.parametrize("make", [signed, plain])
@pytest.mark.parametrize("place", SignaturePosition)
def test_M2_for_one_client_it_may_stand_last_or_be_left_out_if_its_request_has_none(place, make):
    """draft-ietf-radext-deprecating-radius, Server Responses: MIT krb5's libkrad refuses every reply that has one."""
    stage = Stage()
    stage.nas.signature_position = place
    reply = decode_packet(accept(stage, make(pap())))
    offsets = {
        SignaturePosition.FIRST: 20,
        SignaturePosition.LAST: len(reply.octets) - 18,
        SignaturePosition.IF_ASKED: None,
    }
    expected = 20 if make is signed and place is SignaturePosition.IF_ASKED else offsets[place]
    assert reply.offset(MESSAGE_AUTHENTICATOR) == expected
    as_sent = reply.octets[:4] + RA + reply.octets[20:]
    assert SECRET.response_authenticator(as_sent) == reply.authenticator
    assert SECRET.has_signed(decode_packet(as_sent)) is (expected is not None)


def test_M2_what_leaves_it_out_is_warned_about():
    """draft-ietf-radext-deprecating-radius, Server Responses."""
    _, (problem,) = parse(MINIMAL + "message_authenticator_in_replies_1=if_asked\n")
    assert (problem.is_error, "CVE-2024-3596" in problem.text) == (False, True)


@pytest.mark.parametrize(("require", "limit"), EVERY_POLICY)
def test_M3_a_wrong_message_authenticator_is_discarded_in_every_configuration(require, limit):
    """RFC 3579 section 3.2."""
    stage = Stage(require_message_authenticator=require, limit_proxy_state=limit)
    stage.receive(forged(signed(pap())))
    assert discard_reason(stage) == "message_authenticator_wrong"


@pytest.mark.parametrize("n_before", range(4))
def test_M4_the_place_of_message_authenticator_means_nothing_on_reception(n_before):
    """draft-ietf-radext-deprecating-radius, Servers and Access-Request."""
    others = [encode_attribute(USER_NAME, b"alice"), pap()[7:], PROXIED]
    attributes = b"".join((*others[:n_before], FIRST + bytes(16), *others[n_before:]))
    zeroed = plain(attributes)
    start = 22 + sum(map(len, others[:n_before]))
    request = zeroed[:start] + SECRET.message_authenticator(zeroed) + zeroed[start + 16 :]
    assert accept(Stage(require_message_authenticator=YES), request)


def test_M5_two_message_authenticators_are_discarded():
    """RFC 3579 section 3.3: even when the first is right."""
    stage = Stage()
    stage.receive(signed(pap() + FIRST + bytes(16)))
    assert discard_reason(stage) == "message_authenticator_malformed"


@pytest.mark.parametrize("size", [0, 1, 15, 17, 253])
def test_M5_a_message_authenticator_of_another_length_is_discarded(size):
    """RFC 3579 section 3.2."""
    stage = Stage(require_message_authenticator=NO)
    stage.receive(plain(pap() + attribute(MESSAGE_AUTHENTICATOR, bytes(size))))
    assert discard_reason(stage) == "message_authenticator_malformed"


@pytest.mark.parametrize(("require", "limit"), EVERY_POLICY)
@pytest.mark.parametrize("eap", [EAP, attribute(EAP_MESSAGE)])
def test_M6_eap_without_message_authenticator_is_discarded(eap, require, limit):
    """RFC 3579 section 3.1: an empty EAP-Message is EAP-Start."""
    stage = Stage(require_message_authenticator=require, limit_proxy_state=limit)
    stage.receive(plain(ALICE + eap))
    assert discard_reason(stage) == "eap_unauthenticated"


def test_M7_unsigned_requests_are_discarded_where_signatures_are_required():
    """draft-ietf-radext-deprecating-radius, New Configuration Flags."""
    stage = Stage(require_message_authenticator=YES)
    stage.receive(plain(pap()))
    assert discard_reason(stage) == "message_authenticator_missing"


def test_M7_unsigned_requests_are_taken_where_the_administrator_says_so():
    """draft-ietf-radext-deprecating-radius, New Configuration Flags: legacy clients."""
    stage = Stage(require_message_authenticator=NO)
    assert accept(stage, signed(pap()))
    assert accept(stage, plain(pap(b"654321"), identifier=2))


def test_M7_auto_requires_signatures_of_proxy_state_where_the_address_has_signed():
    """draft-ietf-radext-deprecating-radius, New Configuration Flags: behind one address may be many clients."""
    stage = Stage(require_message_authenticator=AUTO, limit_proxy_state=False)
    assert accept(stage, plain(pap() + PROXIED))
    assert accept(stage, signed(pap(b"654321"), identifier=2))
    assert accept(stage, plain(pap(), identifier=3))
    stage.receive(plain(pap() + PROXIED, identifier=4))
    assert discard_reason(stage) == "message_authenticator_missing"


@pytest.mark.parametrize("others", [forged(signed(pap())), signed(ALICE + EAP), signed(code=Code.STATUS_SERVER)])
def test_M7_what_says_nothing_of_a_clients_habit_obliges_nobody(others):
    """RFC 3579 section 3.1 and RFC 5997 section 3 have EAP and Status-Server signed, by whom else signs nothing."""
    stage = Stage(require_message_authenticator=AUTO, limit_proxy_state=False)
    stage.receive(others)
    assert accept(stage, plain(pap() + PROXIED, identifier=2))


@pytest.mark.parametrize("limit", [True, False])
def test_M7_who_strips_a_signature_and_adds_proxy_state_gets_nothing_to_turn(limit):
    """CVE-2024-3596, played: the attacker is on the way, has the request of a client that signs, and gathers what the
    gateway answers to it. To turn a reject into an accept it takes a reply with octets of the attacker's choice.
    """
    stage = Stage(require_message_authenticator=AUTO, limit_proxy_state=limit, reject_delay_s=0.0)
    accept(stage, signed(pap()))  # another day
    caught = decode_packet(signed(pap(b"999999"), identifier=2))
    stripped = plain(caught.octets[38:], identifier=2)
    chosen = b"prefix of a collision" * 10
    for n_states in (1, 2, 10):
        states = encode_attribute(PROXY_STATE, chosen) * n_states
        assert not sent(stage.receive(plain(stripped[20:] + states, identifier=2)))
    (question,) = asked(stage.receive(stripped))
    (reply,) = sent(decide(stage, question, DENIED))
    assert reply[20:22] == FIRST
    assert decode_packet(reply).value(PROXY_STATE) is None


def test_M8_unsigned_requests_with_proxy_state_are_discarded():
    """draft-ietf-radext-deprecating-radius, Updated Servers and Legacy Clients."""
    stage = Stage(require_message_authenticator=NO, limit_proxy_state=True)
    assert accept(stage, plain(pap()))
    stage.receive(plain(pap() + PROXIED, identifier=2))
    assert discard_reason(stage) == "proxy_state_unauthenticated"


def test_M8_signed_requests_with_proxy_state_are_taken():
    """draft-ietf-radext-deprecating-radius, Updated Servers and Legacy Clients."""
    assert accept(Stage(require_message_authenticator=NO, limit_proxy_state=True), signed(pap() + PROXIED))


def test_M8_the_limit_counts_only_where_signatures_are_not_required():
    """draft-ietf-radext-deprecating-radius, Updated Servers and Legacy Clients."""
    stage = Stage(require_message_authenticator=YES, limit_proxy_state=False)
    stage.receive(plain(pap() + PROXIED))
    assert discard_reason(stage) == "message_authenticator_missing"
    assert accept(Stage(require_message_authenticator=NO, limit_proxy_state=False), plain(pap() + PROXIED))


def test_M9_both_settings_hold_for_all_sections_and_the_section_s_own_win():
    """draft-ietf-radext-deprecating-radius, New Configuration Flags."""
    for_all = "[main]\nrequire_message_authenticator=yes\nlimit_proxy_state=no\n"
    own = f"[radius_server_duo_only2]\n{SERVER.replace('10.0.1.10', '10.0.1.11')}"
    settings, _ = parse(f"{for_all}{MINIMAL}{own}require_message_authenticator=no\nlimit_proxy_state=yes\n")
    rules = [(server.require_message_authenticator, server.limit_proxy_state) for server in settings.servers]
    assert rules == [(RequireMessageAuthenticator.YES, False), (RequireMessageAuthenticator.NO, True)]


@pytest.mark.parametrize("require", [YES, NO])
def test_M11_what_was_discarded_is_logged_once_an_interval_with_the_client_and_the_key_to_change(require):
    """draft-ietf-radext-deprecating-radius, New Configuration Flags."""
    stage = Stage(require_message_authenticator=require)
    lines = [stage.receive(plain(pap() + PROXIED), now=second) for second in range(60)]
    assert sum(map(len, lines)) == 1
    (notice,) = lines[0]
    assert isinstance(notice, Notice)
    text, fields = notice_line(notice, "0.0.0.0:1812")
    assert ("require_message_authenticator" if require is YES else "limit_proxy_state") in text
    assert fields["client"] == "radius_ip_1"


def test_M11_a_client_that_does_not_sign_is_named_once_a_day():
    """draft-ietf-radext-deprecating-radius, New Configuration Flags: who is silent here may be made to sign."""
    stage = Stage(require_message_authenticator=AUTO)
    days = [stage.receive(plain(pap(), identifier=hour), now=3600.0 * hour) for hour in range(48)]
    assert [sum(isinstance(effect, UnsignedNas) for effect in day) for day in days] == ([1] + [0] * 23) * 2
    assert not [effect for effect in Stage().receive(signed(pap())) if isinstance(effect, UnsignedNas)]


@pytest.mark.parametrize("require", [YES, NO])
def test_M12_a_packet_that_failed_is_not_answered(require):
    """draft-ietf-radext-deprecating-radius: there is no debugging answer."""
    stage = Stage(require_message_authenticator=require)
    for identifier in range(20):
        assert not sent(stage.receive(plain(pap() + PROXIED, identifier=identifier)))


@pytest.mark.parametrize("answer", [None, DENIED])
def test_M13_a_reply_to_an_unsigned_request_reflects_nothing_but_proxy_state(answer):
    """draft-ietf-radext-deprecating-radius: an attacker must not choose octets of a reply."""
    chosen = [b"chosen-by-the-client-%d" % number for number in range(8)]
    attributes = pap(chosen[0], user=chosen[1]) + b"".join(
        encode_attribute(kind, value) for kind, value in zip((25, 31, 32, 11, 18, 26), chosen[2:], strict=True)
    )
    stage = Stage(require_message_authenticator=NO, policy={"automatic": answer is not None})
    (question,) = asked(stage.receive(plain(attributes)))
    (reply,) = sent(decide(stage, question, answer)) if answer else sent(decide_by_us(stage, question))
    assert b"chosen" not in reply


def decide_by_us(stage: Stage, question: PutQuestion) -> list[Effect]:
    """Let a login end with our own text: what was typed names no factor."""
    stage.effects = stage.engine.answered(question.pending, GO_ON, 0.0)
    return stage.effects


def test_M14_radgate_login_signs_its_request_first_of_all():
    """draft-ietf-radext-deprecating-radius, Clients and Access-Request."""
    request = decode_packet(encode_access_request(1, RA, SECRET, b"alice", b"push"))
    assert request.octets[20:22] == FIRST
    assert SECRET.has_signed(request)


def test_M15_radgate_login_refuses_a_reply_without_message_authenticator():
    """draft-ietf-radext-deprecating-radius, Clients Receiving Responses."""
    as_sent = bytes((2, 1, 0, 20)) + RA
    unsigned = as_sent[:4] + SECRET.response_authenticator(as_sent)
    with pytest.raises(ValueError, match="Message-Authenticator"):
        verify_reply(unsigned, RA, SECRET)


def test_M6_eap_with_message_authenticator_is_rejected_not_discarded():
    """RFC 3579 section 3.1."""
    stage = Stage()
    stage.receive(signed(ALICE + EAP))
    assert reject_reason(stage) == "unsupported_credentials"
