"""Whose word counts about which Duo applications, and for how long."""

from gateway.supervisor.reach import HOLD_S, Reach


def test_a_word_counts_for_a_while():
    reach = Reach()
    reach.said("b", ["one"], 100.0)
    assert reach.is_reached("one", 100.0 + HOLD_S - 0.1)
    assert not reach.is_reached("one", 100.0 + HOLD_S)
    assert not reach.is_reached("two", 100.0)


def test_the_last_word_of_a_host_is_the_one_that_counts():
    reach = Reach()
    reach.said("b", ["one"], 100.0)
    reach.said("b", ["two"], 101.0)
    assert (reach.is_reached("one", 101.0), reach.is_reached("two", 101.0)) == (False, True)


def test_one_host_that_reaches_it_is_enough():
    reach = Reach()
    reach.said("b", ["one"], 100.0)
    reach.said("c", [], 101.0)
    assert reach.is_reached("one", 101.0)
    reach.taken_back("b")
    reach.taken_back("nobody")
    assert not reach.is_reached("one", 101.0)


def test_words_that_count_no_more_are_forgotten():
    reach = Reach()
    for number in range(100):
        reach.said(str(number), ["one"], number * HOLD_S)
    assert len(reach._words) == 1
