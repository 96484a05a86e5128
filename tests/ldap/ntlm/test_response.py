"""What a password becomes, held against the worked example of MS-NLMP, and names in the upper case of Windows."""

import pytest

from gateway.ldap.ntlm.md4 import md4
from gateway.ldap.ntlm.response import Response, response_key, upper_case, utf16
from tests.ldap.ntlm.vectors import DOMAIN, PASSWORD, USER, VECTOR


def test_hash_of_the_password() -> None:
    assert md4(utf16(PASSWORD)) == VECTOR["nt_hash"]


def test_response_key() -> None:
    assert response_key(USER, DOMAIN, PASSWORD) == VECTOR["response_key"]


def test_case_of_the_user_does_not_count_and_that_of_the_domain_does() -> None:
    assert response_key("uSER", DOMAIN, PASSWORD) == VECTOR["response_key"]
    assert response_key(USER, "DOMAIN", PASSWORD) != VECTOR["response_key"]


def test_response_and_session_key() -> None:
    response = Response(
        VECTOR["response_key"],
        VECTOR["server_challenge"],
        VECTOR["client_challenge"],
        VECTOR["timestamp"],
        VECTOR["target_info"],
    )
    assert response.nt_response.startswith(VECTOR["proof"] + b"\x01\x01")
    assert response.session_key == VECTOR["session_base_key"]


@pytest.mark.parametrize(
    ("text", "upper"),
    [
        ("alice", "ALICE"),
        ("Ümläut", "ÜMLÄUT"),
        ("straße", "STRAßE"),
        ("οδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
        ("иван", "ИВАН"),
        ("ÿ", "Ÿ"),
        ("ıſµ", "ıſµ"),
        ("ănuț", "ĂNUȚ"),
        ("გიორგი", "გიორგი"),
        ("\U00010428", "\U00010428"),
        ("ŉǰΐ", "ŉǰΐ"),
        ("王", "王"),
    ],
)
def test_upper_case_is_that_of_windows(text: str, upper: str) -> None:
    assert upper_case(text) == upper


def test_text_that_is_no_text_raises_nothing_that_could_tell_it() -> None:
    assert utf16("a\ud800") == b"a\0\x00\xd8"


@pytest.mark.parametrize("password", ["", "x", "p" * 127, "пароль", "\N{KEY}" * 31])
def test_password_of_any_length_and_script(password: str) -> None:
    assert len(response_key("alice", "", password)) == 16
