"""A connection in the clear, over a pair of sockets and a loop of its own; TLS is tried with the whole process."""

import socket
from collections.abc import Iterator

import pytest

from bench.lean_duo.connection import Connection
from bench.lean_duo.loop import Loop
from bench.lean_duo.request import MAX_SIZE, Request

REQUEST = b"GET /%s HTTP/1.1\r\n\r\n"
IN_VAIN_S = 30.0


class Scene:
    """The owner of one connection; answers with the path, `/later` only when told to."""

    def __init__(self) -> None:
        self.loop = Loop()
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.settimeout(IN_VAIN_S)
        self.asked_paths: list[str] = []
        self.is_closed = False
        self.connection = Connection(ours, self, self.loop)

    def asked(self, connection: Connection, request: Request) -> bytes | None:
        self.asked_paths.append(request.path)
        self.loop.stop()
        if request.path == "/later":
            connection.ticket = "a ticket"
            return None
        return request.path.encode() * (100_000 if request.path == "/long" else 1)

    def closed(self, _connection: Connection) -> None:
        self.is_closed = True
        self.loop.stop()

    def turn(self) -> None:
        """Run until something happened."""
        self.loop.call_at(self.loop.now + IN_VAIN_S, self.loop.stop)
        self.loop.run()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.connection.close()
    scene.client.close()
    scene.loop.close()


def test_a_request_is_answered(scene: Scene) -> None:
    scene.client.sendall(REQUEST % b"now")
    scene.turn()
    assert scene.client.recv(100) == b"/now"


def test_what_comes_while_an_answer_is_awaited_waits_its_turn(scene: Scene) -> None:
    scene.client.sendall(REQUEST % b"later" + REQUEST % b"now")
    scene.turn()
    assert scene.asked_paths == ["/later"]
    scene.connection.answer(b"at last ")
    assert scene.asked_paths == ["/later", "/now"]
    assert scene.client.recv(100) == b"at last /now"


def test_an_answer_that_does_not_fit_is_sent_by_and_by(scene: Scene) -> None:
    scene.client.sendall(REQUEST % b"long")
    scene.turn()
    expected = b"/long" * 100_000
    received = b""
    scene.client.setblocking(False)

    def drain() -> None:
        nonlocal received
        try:
            received += scene.client.recv(65_536)
        except BlockingIOError:
            pass
        if len(received) < len(expected):
            scene.loop.call_at(scene.loop.now, drain)
        else:
            scene.loop.stop()

    drain()
    scene.turn()
    assert received == expected


@pytest.mark.parametrize("octets", [b"no request at all\r\n\r\n", b"x" * (MAX_SIZE + 1)])
def test_what_is_no_request_ends_the_connection(scene: Scene, octets: bytes) -> None:
    scene.client.sendall(octets)
    scene.turn()
    assert scene.is_closed
    assert scene.asked_paths == []


def test_the_client_s_end_is_the_end(scene: Scene) -> None:
    scene.client.sendall(REQUEST % b"later")
    scene.turn()
    scene.client.close()
    scene.turn()
    assert scene.is_closed
    scene.connection.answer(b"too late")  # harms nobody
