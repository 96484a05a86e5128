"""The event loop."""

import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bench.lean_duo.loop import Loop

IN_VAIN_S = 30.0


@pytest.fixture(params=[0.0, 60.0], ids=["asleep", "awake"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    loop = Loop(request.param)
    loop.call_at(time.monotonic() + IN_VAIN_S, loop.stop)
    yield loop
    loop.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_actions_come_in_the_order_of_their_instants(loop: Loop) -> None:
    seen: list[str] = []
    now = loop.now
    loop.call_at(now + 0.002, loop.stop)
    loop.call_at(now + 0.001, lambda: seen.append("second"))
    loop.call_at(now, lambda: seen.append("first"))
    loop.call_at(now + 0.001, lambda: seen.append("third"))
    loop.run()
    assert seen == ["first", "second", "third"]
    assert loop.now < now + IN_VAIN_S


def test_a_ready_socket_is_heard(loop: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[bytes] = []

    def heard(_events: int) -> None:
        seen.append(ours.recv(9))
        loop.stop()

    loop.watch(ours.fileno(), heard)
    loop.call_at(loop.now + 0.001, lambda: theirs.sendall(b"hello"))
    loop.run()
    assert seen == [b"hello"]


def test_after_a_sleep_it_knows_what_time_it_is(loop: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    sent_at: list[float] = []
    heard_at: list[float] = []

    def send() -> None:
        sent_at.append(time.monotonic())
        theirs.sendall(b"x")

    def heard(_events: int) -> None:
        heard_at.append(loop.now)
        loop.stop()

    loop.watch(ours.fileno(), heard)
    timer = threading.Timer(0.05, send)
    timer.start()
    loop.run()
    timer.join()
    assert sent_at[0] <= heard_at[0] < sent_at[0] + IN_VAIN_S


def test_what_is_forgotten_is_not_heard(loop: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[int] = []
    loop.watch(ours.fileno(), seen.append)
    loop.forget(ours.fileno())
    theirs.sendall(b"hello")
    loop.call_at(loop.now + 0.002, loop.stop)
    loop.run()
    assert seen == []


def test_a_handler_may_forget_another_of_the_same_turn(loop: Loop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    seen: list[int] = []

    def only_one(events: int) -> None:
        seen.append(events)
        for ours, _ in pairs:
            loop.forget(ours.fileno())
        loop.stop()

    for ours, theirs in pairs:
        theirs.sendall(b"x")
        loop.watch(ours.fileno(), only_one)
    loop.run()
    assert len(seen) == 1
    for each in pairs:
        each[0].close()
        each[1].close()


def test_room_to_write_is_told_once_asked_for(loop: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    seen: list[int] = []

    def heard(events: int) -> None:
        seen.append(events)
        loop.stop()

    loop.watch(pair[0].fileno(), heard)
    loop.watch_for(pair[0].fileno(), select.EPOLLIN | select.EPOLLOUT)
    loop.run()
    assert seen == [select.EPOLLOUT]
