"""Tokens of SPNEGO: what the client says, octet by octet, and what it takes from a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.ber import SEQUENCE, element
from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.spnego import MECHANISMS, REJECT, first_token, next_token, read_server_token
from tests.ldap.ntlm.server import answer


def test_list_of_mechanisms() -> None:
    assert MECHANISMS.hex() == "300c060a2b06010401823702020a"


def test_first_token() -> None:
    assert first_token(b"TOKEN").hex() == (
        "6025" "06062b0601050502" "a01b" "3019" "a00e" + MECHANISMS.hex() + "a207" "0405" + b"TOKEN".hex()
    )  # fmt: skip


def test_next_token_with_a_signature_and_without() -> None:
    assert next_token(b"TOKEN", b"").hex() == "a10b3009a2070405" + b"TOKEN".hex()
    read = read_server_token(next_token(b"TOKEN", b"MIC"))
    assert (read.token, read.mic) == (b"TOKEN", b"MIC")


def test_what_a_server_says() -> None:
    read = read_server_token(answer(b"TOKEN", state=REJECT, mic=b"MIC"))
    assert (read.state, read.token, read.mic) == (REJECT, b"TOKEN", b"MIC")


def test_answer_without_anything_and_with_something_unknown() -> None:
    for content in (b"", element(0xA7, b"\x04\0")):
        read = read_server_token(element(0xA1, element(SEQUENCE, content)))
        assert (read.state, read.token, read.mic) == (-1, b"", b"")


def test_server_that_wants_kerberos() -> None:
    with pytest.raises(NtlmError, match="another mechanism"):
        read_server_token(answer(b"TOKEN", oid=bytes.fromhex("2a864886f712010202")))


def test_token_cut_anywhere_is_refused() -> None:
    octets = answer(b"TOKEN", mic=b"MIC")
    for size in range(len(octets)):
        with pytest.raises(NtlmError, match="no SPNEGO"):
            read_server_token(octets[:size])


@given(st.binary(max_size=60))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for candidate in (octets, element(0xA1, octets), element(0xA1, element(SEQUENCE, octets))):
        try:
            read_server_token(candidate)
        except NtlmError:
            pass
