"""The store of several hosts goes away, is empty, full, closed or somebody else's: nobody is pushed again for it."""

import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from gateway.fleetapi.messages import Ended, Join, decode_message, encode_message
from gateway.fleetapi.names import mailbox
from gateway.fleetapi.resp import AnswerReader, encode_command
from tests.fleet.redis_server import RedisServer, needs_store, redis_server
from tests.integration.hosts import Host, some_hosts, until_together
from tests.integration.hosts_pair import (
    PASSCODE,
    another,
    answers,
    asked_at_both,
    engine_of,
    hosts,
    let_all_end,
    made_whole,
    n_pushes,
    own_store,
    pair,
    store,
    until_named,
    user,
)
from tests.integration.test_console import until

__all__ = ["another", "hosts", "own_store", "pair", "store", "user"]  # fixtures

pytestmark = [pytest.mark.integration, needs_store]

PASSWORD = "a password of the store's"


def stop(store: RedisServer) -> None:
    store.send_signal(signal.SIGSTOP)


def let_go_on(store: RedisServer) -> None:
    store.send_signal(signal.SIGCONT)


def end(store: RedisServer) -> None:
    store.kill()


def begin_empty(store: RedisServer) -> None:
    store.start()


TROUBLES = {
    "stands still": (stop, let_go_on),
    "dies": (end, begin_empty),
}


@pytest.mark.parametrize(("begin", "mend"), TROUBLES.values(), ids=TROUBLES)
def test_a_store_that_is_away_in_mid_push_costs_only_time(hosts, simulator, store, begin, mend, user, another):
    a, b, push = asked_at_both(hosts, simulator, user)
    begin(store)
    simulator.decide(push)
    assert a.receive().is_accept
    assert hosts[0].nas().login(another, PASSCODE).is_accept
    assert hosts[1].nas().login(another, PASSCODE).is_accept
    mend(store)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1
    until_together(*hosts)


def test_a_store_that_was_emptied_in_mid_push_is_told_again(hosts, simulator, store, user):
    a, b, push = asked_at_both(hosts, simulator, user)
    store.ask("FLUSHALL")
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1


def test_a_store_that_comes_back_empty_in_mid_push_knows_whose_it_is(hosts, simulator, store, user):
    """Who is asked after that joins: owners have asserted what they have."""
    a = hosts[0].nas()
    a.send(user, "push")
    (push,) = simulator.pending()
    until_named(hosts[0], 1)
    store.kill()
    store.start()
    until(lambda: store.ask("KEYS", "rg:l:*"))
    hosts[1].until_sharing()
    b, before = hosts[1].nas(), hosts[1].claims()
    b.send(user, "push")
    hosts[1].until_counted_since(before, joined=1)
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1


def test_a_store_that_is_full_in_mid_push_costs_nothing(hosts, simulator, store, user, another):
    a, b, push = asked_at_both(hosts, simulator, user)
    store.ask("CONFIG", "SET", "maxmemory", "1")
    for host in hosts:
        until_alone(host)
        assert host.nas().login(another, PASSCODE).is_accept
    simulator.decide(push)
    assert a.receive().is_accept
    store.ask("CONFIG", "SET", "maxmemory", "0")
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1
    until_together(*hosts)


@pytest.fixture(scope="module")
def guarded_store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def guarded_pair(
    tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess, guarded_store: RedisServer
) -> Iterator[list[Host]]:
    folder = tmp_path_factory.mktemp("guarded")
    options = []
    for name in ("gw-a", "gw-b"):
        let_in(guarded_store, name, PASSWORD)
        password = folder / f"{name}.password"
        password.touch(mode=0o600)
        password.write_text(PASSWORD)
        engine = f"redis://{name}@127.0.0.1:{guarded_store.port}"
        options.append({"engine": engine, "fleet": f"engine_password_file={password}\n"})
    with some_hosts(folder, shared_simulator, "", *options) as found:
        yield found


@pytest.fixture
def guarded(guarded_pair: list[Host], guarded_store: RedisServer, simulator: SimulatorProcess) -> Iterator[list[Host]]:
    """Two hosts that are let in by a name and a password, each by its own."""
    for host in guarded_pair:
        let_in(guarded_store, host.name, PASSWORD)
    with made_whole(guarded_pair, simulator):
        yield guarded_pair


def let_in(store: RedisServer, user: str, password: str) -> None:
    store.ask("ACL", "SETUSER", user, "on", "resetpass", f">{password}", "~*", "&*", "+@all")


def until_alone(host: Host) -> None:
    """Return once its supervisor knows that the store is away."""
    until(lambda: not host.status()["fleet"]["up"])


