"""What a push waits for is asked about however busy the loop is."""

from gateway.https.plan import (
    PoolLimits,
    PoolPlan,
)


def test_some_long_polls_get_a_connection_in_each_tick_even_of_a_loop_that_can_afford_one():
    pool: PoolPlan[str, str] = PoolPlan(PoolLimits())
    for number in range(1_000):
        pool.ask(f"call {number}", waits_for_person=False, max_idle_s=float("inf"), now=0.0)
    for number in range(100):
        pool.ask(f"poll {number}", waits_for_person=True, max_idle_s=float("inf"), now=0.0)
    for _ in range(3):
        pool.afford(1)
        assert len(pool.begin_openings()) == 1 + 8
