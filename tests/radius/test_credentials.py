"""With what a request proves its user, and what of it goes on."""

import re

import pytest

from gateway.radius.attributes import AttributeKind, encode
from gateway.radius.credentials import Credential, credential_attributes, credential_of, has_own_name, refusal_of
from gateway.radius.packet import MAX_HELD, Packet, decode_packet

PAP, CHAP_PASSWORD, CHAP_CHALLENGE, EAP = (AttributeKind(0, kind) for kind in (2, 3, 60, 79))
MS_CHAP_CHALLENGE, MS_CHAP2_RESPONSE, MS_CHAP2_CPW, NT_ENC_PW = (AttributeKind(311, kind) for kind in (11, 25, 27, 6))
AUTHENTICATOR = bytes(range(16))
START = bytes((79, 2))


def request(*attributes: tuple[AttributeKind, bytes]) -> Packet:
    encoded = b"".join(encode(*each) for each in attributes)
    return decode_packet(b"\x01\x07" + (20 + len(encoded)).to_bytes(2, "big") + AUTHENTICATOR + encoded)


@pytest.mark.parametrize(
    ("kinds", "credential"),
    [
        ((), Credential.NONE),
        ((PAP,), Credential.PAP),
        ((CHAP_PASSWORD, CHAP_CHALLENGE), Credential.CHAP),
        ((MS_CHAP_CHALLENGE, MS_CHAP2_RESPONSE), Credential.MS_CHAP),
        ((MS_CHAP2_CPW, NT_ENC_PW), Credential.MS_CHAP),
        ((MS_CHAP_CHALLENGE,), Credential.NONE),
        ((EAP,), Credential.EAP),
        ((PAP, CHAP_PASSWORD), Credential.SEVERAL),
        ((EAP, MS_CHAP2_RESPONSE), Credential.SEVERAL),
    ],
)
def test_a_credential_is_told_by_its_attributes(kinds, credential):
    assert credential_of(request(*((kind, bytes(16)) for kind in kinds))) is credential


@pytest.mark.parametrize(
    ("attributes", "credential", "goes_on"),
    [
        (START, Credential.EAP_START, START),
        (START * 2, Credential.EAP_START, START),
        (START + encode(EAP, b"1"), Credential.EAP, encode(EAP, b"1")),
        (START + encode(MS_CHAP2_RESPONSE, b"r"), Credential.MS_CHAP, encode(MS_CHAP2_RESPONSE, b"r")),
        (START + encode(PAP, bytes(16)), Credential.PAP, b""),
    ],
)
def test_an_eap_message_without_octets_begins_eap_where_nothing_else_is_there(attributes, credential, goes_on):
    packet = decode_packet(b"\x01\x07" + (20 + len(attributes)).to_bytes(2, "big") + AUTHENTICATOR + attributes)
    assert credential_of(packet) is credential
    assert credential_attributes(packet) == goes_on


@pytest.mark.parametrize(
    ("pieces", "has"),
    [
        ([], False),
        ([b"\2\1\0\6\4\0"], False),
        ([b"\2\1\0\6", b"\x1a\0"], False),
        ([b"\2\1\0\6\x19\0"], True),
        ([b"\2", b"\1\0\6\x15\0"], True),
        ([b"\2\1\0\x0c\xfe\0\0\0\0\0\0\x04"], True),  # MD5-Challenge, expanded: nobody writes it so
        ([b"\2\1\0\4"], True),
    ],
)
def test_eap_has_its_own_name_where_it_is_not_known_to_have_none(pieces, has):
    assert has_own_name(request(*((EAP, piece) for piece in pieces))) is has


def test_ms_chap_and_eap_go_on_as_they_stood_and_a_password_does_not():
    attributes = [(MS_CHAP_CHALLENGE, b"c"), (MS_CHAP2_RESPONSE, b"r"), (EAP, b"1"), (EAP, b"2")]
    others = [(PAP, bytes(16)), (AttributeKind(0, 25), b"class")]
    assert credential_attributes(request(*attributes, *others)) == b"".join(encode(*each) for each in attributes)


def test_the_challenge_of_chap_is_told_where_it_was_the_authenticator():
    told = [(CHAP_PASSWORD, bytes(17)), (CHAP_CHALLENGE, b"challenge")]
    assert credential_attributes(request(*told)) == b"".join(encode(*each) for each in told)
    untold = encode(CHAP_PASSWORD, bytes(17)) + encode(CHAP_CHALLENGE, AUTHENTICATOR)
    assert credential_attributes(request(told[0])) == untold


@pytest.mark.parametrize(
    ("kind", "response", "ident", "n_digits", "version"),
    [
        (MS_CHAP2_RESPONSE, b"\x07" + bytes(49), b"\x07", 32, b"3"),
        (MS_CHAP2_CPW, b"\x07\x09" + bytes(68), b"\x09", 32, b"3"),
        (AttributeKind(311, 1), b"\x08" + bytes(49), b"\x08", 16, b"2"),
        (AttributeKind(311, 3), b"\x05\x09" + bytes(70), b"\x09", 16, b"2"),
        (AttributeKind(311, 4), b"\x06\x09" + bytes(84), b"\x09", 16, b"2"),
    ],
)
def test_ms_chap_hears_of_a_rejection_by_its_version_and_the_ident_of_its_response(
    kind, response, ident, n_digits, version
):
    """RFC 2433 section 10 for version 1, RFC 2759 section 6 for version 2."""
    error = refusal_of(request((MS_CHAP_CHALLENGE, bytes(16)), (kind, response)))
    found = re.fullmatch(rb"E=691 R=0 C=([0-9A-F]+) V=(\d)", error[9:])
    assert found is not None
    assert (error[8:9], len(found[1]), found[2]) == (ident, n_digits, version)


def test_a_response_that_is_too_short_for_an_ident_hears_nothing():
    assert refusal_of(request((MS_CHAP2_CPW, b"\x07"))) == b""


@pytest.mark.parametrize(("n_before", "credential"), [(MAX_HELD - 1, Credential.MS_CHAP), (MAX_HELD, Credential.NONE)])
def test_a_response_behind_more_of_its_vendor_than_anybody_sends_is_not_looked_for(n_before, credential):
    """Whoever knows no secret can send 4,096 octets of them, and each login of others would wait for the walk."""
    encoded = b"".join(vendor_specific(b"\x63\x02" * min(100, n_before - at)) for at in range(0, n_before, 100))
    encoded += encode(MS_CHAP2_RESPONSE, b"r")
    packet = decode_packet(b"\x01\x07" + (20 + len(encoded)).to_bytes(2, "big") + AUTHENTICATOR + encoded)
    assert credential_of(packet) is credential
    assert bool(refusal_of(packet)) is (credential is Credential.MS_CHAP)


def vendor_specific(held: bytes) -> bytes:
    return bytes((26, 6 + len(held))) + (311).to_bytes(4, "big") + held
