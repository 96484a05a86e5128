"""What people read."""

import pytest

from gateway.words.english import clock_difference, counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 workers"), (1, "1 worker"), (2, "2 workers"), (1_000, "1,000 workers")]
)
def test_a_number_and_its_noun(number: int, text: str):
    assert counted(number, "worker") == text


@pytest.mark.parametrize(("ahead_s", "text"), [(61.4, "61 s behind Duo's"), (-45.0, "45 s ahead of Duo's")])
def test_a_clock_is_behind_where_duos_is_ahead(ahead_s: float, text: str):
    assert clock_difference(ahead_s) == text
