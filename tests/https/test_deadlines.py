from gateway.https.deadlines import (
    TICK_S,
    Deadlines,
)


def test_expires_at_the_deadline_or_one_tick_later_never_before() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.add("call", 10.02)
    assert deadlines.expire(10.01) == []
    assert deadlines.expire(10.02 + TICK_S) == ["call"]
    assert not deadlines


def test_discarded_items_do_not_expire() -> None:
    deadlines: Deadlines[str] = Deadlines()
    due_with = deadlines.add("a", 1.0)
    deadlines.add("b", 1.0)
    due_with.discard("a")
    due_with.discard("a")
    assert deadlines
    assert deadlines.expire(100.0) == ["b"]


def test_what_is_added_when_its_deadline_has_passed_expires_next() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.add("before", 1.0)
    assert deadlines.expire(100.0) == ["before"]
    deadlines.add("at the same deadline", 1.0)
    assert deadlines.expire(100.0) == ["at the same deadline"]
    assert not deadlines


def test_items_by_turns_expire_each_at_its_own_deadline() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for name, deadline in (("a", 10.0), ("poll", 75.0), ("b", 10.0), ("second poll", 75.0)):
        deadlines.add(name, deadline)
    assert sorted(deadlines.expire(11.0)) == ["a", "b"]
    assert sorted(deadlines.expire(76.0)) == ["poll", "second poll"]


def test_what_has_expired_is_held_no_more() -> None:
    deadlines: Deadlines[str] = Deadlines()
    due_with = deadlines.add("call", 1.0)
    deadlines.expire(2.0)
    assert due_with == set()


def test_earlier_deadline_added_later() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.add("late", 75.0)
    deadlines.add("early", 10.0)
    assert deadlines.expire(11.0) == ["early"]
    assert deadlines.expire(76.0) == ["late"]
