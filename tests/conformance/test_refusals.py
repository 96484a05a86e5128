"""Accounting, CoA and other packets that an authentication port does not serve."""

import hashlib
import hmac

import pytest

from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import Code
from tests.conformance.wire import attribute, discard_reason, plain, sent, signed
from tests.engine.scene import Stage

ACCOUNTING_REQUEST, DISCONNECT_REQUEST, COA_REQUEST, PROTOCOL_ERROR = 4, 40, 43, 52


def self_signed(code: int, attributes: bytes = b"") -> bytes:
    """A request whose Request Authenticator is the MD5 of the packet and the secret, as accounting's and CoA's."""
    draft = plain(encode_attribute(40, bytes((0, 0, 0, 1))) + attributes, code=code, authenticator=bytes(16))
    return draft[:4] + hashlib.md5(draft + b"a shared secret").digest() + draft[20:]


def test_O1_a_valid_accounting_request_is_discarded():
    """RFC 2866 sections 3 and 4.1: this is an authentication port."""
    stage = Stage()
    stage.receive(self_signed(ACCOUNTING_REQUEST))
    assert discard_reason(stage) == "unexpected_code"


def test_U5_an_accounting_request_with_a_wrong_authenticator_is_discarded():
    """RFC 5080 section 2.3.3: all zeros included."""
    stage = Stage()
    stage.receive(plain(code=ACCOUNTING_REQUEST, authenticator=bytes(16)))
    assert discard_reason(stage) == "unexpected_code"


def test_O1_a_valid_accounting_request_is_acknowledged_where_the_section_says_so():
    """RFC 2866 sections 4.1 and 4.2: Proxy-State is returned, and the Response Authenticator made as in replies."""
    stage = Stage(acknowledges_accounting=True)
    proxy_state = encode_attribute(33, b"one") + encode_attribute(33, b"two")
    request = self_signed(ACCOUNTING_REQUEST, proxy_state)
    (reply,) = sent(stage.receive(request))
    assert reply[:4] == bytes((5, 1, 0, 20 + len(proxy_state)))
    assert reply[20:] == proxy_state
    assert reply[4:20] == hashlib.md5(reply[:4] + request[4:20] + reply[20:] + b"a shared secret").digest()
    assert len(stage.effects) == 1


@pytest.mark.parametrize(
    "request_octets",
    [
        plain(code=ACCOUNTING_REQUEST, authenticator=bytes(16)),
        self_signed(ACCOUNTING_REQUEST)[:-1] + b"\x02",
        signed(code=Code.ACCOUNTING_REQUEST),
    ],
    ids=["zeros", "changed", "as an Access-Request"],
)
def test_U5_where_accounting_is_acknowledged_a_wrong_authenticator_has_a_reason_of_its_own(request_octets):
    """RFC 5080 section 2.3.3."""
    stage = Stage(acknowledges_accounting=True)
    stage.receive(request_octets)
    assert discard_reason(stage) == "accounting_authenticator_wrong"


def test_U3_the_message_authenticator_of_accounting_is_made_over_a_zero_authenticator():
    """RFC 3579 section 3.2, as FreeRADIUS and pyrad have it; the response has one, too, then."""
    stage = Stage(acknowledges_accounting=True)
    empty = attribute(80, bytes(16))
    draft = plain(empty + encode_attribute(40, b"\0\0\0\1"), code=ACCOUNTING_REQUEST, authenticator=bytes(16))
    octets = draft[:22] + hmac.digest(b"a shared secret", draft, "md5") + draft[38:]
    octets = octets[:4] + hashlib.md5(octets + b"a shared secret").digest() + octets[20:]
    (reply,) = sent(stage.receive(octets))
    zeroed = reply[:4] + bytes(16) + empty
    assert reply[20:] == empty[:2] + hmac.digest(b"a shared secret", zeroed, "md5")
    forged_octets = draft[:22] + bytes(16) + draft[38:]
    forged_octets = forged_octets[:4] + hashlib.md5(forged_octets + b"a shared secret").digest() + forged_octets[20:]
    assert not sent(stage.receive(forged_octets))
    assert discard_reason(stage) == "message_authenticator_wrong"


@pytest.mark.parametrize("code", [DISCONNECT_REQUEST, COA_REQUEST])
def test_O2_coa_and_disconnect_requests_are_discarded(code):
    """RFC 5176 section 2.3: no port is configured for them."""
    stage = Stage()
    stage.receive(self_signed(code))
    assert discard_reason(stage) == "unexpected_code"


def test_O3_no_protocol_error_is_sent_for_what_cannot_be_decoded():
    """RFC 7930 section 4: off, as UDP demands by default."""
    stage = Stage()
    stage.receive(signed(bytes((25, 1))))
    assert discard_reason(stage) == "attribute_length"


def test_O3_a_protocol_error_is_discarded():
    """RFC 7930 section 4: the gateway has asked nobody."""
    stage = Stage()
    stage.receive(plain(code=PROTOCOL_ERROR))
    assert discard_reason(stage) == "unexpected_code"
