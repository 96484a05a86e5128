"""The first of each minute have a line, the others are counted."""

from gateway.engine.few_lines import INTERVAL_S, LINES, FewLines


def test_the_first_of_an_interval_have_a_line_and_the_others_are_counted():
    lines = FewLines()
    assert [lines.may_have_one(1.0) for _ in range(LINES + 5)] == [True] * LINES + [False] * 5
    assert not lines.may_have_one(INTERVAL_S)
    assert lines.may_have_one(1.0 + INTERVAL_S)
    assert (lines.left_out_now(), lines.left_out_now()) == (6, 0)


def test_who_asks_seldom_has_one_each_time():
    lines = FewLines()
    assert all(lines.may_have_one(number * INTERVAL_S / LINES) for number in range(10 * LINES))
    assert lines.left_out_now() == 0
