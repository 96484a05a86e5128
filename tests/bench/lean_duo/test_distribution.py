"""Spans of time drawn at random."""

import math
import statistics
from random import Random

import pytest

from bench.lean_duo.distribution import read_distribution


def test_a_bare_number_is_a_constant() -> None:
    assert read_distribution("0.3") == read_distribution("constant:0.3")
    assert read_distribution("0.3").draw(Random(1)) == 0.3


def test_uniform_stays_within_its_bounds() -> None:
    random, distribution = Random(1), read_distribution("uniform:1,5")
    drawn = [distribution.draw(random) for _ in range(1000)]
    assert 1 <= min(drawn) < 1.5
    assert 4.5 < max(drawn) <= 5


def test_lognormal_has_its_median_and_its_cap() -> None:
    random, distribution = Random(1), read_distribution("lognormal:4,0.6,20")
    drawn = [distribution.draw(random) for _ in range(5000)]
    assert statistics.median(drawn) == pytest.approx(4, rel=0.05)
    assert max(drawn) == 20


def test_the_same_seed_draws_the_same() -> None:
    distribution = read_distribution("lognormal:4,0.6,20")
    assert distribution.draw(Random(7)) == distribution.draw(Random(7))


def test_nobody_answers_where_it_is_infinite() -> None:
    assert read_distribution("constant:inf").draw(Random(1)) == math.inf


def test_the_text_comes_back() -> None:
    assert str(read_distribution(" lognormal:4,0.60,20 ")) == "lognormal:4,0.6,20"


@pytest.mark.parametrize(
    "text",
    ["", "soon", "normal:1,2", "constant:-1", "constant:1,2", "uniform:5,1", "uniform:0,inf", "lognormal:0,1,2", "nan"],
)
def test_what_means_nothing_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write constant:S, uniform:LEAST,MOST or lognormal:MEDIAN,SIGMA,CAP"):
        read_distribution(text)
