"""Messages over a clear connection: signed, sealed, numbered, and cut where they end."""

import pytest

from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.signing import Signing, WrappedReader, frame
from tests.ldap.ntlm.vectors import VECTOR

KEY = VECTOR["random_session_key"]


def test_worked_example() -> None:
    assert Signing(KEY).wrap(VECTOR["message"]) == VECTOR["signature"] + VECTOR["sealed"]


def test_both_sides_understand_each_other() -> None:
    client, server = Signing(KEY), Signing(KEY, is_server=True)
    for message in (b"one", b"", b"three" * 1000):
        assert server.unwrap(client.wrap(message)) == message
        assert client.unwrap(server.wrap(message)) == message


def test_signature_without_sealing_and_sealing_anew() -> None:
    client, server = Signing(KEY), Signing(KEY, is_server=True)
    client.verify(server.sign(b"mechanisms"), b"mechanisms")
    for side in (client, server):
        side.begin_sealing_anew()
    wrapped = server.wrap(b"next")
    assert wrapped[12:16] == b"\x01\0\0\0"
    assert client.unwrap(wrapped) == b"next"


@pytest.mark.parametrize("at", [0, 4, 11, 12, 16, 19])
def test_changed_octet_is_noticed(at: int) -> None:
    wrapped = bytearray(Signing(KEY, is_server=True).wrap(b"text"))
    wrapped[at] ^= 1
    with pytest.raises(NtlmError, match="signature is wrong"):
        Signing(KEY).unwrap(bytes(wrapped))


def test_message_that_comes_twice_or_is_left_out_is_noticed() -> None:
    server = Signing(KEY, is_server=True)
    first, second = server.wrap(b"one"), server.wrap(b"two")
    client = Signing(KEY)
    client.unwrap(first)
    with pytest.raises(NtlmError):
        client.unwrap(first)
    with pytest.raises(NtlmError):
        Signing(KEY).unwrap(second)


def test_own_message_does_not_come_back_as_the_server_s() -> None:
    client = Signing(KEY)
    with pytest.raises(NtlmError):
        client.unwrap(client.wrap(b"text"))


@pytest.mark.parametrize("octets", [b"", b"\x01\0\0\0", bytes(15)])
def test_message_without_a_signature(octets: bytes) -> None:
    with pytest.raises(NtlmError):
        Signing(KEY).unwrap(octets)


def test_secrets_are_in_no_repr() -> None:
    assert repr(KEY) not in repr(Signing(KEY))


def test_frames_are_cut_wherever_they_are_torn() -> None:
    octets = frame(b"a" * 16) + frame(b"b" * 300) + frame(b"c" * 17)
    for at in range(len(octets)):
        reader = WrappedReader()
        assert reader.feed(octets[:at]) + reader.feed(octets[at:]) == [b"a" * 16, b"b" * 300, b"c" * 17]


def test_frame_that_comes_octet_by_octet() -> None:
    reader, octets = WrappedReader(), frame(b"a" * 40)
    assert [reader.feed(bytes([octet])) for octet in octets] == [[]] * 43 + [[b"a" * 40]]


@pytest.mark.parametrize("size", [0, 15, 101, 0x30840000, 0xFFFFFFFF])
def test_impossible_length(size: int) -> None:
    with pytest.raises(NtlmError, match="impossible length"):
        WrappedReader(100).feed(size.to_bytes(4, "big"))


def test_longest_frame() -> None:
    assert WrappedReader(100).feed(frame(bytes(100))) == [bytes(100)]
