"""A token is good for one answer."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.challenges.used import UsedTokens


def test_a_token_is_used_once_until_it_expires():
    used = UsedTokens()
    assert used.use(b"a", 300, 0)
    assert not used.use(b"a", 300, 1)
    assert not used.use(b"a", 300, 299.9)
    assert used.use(b"b", 301, 300)
    assert len(used) == 1


def test_a_clock_that_is_set_back_brings_no_token_back():
    used = UsedTokens()
    assert used.use(b"a", 300, 0)
    assert used.use(b"b", 700, 400)
    assert not used.use(b"a", 300, 0)


def test_what_is_forgotten_for_want_of_room_counts_as_used():
    used = UsedTokens(2)
    assert all(used.use(name, until, 0) for name, until in ((b"a", 300), (b"b", 200), (b"c", 400)))
    assert len(used) == 2
    assert not used.use(b"b", 200, 0)
    assert not used.use(b"d", 199, 0)
    assert used.use(b"e", 500, 0)


def test_a_successor_knows_what_was_used():
    used, successor = UsedTokens(), UsedTokens()
    used.use(b"a", 300, 0)
    successor.adopt(b"a", 300)
    successor.adopt(b"a", 300)
    assert len(successor) == 1
    assert not successor.use(b"a", 300, 1)


def test_what_has_expired_is_not_taken_up():
    used = UsedTokens()
    used.use(b"a", 300, 0)
    used.use(b"b", 700, 300)
    assert (b"a" in used, b"b" in used) == (False, True)
    used.adopt(b"a", 300)
    assert len(used) == 1


tokens = st.tuples(st.binary(min_size=1, max_size=1), st.integers(1, 50), st.integers(0, 60))


@given(st.lists(tokens, max_size=60), st.integers(1, 5))
def test_none_is_taken_twice_and_room_is_bounded(uses, most):
    used, taken = UsedTokens(most), set[tuple[bytes, int]]()
    for name, until, now in uses:
        name = bytes((name[0], until))  # a name is of one token alone
        if used.use(name, until, now):
            assert (name, until) not in taken
            taken.add((name, until))
        assert len(used) <= most
