"""NTLM's messages: the worked example of MS-NLMP is read, and what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.messages import (
    AV_FLAGS,
    AV_TIMESTAMP,
    KEY_EXCHANGE,
    SIGN,
    TARGET_INFO,
    UNICODE,
    encode_authenticate,
    encode_negotiate,
    encode_pairs,
    read_challenge,
)
from tests.ldap.ntlm.server import ALL_FLAGS, NONCE, PAIRS, TIMESTAMP, Authenticate, challenge
from tests.ldap.ntlm.vectors import VECTOR


def test_negotiate_names_nobody() -> None:
    octets = encode_negotiate(UNICODE | SIGN)
    assert octets[:16] == b"NTLMSSP\0\x01\0\0\0\x11\0\0\0"
    assert octets[16:32] == bytes(16)
    assert len(octets) == 40


def test_worked_example_of_a_challenge() -> None:
    read = read_challenge(VECTOR["challenge_message"])
    assert read.nonce == VECTOR["server_challenge"]
    assert read.flags & KEY_EXCHANGE
    assert read.timestamp == b""
    assert encode_pairs(read.target_info) == VECTOR["target_info"]


def test_timestamp_of_the_server() -> None:
    read = read_challenge(challenge())
    assert (read.nonce, read.timestamp, read.target_info) == (NONCE, TIMESTAMP, PAIRS)


def test_challenge_cut_anywhere_is_refused() -> None:
    octets = challenge()
    for size in range(len(octets)):
        with pytest.raises(NtlmError):
            read_challenge(octets[:size])


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"NTLMSSQ" + challenge()[7:], "something else"),
        (challenge()[:8] + b"\x03" + challenge()[9:], "something else"),
        (challenge(ALL_FLAGS & ~TARGET_INFO), "NTLMv1"),
        (challenge() + bytes(16_384), "too long"),
        (challenge(target_info=b""), "cannot be read"),
        (challenge(target_info=encode_pairs(PAIRS)[:-4]), "cannot be read"),
        (challenge(target_info=b"\x02\0\xff\xff" + bytes(20)), "cannot be read"),
        (challenge(target_info=encode_pairs([(AV_TIMESTAMP, b"short")])), "cannot be read"),
        (challenge(target_info=encode_pairs([(AV_FLAGS, b"")])), "cannot be read"),
        (challenge()[:44] + b"\xff\xff\xff\xff" + challenge()[48:], "ends beyond"),
    ],
)
def test_what_is_no_challenge(octets: bytes, text: str) -> None:
    with pytest.raises(NtlmError, match=text):
        read_challenge(octets)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    try:
        read_challenge(challenge()[:40] + octets)
    except NtlmError:
        pass


def test_authenticate_has_its_parts_where_it_says() -> None:
    domain, user, workstation = (text.encode("utf-16-le") for text in ("DOM", "alice", "WS"))
    octets = encode_authenticate(5, domain, user, workstation, b"response", b"key")
    read = Authenticate(octets)
    assert (read.domain, read.user, read.workstation, read.flags) == ("DOM", "alice", "WS", 5)
    assert (read.nt_response, read.exchanged_key, read.mic) == (b"response", b"key", bytes(16))
    assert read.lm_response == bytes(24)


def test_parts_have_a_length_of_two_octets() -> None:
    with pytest.raises(NtlmError):
        encode_authenticate(5, b"", b"", b"", bytes(65_536), b"")
    with pytest.raises(NtlmError):
        encode_pairs([(2, bytes(65_536))])
