from contextlib import closing

import pytest

from bench.radius_load.nas import N_IDENTIFIERS, Login, Nas, Request, is_signed, source_addresses
from bench.radius_load.plan import KINDS
from gateway.radius.dictionary import Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret
from tests.bench.radius_load.responder import SHARED_SECRET

AUTHENTICATOR = bytes(range(16))


@pytest.fixture
def nas():
    nas = Nas("127.0.0.1", ("127.0.0.1", 9), SHARED_SECRET)
    with closing(nas.socket):
        yield nas


def ask(nas: Nas) -> Request:
    return nas.ask(Login(0, KINDS[0], 123, 1), 0, 0, 0.0, KINDS[0].typed)


def reply(request: Request, code: Code = Code.ACCESS_ACCEPT, secret: SharedSecret = SHARED_SECRET) -> bytes:
    return encode_reply(code, decode_packet(request.octets), secret)


def unsigned_reply(octets: bytes = b"") -> bytes:
    header = bytes((2, 7)) + (20 + len(octets)).to_bytes(2, "big")
    return header + SHARED_SECRET.response_authenticator(header + AUTHENTICATOR + octets) + octets


def test_addresses_leave_out_those_of_the_network_itself_and_begin_again():
    assert source_addresses("127.64.0.0/30", 5) == [f"127.64.0.{last}" for last in (1, 2, 1, 2, 1)]


def test_a_single_address_serves_all():
    assert source_addresses("127.0.0.1/32", 2) == ["127.0.0.1", "127.0.0.1"]


def test_neighbours_of_a_pair_are_both_used():
    assert source_addresses("127.0.0.2/31", 2) == ["127.0.0.2", "127.0.0.3"]


def test_each_request_has_an_identifier_of_its_own_while_others_wait(nas):
    assert sorted(ask(nas).identifier for _ in range(N_IDENTIFIERS)) == list(range(256))
    assert not nas.free


def test_the_identifier_that_was_free_for_longest_is_used_next(nas):
    first = ask(nas)
    nas.free.append(first.identifier)
    assert ask(nas).identifier == 1


def test_a_reply_finds_its_request(nas):
    requests = [ask(nas) for _ in range(3)]
    assert nas.asked(reply(requests[1])) == (requests[1], True)


def test_a_reply_to_the_request_before_is_known_after_its_identifier_was_used_again(nas):
    first = ask(nas)
    nas.free.appendleft(first.identifier)
    second = ask(nas)
    nas.free.appendleft(first.identifier)
    third = ask(nas)
    assert nas.asked(reply(third))[0] is third
    assert nas.asked(reply(second))[0] is second
    with pytest.raises(ValueError):
        nas.asked(reply(first))


@pytest.mark.parametrize("datagram", [b"", b"\2", bytes(20), b"\2\0\0\x13" + bytes(15), bytes(4096)])
def test_nonsense_answers_nothing(nas, datagram):
    ask(nas)
    with pytest.raises(ValueError):
        nas.asked(datagram)


def test_a_reply_by_another_secret_answers_nothing(nas):
    with pytest.raises(ValueError):
        nas.asked(reply(ask(nas), secret=SharedSecret(b"another")))


def test_a_reply_without_message_authenticator_is_told_apart():
    assert is_signed(unsigned_reply(), AUTHENTICATOR, SHARED_SECRET) is False
    assert is_signed(unsigned_reply(b"\x12\x04hi"), AUTHENTICATOR, SHARED_SECRET) is False


def test_a_wrong_message_authenticator_is_not_taken_for_none():
    with pytest.raises(ValueError):
        is_signed(unsigned_reply(b"\x50\x12" + bytes(16)), AUTHENTICATOR, SHARED_SECRET)


def test_octets_that_break_the_frame_are_no_reply_although_the_response_authenticator_is_right():
    with pytest.raises(ValueError):
        is_signed(unsigned_reply(b"\x12\x09hi"), AUTHENTICATOR, SHARED_SECRET)
