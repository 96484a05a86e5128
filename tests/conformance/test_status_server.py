"""Status-Server: is the gateway alive?"""

import pytest

from gateway.engine.nas import MAX_STATUS_A_SECOND
from gateway.radius.client import encode_attribute, verify_reply
from gateway.radius.dictionary import (
    CHAP_PASSWORD,
    EAP_MESSAGE,
    MESSAGE_AUTHENTICATOR,
    NAS_IDENTIFIER,
    NAS_IP_ADDRESS,
    PROXY_STATE,
    STATE,
    USER_NAME,
    Code,
)
from gateway.radius.packet import decode_packet
from tests.conformance.wire import (
    RA,
    accept,
    asked,
    attribute,
    discard_reason,
    finished,
    forged,
    pap,
    plain,
    sent,
    signed,
)
from tests.engine.scene import AUTO, NO, SECRET, YES, Stage


def status(attributes: bytes = b"", *, identifier: int = 1) -> bytes:
    """A Status-Server."""
    return signed(attributes, code=Code.STATUS_SERVER, identifier=identifier)


@pytest.mark.parametrize("require", [YES, NO, AUTO])
@pytest.mark.parametrize(
    ("request_octets", "reason"),
    [
        (plain(code=12), "message_authenticator_missing"),
        (forged(status()), "message_authenticator_wrong"),
        (plain(attribute(MESSAGE_AUTHENTICATOR, bytes(15)), code=12), "message_authenticator_malformed"),
        (status(attribute(MESSAGE_AUTHENTICATOR, bytes(16))), "message_authenticator_malformed"),
    ],
    ids=["missing", "wrong", "short", "twice"],
)
def test_T1_a_status_server_without_valid_message_authenticator_is_discarded(request_octets, reason, require):
    """RFC 5997 section 3."""
    stage = Stage(require_message_authenticator=require)
    stage.receive(request_octets)
    assert discard_reason(stage) == reason


def test_T2_the_answer_on_an_authentication_port_is_access_accept():
    """RFC 5997 section 4.2."""
    (reply,) = sent(Stage().receive(status(), now=1.0))
    assert verify_reply(reply, RA, SECRET).code == Code.ACCESS_ACCEPT


@pytest.mark.parametrize(
    "attributes",
    [
        pap(),
        encode_attribute(USER_NAME, b"a\nb") * 2,
        encode_attribute(EAP_MESSAGE, b"eap"),
        encode_attribute(CHAP_PASSWORD, bytes(17)) + pap(),
        encode_attribute(STATE, b"state"),
        encode_attribute(NAS_IP_ADDRESS, bytes(4)) + encode_attribute(NAS_IDENTIFIER, b"nas"),
    ],
)
def test_T3_a_status_server_runs_no_authentication_whatever_it_holds(attributes):
    """RFC 5997 sections 3 and 4.2: no question to Duo, no login, no delay."""
    stage = Stage(reject_delay_s=1.0)
    effects = stage.receive(status(attributes))
    assert [reply[0] for reply in sent(effects)] == [Code.ACCESS_ACCEPT]
    assert len(effects) == 1
    assert stage.engine.next_timer is None
    assert stage.engine.is_idle


def test_T3_a_status_server_is_answered_while_the_gateway_is_full():
    """RFC 5997 section 4.2: it is alive."""
    stage = Stage(max_pending=1)
    stage.receive(signed(pap(b"push")))
    assert sent(stage.receive(status(identifier=2)))


def test_T4_status_server_is_answered_by_default():
    """RFC 5997 section 4.2."""
    assert sent(Stage().receive(status()))


def test_T4_status_server_can_be_switched_off():
    """RFC 5997 section 4.2."""
    stage = Stage(status_server=False)
    stage.receive(status())
    assert discard_reason(stage) == "status_refused"


def test_T5_so_many_a_second_are_answered_and_no_more():
    """RFC 5997 section 4.2."""
    stage = Stage()
    answered = [bool(sent(stage.receive(status(identifier=number % 256), now=5.0))) for number in range(60)]
    assert answered == [True] * MAX_STATUS_A_SECOND + [False] * 10
    assert sent(stage.receive(status(), now=6.0))


def test_T7_a_status_server_is_no_login_in_any_count():
    """RFC 5997 section 5: the counters of RFC 4669 do not move."""
    stage = Stage()
    assert finished(stage.receive(status())) == []
    assert stage.engine.n_pending == 0
    assert stage.discards == {}


def test_T8_each_status_server_is_answered_anew_without_a_cache():
    """RFC 5997 section 4.1: and its Identifier does not get in the way of a login's."""
    stage = Stage()
    (question,) = asked(stage.receive(signed(pap())))
    assert len(sent(stage.receive(status()))) == len(sent(stage.receive(status()))) == 1
    assert stage.receive(signed(pap())) == []
    assert not question.pending.transactions[0].is_superseded
    assert accept(stage, signed(pap(b"654321"), identifier=2))


def test_T9_the_answer_holds_message_authenticator_first_and_proxy_state():
    """RFC 5997 section 6.3; draft-ietf-radext-deprecating-radius, Status-Server."""
    proxy_state = encode_attribute(PROXY_STATE, b"state of a proxy")
    (reply,) = sent(Stage().receive(status(proxy_state)))
    assert reply[20:22] == bytes((MESSAGE_AUTHENTICATOR, 18))
    assert decode_packet(reply).octets[38:] == proxy_state
