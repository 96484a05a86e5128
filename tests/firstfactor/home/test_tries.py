"""Tries that wait, in order."""

from gateway.engine.first_factor import CheckFirstFactor
from gateway.firstfactor.home.states import ENDED
from gateway.firstfactor.home.tries import Tries
from tests.firstfactor.home.scene import Question, Scene


def question() -> Question:
    return Question(CheckFirstFactor(b"alice", b"secret"))


def test_each_comes_due_once_and_in_its_turn() -> None:
    tries, first, second = Tries(), question(), question()
    assert (tries.next, tries.due(9.0)) == (None, None)
    tries.add(first, 1.0)
    tries.add(second, 2.0)
    assert (tries.next, tries.due(0.9)) == (1.0, None)
    assert [tries.due(2.0), tries.due(2.0), tries.due(2.0)] == [first, second, None]


def test_who_has_an_answer_is_forgotten_when_the_next_begins() -> None:
    tries, first = Tries(), question()
    tries.add(first, 1.0)
    first.move(ENDED)
    tries.add(question(), 2.0)
    assert tries.next == 2.0


def test_thousands_of_answered_questions_leave_nothing_behind() -> None:
    scene = Scene()
    for _ in range(1000):
        scene.ask()
        scene.answer()
    assert len(scene.plan._tries._waits) == 1


def test_deadlines_between_tries_are_kept() -> None:
    """One that has less time than a try is answered in its own time, whatever others wait for."""
    scene = Scene()
    patient, hasty = scene.ask(), scene.ask(deadline=scene.now + 1.5)
    scene.wait(1.5)
    assert hasty.why[0] == "timeout"
    assert not patient.results
    scene.wait(0.5)
    assert [sent.octets == patient.octets for sent in scene.sent] == [True, False, True]
