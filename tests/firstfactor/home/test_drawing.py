"""Unpredictable octets in stock."""

from gateway.firstfactor.home.drawing import Octets


def test_each_octet_is_given_away_once_and_most_draws_are_spared() -> None:
    drawn: list[bytes] = []

    def draw(size: int) -> bytes:
        drawn.append(bytes([len(drawn)]) * size)
        return drawn[-1]

    octets = Octets(draw)
    given = b"".join(octets.draw(16) for _ in range(600))
    assert given == b"".join(drawn)[: len(given)]
    assert len(drawn) == 3


def test_a_rest_that_is_too_small_is_left() -> None:
    octets = Octets(bytes)
    assert {len(octets.draw(1000)) for _ in range(50)} == {1000}


def test_they_are_never_shown() -> None:
    octets = Octets(lambda size: b"hunter2" * size)
    octets.draw(16)
    assert "hunter2" not in repr(octets)
