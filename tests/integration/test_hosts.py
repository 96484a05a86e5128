"""Several hosts act as one: whichever is asked, a person is pushed once, and whoever asks is answered."""

import select
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bench.processes import SimulatorProcess
from gateway.fleetapi.messages import Ended, Join, decode_message, encode_message
from gateway.fleetapi.names import mailbox
from gateway.fleetapi.resp import AnswerReader, encode_command
from tests.fleet.redis_server import RedisServer, needs_store, redis_server
from tests.integration.hosts import Host, fleet_key, some_hosts, until_together
from tests.integration.site import Nas, Site
from tests.integration.test_console import until

pytestmark = [pytest.mark.integration, needs_store]

USER = "trent"  # waits for the test to answer
LEAVES_WITHIN_S = 30.0  # far less than the 75 s for which a push may be waited for


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def hosts(tmp_path: Path, simulator: SimulatorProcess, store: RedisServer) -> Iterator[list[Host]]:
    """Two hosts that share logins."""
    with some_hosts(tmp_path, simulator, engine_of(store), {}, {}) as found:
        yield found
        let_all_end(simulator)


def engine_of(store: RedisServer) -> str:
    return f"redis://127.0.0.1:{store.port}"


def let_all_end(simulator: SimulatorProcess) -> None:
    """Answer what is pending: it would keep gateways from ending."""
    simulator.heal()
    simulator.post("/api/pending", {"decision": "deny"})


def n_pushes(simulator: SimulatorProcess, user: str = USER) -> int:
    count: int = simulator.get("/api/counts")["users"].get(user, {}).get("push", 0)
    return count


def asked_at_both(hosts: list[Host], simulator: SimulatorProcess) -> tuple[Nas, Nas, dict[str, Any]]:
    """Have a person asked at the first host, then the same at the second, which joins; return the NAS and the push."""
    a, b = (host.nas() for host in hosts[:2])
    a.send(USER, "push")
    (push,) = simulator.pending()
    joined = hosts[1].claims()["joined"] + 1
    until_named(hosts[0], 1)
    b.send(USER, "push")
    hosts[1].until_counted(joined=joined)
    return a, b, push


def until_named(host: Host, n_pushes: int) -> None:
    """Return once a host polls so many pushes: the store has been told their names, for that goes first."""
    host.simulator.until(polls=n_pushes)


# Asked at both.


def test_a_login_asked_at_both_is_pushed_once_and_answered_by_both(hosts, simulator):
    a, b, push = asked_at_both(hosts, simulator)
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1
    assert hosts[1].line_of(USER).fields["joined"] == "gw-a"
    assert "joined" not in hosts[0].line_of(USER).fields


def test_a_denial_is_heard_by_both(hosts, simulator):
    a, b, push = asked_at_both(hosts, simulator)
    simulator.decide(push, "deny")
    assert [nas.receive().is_accept for nas in (a, b)] == [False, False]
    assert {host.line_of(USER).fields["reason"] for host in hosts} == {"duo_denied"}


def test_a_passcode_asked_at_both_is_used_up_once(hosts, simulator):
    a, b = (host.nas() for host in hosts)
    a.send("dave", "123456")
    b.send("dave", "123456")
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert simulator.get("/api/counts")["users"]["dave"]["passcode"] == 1


def test_what_one_host_has_answered_the_other_answers_likewise(hosts, simulator, store):
    """The same octets, so long afterwards that another packet would be another login."""
    a, b = (host.nas() for host in hosts)
    octets = a.send("dave", "123456")
    assert a.receive().is_accept
    until_decided_for(store, 3.0)
    b.repeat(octets)
    assert b.receive().is_accept
    assert simulator.get("/api/counts")["users"]["dave"]["passcode"] == 1
    b.send("dave", "123456")
    assert b.receive().is_accept
    assert simulator.get("/api/counts")["users"]["dave"]["passcode"] == 2


def answers(store: RedisServer, *words: str | bytes) -> Any:
    return store.ask(*words)


