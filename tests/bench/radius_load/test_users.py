import random
from collections import Counter

from bench.radius_load.users import Users


def test_nobody_is_drawn_twice_until_given_back():
    users = Users(range(1, 100, 3), random.Random(1))
    drawn = [users.draw() for _ in range(33)]
    assert sorted(drawn) == list(range(1, 100, 3))
    assert users.draw() is None
    users.give_back(drawn[7])
    assert users.draw() == drawn[7]


def test_a_busy_user_is_never_drawn_whatever_comes_between():
    chance = random.Random(2)
    for zipf in (None, 1.3):
        users, busy = Users(range(20), chance, zipf), set()
        for _ in range(5000):
            if busy and chance.random() < 0.5:
                users.give_back(busy.pop())
            elif (user := users.draw()) is not None:
                assert user not in busy
                busy.add(user)


def test_all_are_alike_without_zipf():
    users, n_times = Users(range(10), random.Random(3)), Counter()
    for _ in range(10_000):
        user = users.draw()
        n_times[user] += 1
        users.give_back(user)
    assert min(n_times.values()) > 800


def test_by_zipf_the_share_of_a_user_falls_with_its_rank():
    users, n_times = Users(range(1000), random.Random(4), zipf=1.0), Counter()
    for _ in range(20_000):
        user = users.draw()
        n_times[user] += 1
        users.give_back(user)
    assert [user for user, _ in n_times.most_common(2)] == [0, 1]
    assert 1.6 < n_times[0] / n_times[1] < 2.5


def test_by_zipf_somebody_free_is_found_even_if_the_first_are_busy():
    users = Users(range(50), random.Random(5), zipf=3.0)
    assert len({users.draw() for _ in range(50)}) == 50


def test_the_same_seed_draws_the_same_users():
    first, second = (Users(range(100), random.Random("7 0"), 1.1) for _ in range(2))
    assert [first.draw() for _ in range(50)] == [second.draw() for _ in range(50)]
