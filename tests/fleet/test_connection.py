"""When what is asked of the store leaves: in one write a turn, and what can wait with something else."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.fleet.connection import LINGER_S, Call, ConnectionOwner, StoreConnection, ignore


class Turns:
    """An event loop and a transport in one, by the methods that a connection calls."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.written: list[bytes] = []

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        self.soon.append(lambda: callback(*arguments))

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.later.append((delay_s, callback))

    def write(self, octets: bytes) -> None:
        self.written.append(octets)

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def turn(self) -> None:
        """Run what was to be called soon."""
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()

    def pass_time(self) -> None:
        """Run what was to be called later."""
        later, self.later = self.later, []
        for _, callback in later:
            callback()


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def connection(turns: Turns) -> StoreConnection:
    loop: Any = turns
    connection = StoreConnection(ConnectionOwner(), loop, lambda: 1.0)
    connection.connection_made(loop)
    return connection


def test_all_of_a_turn_leaves_together(connection: StoreConnection, turns: Turns):
    connection.ask(b"a", ignore)
    connection.ask(b"b", ignore)
    assert turns.written == []
    turns.turn()
    assert turns.written == [b"ab"]
    connection.ask(b"c", ignore)
    turns.turn()
    assert turns.written == [b"ab", b"c"]


def test_what_can_wait_leaves_with_the_next_command_in_its_place(connection: StoreConnection, turns: Turns):
    connection.run(b"a", Call(ignore), can_wait=True)
    turns.turn()
    assert turns.written == []
    connection.run(b"b", Call(ignore))
    connection.run(b"c", Call(ignore), can_wait=True)
    turns.turn()
    assert turns.written == [b"abc"]


def test_what_can_wait_leaves_by_itself_once_it_has_waited(connection: StoreConnection, turns: Turns):
    connection.run(b"a", Call(ignore), can_wait=True)
    connection.run(b"b", Call(ignore), can_wait=True)
    assert [delay_s for delay_s, _ in turns.later] == [LINGER_S]
    turns.pass_time()
    assert turns.written == [b"ab"]
    connection.run(b"c", Call(ignore), can_wait=True)
    assert len(turns.later) == 1
    turns.pass_time()
    assert turns.written == [b"ab", b"c"]


def test_the_end_of_a_wait_takes_what_is_there_along_and_nothing_twice(connection: StoreConnection, turns: Turns):
    connection.run(b"a", Call(ignore), can_wait=True)
    connection.run(b"b", Call(ignore))
    turns.pass_time()
    assert turns.written == [b"ab"]
    turns.turn()
    connection.run(b"c", Call(ignore))
    turns.turn()
    assert turns.written == [b"ab", b"c"]


def test_what_waits_is_under_way_and_refused_with_the_connection(connection: StoreConnection, turns: Turns):
    answers: list[object] = []
    connection.run(b"a", Call(answers.append), can_wait=True)
    assert connection.n_under_way == 1
    assert connection.waits_since() is None  # nobody is late
    connection.connection_lost(None)
    assert len(answers) == 1
    turns.pass_time()
    assert turns.written == []
