"""Several hosts act as one: whichever is asked, a person is pushed once, and whoever asks is answered."""

from typing import Any

import pytest

from tests.fleet.redis_server import RedisServer, needs_store
from tests.integration.hosts import fleet_key, some_hosts
from tests.integration.hosts_pair import (
    PASSCODE,
    answers,
    asked_at_both,
    engine_of,
    hosts,
    n_pushes,
    new_person,
    own_store,
    pair,
    store,
    user,
)
from tests.integration.site import Site
from tests.integration.test_console import until

__all__ = ["hosts", "own_store", "pair", "store", "user"]  # fixtures

pytestmark = [pytest.mark.integration, needs_store]


# Asked at both.


def test_a_login_asked_at_both_is_pushed_once_and_answered_by_both(hosts, simulator, user):
    a, b, push = asked_at_both(hosts, simulator, user)
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1
    assert hosts[1].line_of(user).fields["joined"] == "gw-a"
    assert "joined" not in hosts[0].line_of(user).fields


def test_a_denial_is_heard_by_both(hosts, simulator, user):
    a, b, push = asked_at_both(hosts, simulator, user)
    simulator.decide(push, "deny")
    assert [nas.receive().is_accept for nas in (a, b)] == [False, False]
    assert {host.line_of(user).fields["reason"] for host in hosts} == {"duo_denied"}


def test_a_passcode_asked_at_both_is_used_up_once(hosts, simulator, user):
    a, b = (host.nas() for host in hosts)
    a.send(user, PASSCODE)
    b.send(user, PASSCODE)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert simulator.get("/api/counts")["users"][user]["passcode"] == 1


def test_what_one_host_has_answered_the_other_answers_likewise(hosts, simulator, store, user):
    """The same octets, so long afterwards that another packet would be another login."""
    former = set(answers(store, "KEYS", "rg:l:*"))
    a, b = (host.nas() for host in hosts)
    octets = a.send(user, PASSCODE)
    assert a.receive().is_accept
    until_decided_for(store, 3.0, former)
    b.repeat(octets)
    assert b.receive().is_accept
    assert simulator.get("/api/counts")["users"][user]["passcode"] == 1
    b.send(user, PASSCODE)
    assert b.receive().is_accept
    assert simulator.get("/api/counts")["users"][user]["passcode"] == 2


def until_decided_for(store: RedisServer, age_s: float, former: set[bytes]) -> None:
    """Return once every record in the store but the former ones was decided so long ago, by its clock."""

    def is_old() -> bool:
        (second, _), keys = answers(store, "TIME"), set(answers(store, "KEYS", "rg:l:*")) - former
        records = [answers(store, "HMGET", key, "s", "t") for key in keys]
        return bool(records) and all(s == b"decided" and int(second) - int(t) / 1000 > age_s for s, t in records)

    until(is_old)


def test_a_person_asked_by_two_files_with_other_keys_is_pushed_by_each(tmp_path, simulator, own_store, user):
    """As without a fleet: what does not open is nobody's."""
    other = {"key": fleet_key(tmp_path, "other.key")}
    with some_hosts(tmp_path, simulator, engine_of(own_store), {}, other) as hosts:
        replies = [host.nas() for host in hosts]
        for nas in replies:
            nas.send(user, "push")
        for push in simulator.pending(2):
            simulator.decide(push)
        assert [nas.receive().is_accept for nas in replies] == [True, True]
        assert n_pushes(simulator, user) == 2


@pytest.mark.parametrize("which", [0, 1], ids=["of the owner", "of who has joined"])
def test_a_reload_loses_no_join(hosts, simulator, which, user):
    a, b, push = asked_at_both(hosts, simulator, user)
    assert hosts[which].radgate("reload").returncode == 0
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1


# What one host decides by itself.


def test_the_deadline_of_one_host_is_no_verdict_for_another(tmp_path, simulator, own_store, user):
    with some_hosts(tmp_path, simulator, engine_of(own_store), {"response_deadline_s": 2}, {}) as hosts:
        a, b, push = asked_at_both(hosts, simulator, user)
        assert not a.receive().is_accept
        hosts[1].until_counted(takeover=1)
        simulator.decide(push)
        assert b.receive().is_accept
        assert n_pushes(simulator, user) == 1
        assert hosts[0].line_of(user).fields["reason"] == "deadline"


def test_fail_mode_of_one_host_lets_nobody_in_at_another(tmp_path, simulator, own_store):
    """Duo fails the first host alone, once it was asked for the passcode: late, so that the other has joined."""
    with some_hosts(tmp_path, simulator, engine_of(own_store), {"failmode": "safe"}, {"failmode": "safe"}) as hosts:
        simulator.post("/api/reset", {})  # logins of the hosts' beginning are counted, too
        user = new_person(simulator)
        simulator.fault("slow", endpoint="auth", user=user, calls=1, delay_s=2.0)
        simulator.fault("status_500", endpoint="auth", user=user, calls=1)
        a, b = (host.nas() for host in hosts)
        a.send(user, "000000")
        simulator.until(auth=1)
        b.send(user, "000000")
        assert a.receive().is_accept
        assert not b.receive().is_accept
        assert [host.line_of(user).fields["reason"] for host in hosts] == ["failmode_safe", "duo_denied"]


def test_a_push_that_may_be_out_at_one_host_is_asked_for_by_no_other(tmp_path, simulator, own_store):
    """Duo answers the first host, which has pushed for all that is known, with an error; it is there all the same."""
    with some_hosts(tmp_path, simulator, engine_of(own_store), {"failmode": "safe"}, {"failmode": "safe"}) as hosts:
        simulator.post("/api/reset", {})
        user = new_person(simulator)
        simulator.fault("slow", endpoint="auth", user=user, calls=1, delay_s=2.0)
        simulator.fault("status_500", endpoint="auth", user=user, calls=1)
        a, b = (host.nas() for host in hosts)
        a.send(user, "push")
        simulator.until(auth=1)
        b.send(user, "push")
        assert not a.receive().is_accept
        assert not b.receive().is_accept
        assert [host.line_of(user).fields["reason"] for host in hosts] == ["push_lost", "push_lost"]
        assert n_pushes(simulator, user) == 0


def test_a_gateway_without_a_fleet_knows_of_no_store(site: Site, own_store):
    before = n_connections(own_store)
    assert site.start().nas().login("alice", PASSCODE).is_accept
    status: Any = site.radgate("status", "--json").stdout
    assert '"fleet": {' not in status
    assert n_connections(own_store) - before == 1  # this question itself


def n_connections(store: RedisServer) -> int:
    """How many there have been, this one included."""
    return int(answers(store, "INFO", "stats").split(b"total_connections_received:")[1].split()[0])
