"""Several hosts act as one: whichever is asked, a person is pushed once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from tests.fleet.redis_server import RedisServer, needs_store, redis_server
from tests.integration.hosts import Host, two_hosts

pytestmark = [pytest.mark.integration, needs_store]


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def hosts(tmp_path: Path, simulator: SimulatorProcess, store: RedisServer) -> Iterator[list[Host]]:
    with two_hosts(tmp_path, simulator, store) as hosts:
        yield hosts


def test_a_login_asked_at_both_is_pushed_once_and_answered_by_both(hosts, simulator):
    a, b = (host.nas() for host in hosts)
    a.send("trent", "push")
    (push,) = simulator.pending()
    b.send("trent", "push")
    simulator.decide(push)
    assert [each.receive().is_accept for each in (a, b)] == [True, True]
    assert simulator.get("/api/counts")["pushes"] == 1
