"""Whether a packet may be believed: Message-Authenticator on requests (RFC 3579 section 3.2, CVE-2024-3596)."""

import pytest

from gateway.engine import authenticity
from gateway.engine.authenticity import refuse_signature
from gateway.engine.nas import Nas
from gateway.radius.client import encode_attribute, sign_request
from gateway.radius.dictionary import EAP_MESSAGE, MESSAGE_AUTHENTICATOR, PROXY_STATE, Code
from gateway.radius.discards import DiscardReason
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.shared_secret import SharedSecret
from tests.engine.scene import AUTO, NO, SECRET, SOURCE, YES, Stage

RA = bytes(range(16))
USER = encode_attribute(1, b"alice")
PROXIED = USER + encode_attribute(PROXY_STATE, b"via proxy")
EAP = USER + encode_attribute(EAP_MESSAGE, b"\x02\x01\x00\x06\x01a")
REQUIREMENTS = [YES, NO, AUTO]


def nas(**section) -> Nas:
    return Stage(**section).nas


def refuse_packet(packet: Packet, client: Nas, source: str = SOURCE) -> DiscardReason | None:
    return authenticity.refuse_packet(packet, client, source)


def refuse(packet: Packet, client: Nas, source: str = SOURCE) -> DiscardReason | None:
    return refuse_packet(packet, client, source)


def unsigned(attributes: bytes = USER) -> Packet:
    return decode_packet(bytes([1, 1, 0, 20 + len(attributes)]) + RA + attributes)


def signed(attributes: bytes = USER, secret: SharedSecret = SECRET) -> Packet:
    return decode_packet(sign_request(Code.ACCESS_REQUEST, 1, RA, secret, attributes))


def signed_last(attributes: bytes = USER) -> Packet:
    """Message-Authenticator behind the other attributes, as most clients send it."""
    empty = encode_attribute(MESSAGE_AUTHENTICATOR, bytes(16))
    octets = bytes([1, 1, 0, 20 + len(attributes) + 18]) + RA + attributes + empty
    return decode_packet(octets[:-16] + SECRET.message_authenticator(octets))


@pytest.mark.parametrize("required", REQUIREMENTS)
def test_a_right_signature_is_always_enough(required):
    for packet in (signed(), signed(PROXIED), signed(EAP), signed_last(), signed_last(PROXIED)):
        assert refuse(packet, nas(require_message_authenticator=required)) is None


@pytest.mark.parametrize("required", REQUIREMENTS)
def test_a_wrong_signature_is_refused_even_where_none_is_needed(required):
    packet = signed(secret=SharedSecret(b"another"))
    reason = refuse(packet, nas(require_message_authenticator=required, limit_proxy_state=False))
    assert reason is DiscardReason.MESSAGE_AUTHENTICATOR_WRONG


@pytest.mark.parametrize("offset", [1, 4, 19, 22, -1])
def test_any_octet_that_was_changed_makes_the_signature_wrong(offset):
    octets = bytearray(signed().octets)
    octets[offset] ^= 1
    assert refuse(decode_packet(bytes(octets)), nas()) is DiscardReason.MESSAGE_AUTHENTICATOR_WRONG


@pytest.mark.parametrize("n_octets", [1, 15, 17])
def test_a_signature_of_another_size_is_malformed(n_octets):
    packet = unsigned(USER + encode_attribute(MESSAGE_AUTHENTICATOR, bytes(n_octets)))
    assert refuse(packet, nas()) is DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED


def test_an_empty_signature_is_malformed():
    packet = unsigned(USER + bytes([MESSAGE_AUTHENTICATOR, 2]))
    assert refuse(packet, nas()) is DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED


def test_two_signatures_are_malformed_even_if_one_is_right():
    packet = decode_packet(
        sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, USER + encode_attribute(MESSAGE_AUTHENTICATOR, bytes(16)))
    )
    assert refuse(packet, nas()) is DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED


@pytest.mark.parametrize(
    ("required", "reason"), [(YES, DiscardReason.MESSAGE_AUTHENTICATOR_MISSING), (NO, None), (AUTO, None)]
)
def test_an_unsigned_request_of_a_nas_that_never_signed(required, reason):
    assert refuse(unsigned(), nas(require_message_authenticator=required)) is reason


@pytest.mark.parametrize(
    ("required", "reason"), [(YES, DiscardReason.MESSAGE_AUTHENTICATOR_MISSING), (NO, None), (AUTO, None)]
)
def test_an_unsigned_request_of_an_address_that_has_signed(required, reason):
    """Behind it may be a proxy, NAT, or several programs: some sign, some do not."""
    client = nas(require_message_authenticator=required)
    assert refuse(signed(), client) is None
    assert refuse(unsigned(), client) is reason
    assert refuse(signed(), client) is None


