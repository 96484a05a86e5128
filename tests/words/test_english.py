"""What people read."""

import pytest

from gateway.words.english import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 workers"), (1, "1 worker"), (2, "2 workers"), (1_000, "1,000 workers")]
)
def test_a_number_and_its_noun(number: int, text: str):
    assert counted(number, "worker") == text
