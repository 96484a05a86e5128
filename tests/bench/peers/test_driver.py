"""The NAS of the bench, against a peer that is scripted."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.peers.driver import SECRET, DriverError, log_in, request
from gateway.radius.dictionary import Code
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

KNOWN = SharedSecret(SECRET)


@contextmanager
def peer(answer: Callable[[Packet], list[bytes]]) -> Iterator[int]:
    """Send what `answer` returns for each request."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]

        def serve() -> None:
            while (received := udp.recvfrom(4096))[0] != b"end":
                for reply in answer(decode_packet(received[0])):
                    udp.sendto(reply, received[1])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port
        finally:
            udp.sendto(b"end", ("127.0.0.1", port))
            thread.join()


def accept(packet: Packet) -> list[bytes]:
    return [encode_reply(Code.ACCESS_ACCEPT, packet, KNOWN)]


def test_every_login_has_a_latency() -> None:
    with peer(accept) as port:
        burst = log_in(port, 600, 8)
    assert burst.n_logins == 600
    assert 0 < min(burst.latencies_s) <= max(burst.latencies_s) <= burst.elapsed_s


def test_window_is_kept() -> None:
    """A peer that answers only when four wait sees four, and no more."""
    waiting: list[Packet] = []
    most: list[int] = []

    def answer(packet: Packet) -> list[bytes]:
        waiting.append(packet)
        most.append(len(waiting))
        if len(waiting) < 4:
            return []
        replies = [encode_reply(Code.ACCESS_ACCEPT, each, KNOWN) for each in waiting]
        waiting.clear()
        return replies

    with peer(answer) as port:
        assert log_in(port, 40, 4).n_logins == 40
    assert max(most) == 4


def test_rejected_login() -> None:
    with (
        peer(lambda packet: [encode_reply(Code.ACCESS_REJECT, packet, KNOWN)]) as port,
        pytest.raises(DriverError, match="Access-Reject"),
    ):
        log_in(port, 1, 1)


def test_reply_under_another_secret() -> None:
    stranger = SharedSecret(b"another")
    with (
        peer(lambda packet: [encode_reply(Code.ACCESS_ACCEPT, packet, stranger)]) as port,
        pytest.raises(DriverError, match="no NAS would believe"),
    ):
        log_in(port, 1, 1)


def test_two_replies() -> None:
    with peer(lambda packet: accept(packet) * 2) as port, pytest.raises(DriverError, match="twice"):
        log_in(port, 50, 1)


def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
    with pytest.raises(DriverError, match="nobody listens"):
        log_in(port, 1, 1)


def test_no_two_requests_are_alike_unless_asked_for() -> None:
    drawn = {decode_packet(request(1, 1)).authenticator for _ in range(8)}
    assert len(drawn) == 8
    same = os.urandom(16)
    assert decode_packet(request(1, 1, authenticator=same)).authenticator == same