def until_decided_for(store: RedisServer, age_s: float) -> None:
    """Return once every record in the store was decided so long ago, by its clock."""

    def is_old() -> bool:
        (second, _), keys = answers(store, "TIME"), answers(store, "KEYS", "rg:l:*")
        records = [answers(store, "HMGET", key, "s", "t") for key in keys]
        return bool(records) and all(s == b"decided" and int(second) - int(t) / 1000 > age_s for s, t in records)

    until(is_old)


def test_a_person_asked_by_two_files_with_other_keys_is_pushed_by_each(tmp_path, simulator, store):
    """As without a fleet: what does not open is nobody's."""
    other = {"key": fleet_key(tmp_path, "other.key")}
    with some_hosts(tmp_path, simulator, engine_of(store), {}, other) as hosts:
        replies = [host.nas() for host in hosts]
        for nas in replies:
            nas.send(USER, "push")
        for push in simulator.pending(2):
            simulator.decide(push)
        assert [nas.receive().is_accept for nas in replies] == [True, True]
        assert n_pushes(simulator) == 2


# Hosts that go.


def test_a_push_of_a_host_that_died_is_taken_over(hosts, simulator):
    _, b, push = asked_at_both(hosts, simulator)
    hosts[0].gateway.kill_whole()
    hosts[1].until_counted(takeover=1)
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1
    assert hosts[1].line_of(USER).fields["took_over"] == "gw-a"


def test_a_passcode_whose_host_died_is_asked_by_who_has_joined(hosts, simulator):
    """Duo has not answered the first host; it would refuse what that one had used up."""
    simulator.post("/api/reset", {})  # logins of the hosts' beginning are counted, too
    simulator.fault("slow", endpoint="auth", user="dave", calls=1, delay_s=60.0)
    hosts[0].nas().send("dave", "123456")
    simulator.until(auth=1)
    b = hosts[1].nas()
    b.send("dave", "123456")
    hosts[1].until_counted(joined=1)
    hosts[0].gateway.kill_whole()
    assert b.receive().is_accept


def test_a_push_of_a_host_that_died_is_taken_over_by_who_is_asked_later(hosts, simulator):
    hosts[0].nas().send(USER, "push")
    (push,) = simulator.pending()
    until_named(hosts[0], 1)
    hosts[0].gateway.kill_whole()
    hosts[1].until_alive("gw-b")
    b = hosts[1].nas()
    b.send(USER, "push")
    hosts[1].until_counted(takeover=1)
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1


@pytest.mark.parametrize(("journals", "n_taken"), [("kept", 0), ("lost", 1)])
def test_a_host_that_comes_back_goes_on_with_its_own_push(hosts, simulator, journals, n_taken):
    """It knows of it from its journals; or from the store, if those are gone with the machine's memory.

    Its NAS goes on asking meanwhile, so that the request waits in the socket when the first worker begins.
    """
    hosts[1].stop()
    a = hosts[0].nas()
    octets = a.send(USER, "push")
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
    assert n_pushes(simulator) == 1


def test_a_worker_that_dies_has_a_successor_whom_others_join(hosts, simulator):
    a, b, push = asked_at_both(hosts, simulator)
    (before,) = hosts[0].gateway.worker_pids()
    hosts[0].kill_worker()
    until(lambda: set(hosts[0].gateway.worker_pids()) - {before})
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1
    assert hosts[1].claims()["takeover"] == 0


def test_a_worker_that_had_joined_and_dies_has_a_successor_that_joins(hosts, simulator):
    a, b, push = asked_at_both(hosts, simulator)
    (before,) = hosts[1].gateway.worker_pids()
    hosts[1].kill_worker()
    until(lambda: set(hosts[1].gateway.worker_pids()) - {before})
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1


def test_a_host_that_stops_leaves_its_push_to_others(hosts, simulator):
    _, b, push = asked_at_both(hosts, simulator)
    hosts[0].gateway.signal(signal.SIGTERM)
    assert hosts[0].gateway.process.wait(LEAVES_WITHIN_S) == 0
    simulator.decide(push)
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1
    assert hosts[1].claims()["takeover"] == 1


