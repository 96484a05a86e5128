from gateway.net.deadlines import TICK_S, Deadlines


def test_expires_at_the_deadline_or_one_tick_later_never_before() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.add("call", 10.02)
    assert deadlines.expire(10.01) == []
    assert deadlines.expire(10.02 + TICK_S) == ["call"]
    assert not deadlines


def test_discarded_items_do_not_expire() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.add("a", 1.0)
    deadlines.add("b", 1.0)
    deadlines.discard("a", 1.0)
    deadlines.discard("a", 1.0)
    deadlines.discard("never added", 7.0)
    assert deadlines
    assert deadlines.expire(100.0) == ["b"]


def test_earlier_deadline_added_later() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.add("late", 75.0)
    deadlines.add("early", 10.0)
    assert deadlines.expire(11.0) == ["early"]
    assert deadlines.expire(76.0) == ["late"]
