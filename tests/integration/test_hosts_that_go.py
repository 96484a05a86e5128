"""Hosts and workers that die, stop and come back: what they have asked for goes on, and nobody is pushed again."""

import shutil
import signal
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.fleet.redis_server import needs_store
from tests.integration.hosts_pair import (
    PASSCODE,
    asked_at_both,
    hosts,
    n_pushes,
    new_person,
    pair,
    store,
    until_named,
    user,
)
from tests.integration.test_console import until

__all__ = ["hosts", "pair", "store", "user"]  # fixtures

pytestmark = [pytest.mark.integration, needs_store]

LEAVES_WITHIN_S = 30.0  # far less than the 75 s for which a push may be waited for


def test_a_push_of_a_host_that_died_is_taken_over(hosts, simulator, user):
    _, b, push = asked_at_both(hosts, simulator, user)
    before = hosts[1].claims()
    hosts[0].gateway.kill_whole()
    hosts[1].until_counted_since(before, takeover=1)
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1
    assert hosts[1].line_of(user).fields["took_over"] == "gw-a"


def test_a_passcode_whose_host_died_is_asked_by_who_has_joined(hosts, simulator):
    """Duo has not answered the first host; it would refuse what that one had used up."""
    simulator.post("/api/reset", {})  # logins of the hosts' beginning are counted, too
    user, before = new_person(simulator), hosts[1].claims()
    simulator.fault("slow", endpoint="auth", user=user, calls=1, delay_s=60.0)
    hosts[0].nas().send(user, PASSCODE)
    simulator.until(auth=1)
    b = hosts[1].nas()
    b.send(user, PASSCODE)
    hosts[1].until_counted_since(before, joined=1)
    hosts[0].gateway.kill_whole()
    assert b.receive().is_accept


def test_a_push_of_a_host_that_died_is_taken_over_by_who_is_asked_later(hosts, simulator, user):
    hosts[0].nas().send(user, "push")
    (push,) = simulator.pending()
    until_named(hosts[0], 1)
    hosts[0].gateway.kill_whole()
    hosts[1].until_alive("gw-b")
    b, before = hosts[1].nas(), hosts[1].claims()
    b.send(user, "push")
    hosts[1].until_counted_since(before, takeover=1)
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1


@pytest.mark.parametrize(("journals", "n_taken"), [("kept", 0), ("lost", 1)])
def test_a_host_that_comes_back_goes_on_with_its_own_push(hosts, simulator, journals, n_taken, user):
    """It knows of it from its journals; or from the store, if those are gone with the machine's memory.

    Its NAS goes on asking meanwhile, so that the request waits in the socket when the first worker begins.
    """
    hosts[1].stop()
    a = hosts[0].nas()
    octets = a.send(user, "push")
    (push,) = simulator.pending()
    until_named(hosts[0], 1)
    hosts[0].gateway.kill_whole()
    if journals == "lost":
        shutil.rmtree(hosts[0].folder / "run" / "journals")
    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(hosts[0].start_again)
        while not starting.done():
            with suppress(ConnectionRefusedError):
                a.send_octets(octets)
            futures.wait([starting], 0.02)
        starting.result()
    hosts[0].until_counted(takeover=n_taken)
    simulator.decide(push)
    assert a.receive().is_accept
    assert n_pushes(simulator, user) == 1


def test_a_worker_that_dies_has_a_successor_whom_others_join(hosts, simulator, user):
    """One that takes longer than a second and a half to begin finds its push taken over, and joins that."""
    a, b, push = asked_at_both(hosts, simulator, user)
    (before,) = hosts[0].gateway.worker_pids()
    hosts[0].kill_worker()
    until(lambda: set(hosts[0].gateway.worker_pids()) - {before})
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1
    fields = hosts[1].line_of(user).fields
    assert "gw-a" in (fields.get("joined"), fields.get("took_over"))


def test_a_worker_that_had_joined_and_dies_has_a_successor_that_joins(hosts, simulator, user):
    a, b, push = asked_at_both(hosts, simulator, user)
    (before,) = hosts[1].gateway.worker_pids()
    hosts[1].kill_worker()
    until(lambda: set(hosts[1].gateway.worker_pids()) - {before})
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1


def test_a_host_that_stops_leaves_its_push_to_others(hosts, simulator, user):
    _, b, push = asked_at_both(hosts, simulator, user)
    n_taken = hosts[1].claims()["takeover"]
    hosts[0].gateway.signal(signal.SIGTERM)
    assert hosts[0].gateway.process.wait(LEAVES_WITHIN_S) == 0
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1
    assert hosts[1].claims()["takeover"] == n_taken + 1


def test_a_host_that_stops_as_soon_as_it_was_reloaded_leaves_its_push_to_others_too(hosts, simulator, user):
    """Its new workers have not heard of them yet."""
    hosts[0].gateway.signal(signal.SIGHUP)
    until(lambda: hosts[0].status()["generation"] == 2)
    _, b, push = asked_at_both(hosts, simulator, user)
    hosts[0].gateway.signal(signal.SIGTERM)
    assert hosts[0].gateway.process.wait(LEAVES_WITHIN_S) == 0
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1