@pytest.mark.parametrize("which", [0, 1], ids=["of the owner", "of who has joined"])
def test_a_reload_loses_no_join(hosts, simulator, which):
    a, b, push = asked_at_both(hosts, simulator)
    assert hosts[which].radgate("reload").returncode == 0
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1


# The store.


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
def test_a_store_that_is_away_in_mid_push_costs_only_time(hosts, simulator, store, begin, mend):
    a, b, push = asked_at_both(hosts, simulator)
    begin(store)
    simulator.decide(push)
    assert a.receive().is_accept
    assert hosts[0].nas().login("alice", "123456").is_accept
    assert hosts[1].nas().login("alice", "123456").is_accept
    mend(store)
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1
    until_together(*hosts)


def test_a_store_that_was_emptied_in_mid_push_is_told_again(hosts, simulator, store):
    a, b, push = asked_at_both(hosts, simulator)
    store.ask("FLUSHALL")
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1


def test_a_store_that_comes_back_empty_in_mid_push_knows_whose_it_is(hosts, simulator, store):
    """Who is asked after that joins: owners have asserted what they have."""
    a = hosts[0].nas()
    a.send(USER, "push")
    (push,) = simulator.pending()
    until_named(hosts[0], 1)
    store.kill()
    store.start()
    until(lambda: store.ask("KEYS", "rg:l:*"))
    hosts[1].until_sharing()
    b = hosts[1].nas()
    b.send(USER, "push")
    hosts[1].until_counted(joined=1)
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1


@pytest.fixture
def guarded(tmp_path: Path, simulator: SimulatorProcess, store: RedisServer) -> Iterator[list[Host]]:
    """Two hosts that are let in by a name and a password, each by its own."""
    options = []
    for name in ("gw-a", "gw-b"):
        let_in(store, name, PASSWORD)
        password = tmp_path / f"{name}.password"
        password.touch(mode=0o600)
        password.write_text(PASSWORD)
        engine = f"redis://{name}@127.0.0.1:{store.port}"
        options.append({"engine": engine, "fleet": f"engine_password_file={password}\n"})
    with some_hosts(tmp_path, simulator, "", *options) as found:
        yield found
        let_all_end(simulator)


PASSWORD = "a password of the store's"


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


def test_a_store_whose_password_is_changed_in_mid_push_costs_only_time(guarded, simulator, store):
    a, b, push = asked_at_both(guarded, simulator)
    keep_out(store, *guarded)
    simulator.decide(push)
    assert a.receive().is_accept
    assert guarded[1].nas().login("alice", "123456").is_accept
    until(lambda: all("password" in host.status()["fleet"]["detail"] for host in guarded))  # once each has tried again
    for host in guarded:
        let_in(store, host.name, PASSWORD)
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1


def test_a_host_that_is_cut_from_the_store_and_comes_back_hears_what_became_of_its_joins(guarded, simulator, store):
    a, b, push = asked_at_both(guarded, simulator)
    keep_out(store, guarded[1])
    simulator.decide(push)
    assert a.receive().is_accept
    assert not b.has_reply()
    let_in(store, "gw-b", PASSWORD)
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1
    until_together(*guarded)


def test_a_push_of_a_host_that_is_cut_from_the_store_is_asked_about_by_both(guarded, simulator, store):
    """The other one takes it for gone; nobody is pushed again."""
    a, b, push = asked_at_both(guarded, simulator)
    keep_out(store, guarded[0])
    guarded[1].until_counted(takeover=1)
    simulator.decide(push)
    assert [nas.receive().is_accept for nas in (a, b)] == [True, True]
    assert n_pushes(simulator) == 1


