"""What the watch over Duo makes of generations: whose evidence counts, and who is told."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.failmode.breaker import Breaker
from gateway.failmode.evidence import Evidence
from gateway.failmode.states import BreakerState
from gateway.ipc.worker_channel import LookAtBoard
from gateway.supervisor import fail_mode
from gateway.supervisor.fail_mode import FailModeWatch

if TYPE_CHECKING:
    from gateway.failmode.bulletin import Bulletin


class Crew:
    """A generation that takes note of what is posted and told.

    Attributes:
        evidence: of each slot; None for a row that cannot be read.
        vacant: slots without a worker.
    """

    def __init__(self, *keys: str, evidence: list[Any] | None = None, vacant: tuple[int, ...] = ()) -> None:
        self.applications = frozenset(keys)
        self.posted: list[tuple[str, Bulletin]] = []
        self.told: list[object] = []
        self.board = self
        self._evidence = evidence or []
        self._vacant = vacant
        self.slots = [SimpleNamespace(number=number) for number in range(len(self._evidence))]

    def bulletin(self, key: str) -> Any:
        """Where it is posted."""
        return SimpleNamespace(post=lambda bulletin: self.posted.append((key, bulletin)))

    def evidence(self, number: int, _key: str) -> Any:
        """What a worker shows."""
        return self._evidence[number]

    def process(self, slot: Any) -> object | None:
        """Who is there."""
        return None if slot.number in self._vacant else self

    def tell(self, word: object) -> None:
        """Take note."""
        self.told.append(word)


def watch(*crews: Crew) -> FailModeWatch:
    return FailModeWatch(lambda: crews)  # type: ignore[arg-type, return-value]


def standing(state: BreakerState = BreakerState.HEALTHY) -> Any:
    return Breaker().standing._replace(state=state)


NUMBERS = tuple(range(len(Evidence._fields)))


def test_the_evidence_is_that_of_workers_who_serve():
    former = Crew("app", evidence=[NUMBERS])
    serving = Crew("app", evidence=[NUMBERS, None, NUMBERS], vacant=(2,))
    assert len(watch(serving, former)._evidence("app")) == 1
    assert watch(serving)._evidence("another") == []


def test_all_generations_with_the_application_are_told_of_what_is_new_and_shown_the_rest():
    serving, former, other = Crew("app"), Crew("app"), Crew("another")
    duo = watch(serving, former, other)
    duo._publish("app", standing())
    duo._publish("app", standing())
    duo._publish("app", standing(BreakerState.DOWN))
    for crew in serving, former:
        assert [key for key, _ in crew.posted] == ["app"] * 3
        assert crew.told == [LookAtBoard()] * 2
    assert (other.posted, other.told) == ([], [])


def test_a_new_generation_knows_of_the_outages_that_concern_it_before_it_starts():
    duo = watch(Crew("app", "another"))
    duo._publish("app", standing(BreakerState.DOWN))
    duo._publish("another", standing())
    crew = Crew("app")
    duo.brief(crew)
    ((key, bulletin),) = crew.posted
    assert (key, bulletin.state) == ("app", BreakerState.DOWN.number)


@pytest.mark.parametrize("key", ["app", "unknown"])
def test_what_nobody_watches_is_healthy(key):
    assert watch().standing(key).state is BreakerState.HEALTHY


def test_the_keys_of_those_applications_are_checked_that_are_named(monkeypatch):
    asked = []

    async def check(askers: Any) -> list[str]:
        asked.extend(askers)
        return ["wrong"]

    monkeypatch.setattr(fail_mode, "troubles_of_keys", check)
    duo = watch()
    duo._clients = dict.fromkeys(("a:443/DIONE", "b:443/DIONE", "a:443/DITWO"))
    assert asyncio.run(duo.troubles_of_keys({"DIONE", "DIUNKNOWN"})) == ["wrong"]
    assert asked == ["a:443/DIONE", "b:443/DIONE"]


def test_a_reload_changes_how_many_failures_open(monkeypatch):
    class Client:
        wire_s = 0.0

        def ask(self, _call: object, _on_answer: object) -> Any:
            return SimpleNamespace(cancel=lambda: None)

        def close(self) -> None:
            pass

    monkeypatch.setattr(fail_mode, "open_probe_clients", lambda _settings: {"a": Client()})

    async def scene() -> None:
        duo = watch(Crew("a"))
        for number in (5, 2):
            duo.start(SimpleNamespace(gateway=SimpleNamespace(failures_to_open=number), servers=[]))  # type: ignore[arg-type]
            assert duo._breakers["a"].limits.failures_to_open == number
        duo.stop()

    asyncio.run(scene())


class TestIsolation:
    """What this host cannot reach, and another one can."""

    def watched(self, crew: Crew, reached: set[str]) -> FailModeWatch:
        watch = FailModeWatch(lambda: (crew,), reached.__contains__)  # type: ignore[arg-type, return-value]
        watch._breakers = {"a": SimpleNamespace(standing=standing(BreakerState.DOWN))}  # type: ignore[dict-item]
        return watch

    def test_is_posted_together_with_the_outage(self):
        crew = Crew("a")
        self.watched(crew, {"a"})._publish("a", standing(BreakerState.DOWN))
        ((_, bulletin),) = crew.posted
        assert bulletin.is_fail_mode_active
        assert bulletin.is_isolated

    def test_does_not_follow_from_another_host_while_duo_is_there(self):
        crew = Crew("a")
        self.watched(crew, {"a"})._publish("a", standing())
        ((_, bulletin),) = crew.posted
        assert not bulletin.is_isolated

    def test_ends_when_the_other_host_does_not_reach_duo_either(self):
        crew, reached = Crew("a"), {"a"}
        watch = self.watched(crew, reached)
        watch._publish("a", standing(BreakerState.DOWN))
        assert watch.isolated == ["a"]
        reached.clear()
        watch.look_at_others()
        assert [bulletin.is_isolated for _, bulletin in crew.posted] == [True, False]
        assert len(crew.told) == 2
        assert watch.isolated == []

    def test_is_said_of_the_sections_of_this_application_alone(self, caplog):
        crew, reached = Crew("a"), {"a"}
        watch = self.watched(crew, reached)
        watch._publish("a", standing(BreakerState.DOWN))
        reached.clear()
        watch.look_at_others()
        begun, ended = caplog.messages
        assert begun.endswith("nobody is answered here now at sections of this application (a)")
        assert ended == "Sections of this application answer again (a)"

    def test_leaves_pushes_to_the_other_host_whether_this_one_is_silent_or_not(self):
        crew = Crew("a")
        watch = self.watched(crew, {"a"})
        watch._is_silent = lambda: False
        watch._publish("a", standing(BreakerState.DOWN))
        watch._publish("a", standing())
        assert [(bulletin.is_isolated, bulletin.is_left) for _, bulletin in crew.posted] == [
            (False, True),
            (False, False),
        ]
        assert watch.isolated == []

    def test_is_told_of_once(self):
        crew = Crew("a")
        watch = self.watched(crew, {"a"})
        watch._publish("a", standing(BreakerState.DOWN))
        watch.look_at_others()
        assert len(crew.posted) == 1
