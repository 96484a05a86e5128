"""Who takes over from whom, and what is given up: each rule by itself."""

from typing import Any

import pytest

from gateway.supervisor.changeover import ChangeoverState
from gateway.supervisor.slot_life import SlotState
from gateway.supervisor.slots import Generation, Worker, workers_of
from gateway.supervisor.succession_effects import (
    CloseFarEnd,
    CloseJournal,
    CloseNearEnd,
    GoOnWithout,
    Kill,
    LetServe,
    OpenLink,
    Spawn,
    StartLater,
    Stop,
    TellToHandOver,
)
from gateway.supervisor.succession_plan import MAX_DEATHS, SuccessionPlan
from tests.supervisor.plan_world import Process, World

NOW = 100.0


def kinds(effects: list[Any]) -> list[type]:
    return [type(effect) for effect in effects]


def started(plan: SuccessionPlan, number: int = 1, buckets: list[list[int]] | None = None) -> Generation:
    """A generation whose workers were started, as one or as many as there are lists of buckets."""
    generation = Generation(number, buckets or [[0, 1]])
    plan.add(generation)
    plan.start(generation, NOW)
    for slot in generation.slots[1:]:
        plan.start_at(slot, NOW)
    return generation


def serving(plan: SuccessionPlan, number: int = 1, buckets: list[list[int]] | None = None) -> Generation:
    """A generation whose workers serve."""
    generation = started(plan, number, buckets)
    for worker in workers_of(generation):
        plan.prepared(worker)
        plan.serving(worker, NOW)
    return generation


def following(plan: SuccessionPlan, former: Generation, buckets: list[list[int]] | None = None) -> Generation:
    """The next generation, that is to take over, without workers yet."""
    generation = Generation(former.number + 1, buckets or [[0, 1]])
    plan.add(generation)
    plan.name_successors(former, generation)
    return generation


def worker_at(generation: Generation, number: int = 0) -> Worker:
    worker = generation.slots[number].worker
    assert worker is not None
    return worker


def next_worker(plan: SuccessionPlan, generation: Generation) -> tuple[Worker, list[tuple[Worker, bool]]]:
    """Let the one slot's pause be over; return the next worker, and whom it takes over from and whether that lives."""
    (spawn,) = plan.start_at(generation.slots[0], NOW)
    assert isinstance(spawn, Spawn)
    return spawn.worker, [(each.worker, each.link is not None) for each in spawn.predecessors]


