"""Accounting, CoA and other packets that an authentication port does not serve."""

import hashlib

import pytest

from gateway.radius.client import encode_attribute
from tests.conformance.wire import discard_reason, plain, signed
from tests.engine.scene import Stage

ACCOUNTING_REQUEST, DISCONNECT_REQUEST, COA_REQUEST, PROTOCOL_ERROR = 4, 40, 43, 52


def self_signed(code: int) -> bytes:
    """A request whose Request Authenticator is the MD5 of the packet and the secret, as accounting's and CoA's."""
    draft = plain(encode_attribute(40, bytes((0, 0, 0, 1))), code=code, authenticator=bytes(16))
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
