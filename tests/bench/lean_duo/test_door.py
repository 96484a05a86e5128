"""The listening socket: open, shut, held."""

import socket
from collections.abc import Iterator

import pytest

from bench.lean_duo.door import Door
from bench.lean_duo.loop import Loop

IN_VAIN_S = 30.0


class Scene:
    """A door on a loop that stops when somebody comes in."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.door = Door(self.loop, 0, self.came_in)

    def came_in(self, accepted: socket.socket) -> None:
        accepted.close()
        self.loop.stop()

    def connect(self) -> None:
        host, _, port = self.door.address.partition(":")
        socket.create_connection((host, int(port)), IN_VAIN_S).close()

    def turn(self, patience_s: float = IN_VAIN_S) -> None:
        self.loop.call_at(self.loop.now + patience_s, self.loop.stop)
        self.loop.run()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.door.close()
    scene.loop.close()


def test_who_connects_comes_in(scene: Scene) -> None:
    scene.connect()
    scene.turn()
    assert scene.door.n_accepted == 1


def test_a_shut_door_refuses_and_keeps_its_port(scene: Scene) -> None:
    address = scene.door.address
    scene.door.set(shut=True)
    with pytest.raises(ConnectionRefusedError):
        scene.connect()
    host, _, port = address.partition(":")
    with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind((host, int(port)))
    scene.door.set()
    scene.connect()
    scene.turn()
    assert (scene.door.n_accepted, scene.door.address) == (1, address)


def test_at_a_held_door_one_waits(scene: Scene) -> None:
    scene.door.set(held=True)
    scene.connect()
    scene.turn(0.01)
    assert scene.door.n_accepted == 0
    scene.door.set()
    scene.turn()
    assert scene.door.n_accepted == 1


def test_a_door_that_is_shut_may_be_held_and_opened_later(scene: Scene) -> None:
    for change in ({"shut": True}, {"held": True}, {"shut": True}, {}, {}):
        scene.door.set(**change)
    scene.connect()
    scene.turn()
    assert scene.door.n_accepted == 1
