"""The life of a worker's place."""

import pytest

from gateway.supervisor.slot_life import SlotEvent, SlotLife, SlotState


def started(now: float = 0.0) -> SlotLife:
    slot = SlotLife(0)
    slot.happened(SlotEvent.SPAWNED, now)
    slot.happened(SlotEvent.REPORTED_READY, now)
    return slot


def test_a_worker_comes_serves_and_goes():
    slot = started()
    assert slot.state is SlotState.READY
    assert slot.happened(SlotEvent.DRAIN_REQUESTED, 1.0) is SlotState.DRAINING
    assert slot.happened(SlotEvent.EXITED, 2.0) is SlotState.EMPTY
    assert slot.restarts == 0


def test_what_cannot_happen_raises():
    with pytest.raises(ValueError, match="exited cannot happen to a slot that is empty"):
        SlotLife(0).happened(SlotEvent.EXITED, 0.0)


def test_a_steady_worker_is_replaced_at_once():
    slot = started(0.0)
    slot.happened(SlotEvent.EXITED, 60.0)
    assert (slot.backoff_s, slot.restarts) == (0.0, 1)


def test_workers_that_die_young_are_replaced_ever_later():
    slot = SlotLife(0)
    waits = []
    for _ in range(11):
        slot.happened(SlotEvent.SPAWNED, 0.0)
        slot.happened(SlotEvent.EXITED, 0.0)
        waits.append(slot.backoff_s)
        slot.happened(SlotEvent.BACKOFF_ELAPSED, 0.0)
    assert waits == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]
    assert repr(slot) == "<SlotLife 0 empty restarts=11>"


def test_nobody_serves_from_the_end_of_one_worker_until_the_next_is_ready_however_many_die_meanwhile():
    slot = SlotLife(0)
    seen = [slot.unserved_since]
    for event, now in [
        (SlotEvent.SPAWNED, 1.0),
        (SlotEvent.REPORTED_READY, 2.0),
        (SlotEvent.EXITED, 3.0),
        (SlotEvent.BACKOFF_ELAPSED, 4.0),
        (SlotEvent.SPAWNED, 5.0),
        (SlotEvent.EXITED, 6.0),
        (SlotEvent.BACKOFF_ELAPSED, 7.0),
        (SlotEvent.SPAWNED, 8.0),
        (SlotEvent.REPORTED_READY, 9.0),
    ]:
        slot.happened(event, now)
        seen.append(slot.unserved_since)
    assert seen == [None, 1.0, None, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, None]