@pytest.mark.parametrize("limit", [True, False])
@pytest.mark.parametrize("sign", [signed, lambda: signed(PROXIED), lambda: signed_last()])
def test_unsigned_proxy_state_of_an_address_that_has_signed_is_refused_whatever_the_limit(sign, limit):
    """Who strips the signature has to add Proxy-State, or nothing of the reply is in their hands."""
    client = nas(limit_proxy_state=limit)
    assert refuse(sign(), client) is None
    assert refuse(unsigned(PROXIED), client) is DiscardReason.MESSAGE_AUTHENTICATOR_MISSING


def test_an_empty_proxy_state_is_proxy_state():
    client = nas(limit_proxy_state=False)
    refuse(signed(), client)
    empty = unsigned(USER + bytes([PROXY_STATE, 2]))
    assert refuse(empty, client) is DiscardReason.MESSAGE_AUTHENTICATOR_MISSING


def test_where_signatures_are_not_required_nothing_is_learnt_of_proxy_state():
    client = nas(require_message_authenticator=NO, limit_proxy_state=False)
    refuse(signed(), client)
    assert refuse(unsigned(PROXIED), client) is None


def test_signed_eap_says_nothing_of_other_requests_but_that_the_secret_is_right():
    """RFC 3579 section 3.1 has EAP signed, by clients that sign nothing else."""
    client = nas(limit_proxy_state=False)
    assert refuse(signed(EAP), client) is None
    assert (client.has_signed(SOURCE), client.is_proven(SOURCE)) == (False, True)
    assert refuse(unsigned(), client) is None
    assert refuse(unsigned(PROXIED), client) is None


def test_a_wrong_signature_does_not_prove_that_the_nas_signs():
    """Else one forged packet would shut out a proxy that does not sign."""
    client = nas(limit_proxy_state=False)
    refuse(signed(secret=SharedSecret(b"another")), client)
    assert (client.has_signed(SOURCE), client.is_proven(SOURCE)) == (False, False)
    assert refuse(unsigned(PROXIED), client) is None


def test_a_right_signature_proves_the_shared_secret_too():
    client = nas()
    refuse(signed(), client)
    assert (client.has_signed(SOURCE), client.is_proven(SOURCE)) == (True, True)


def test_one_nas_that_signs_binds_no_other():
    stage = Stage(limit_proxy_state=False)
    other = Nas("radius_ip_2", stage.section, SECRET)
    refuse(signed(), stage.nas)
    assert refuse(unsigned(PROXIED), other) is None


def test_one_address_of_a_network_that_signs_binds_no_other():
    """A `radius_ip_N` may be a network, in which some clients sign and some do not."""
    client = nas(limit_proxy_state=False)
    refuse_packet(signed(), client, "192.0.2.1")
    assert refuse_packet(unsigned(PROXIED), client, "192.0.2.2") is None
    assert refuse_packet(unsigned(PROXIED), client, "192.0.2.1") is DiscardReason.MESSAGE_AUTHENTICATOR_MISSING


def test_a_signed_status_server_does_not_say_that_access_requests_are_signed():
    """RFC 5997 section 3 has every Status-Server signed, by clients that sign nothing else."""
    client = nas(limit_proxy_state=False)
    assert refuse_signature(decode_packet(sign_request(Code.STATUS_SERVER, 1, RA, SECRET, b"")), client) is None
    assert refuse_packet(unsigned(PROXIED), client) is None


@pytest.mark.parametrize(("limit", "reason"), [(True, DiscardReason.PROXY_STATE_UNAUTHENTICATED), (False, None)])
@pytest.mark.parametrize("required", [NO, AUTO])
def test_unsigned_proxy_state_is_what_an_attacker_works_with(required, limit, reason):
    assert refuse(unsigned(PROXIED), nas(require_message_authenticator=required, limit_proxy_state=limit)) is reason


def test_where_signing_is_required_the_missing_signature_is_the_reason():
    assert (
        refuse(unsigned(PROXIED), nas(require_message_authenticator=YES)) is DiscardReason.MESSAGE_AUTHENTICATOR_MISSING
    )


@pytest.mark.parametrize("required", REQUIREMENTS)
def test_unsigned_eap_is_refused_whatever_the_section_says(required):
    reason = refuse(unsigned(EAP), nas(require_message_authenticator=required, limit_proxy_state=False))
    assert reason is DiscardReason.EAP_UNAUTHENTICATED


def test_a_status_server_must_be_signed_whatever_the_section_says():
    """RFC 5997 section 3."""
    client = nas(require_message_authenticator=NO)
    assert refuse_signature(unsigned(b""), client) is DiscardReason.MESSAGE_AUTHENTICATOR_MISSING
    assert refuse_signature(decode_packet(sign_request(Code.STATUS_SERVER, 1, RA, SECRET, b"")), client) is None
