"""A reload's course: what follows what, one answer, and nothing changed where it fails."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.supervisor.changeover import (
    PREPARATIONS,
    PREPARE_TIMEOUT_S,
    SERVE_TIMEOUT_S,
    SETTLE_TIMEOUT_S,
    TRANSITIONS,
    Changeover,
    ChangeoverEffect,
    ChangeoverEvent,
    ChangeoverState,
    Discard,
    Prepare,
    SayLate,
    SayOutcome,
    SwitchOver,
    Wait,
)

PREPARED, FAILED = ChangeoverEvent.PREPARED, ChangeoverEvent.FAILED
TIMED_OUT, STOP_ASKED = ChangeoverEvent.TIMED_OUT, ChangeoverEvent.STOP_ASKED


def preparing() -> Changeover:
    changeover = Changeover()
    changeover.begin(is_settled=True)
    return changeover


def switched() -> Changeover:
    changeover = preparing()
    changeover.happened(PREPARED)
    return changeover


def test_where_all_serve_the_next_ones_prepare_at_once():
    assert Changeover().begin(is_settled=True) == [Wait(PREPARE_TIMEOUT_S), Prepare()]


@pytest.mark.parametrize("is_in_time", [True, False])
def test_where_one_does_not_it_is_waited_for_a_little(is_in_time):
    changeover = Changeover()
    assert changeover.begin(is_settled=False) == [Wait(SETTLE_TIMEOUT_S)]
    then = changeover.all_serve() if is_in_time else changeover.happened(TIMED_OUT)
    assert then == [Wait(PREPARE_TIMEOUT_S), Prepare()]


def test_once_all_are_prepared_they_are_the_present_ones_and_once_they_serve_it_is_told():
    changeover = preparing()
    assert changeover.prepared(know_all=True) == [Wait(SERVE_TIMEOUT_S), SwitchOver()]
    assert changeover.all_serve() == [SayOutcome("")]
    assert changeover.state is ChangeoverState.SERVING


def test_after_the_switch_there_is_no_way_back():
    assert switched().happened(TIMED_OUT) == [SayLate(), SayOutcome("")]
    assert switched().happened(STOP_ASKED) == [SayOutcome("")]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (FAILED, "why"),
        (TIMED_OUT, "the new workers were not ready within 60 s"),
        (STOP_ASKED, "the gateway is stopping"),
    ],
)
def test_before_it_nothing_has_changed(event, problem):
    changeover = preparing()
    assert changeover.happened(event, "why" if event is FAILED else "") == [Discard(), SayOutcome(problem)]
    assert changeover.state is ChangeoverState.ABANDONED


def test_a_stop_before_anything_was_prepared_has_nothing_to_discard():
    changeover = Changeover()
    changeover.begin(is_settled=False)
    assert changeover.happened(STOP_ASKED) == [SayOutcome("the gateway is stopping")]


def test_when_a_present_worker_dies_the_preparation_begins_anew_a_few_times():
    changeover = preparing()
    for _ in range(PREPARATIONS - 1):
        assert changeover.predecessor_died() == [Discard(), Wait(SETTLE_TIMEOUT_S)]
        assert changeover.predecessor_died() == []  # another one, while it settles
        assert changeover.all_serve() == [Wait(PREPARE_TIMEOUT_S), Prepare()]
    problem = "workers die too often; see the log, and reload once more"
    assert changeover.predecessor_died() == [Discard(), SayOutcome(problem)]


def test_when_a_present_worker_serves_that_the_next_ones_were_not_told_of_the_preparation_begins_anew_a_few_times():
    changeover = preparing()
    for _ in range(PREPARATIONS - 1):
        assert changeover.prepared(know_all=False) == [Discard(), Wait(PREPARE_TIMEOUT_S), Prepare()]
    assert changeover.prepared(know_all=False)[0] == Discard()
    assert changeover.state is ChangeoverState.ABANDONED


def test_a_present_slot_that_is_late_to_serve_changes_nothing_any_more():
    assert preparing().all_serve() == []


@pytest.mark.parametrize("state", ChangeoverState)
@pytest.mark.parametrize("event", ChangeoverEvent)
def test_what_cannot_happen_raises_and_changes_nothing(state, event):
    changeover = Changeover()
    changeover.state = state
    if event in TRANSITIONS[state]:
        changeover.happened(event)
        assert changeover.state is TRANSITIONS[state][event]
    else:
        with pytest.raises(ValueError, match=f"{event} cannot happen to a changeover that is {state}"):
            changeover.happened(event)
        assert changeover.state is state


def test_an_end_is_an_end_and_every_state_is_reached():
    ends = {state for state, events in TRANSITIONS.items() if not events}
    assert ends == {ChangeoverState.SERVING, ChangeoverState.ABANDONED}
    reached = {following for events in TRANSITIONS.values() for following in events.values()}
    assert reached == set(ChangeoverState)


@settings(max_examples=200)
@given(st.booleans(), st.lists(st.sampled_from([*ChangeoverEvent, "died", "all serve"]), max_size=40))
def test_whatever_happens_there_is_one_answer_and_what_was_prepared_is_switched_to_or_discarded(is_settled, events):
    changeover = Changeover()
    effects: list[ChangeoverEffect] = changeover.begin(is_settled=is_settled)
    for event in events:
        if SayOutcome in map(type, effects):
            break
        if event == "died" and changeover.state is not ChangeoverState.SWITCHED:
            effects += changeover.predecessor_died()
        elif event == "all serve":
            effects += changeover.all_serve()
        elif event in TRANSITIONS[changeover.state]:
            effects += changeover.happened(ChangeoverEvent(event))
    if not TRANSITIONS[changeover.state]:
        (answer,) = [each for each in effects if isinstance(each, SayOutcome)]
        assert effects[-1] is answer
        assert (SwitchOver() in effects) == (changeover.state is ChangeoverState.SERVING)
    is_open = changeover.state is ChangeoverState.PREPARING
    kinds = [type(each) for each in effects]
    assert kinds.count(Prepare) == kinds.count(Discard) + kinds.count(SwitchOver) + is_open