def keep_out(store: RedisServer, *hosts: Host) -> None:
    """Change passwords, and end the connections that were let in."""
    for host in hosts:
        let_in(store, host.name, "another one")
        store.ask("CLIENT", "KILL", "USER", host.name)
    for host in hosts:
        until_alone(host)


def test_a_store_whose_password_is_changed_in_mid_push_costs_only_time(
    guarded, simulator, guarded_store, user, another
):
    a, b, push = asked_at_both(guarded, simulator, user)
    keep_out(guarded_store, *guarded)
    simulator.decide(push)
    assert a.receive().is_accept
    assert guarded[1].nas().login(another, PASSCODE).is_accept
    until(lambda: all("password" in host.status()["fleet"]["detail"] for host in guarded))  # once each has tried again
    for host in guarded:
        let_in(guarded_store, host.name, PASSWORD)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1


def test_a_host_that_is_cut_from_the_store_and_comes_back_hears_what_became_of_its_joins(
    guarded, simulator, guarded_store, user
):
    a, b, push = asked_at_both(guarded, simulator, user)
    keep_out(guarded_store, guarded[1])
    simulator.decide(push)
    assert a.receive().is_accept
    assert not b.has_reply()
    let_in(guarded_store, "gw-b", PASSWORD)
    assert b.receive().is_accept
    assert n_pushes(simulator, user) == 1
    until_together(*guarded)


def test_a_push_of_a_host_that_is_cut_from_the_store_is_asked_about_by_both(guarded, simulator, guarded_store, user):
    """The other one takes it for gone; nobody is pushed again."""
    a, b, push = asked_at_both(guarded, simulator, user)
    before = guarded[1].claims()
    keep_out(guarded_store, guarded[0])
    guarded[1].until_counted_since(before, takeover=1)
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator, user) == 1


@contextmanager
def overheard(store: RedisServer) -> Iterator[Callable[[], list[tuple[bytes, bytes]]]]:
    """Hear all that hosts tell each other; what it gives returns channels and messages so far."""
    with socket.socket(socket.AF_UNIX) as ear:
        ear.connect(store.path)
        ear.sendall(encode_command([b"PSUBSCRIBE", b"rg:h:*"]))
        reader, letters = AnswerReader(), list[tuple[bytes, bytes]]()

        def heard() -> list[tuple[bytes, bytes]]:
            while select.select([ear], [], [], 0)[0]:
                answers: list[Any] = reader.feed(ear.recv(65_536))
                letters.extend((each[2], each[3]) for each in answers if each[0] == b"pmessage")
            return letters

        yield heard


@pytest.fixture
def own_hosts(tmp_path: Path, simulator: SimulatorProcess, own_store: RedisServer) -> Iterator[list[Host]]:
    """Two whose store is spoilt for others."""
    with some_hosts(tmp_path, simulator, engine_of(own_store), {}, {}) as found:
        yield found
        let_all_end(simulator)


def test_a_man_in_the_store_gets_nobody_in(own_hosts, simulator, own_store, user):
    """He has heard how another one was let in, says it all again, and puts that one's record into this one's place."""
    with overheard(own_store) as heard:
        others = [host.nas() for host in own_hosts]
        for nas in others:
            nas.send("alice", "push")
        assert [nas.receive().is_accept for nas in others] == [True, True]
        theirs = set(answers(own_store, "KEYS", "rg:l:*"))
        _, b, push = asked_at_both(own_hosts, simulator, user)
        (own,) = set(answers(own_store, "KEYS", "rg:l:*")) - theirs
        said = [decode_message(octets) for _, octets in heard()]
        joins = [each for each in said if isinstance(each, Join)]
        seals = [each for each in said if isinstance(each, Ended)]
        for channel, octets in list(heard()):
            own_store.ask("PUBLISH", channel, octets)
        for ended in seals:
            forged = Ended(joins[-1].nonce, "verdict", ended.sealed)
            own_store.ask("PUBLISH", mailbox(joins[-1].joiner), encode_message(forged))
        for key in theirs:
            own_store.ask("COPY", key, own, "REPLACE")
            own_store.ask("HSET", own, "s", "pushed", "o", "00000000000000ff:00000000000000ff")
        own_hosts[0].gateway.kill_whole()
        own_hosts[1].until_alive("gw-b")
        simulator.decide(push, "deny")
        c = own_hosts[1].nas()
        c.send(user, "push")
        simulator.post("/api/pending", {"decision": "deny"})
        assert not b.receive().is_accept
        assert n_pushes(simulator, user) <= len(own_hosts)
