"""A login by NTLMv2 from its first token to its last, against a server that checks all that one can check."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ldap.ntlm.client import MAX_NAME, Ntlm, NtlmAccount
from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.messages import (
    AV_CHANNEL_BINDINGS,
    AV_FLAGS,
    AV_TARGET_NAME,
    AV_TIMESTAMP,
    EXTENDED_SESSION_SECURITY,
    KEY_128,
    KEY_EXCHANGE,
    SEAL,
    SIGN,
    TARGET_INFO,
    UNICODE,
    encode_pairs,
)
from gateway.ldap.ntlm.signing import Signing
from gateway.ldap.ntlm.spnego import REJECT, read_server_token
from tests.ldap.ntlm.server import ALL_FLAGS, PAIRS, TIMESTAMP, Authenticate, answer, challenge, success
from tests.ldap.ntlm.vectors import VECTOR

RANDOM = bytes(range(24))
ALICE = NtlmAccount("alice", "EXAMPLE", "GATEWAY", "Secret-1")


def make(account: NtlmAccount = ALICE, *, signs: bool = True, host: str = "dc1.example", bindings: bytes = b"") -> Ntlm:
    return Ntlm(account, random=RANDOM, filetime=1 << 56, signs=signs, host=host, channel_bindings=bindings)


def authenticate(client: Ntlm, challenged: bytes | None = None) -> Authenticate:
    """Let the client answer a challenge."""
    return Authenticate(read_server_token(client.answered(answer(challenged or challenge()))).token)


def test_signed_login_and_messages_after_it() -> None:
    client = make()
    negotiate = client.first()[-40:]
    token = read_server_token(client.answered(answer(challenge())))
    proof = Authenticate(token.token)
    key = proof.session_key(ALICE.response_key)
    assert key == RANDOM[8:]
    assert proof.has_right_mic(key, negotiate, challenge())
    client.finished(success(key, token.mic))

    server = Signing(key, is_server=True)
    server.sign(b"")  # the number that mechListMIC has had
    server._received.signature(b"")
    server.begin_sealing_anew()
    assert client.signing is not None
    assert server.unwrap(client.signing.wrap(b"search")) == b"search"
    assert client.signing.unwrap(server.wrap(b"entry")) == b"entry"


def test_login_over_tls_signs_nothing() -> None:
    client = make(signs=False, bindings=b"b" * 16)
    negotiate = client.first()[-40:]
    token = read_server_token(client.answered(answer(challenge())))
    proof = Authenticate(token.token)
    assert not proof.flags & (SIGN | SEAL | KEY_EXCHANGE)
    assert (token.mic, proof.exchanged_key, client.signing) == (b"", b"", None)
    assert proof.has_right_mic(proof.session_key(ALICE.response_key), negotiate, challenge())
    assert proof.pairs()[AV_CHANNEL_BINDINGS] == b"b" * 16
    client.finished(None)


def test_whose_login_it_is_and_for_whom() -> None:
    proof = authenticate(make())
    assert (proof.user, proof.domain, proof.workstation) == ("alice", "EXAMPLE", "GATEWAY")
    pairs = proof.pairs()
    assert pairs[AV_TARGET_NAME].decode("utf-16-le") == "ldap/dc1.example"
    assert (pairs[AV_FLAGS], pairs[AV_TIMESTAMP]) == (b"\x02\0\0\0", TIMESTAMP)
    assert AV_CHANNEL_BINDINGS not in pairs
    assert AV_TARGET_NAME not in authenticate(make(host="")).pairs()


def test_timestamp_is_the_server_s() -> None:
    assert authenticate(make()).nt_response[24:32] == TIMESTAMP


def test_server_without_a_timestamp_gets_no_mic_and_the_client_s_time() -> None:
    proof = authenticate(make(), challenge(target_info=encode_pairs(PAIRS[:2])))
    assert proof.mic == bytes(16)
    assert proof.nt_response[24:32] == (1 << 56).to_bytes(8, "little")
    assert AV_FLAGS not in proof.pairs()


def test_worked_example() -> None:
    account = NtlmAccount("User", "Domain", "COMPUTER", "Password")
    random = VECTOR["client_challenge"] + VECTOR["random_session_key"]
    client = Ntlm(account, random=random, filetime=0, signs=True)
    proof = authenticate(client, VECTOR["challenge_message"])
    assert proof.nt_response.startswith(VECTOR["proof"])
    assert proof.exchanged_key == VECTOR["encrypted_session_key"]


def test_pairs_that_are_the_client_s_to_write_are_not_taken_from_the_server() -> None:
    own = [(AV_FLAGS, b"\x01\0\0\0"), (AV_CHANNEL_BINDINGS, bytes(16)), (AV_TARGET_NAME, b"x\0")]
    pairs = authenticate(make(host=""), challenge(target_info=encode_pairs(PAIRS + own))).pairs()
    assert pairs[AV_FLAGS] == b"\x02\0\0\0"
    assert pairs.keys().isdisjoint({AV_CHANNEL_BINDINGS, AV_TARGET_NAME})


def test_flags_are_those_that_both_know() -> None:
    assert authenticate(make(), challenge(0xFFFFFFFF)).flags == ALL_FLAGS
    assert authenticate(make(), challenge(ALL_FLAGS)).flags == ALL_FLAGS


@pytest.mark.parametrize("flag", [UNICODE, EXTENDED_SESSION_SECURITY, SIGN, SEAL, KEY_EXCHANGE, KEY_128])
def test_server_that_does_not_offer_what_is_indispensable(flag: int) -> None:
    with pytest.raises(NtlmError, match="does not offer"):
        make().answered(answer(challenge(ALL_FLAGS & ~flag)))


def test_server_that_knows_no_ntlmv2() -> None:
    with pytest.raises(NtlmError, match="only NTLMv1"):
        make().answered(answer(challenge(ALL_FLAGS & ~TARGET_INFO)))


@pytest.mark.parametrize("token", [answer(), answer(challenge(), state=REJECT)])
def test_server_that_takes_no_ntlm(token: bytes) -> None:
    with pytest.raises(NtlmError, match="does not take NTLM"):
        make().answered(token)


def test_target_information_that_leaves_no_room() -> None:
    info = encode_pairs([(3, bytes(16_000)), *PAIRS])
    assert authenticate(make(), challenge(target_info=info)).pairs()[3] == bytes(16_000)
    with pytest.raises(NtlmError, match="too long"):
        make().answered(answer(challenge(target_info=encode_pairs([(2, bytes(17_000)), *PAIRS]))))


def _no_token(key: bytes, mic: bytes) -> bytes | None:
    return None


def _no_signature(key: bytes, mic: bytes) -> bytes | None:
    return answer(state=0)


def _wrong_signature(key: bytes, mic: bytes) -> bytes | None:
    return answer(state=0, mic=bytes(16))


def _own_signature(key: bytes, mic: bytes) -> bytes | None:
    return answer(state=0, mic=mic)


def _other_key(key: bytes, mic: bytes) -> bytes | None:
    return answer(state=0, mic=Signing(bytes(16), is_server=True).sign(b""))


def _refusal(key: bytes, mic: bytes) -> bytes | None:
    return answer(state=REJECT, mic=success(key, mic)[-16:])


@pytest.mark.parametrize("forged", [_no_token, _no_signature, _wrong_signature, _own_signature, _other_key, _refusal])
def test_success_of_somebody_who_does_not_know_the_password(forged: Callable[[bytes, bytes], bytes | None]) -> None:
    client = make()
    token = read_server_token(client.answered(answer(challenge())))
    last = forged(RANDOM[8:], token.mic)
    with pytest.raises(NtlmError):
        client.finished(last)


NAMES = ["alice", "ALICE@ad.example.test", "Ümläut", "王小明", "\N{GRINNING FACE}", "a\ud800", "x" * MAX_NAME]
PASSWORDS = ["", "x", "p" * 127, "a,push", "trailing ", "пароль", "\N{KEY}" * 31, "\ud83d"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("password", PASSWORDS)
def test_any_name_and_password_is_proven(name: str, password: str) -> None:
    account = NtlmAccount(name, "", "", password)
    proof = authenticate(make(account))
    assert proof.user == name
    proof.session_key(account.response_key)


@given(user=st.text(max_size=30), domain=st.text(max_size=15), password=st.text(max_size=130))
def test_any_text_is_proven(user: str, domain: str, password: str) -> None:
    account = NtlmAccount(user, domain, "", password)
    proof = authenticate(make(account))
    assert (proof.user, proof.domain) == (user, domain)
    proof.session_key(account.response_key)


def test_name_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="at most"):
        NtlmAccount("x" * (MAX_NAME + 1), "", "", "")


def test_random_octets_must_be_enough() -> None:
    with pytest.raises(ValueError, match="24"):
        Ntlm(ALICE, random=bytes(8), filetime=0, signs=True)


def test_no_secret_is_shown() -> None:
    client = make()
    client.answered(answer(challenge()))
    shown = repr(ALICE) + repr(client) + repr(client.signing)
    assert "Secret" not in shown
    assert repr(ALICE.response_key)[2:-1] not in shown
    assert "alice" in repr(ALICE)


@given(st.binary(max_size=120))
def test_any_target_information_is_answered_or_refused(info: bytes) -> None:
    try:
        make().answered(answer(challenge(target_info=info + bytes(4))))
    except NtlmError:
        pass
