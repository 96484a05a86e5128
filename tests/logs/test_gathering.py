"""Lines that wait for a moment of the event loop."""

import pytest

from gateway.logs.gathering import Gathering, encoded


class Scene:
    """A gathering, what it has asked the loop for, and how often it was flushed."""

    def __init__(self, *, has_loop: bool = True) -> None:
        self.wanted: list[object] = []
        self.n_flushed = 0
        self.gathering = Gathering(self.flush, self.wanted.append if has_loop else None)

    def flush(self) -> None:
        """Take note."""
        self.n_flushed += 1

    def took(self, size: int, *lines: str) -> list[bytes]:
        """What is taken of these lines."""
        for line in lines:
            self.gathering.add(line, 20)
        return self.gathering.take(size)


def test_the_loop_is_asked_once_for_all_lines_of_a_turn():
    scene = Scene()
    assert scene.took(100, "one", "two") == [b"one\ntwo\n"]
    assert scene.wanted == [scene.flush]
    assert scene.took(100, "three") == [b"three\n"]
    assert scene.wanted == [scene.flush] * 2
    assert scene.gathering.take(100) == []
    assert scene.n_flushed == 0


def test_without_a_loop_each_line_is_flushed_at_once():
    scene = Scene(has_loop=False)
    scene.took(100, "one", "two")
    assert scene.n_flushed == 2


@pytest.mark.parametrize(
    ("size", "portions"),
    [
        (16, ["one\ntwo\nä\nfour\n".encode()]),
        (11, ["one\ntwo\nä\n".encode(), b"four\n"]),
        (8, [b"one\ntwo\n", "ä\nfour\n".encode()]),
        (4, [b"one\n", b"two\n", "ä\n".encode(), b"four\n"]),
        (1, [b"one\n", b"two\n", "ä\n".encode(), b"four\n"]),
    ],
)
def test_portions_end_with_a_line_and_are_no_larger_than_they_may_be(size, portions):
    assert Scene().took(size, "one", "two", "ä", "four") == portions


def test_a_longer_line_is_a_portion_of_its_own():
    assert Scene().took(3, "a", "longer", "b") == [b"a\n", b"longer\n", b"b\n"]


def test_what_utf_8_cannot_say_is_escaped():
    assert encoded("a\udc80b") == b"a\\udc80b\n"