def test_a_store_that_is_full_in_mid_push_costs_nothing(hosts, simulator, store):
    a, b, push = asked_at_both(hosts, simulator)
    store.ask("CONFIG", "SET", "maxmemory", "1")
    for host in hosts:
        until_alone(host)
        assert host.nas().login("alice", "123456").is_accept
    simulator.decide(push)
    assert a.receive().is_accept
    store.ask("CONFIG", "SET", "maxmemory", "0")
    assert b.receive().is_accept
    assert n_pushes(simulator) == 1
    until_together(*hosts)


# What one host decides by itself.


def test_the_deadline_of_one_host_is_no_verdict_for_another(tmp_path, simulator, store):
    with some_hosts(tmp_path, simulator, engine_of(store), {"response_deadline_s": 2}, {}) as hosts:
        a, b, push = asked_at_both(hosts, simulator)
        assert not a.receive().is_accept
        hosts[1].until_counted(takeover=1)
        simulator.decide(push)
        assert b.receive().is_accept
        assert n_pushes(simulator) == 1
        assert hosts[0].line_of(USER).fields["reason"] == "deadline"


def test_fail_mode_of_one_host_lets_nobody_in_at_another(tmp_path, simulator, store):
    """Duo fails the first host alone, and only once it was asked for the push: late, so that the other has joined."""
    with some_hosts(tmp_path, simulator, engine_of(store), {"failmode": "safe"}, {"failmode": "safe"}) as hosts:
        simulator.post("/api/reset", {})  # logins of the hosts' beginning are counted, too
        simulator.fault("slow", endpoint="auth", user=USER, calls=1, delay_s=2.0)
        simulator.fault("status_500", endpoint="auth", user=USER, calls=1)
        a, b = (host.nas() for host in hosts)
        a.send(USER, "push")
        simulator.until(auth=1)
        b.send(USER, "push")
        a.receive()
        simulator.heal()
        (push,) = simulator.pending()
        assert not b.has_reply()
        simulator.decide(push, "deny")
        assert not b.receive().is_accept


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


def test_a_man_in_the_store_gets_nobody_in(hosts, simulator, store):
    """He has heard how another one was let in, says it all again, and puts that one's record into this one's place."""
    with overheard(store) as heard:
        others = [host.nas() for host in hosts]
        for nas in others:
            nas.send("alice", "push")
        assert [nas.receive().is_accept for nas in others] == [True, True]
        theirs = set(answers(store, "KEYS", "rg:l:*"))
        _, b, push = asked_at_both(hosts, simulator)
        (own,) = set(answers(store, "KEYS", "rg:l:*")) - theirs
        said = [decode_message(octets) for _, octets in heard()]
        joins = [each for each in said if isinstance(each, Join)]
        seals = [each for each in said if isinstance(each, Ended)]
        for channel, octets in list(heard()):
            store.ask("PUBLISH", channel, octets)
        for ended in seals:
            forged = Ended(joins[-1].nonce, "verdict", ended.sealed)
            store.ask("PUBLISH", mailbox(joins[-1].joiner), encode_message(forged))
        for key in theirs:
            store.ask("COPY", key, own, "REPLACE")
            store.ask("HSET", own, "s", "pushed", "o", "00000000000000ff:00000000000000ff")
        hosts[0].gateway.kill_whole()
        hosts[1].until_alive("gw-b")
        simulator.decide(push, "deny")
        c = hosts[1].nas()
        c.send(USER, "push")
        simulator.post("/api/pending", {"decision": "deny"})
        assert not b.receive().is_accept
        assert n_pushes(simulator) <= len(hosts)


def test_a_gateway_without_a_fleet_knows_of_no_store(site: Site, store):
    before = n_connections(store)
    assert site.start().nas().login("alice", "123456").is_accept
    status: Any = site.radgate("status", "--json").stdout
    assert '"fleet": {' not in status
    assert n_connections(store) - before == 1  # this question itself


def n_connections(store: RedisServer) -> int:
    """How many there have been, this one included."""
    return int(answers(store, "INFO", "stats").split(b"total_connections_received:")[1].split()[0])
