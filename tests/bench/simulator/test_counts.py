"""What somebody waits for who waits for counts."""

import pytest

from bench.simulator.counts import Counts, Wish, read_wish

COUNTS = Counts(n_calls=5, calls={"auth": 2}, pushes=2, pending=1, polls=0, connections=3, accepted=9)


@pytest.mark.parametrize(
    ("at_least", "is_met"),
    [
        ({}, True),
        ({"pending": 1}, True),
        ({"pending": 2}, False),
        ({"auth": 2, "pushes": 1}, True),
        ({"auth": 2, "preauth": 1}, False),
    ],
)
def test_all_that_is_named_must_be_there(at_least: dict[str, int], is_met: bool) -> None:
    assert Wish(at_least, 1.0).is_met_by(COUNTS) is is_met


def test_a_query_names_counts_and_for_how_long() -> None:
    assert read_wish([("polls", "3"), ("within_s", "0.5")]) == Wish({"polls": 3}, 0.5)
    assert read_wish([("ping", "1")]) == Wish({"ping": 1}, 20.0)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("calls", "1", "calls: write accepted, connections"),
        ("push", "1", "push: write "),
        ("pushes", "two", "two"),
        ("within_s", "601", "from 0 to 600"),
        ("within_s", "nan", "from 0 to 600"),
    ],
)
def test_what_cannot_be_waited_for(name: str, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_wish([(name, text)])
