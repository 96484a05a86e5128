"""Two hosts that act as one ask people for more: what the one has asked, the other one takes the answer to, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.processes import SimulatorProcess
from gateway.radius.dictionary import Code
from tests.firstfactor.home.freeradius import SECRET as HOME_SECRET
from tests.firstfactor.home.freeradius import home_server, needs_freeradius
from tests.fleet.redis_server import needs_store, redis_server
from tests.integration.hosts import Host, fleet_key
from tests.integration.site import Nas
from tests.integration.test_modes import replace_worker, state_of

pytestmark = [pytest.mark.integration, needs_store, needs_freeradius]

CLASS = 25
PASSWORD = "correct horse"


@contextmanager
def two_hosts(folder: Path, simulator: SimulatorProcess) -> Iterator[list[Host]]:
    """Two hosts whose users choose a factor from a menu, with one home server."""
    home_folder = folder / "home"
    home_folder.mkdir()
    with redis_server() as store, home_server(home_folder) as port:
        home = f"[radius_client]\nhost=127.0.0.1\nport={port}\nsecret={HOME_SECRET.decode()}"
        engine, key, found = f"redis://127.0.0.1:{store.port}", fleet_key(folder), []
        try:
            for name in ("gw-a", "gw-b"):
                found.append(Host(folder / name, simulator, engine, key, name))
                found[-1].start(
                    section="radius_server_challenge",
                    client="radius_client",
                    clients=home,
                    pass_through_attr_names="Class",
                )
            for host in found:
                host.until_alive("gw-a", "gw-b")
            yield found
        finally:
            for host in found:
                host.stop()


@pytest.fixture(scope="module")
def shared_hosts(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[list[Host]]:
    with two_hosts(tmp_path_factory.mktemp("hosts"), shared_simulator) as found:
        yield found


@pytest.fixture
def hosts(shared_hosts: list[Host], simulator: SimulatorProcess) -> list[Host]:
    """Two hosts that other tests use, too."""
    return shared_hosts


def asked_at(a: Nas) -> bytes:
    """The State of a challenge that alice got at a host, once what the host keeps for it is at the store.

    A person takes seconds to answer; here another whole login comes between, which asks the store after that.
    """
    state = state_of(a.login("alice", PASSWORD))
    assert a.login("alice", "123456", state_of(a.login("alice", PASSWORD))).is_accept
    return state


def test_the_answer_at_the_other_host_lets_in_with_what_the_home_server_said(hosts):
    a, b = (host.nas() for host in hosts)
    state = asked_at(a)
    accept = b.login("alice", "1", state)
    assert accept.is_accept
    assert accept.packet.value(CLASS) == bytes.fromhex("01020304")


@pytest.mark.parametrize("place", [0, 1])
def test_an_answer_counts_once_across_hosts(hosts, place):
    a, b = (host.nas() for host in hosts)
    n_said = len(hosts[1 - place].log_text)
    state = asked_at(a)
    first, second = (a, b) if place == 0 else (b, a)
    assert first.login("alice", "123456", state).is_accept
    assert second.login("alice", "1", state).code == Code.ACCESS_REJECT
    asked_at(second)  # what was logged before is in the file once another login has been to Duo and back
    (line,) = [line for line in hosts[1 - place].log_text[n_said:].splitlines() if "challenge_unknown" in line]
    assert f"it was answered before (at {hosts[place].name})" in line


def test_a_used_state_stays_used_at_the_other_host_whatever_becomes_of_the_first(tmp_path, simulator):
    with two_hosts(tmp_path, simulator) as hosts:
        a, b = (host.nas() for host in hosts)
        state = state_of(a.login("alice", PASSWORD))
        assert a.login("alice", "123456", state).is_accept
        replace_worker(hosts[0], "kill")
        replace_worker(hosts[1], "kill")
        assert b.login("alice", "1", state).code == Code.ACCESS_REJECT