class TestDeaths:
    def test_one_that_dies_leaves_its_journal_to_the_next_until_that_serves(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        first = worker_at(generation)
        assert kinds(plan.exited(first, "", NOW)) == [StartLater]
        second, predecessors = next_worker(plan, generation)
        assert predecessors == [(first, False)]
        plan.prepared(second)
        assert plan.serving(second, NOW) == [CloseJournal(first)]

    def test_one_that_dies_before_it_serves_leaves_what_it_was_left(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        first = worker_at(generation)
        plan.exited(first, "", NOW)
        second, _ = next_worker(plan, generation)
        assert kinds(plan.exited(second, "", NOW)) == [StartLater]
        third, predecessors = next_worker(plan, generation)
        assert predecessors == [(first, False), (second, False)]
        assert set(plan.serving(third, NOW)) == {CloseJournal(first), CloseJournal(second)}

    def test_what_so_many_died_of_before_they_served_is_given_up(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        plan.exited(worker_at(generation), "", NOW)
        for _ in range(MAX_DEATHS - 1):
            worker, _ = next_worker(plan, generation)
            assert kinds(plan.exited(worker, "", NOW)) == [StartLater]
        worker, _ = next_worker(plan, generation)
        effects = plan.exited(worker, "", NOW)
        assert kinds(effects) == [GoOnWithout, StartLater, *[CloseJournal] * (1 + MAX_DEATHS)]
        assert next_worker(plan, generation)[1] == []

    def test_a_death_that_the_worker_explains_is_none_of_the_journals_doing(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        first = worker_at(generation)
        plan.exited(first, "", NOW)
        for _ in range(3 * MAX_DEATHS):
            worker, predecessors = next_worker(plan, generation)
            assert predecessors[0] == (first, False)
            assert kinds(plan.exited(worker, "no roots", NOW, is_unsuited=True)) == [StartLater]

    def test_one_that_served_begins_the_count_anew(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        plan.exited(worker_at(generation), "", NOW)
        for _ in range(3 * MAX_DEATHS):
            worker, predecessors = next_worker(plan, generation)
            assert len(predecessors) == 1
            plan.serving(worker, NOW)
            assert kinds(plan.exited(worker, "", NOW)) == [StartLater]

    def test_why_it_never_announced_itself_is_kept_until_one_does(self):
        plan = SuccessionPlan()
        generation = started(plan)
        slot = generation.slots[0]
        plan.exited(worker_at(generation), "no roots", NOW)
        worker, _ = next_worker(plan, generation)
        plan.could_not_spawn(worker, "no process", NOW)
        assert (slot.trouble, slot.n_failures) == ("no process", 2)
        worker, _ = next_worker(plan, generation)
        plan.prepared(worker)
        assert (slot.trouble, slot.n_failures) == ("", 0)

    def test_one_that_could_not_be_started_leaves_nothing_and_takes_nothing(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        first = worker_at(generation)
        plan.exited(first, "", NOW)
        second, _ = next_worker(plan, generation)
        assert plan.could_not_spawn(second, "no process", NOW) == [
            StartLater(generation.slots[0], 0.1),
            CloseJournal(second),
        ]
        assert next_worker(plan, generation)[1] == [(first, False)]


class TestBequeathing:
    def test_each_slot_takes_over_from_all_whose_buckets_become_its_own(self):
        plan = SuccessionPlan()
        former = serving(plan, 1, [[0, 2], [1, 3]])
        crew = Generation(2, [[0, 3], [1], [2]])
        plan.add(crew)
        effects = plan.name_successors(former, crew)
        links = [effect.link for effect in effects if isinstance(effect, OpenLink)]
        assert [(link.worker.slot.number, link.successor.number, link.buckets) for link in links] == [
            (0, 0, [0]),
            (0, 2, [2]),
            (1, 0, [3]),
            (1, 1, [1]),
        ]
        assert [[each.worker.slot.number for each in slot.predecessors] for slot in crew.slots] == [[0, 1], [1], [0]]

    def test_one_that_does_not_serve_yet_does_not_know_those_before_it(self):
        plan = SuccessionPlan()
        former = serving(plan)
        first = worker_at(former)
        plan.exited(first, "", NOW)
        second, _ = next_worker(plan, former)
        crew = following(plan, former)
        assert [(each.worker, each.link is not None) for each in crew.slots[0].predecessors] == [
            (first, False),
            (second, True),
        ]

    def test_one_that_serves_knows_those_before_it(self):
        plan = SuccessionPlan()
        former = serving(plan)
        crew = following(plan, former)
        assert [each.worker for each in crew.slots[0].predecessors] == [worker_at(former)]

    def test_a_slot_without_a_worker_leaves_what_it_was_left(self):
        plan = SuccessionPlan()
        former = serving(plan)
        first = worker_at(former)
        plan.exited(first, "", NOW)
        crew = following(plan, former)
        assert plan.hand_over(former, NOW) == []
        assert plan.remove(former) == []  # the journal is the successor's now
        (spawn,) = plan.start(crew, NOW)
        assert isinstance(spawn, Spawn)
        assert [each.worker for each in spawn.predecessors] == [first]
        assert plan.serving(spawn.worker, NOW) == [CloseJournal(first)]

    def test_another_generation_inherits_how_many_have_died(self):
        plan = SuccessionPlan()
        former = serving(plan)
        plan.exited(worker_at(former), "", NOW)
        plan.exited(next_worker(plan, former)[0], "", NOW)
        crew = following(plan, former)
        plan.start(crew, NOW)
        effects = []
        for n_died in range(1, MAX_DEATHS):
            worker = worker_at(crew) if n_died == 1 else next_worker(plan, crew)[0]
            effects = plan.exited(worker, "", NOW)
        assert GoOnWithout in kinds(effects)


class TestHandingOver:
    def test_a_worker_that_serves_is_told_and_one_that_does_not_is_killed(self):
        plan = SuccessionPlan()
        former = started(plan, 1, [[0], [1]])
        ready, other = workers_of(former)
        plan.serving(ready, NOW)
        crew = following(plan, former)
        effects = plan.hand_over(former, NOW)
        assert kinds(effects) == [TellToHandOver, Kill]
        assert effects[0] == TellToHandOver(ready, tuple(former.slots[0].links))
        assert effects[1] == Kill(other)
        assert [link.successor for link in former.slots[0].links] == [crew.slots[0]]

    def test_no_worker_of_the_next_generation_is_let_serve_before(self):
        """At a slot that takes over from a vacant one nothing else would keep it from that."""
        plan = SuccessionPlan()
        former = serving(plan)
        plan.exited(worker_at(former), "", NOW)
        crew = following(plan, former)
        plan.start(crew, NOW)
        assert crew.waits
        assert plan.hand_over(former, NOW)[0] == LetServe(worker_at(crew))
        assert not crew.waits

    def test_one_that_came_later_and_was_not_named_is_seen(self):
        """Also before it is heard that it serves: it may have pushed somebody by then."""
        plan = SuccessionPlan()
        former = serving(plan)
        plan.exited(worker_at(former), "", NOW)
        following(plan, former)
        assert former.is_told_of
        plan.start_at(former.slots[0], NOW)
        assert not former.is_told_of
        plan.serving(worker_at(former), NOW)
        assert not former.is_told_of

    def test_a_link_ends_when_its_worker_is_gone_and_not_before(self):
        """However long others of its generation take."""
        plan = SuccessionPlan()
        former = serving(plan, 1, [[0], [1]])
        crew = following(plan, former)
        plan.start(crew, NOW)
        first, other = workers_of(former)
        (link,) = former.slots[0].links
        assert kinds(plan.hand_over(former, NOW)) == [TellToHandOver, TellToHandOver, LetServe]
        assert plan.handed_over(first) == []
        assert plan.exited(first, "", NOW) == [CloseNearEnd(link), CloseFarEnd(link)]
        worker = worker_at(crew)
        plan.prepared(worker)
        assert plan.serving(worker, NOW) == [CloseJournal(first)]
        assert CloseJournal(other) in plan.exited(other, "", NOW)

    def test_one_that_hangs_or_cannot_be_told_is_killed_once_and_one_that_has_handed_over_is_not(self):
        plan = SuccessionPlan()
        former = serving(plan)
        following(plan, former)
        worker = worker_at(former)
        plan.hand_over(former, NOW)
        assert plan.insist(worker) == [Kill(worker)]
        plan.handed_over(worker)
        assert plan.insist(worker) == []
        plan.exited(worker, "", NOW)
        assert plan.insist(worker) == []

    def test_a_successors_successor_knows_that_it_has_handed_over(self):
        """The first successor has heard it on the link, where nobody hears it again."""
        plan = SuccessionPlan()
        former = serving(plan)
        crew = following(plan, former)
        plan.start(crew, NOW)
        plan.hand_over(former, NOW)
        plan.handed_over(worker_at(former))
        first_heir = worker_at(crew)
        plan.exited(first_heir, "", NOW)
        (spawn,) = plan.start_at(crew.slots[0], NOW)
        assert isinstance(spawn, Spawn)
        assert [(each.link is not None, each.has_handed_over) for each in spawn.predecessors] == [
            (True, True),
            (False, False),
        ]

    def test_what_a_living_predecessor_knows_is_not_given_up_for_its_heirs_deaths(self):
        plan = SuccessionPlan()
        former = serving(plan)
        crew = following(plan, former)
        plan.start(crew, NOW)
        plan.hand_over(former, NOW)
        for n_died in range(2 * MAX_DEATHS):
            worker = worker_at(crew) if n_died == 0 else next_worker(plan, crew)[0]
            plan.exited(worker, "", NOW)
        assert next_worker(plan, crew)[1][0] == (worker_at(former), True)


class TestPreparationsThatAreGivenUp:
    def test_its_workers_are_killed_before_their_links_end(self):
        """The end of a link would let them serve beside the present ones."""
        plan = SuccessionPlan()
        former = serving(plan)
        crew = following(plan, former)
        plan.start(crew, NOW)
        assert kinds(plan.abort(crew, NOW)) == [Kill, CloseNearEnd]
        assert former.slots[0].links == []
        assert former.is_ready
        assert kinds(plan.exited(worker_at(crew), "", NOW)) == [CloseJournal, CloseFarEnd]

    def test_nor_do_they_end_when_the_present_worker_dies_till_then(self):
        plan = SuccessionPlan()
        former = serving(plan)
        crew = following(plan, former)
        plan.start(crew, NOW)
        effects = plan.exited(worker_at(former), "", NOW)
        assert CloseNearEnd not in kinds(effects)
        assert kinds(plan.abort(crew, NOW)) == [Kill, CloseNearEnd]

    def test_one_without_workers_leaves_nothing(self):
        plan = SuccessionPlan()
        former = serving(plan)
        crew = following(plan, former)
        assert kinds(plan.abort(crew, NOW)) == [CloseNearEnd, CloseFarEnd]
        assert crew.is_gone

    def test_those_that_cannot_be_started_any_more_are_done_with(self):
        plan = SuccessionPlan()
        crew = started(plan)
        plan.abort(crew, NOW)
        assert kinds(plan.could_not_spawn(worker_at(crew), "no process", NOW)) == [CloseJournal]
        assert crew.slots[0].state is SlotState.EMPTY


class TestStarting:
    def test_one_is_started_and_the_others_without_a_pause(self):
        plan = SuccessionPlan()
        generation = Generation(1, [[0], [1], [2]])
        plan.add(generation)
        spawn, *others = plan.start(generation, NOW)
        assert isinstance(spawn, Spawn)
        assert others == [StartLater(slot, 0.0) for slot in generation.slots[1:]]
        assert kinds(plan.start_at(generation.slots[1], NOW)) == [Spawn]
        assert workers_of(generation) == [spawn.worker, generation.slots[1].worker]
        assert plan.start_at(generation.slots[1], NOW) == []  # somebody is there

    @pytest.mark.parametrize("end", [SuccessionPlan.stop, SuccessionPlan.abort, SuccessionPlan.hand_over])
    def test_whoever_has_not_been_started_by_the_end_never_is(self, end):
        plan = SuccessionPlan()
        generation = Generation(1, [[0], [1]])
        plan.add(generation)
        plan.start(generation, NOW)
        end(plan, generation, NOW)
        assert plan.start_at(generation.slots[1], NOW) == []
        plan.exited(worker_at(generation), "", NOW)
        assert generation.is_gone


class TestStopping:
    def test_nobody_comes_after_those_that_there_are(self):
        plan = SuccessionPlan()
        generation = serving(plan, 1, [[0], [1]])
        dead, alive = workers_of(generation)
        plan.exited(dead, "", NOW)
        assert plan.stop(generation, NOW) == [Stop(alive), CloseJournal(dead)]
        assert plan.start_at(generation.slots[0], NOW) == []
        assert plan.exited(alive, "", NOW) == [CloseJournal(alive)]
        assert generation.is_gone

    def test_a_pause_that_is_over_too_late_brings_nobody_to_a_generation_that_is_no_more(self):
        plan = SuccessionPlan()
        generation = serving(plan)
        slot = generation.slots[0]
        plan.exited(worker_at(generation), "", NOW)
        plan.stop(generation, NOW)
        plan.remove(generation)
        assert plan.start_at(slot, NOW) == []


class TestCrashesDuringReloads:
    """In the world without processes, where all of it plays together."""

    def test_a_present_worker_that_dies_in_the_preparation_makes_it_begin_anew(self):
        world = World(1)
        world.settle()
        (present,) = world.processes.values()
        world.reload(1)
        world.exit(present)
        world.check()
        assert world.preparing is None
        world.settle()
        assert world.answers == [""]
        (serves,) = world.processes.values()
        assert serves.known > {present.worker}

    def test_a_present_worker_that_came_meanwhile_and_serves_unheard_makes_it_begin_anew(self):
        world = World(1)
        world.settle()
        (first,) = world.processes.values()
        world.exit(first)
        world.reload(1)
        world.time_out()
        (slot,) = world.to_start
        world.start_again(slot)
        (new, came) = world.processes.values()
        world.prepare(came)
        world.begin_to_serve(came)
        world.prepare(new)
        assert not came.is_killed
        world.settle()
        world.check()
        assert world.answers == [""]

    def test_a_present_worker_that_dies_right_after_the_switch_costs_nothing(self):
        world, old, new = switched()
        world.exit(old)
        world.check()
        world.serve(new)
        assert new.reads
        assert world.answers == [""]

    def test_a_new_worker_that_dies_right_after_the_switch_costs_nothing(self):
        world, old, new = switched()
        world.hand_over(old)
        world.exit(new)
        world.check()
        world.settle()
        (serves,) = world.processes.values()
        assert serves.known >= {old.worker, new.worker}
        assert world.answers == [""]

    def test_both_may_die(self):
        world, old, new = switched()
        world.exit(new)
        world.exit(old)
        world.check()
        world.settle()
        (serves,) = world.processes.values()
        assert serves.known == {old.worker, new.worker, serves.worker}

    def test_a_stop_in_the_preparation_ends_it_with_its_answer(self):
        world = World(2)
        world.settle()
        world.reload(3)
        world.stop()
        assert world.answers == ["the gateway is stopping"]
        world.end()
        world.check_end()

    @pytest.mark.parametrize("what", ["link", "spawn"])
    def test_a_reload_without_descriptors_changes_nothing(self, what):
        world = World(2)
        world.settle()
        before = dict(world.processes)
        world.fails.add(what)
        world.reload(2)
        assert len(world.answers) == 1
        assert world.answers[0] != ""
        world.check()
        world.settle()
        assert world.processes == before
        assert world.open_journals == set(before)

    def test_one_that_takes_no_links_is_killed_and_its_heirs_wait_for_its_end(self):
        world = World(1)
        world.settle()
        (old,) = world.processes.values()
        world.fails.add("telling")
        world.reload(1)
        (new,) = [each for each in world.processes.values() if each is not old]
        world.prepare(new)
        assert old.is_killed
        world.serve(new)
        assert not new.reads
        world.exit(old)
        world.serve(new)
        assert new.reads


def switched() -> tuple[World, Process, Process]:
    """A world in which a worker was told to hand over, and another waits for that."""
    world = World(1)
    world.settle()
    (old,) = world.processes.values()
    world.reload(1)
    (new,) = [each for each in world.processes.values() if each is not old]
    world.prepare(new)
    assert world.changeover is not None
    assert world.changeover.state is ChangeoverState.SWITCHED
    assert old.is_told
    assert not world.may_serve(new)
    return world, old, new
