"""Keys that Duo refuses are refused whoever asks: all workers' counts belong together."""

from gateway.engine.witness import Evidence, add_up


def test_a_worker_that_has_not_heard_of_the_last_answer_counts_refused_users_all_the_same():
    """Unlike failures: an answer of another kind does not tell that keys and clock are right."""
    knows = Evidence(since=5.0, answered_at=5.0, n_failing=1, n_refused=1)
    has_not_heard = Evidence(since=1.0, answered_at=1.0, n_failing=3, n_refused=2)
    together = add_up([knows, has_not_heard], 0.0)
    assert (together.n_failing, together.n_refused) == (1, 3)
