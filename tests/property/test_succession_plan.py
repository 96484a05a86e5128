"""Whatever happens in whatever order: nothing known is lost, no two read one bucket, and a reload has one answer."""

from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stories import stories
from tests.supervisor.plan_world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = [
    *("go on", "go on", "go on", "go on", "reload", "reload"),
    *(
        "prepare",
        "prepare all",
        "prepare all",
        "serve",
        "serve unheard",
        "hear",
        "hand over",
        "exit",
        "exit",
        "start again",
        "insist",
        "time out",
    ),
    *("fail", "fail", "unsuited"),
]
happenings = stories(KINDS, 12, at_least=15, at_most=60)


def begun(n_workers: int) -> World:
    """A world in which all serve."""
    world = World(n_workers)
    world.settle()
    return world


def happen(world: World, kind: str, number: int) -> None:
    """Let one thing happen, to the number-th that it can happen to."""
    processes = list(world.processes.values())
    choices: dict[str, tuple[Callable[[Any], None], Sequence[Any]]] = {
        "prepare": (world.prepare, processes),
        "serve": (world.serve, processes),
        "serve unheard": (world.begin_to_serve, processes),
        "hear": (world.hear, processes),
        "hand over": (world.hand_over, processes),
        "exit": (world.exit, processes),
        "unsuited": (partial(world.exit, is_unsuited=True), [each for each in processes if not each.has_served]),
        "start again": (world.start_again, world.to_start),
        "insist": (world.insist, world.to_insist),
        "reload": (world.reload, [1, 2, 3, 4]),
        "fail": (world.fails.add, ["spawn", "link", "telling"]),
    }
    if kind in choices:
        act, things = choices[kind]
        if things:
            act(things[number % len(things)])
    elif kind == "prepare all":
        for process in processes:
            world.prepare(process)
    elif kind == "time out":
        world.time_out()
    else:
        world.go_on()


@settings(max_examples=400)
@given(st.integers(1, 4), happenings)
def test_any_order_of_events(n_workers, happenings):
    world = begun(n_workers)
    for kind, number in happenings:
        world.now += 0.1
        happen(world, kind, number)
        world.check()
    world.end()
    assert len(world.answers) == world.n_asked
    world.check_end()


@settings(max_examples=400)
@given(st.integers(1, 4), st.integers(1, 3), happenings)
def test_any_order_of_events_after_a_start_that_has_found_journals(n_workers, n_found, happenings):
    world = World(n_workers, n_found)
    for kind, number in happenings:
        happen(world, kind, number)
        world.check()
    world.fails.clear()
    while world.changeover is not None:
        world.settle()
        world.time_out()
    world.settle()
    world.check()
    assert world.open_journals == set(world.processes)
    world.end()
    world.check_end()


@settings(max_examples=400)
@given(st.integers(1, 4), happenings, happenings)
def test_any_order_of_events_in_which_a_stop_is_one(n_workers, before, after):
    world = begun(n_workers)
    for kind, number in before:
        happen(world, kind, number)
    world.stop()
    assert len(world.answers) == world.n_asked
    for kind, number in after:
        happen(world, kind, number)
        world.check()
    world.end()
    world.check_end()


@settings(max_examples=400)
@given(st.integers(1, 4), happenings)
def test_once_nothing_fails_any_more_every_bucket_is_served(n_workers, happenings):
    world = begun(n_workers)
    for kind, number in happenings:
        happen(world, kind, number)
    world.fails.clear()
    world.settle()
    while world.changeover is not None:
        world.settle()
        world.time_out()
    world.settle()
    assert world.present.is_ready
    assert {bucket for each in world.processes.values() if each.reads for bucket in each.buckets} == {0, 1, 2, 3}
    world.check()
    assert world.open_journals == set(world.processes)
    assert not world.near_ends
    assert not world.far_ends
    world.end()
    world.check_end()
