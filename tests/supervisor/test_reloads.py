"""Reloads and upgrades: what who asked is answered, and what the service manager hears."""

import asyncio
import os
import signal
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.config.changes import compare
from gateway.config.changes_told import summary
from gateway.config.listening import ListeningAddress
from gateway.config.read_outcome import ReadOutcome
from gateway.config.settings import Settings, encode_settings
from gateway.ipc.orders import CANNOT_START
from gateway.listeners.udp import open_socket
from gateway.supervisor import reloads
from gateway.supervisor.control import ReloadOutcome
from gateway.supervisor.sockets import ListeningSockets
from tests.config.files import MINIMAL, SERVER, parse
from tests.supervisor.scripted_worker import said, turns
from tests.supervisor.stage import GATEWAY, PREPARED, Scene, ScriptedSockets, Stage, play_on


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(scene: Scene) -> None:
        play_on(Stage(monkeypatch), scene)

    return run


def test_a_reload_is_answered_when_the_next_generation_serves(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        assert not task.done()
        assert stage.notifier.states == ["RELOADING=1"]
        await stage.serves(stage.workers[1])
        assert await task == ReloadOutcome(2, [], [], stage.no_changes)
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_a_reload_that_fails_says_so_with_the_file(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        await stage.exits(stage.workers[1], CANNOT_START, "cannot write logs")
        problem = f"{stage.settings.path}: a worker could not start with it: cannot write logs"
        assert await task == ReloadOutcome(1, [], [problem], stage.no_changes)

    play(scene)


def test_a_file_with_mistakes_starts_nothing(play):
    async def scene(stage: Stage) -> None:
        stage.read = ReadOutcome(problems=["a.cfg:3 no such key"], warnings=["odd"])
        task = await stage.reload()
        assert await task == ReloadOutcome(1, ["odd"], ["a.cfg:3 no such key"])
        assert len(stage.workers) == 1
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_the_last_one_is_remembered(play):
    async def scene(stage: Stage) -> None:
        assert stage.reloads.status() is None
        stage.read = ReadOutcome(problems=["a.cfg:3 no such key"])
        await (await stage.reload())
        status = stage.reloads.status()
        assert status is not None
        assert (status["ok"], status["problems"]) == (False, ["a.cfg:3 no such key"])

    play(scene)


def test_one_that_is_asked_for_during_another_comes_after_it(play):
    async def scene(stage: Stage) -> None:
        first = await stage.reload()
        second = asyncio.get_running_loop().create_task(stage.reloads.reload())
        await turns()
        assert len(stage.workers) == 2
        await stage.serves(stage.workers[1])
        assert (await first).generation == 2
        await stage.next_worker(stage.workers[1])
        await stage.serves(stage.workers[2])
        assert (await second).generation == 3

    play(scene)


def test_a_stop_answers_it_and_those_that_come_later(play):
    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        stage.generations.stop()
        assert await task == ReloadOutcome(1, [], [f"{stage.settings.path}: the gateway is stopping"], stage.no_changes)
        assert [worker.signals[0] for worker in stage.workers] == [signal.SIGTERM, signal.SIGKILL]
        assert (await stage.reloads.reload()).problems == ["the gateway is stopping"]

    play(scene)


def test_the_service_manager_hears_nothing_but_the_end_once_it_has_begun(play, monkeypatch, caplog):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        task = await stage.reload()
        stage.generations.stop()
        await task
        for asked in (stage.reloads.reload(), stage.reloads.try_upgrade(), stage.reloads.try_reload()):
            assert (await asked).problems == ["the gateway is stopping"]
        assert stage.notifier.states == ["RELOADING=1"]
        assert "goes on serving" not in caplog.text

    play(scene)


def test_what_is_asked_for_while_it_ends_is_refused_at_once(play, monkeypatch):
    async def read(_path: str) -> ReadOutcome:
        raise AssertionError

    async def scene(stage: Stage) -> None:
        stage.generations.stop()
        monkeypatch.setattr(reloads, "read_in_child", read)
        monkeypatch.setattr(reloads, "try_code_on_disk", read)
        for asked in (stage.reloads.reload(), stage.reloads.try_upgrade(), stage.reloads.try_reload()):
            assert await asked == ReloadOutcome(1, [], ["the gateway is stopping"])

    play(scene)


def code_on_disk(monkeypatch: pytest.MonkeyPatch, problem: str = "") -> None:
    async def tried() -> str:
        return problem

    monkeypatch.setattr(reloads, "try_code_on_disk", tried)


def test_an_upgrade_is_tried_by_a_reload_and_leaves_the_service_manager_waiting(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        task = await stage.asked(stage.reloads.try_upgrade())
        await stage.serves(stage.workers[1])
        assert await task == ReloadOutcome(2, [], [], stage.no_changes)
        assert stage.notifier.states == ["RELOADING=1"]

    play(scene)


def test_what_waits_behind_an_upgrade_is_told_to_ask_the_code_on_disk(play, monkeypatch, caplog):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        task = await stage.asked(stage.reloads.try_upgrade())
        behind = (stage.reloads.reload(), stage.reloads.try_upgrade(), stage.reloads.try_reload())
        waiting = [asyncio.get_running_loop().create_task(each) for each in behind]
        await turns()
        await stage.serves(stage.workers[1])
        assert (await task).problems == []
        for each in waiting:
            assert await each == ReloadOutcome(2, [], ["the gateway is being upgraded; ask again"])
        assert len(stage.workers) == 2
        assert stage.notifier.states == ["RELOADING=1"]
        assert "goes on serving" not in caplog.text

    play(scene)


def test_code_that_does_not_start_starts_nothing(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch, "it does not start")
        assert await stage.reloads.try_upgrade() == ReloadOutcome(1, [], ["it does not start"])
        assert len(stage.workers) == 1
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_a_stop_while_workers_are_replaced_is_against_an_upgrade(play, monkeypatch):
    """A reload ends well then, for its generation serves; the process must end all the same."""

    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        task = await stage.asked(stage.reloads.try_upgrade())
        await said(stage.workers[1], PREPARED)
        stage.generations.stop()
        assert await task == ReloadOutcome(2, [], ["the gateway is stopping"], stage.no_changes)

    play(scene)


def test_code_that_changes_while_it_is_tried_does_not_take_our_place(play, monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        states = iter([{}, {"module.py": 1}])
        monkeypatch.setattr(reloads, "code_on_disk", lambda: next(states))
        task = await stage.asked(stage.reloads.try_upgrade())
        await stage.serves(stage.workers[1])
        outcome = await task
        assert outcome.generation == 2
        assert outcome.problems[0].startswith("the code on disk has changed while it was tried; upgrade again")
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_a_mistake_of_ours_does_not_leave_the_service_manager_waiting(play, monkeypatch):
    async def mistaken() -> str:
        raise RuntimeError("a mistake")

    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(reloads, "try_code_on_disk", mistaken)
        with pytest.raises(RuntimeError):
            await stage.reloads.try_upgrade()
        assert stage.notifier.states == ["RELOADING=1", "READY=1"]

    play(scene)


def test_another_run_dir_is_refused_whatever_is_asked_for_and_that_is_remembered(play, monkeypatch, caplog):
    """No command would find this gateway there, and its journals are not there either."""

    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        former, settings = stage.settings.gateway.run_dir, parse(MINIMAL + GATEWAY + "run_dir=/elsewhere\n")[0]
        stage.read = ReadOutcome(settings_octets=encode_settings(settings))
        for asked in (
            stage.reloads.try_upgrade(),
            stage.reloads.try_reload(is_forced=True),
            stage.reloads.reload(is_forced=True),
        ):
            (problem,) = (await asked).problems
            assert "run_dir can change only at a restart" in problem
            assert f"write run_dir={former} again, or end this gateway (kill -TERM {os.getpid()})" in problem
        assert len(stage.workers) == 1
        status = stage.reloads.status()
        assert status is not None
        assert status["problems"] == [problem]
        assert problem in caplog.text

    play(scene)


def test_the_same_run_dir_by_another_name_is_no_other_one(play, tmp_path):
    async def scene(stage: Stage) -> None:
        (tmp_path / "run").symlink_to(stage.settings.gateway.run_dir)
        settings = parse(f"{MINIMAL}{GATEWAY}run_dir={tmp_path}/run\n")[0]
        stage.read = ReadOutcome(settings_octets=encode_settings(settings))
        assert (await stage.reloads.try_reload()).problems == []

    play(scene)


# What a reload changes, and what it may not.


def sections(*numbers: int, more: str = "") -> Settings:
    """Return settings of sections with these numbers, each with a client of its own."""
    return parse(GATEWAY + more + "".join(map(section, numbers)))[0]


def section(number: int) -> str:
    keys = SERVER.replace("10.0.1.10", f"10.0.1.{number}")
    return f"[radius_server_duo_only{number}]\nport={2000 + number}\n{keys}"


def play_with(settings: Settings, after: Settings, monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Play a scene of a gateway with these settings, whose file has others."""
    stage = Stage(monkeypatch)
    stage.settings, stage.read = settings, ReadOutcome(settings_octets=encode_settings(after))
    play_on(stage, scene)


FOUR = sections(1, 2, 3, 4)
ONE_OF_FOUR = sections(1)


def test_what_is_different_is_answered_logged_and_remembered_in_brief(monkeypatch, caplog):
    many, few = sections(*range(1, 31)), sections(*range(1, 17), more="max_pending=7\n")

    async def scene(stage: Stage) -> None:
        task = await stage.reload()
        await stage.serves(stage.workers[1])
        changes = (await task).changes
        assert changes == compare(many, few)
        status = stage.reloads.status()
        assert status is not None
        assert status["at"] > 0
        assert status["changes"]["summary"] == summary(changes)
        assert (status["changes"]["sections"]["n_removed"], len(status["changes"]["sections"]["removed"])) == (14, 10)

    caplog.set_level("INFO")
    play_with(many, few, monkeypatch, scene)
    assert (
        "Generation 2 serves; sections: 14 removed, 0 added, 0 changed; clients 30 -> 16; other sections: "
        in caplog.text
    )
    assert "and 4 more; changed: gateway (max_pending)\n" in caplog.text


def test_too_much_goes_by_force_alone(monkeypatch, caplog):
    async def scene(stage: Stage) -> None:
        refused = await (await stage.reload())
        (problem,) = refused.problems
        assert problem.startswith(
            f"{FOUR.path}: 3 of 4 sections would go and 3 of 4 clients would go (radius_server_duo_only2, "
        )
        assert problem.endswith("; if it is meant: radgate reload --force")
        assert (refused.generation, refused.changes) == (1, compare(FOUR, ONE_OF_FOUR))
        assert len(stage.workers) == 1
        assert problem in caplog.text
        task = await stage.reload(is_forced=True)
        await stage.serves(stage.workers[1])
        assert (await task) == ReloadOutcome(2, [], [], refused.changes)

    play_with(FOUR, ONE_OF_FOUR, monkeypatch, scene)


def test_an_upgrade_is_guarded_too(monkeypatch):
    async def scene(stage: Stage) -> None:
        code_on_disk(monkeypatch)
        (problem,) = (await stage.reloads.try_upgrade()).problems
        assert "3 of 4 sections would go" in problem
        assert len(stage.workers) == 1

    play_with(FOUR, ONE_OF_FOUR, monkeypatch, scene)


def test_what_a_reload_would_come_to_changes_nothing(monkeypatch, caplog):
    async def scene(stage: Stage) -> None:
        outcome = await stage.reloads.try_reload(is_forced=True)
        assert outcome == ReloadOutcome(1, [], [], compare(FOUR, ONE_OF_FOUR))
        stage.read = ReadOutcome(problems=["a.cfg:3 no such key"])
        assert (await stage.reloads.try_reload()).problems == ["a.cfg:3 no such key"]
        assert stage.reloads.status() is None
        assert (stage.notifier.states, len(stage.workers)) == ([], 1)

    play_with(FOUR, ONE_OF_FOUR, monkeypatch, scene)
    assert "no such key" not in caplog.text


async def find_beforehand(stage: Stage, text: str) -> None:
    (problem,) = (await stage.reloads.try_reload()).problems
    assert problem.startswith(f"{FOUR.path}: ")
    assert text in problem


def test_a_user_that_is_not_there_is_found_beforehand(monkeypatch):
    async def scene(stage: Stage) -> None:
        await find_beforehand(stage, "there is no user no-such-one")

    play_with(FOUR, sections(1, 2, 3, 4, more="user=no-such-one\n"), monkeypatch, scene)


def test_an_address_of_others_is_found_beforehand(monkeypatch):
    after = replace(FOUR, servers=tuple(replace(server, interface="192.0.2.1") for server in FOUR.servers))

    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(ScriptedSockets, "try_addresses", staticmethod(ListeningSockets.try_addresses))
        await find_beforehand(stage, "no interface of this machine")

    play_with(FOUR, after, monkeypatch, scene)


def test_what_others_have_is_told_of_addresses(monkeypatch):
    async def scene(stage: Stage) -> None:
        monkeypatch.setattr(ScriptedSockets, "try_addresses", staticmethod(ListeningSockets.try_addresses))
        with open_socket(socket.AF_INET, "127.0.0.2", 0, shared=False) as udp:
            there = ListeningAddress(int(socket.AF_INET), "127.0.0.2", udp.getsockname()[1], ())
            elsewhere = there._replace(host="127.0.0.3"), there._replace(host="192.0.2.1")
            taken = stage.generations.taken_addresses([there, *elsewhere])
        assert list(taken) == [str(there)]
        assert "the port is in use" in taken[str(there)]

    play_with(FOUR, FOUR, monkeypatch, scene)


some_sections = st.sets(st.integers(1, 6), min_size=1)
some_keys = st.sampled_from(
    [
        "",
        "reload_guard=0\n",
        "reload_guard=10\n",
        "max_pending=5\n",
        "max_pending=9\n",
        "user=no-such\n",
        "drain_timeout_s=1\n",
    ]
)


@examples(deadline=None, max_examples=25)
@given(before=some_sections, after=some_sections, guard=some_keys, keys=some_keys, is_forced=st.booleans())
def test_what_a_reload_would_come_to_is_what_it_comes_to(before, after, guard, keys, is_forced):
    async def scene(stage: Stage) -> None:
        tried = await stage.reloads.try_reload(is_forced=is_forced)
        task = await stage.reload(is_forced=is_forced)
        if not task.done():
            await stage.serves(stage.workers[1])
        done = await task
        assert done._replace(generation=1) == tried
        assert (done.generation == 2) == (not tried.problems)

    old = sections(*before, more=guard if "reload_guard" in guard else "")
    with pytest.MonkeyPatch.context() as patch:
        play_with(old, sections(*after, more=keys), patch, scene)
