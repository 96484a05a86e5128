"""Two hosts that the tests of a file share, whole again before each of them; and people whom no other test knows."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from tests.fleet.redis_server import RedisServer, redis_server
from tests.integration.hosts import Host, some_hosts, until_together
from tests.integration.site import Nas

__all__ = ["another", "hosts", "own_store", "pair", "store", "user"]

PASSCODE = "123456"
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def store() -> Iterator[RedisServer]:
    """Of the two hosts."""
    with redis_server() as server:
        yield server


@pytest.fixture
def own_store() -> Iterator[RedisServer]:
    """For hosts with a configuration of their own."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess, store: RedisServer
) -> Iterator[list[Host]]:
    with some_hosts(tmp_path_factory.mktemp("pair"), shared_simulator, engine_of(store), {}, {}) as found:
        yield found


@pytest.fixture
def hosts(pair: list[Host], simulator: SimulatorProcess) -> Iterator[list[Host]]:
    """Two hosts that share logins."""
    with made_whole(pair, simulator):
        yield pair


@pytest.fixture
def user(simulator: SimulatorProcess) -> str:
    """Somebody who waits for the test to answer."""
    return new_person(simulator)


@pytest.fixture
def another(simulator: SimulatorProcess) -> str:
    """Somebody else."""
    return new_person(simulator)


def new_person(simulator: SimulatorProcess) -> str:
    """Enrol somebody with a phone that is answered by the test, and return the name."""
    name = f"person{next(_NUMBERS)}"
    device = {"device": f"D-{name}", "capabilities": ["auto", "push"]}
    simulator.post("/api/users", {"username": name, "devices": [device], "answer": "person", "passcodes": [PASSCODE]})
    return name


@contextmanager
def made_whole(pair: list[Host], simulator: SimulatorProcess) -> Iterator[None]:
    """Let hosts begin again for one test, whatever became of them before; nobody waits for a person behind it."""
    for host in pair:
        begin_again(host)
    until_together(*pair)
    yield
    for host in pair:
        host.is_fresh = False
    let_all_end(simulator)


def begin_again(host: Host) -> None:
    """Run a host anew that a test has used, without what that one left pending where it has ended it.

    A host that has just begun waits for the store with more patience, so that nobody is alone by chance on a busy
    machine; and those that run already hear of it at once.
    """
    if host.is_fresh:
        return
    if not host.runs:
        shutil.rmtree(host.folder / "run" / "journals", ignore_errors=True)
    host.start_again()


def engine_of(store: RedisServer) -> str:
    return f"redis://127.0.0.1:{store.port}"


def answers(store: RedisServer, *words: str | bytes) -> Any:
    return store.ask(*words)


def let_all_end(simulator: SimulatorProcess) -> None:
    """Answer what is pending: it would keep gateways from ending."""
    simulator.heal()
    simulator.post("/api/pending", {"decision": "deny"})


def n_pushes(simulator: SimulatorProcess, user: str) -> int:
    pushes: int = simulator.get("/api/counts")["users"].get(user, {}).get("push", 0)
    return pushes


def asked_at_both(hosts: list[Host], simulator: SimulatorProcess, user: str) -> tuple[Nas, Nas, dict[str, Any]]:
    """Have a person asked at the first host, then the same at the second, which joins; return the NAS and the push."""
    a, b = (host.nas() for host in hosts[:2])
    a.send(user, "push")
    (push,) = simulator.pending()
    joined = hosts[1].claims()["joined"] + 1
    until_named(hosts[0], 1)
    b.send(user, "push")
    hosts[1].until_counted(joined=joined)
    hosts[1].settle()
    return a, b, push


def until_named(host: Host, n_pushes: int) -> None:
    """Return once a host polls so many pushes: the store has been told their names, for that goes first."""
    host.simulator.until(polls=n_pushes)
