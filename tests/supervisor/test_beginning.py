"""How a gateway begins: what is announced, when it is hopeless, and which sockets it takes over."""

import contextlib
import logging
import socket
from typing import Any

import pytest

from gateway.config.settings import Settings
from gateway.listeners.udp import open_socket
from gateway.supervisor import beginning
from gateway.supervisor.beginning import START_TRIES, Beginning, bind_sockets
from gateway.supervisor.sockets import ListeningSockets
from tests.config.files import MINIMAL, parse
from tests.supervisor.stage import Scene, Stage, play_on


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(scene: Scene) -> None:
        play_on(Stage(monkeypatch), scene)

    return run


def test_it_is_announced_once_with_where_it_listens_and_its_page(play):
    async def scene(stage: Stage) -> None:
        said: list[str] = []
        start = Beginning(said.append)
        assert start.worker_serves(stage.generations.crew, "status page http://127.0.0.1:8480/")
        assert not start.worker_serves(stage.generations.crew, "status page http://127.0.0.1:8480/")
        (line,) = said
        assert line.startswith("radgate ready: 1 worker, hot path ")
        assert line.endswith(", udp 0.0.0.0:1812, status page http://127.0.0.1:8480/")

    play(scene)


def test_a_slot_that_fails_too_often_is_hopeless_while_none_has_served(play, capfd):
    async def scene(stage: Stage) -> None:
        slot = stage.generations.crew.slots[0]
        start = Beginning(lambda _line: None)
        assert not start.is_hopeless(slot)
        slot.n_failures, slot.trouble = START_TRIES, "no such module"
        assert start.is_hopeless(slot)

    play(scene)
    assert capfd.readouterr().err == "radgate: cannot start: worker 0: no such module\n"


def test_once_announced_nothing_is(play):
    async def scene(stage: Stage) -> None:
        slot = stage.generations.crew.slots[0]
        start = Beginning(lambda _line: None)
        start.worker_serves(stage.generations.crew, "")
        slot.n_failures = START_TRIES
        assert not start.is_hopeless(slot, is_final=True)

    play(scene)


def test_a_small_receive_buffer_and_file_limit_are_said(play, monkeypatch, caplog):
    async def scene(stage: Stage) -> None:
        crew = stage.generations.crew
        monkeypatch.setattr(crew.plan.sockets, "receive_buffer", 212_992, raising=False)
        monkeypatch.setattr(beginning, "raise_file_limit", lambda _wanted: 1024)
        with caplog.at_level(logging.WARNING, "gateway.supervisor"):
            Beginning(lambda _line: None).say_start(crew)

    play(scene)
    assert "sockets 212992 bytes of receive buffer" in caplog.text
    assert "A process may open 1024 files here" in caplog.text


def two_ports() -> list[int]:
    """Return ports of loopback that the kernel chose and nobody holds."""
    with contextlib.ExitStack() as held:
        chosen = [held.enter_context(open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False)) for _ in range(2)]
        return [udp.getsockname()[1] for udp in chosen]


def settings_of(port: int, workers: int = 1) -> Settings:
    return parse(MINIMAL + f"port={port}\ninterface=127.0.0.1\n[gateway]\nworkers={workers}\n")[0]


def descriptors(sockets: ListeningSockets) -> list[int]:
    return [udp.fileno() for group in sockets.groups for udp in group.sockets]


class TestSockets:
    def test_those_of_the_code_before_are_taken_over(self):
        port, _ = two_ports()
        former = bind_sockets(settings_of(port), None)
        held = descriptors(former)
        present = bind_sockets(settings_of(port), former)
        assert descriptors(present) == held
        present.close()

    def test_too_few_of_them_are_closed_and_bound_anew(self):
        port, _ = two_ports()
        former = bind_sockets(settings_of(port), None)
        present = bind_sockets(settings_of(port, former.n_buckets + 1), former)
        assert present.n_buckets > former.n_buckets
        assert set(descriptors(former)) == {-1}
        present.close()

    def test_an_address_that_is_not_wanted_any_more_is_given_up(self):
        first, second = two_ports()
        former = bind_sockets(settings_of(first), None)
        present = bind_sockets(settings_of(second), former)
        assert set(descriptors(former)) == {-1}
        assert -1 not in descriptors(present)
        present.close()
