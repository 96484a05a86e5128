"""Several workers behind one port: shared load, users that stay, deaths, and stopping."""

import os
import re
import select
import signal
import socket
from collections.abc import Iterator

import pytest

from bench.processes import GatewayProcess, SimulatorProcess, StartError
from gateway.radius.client import encode_access_request
from gateway.radius.shared_secret import SharedSecret
from tests.integration.site import SECRET, Site

pytestmark = pytest.mark.integration

N_WORKERS = 2


@pytest.fixture(scope="module")
def lasting_site(tmp_path_factory: pytest.TempPathFactory, shared_simulator: SimulatorProcess) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("lasting"), shared_simulator, N_WORKERS)
    yield site.start()
    site.stop()


@pytest.fixture
def running(lasting_site: Site, simulator: SimulatorProcess) -> Site:
    """A gateway that others ask, too."""
    return lasting_site


def slots_of_users(log_text: str) -> dict[str, set[str]]:
    """Return which workers each user's logins met."""
    found: dict[str, set[str]] = {}
    for user, worker in re.findall(r"\), (\w+), \d+\): .* worker=(\d+)", log_text):
        found.setdefault(user, set()).add(worker)
    return found


def n_pushes(site: Site) -> int:
    """Return how many pushes Duo has been asked for."""
    return sum(calls.get("push", 0) for calls in site.simulator.get("/api/counts")["users"].values())


def test_two_workers_share_the_load_of_one_source_port_and_each_user_stays_with_one(site: Site):
    for number in range(40):
        site.simulator.post(
            "/api/users", {"username": f"user{number}", "devices": [{"device": f"D{number}"}], "passcodes": ["123456"]}
        )
    nas, elsewhere = site.start().nas(), site.nas()
    for number in range(40):
        assert nas.login(f"user{number}", "123456").is_accept
        assert elsewhere.login(f"USER{number}".lower(), "123456").is_accept
    site.stop()
    users = slots_of_users(site.log_text)
    assert len(users) == 40
    assert all(len(slots) == 1 for slots in users.values())
    assert set.union(*users.values()) == {"0", "1"}


def test_500_pushes_pending_at_once_are_all_answered_and_none_is_sent_twice(site: Site):
    for number in range(500):
        site.simulator.post(
            "/api/users",
            {
                "username": f"user{number}",
                "devices": [{"device": f"D{number}", "capabilities": ["push"]}],
                "answer": "approve",
                "answer_after_s": 2.0,
            },
        )
    clients = [site.start(api_timeout=60).nas(), site.nas()]
    for number in range(500):
        clients[number // 250].send(f"user{number}", "push")
        if number % 50 == 49:  # 500 handshakes at once are an outage to a busy machine
            site.simulator.until(pushes=number + 1)
    replies = [nas.receive() for nas in clients for _ in range(250)]
    assert all(reply.is_accept for reply in replies)
    users = site.simulator.get("/api/counts")["users"]
    assert [users[f"user{number}"]["push"] for number in range(500)] == [1] * 500


def test_a_retransmission_is_not_a_second_push_and_gets_the_same_octets(running: Site):
    nas = running.nas()
    request = nas.send("alice", "push")
    nas.send_octets(request)
    first = nas.receive()
    nas.send_octets(request)
    assert nas.receive().packet.octets == first.packet.octets
    assert running.simulator.get("/api/counts")["users"]["alice"]["push"] == 1


def test_a_killed_worker_is_replaced_and_waiting_datagrams_are_answered(site: Site):
    gateway = site.start(gateway="workers=1").gateway
    nas = site.nas()
    (worker,) = gateway.worker_pids()
    os.kill(worker, signal.SIGKILL)
    assert nas.login("alice", "123456").is_accept
    assert gateway.worker_pids() != [worker]
    site.stop()
    assert f"(pid {worker}) exited: killed by SIGKILL" in site.log_text


def test_sigterm_finishes_what_is_pending(site: Site):
    gateway = site.start().gateway
    nas = site.nas()
    nas.send("trent", "push")
    (push,) = site.simulator.pending()
    gateway.signal(signal.SIGTERM)
    site.simulator.decide(push)
    assert nas.receive().is_accept
    assert site.stop() == 0


def test_a_second_signal_stops_at_once(site: Site):
    gateway = site.start().gateway
    nas = site.nas()
    nas.send("trent", "push")
    site.simulator.until(pending=1)
    gateway.signal(signal.SIGTERM)
    gateway.signal(signal.SIGINT)
    assert gateway.process.wait(20) == 0
    assert not nas.has_reply()


def test_workers_end_with_their_supervisor(site: Site):
    """They wait for no person: the next start finds in their journals whom they have pushed."""
    gateway = site.start().gateway
    site.nas().send("trent", "push")
    site.simulator.until(pending=1)
    pidfds = [os.pidfd_open(pid) for pid in gateway.worker_pids()]
    gateway.signal(signal.SIGKILL)
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], 20)[0]
        os.close(pidfd)


def test_a_second_gateway_is_refused_the_port(running: Site):
    other = running.folder / "other.cfg"
    other.write_text(running.config.read_text().replace(f"run_dir={running.folder}", f"run_dir={running.folder}/other"))
    other.chmod(0o600)
    with pytest.raises(StartError, match=f"cannot listen on udp 0.0.0.0:{running.port}: the port is in use"):
        GatewayProcess(other)


def test_an_address_of_another_machine_is_refused(site: Site):
    site.configure(interface="192.0.2.1")
    refused = site.radgate("run")
    assert refused.returncode == 3
    assert "no interface of this machine has that address" in refused.stderr


def test_replies_leave_from_the_address_that_was_asked(running: Site):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(20)
        for host in ("127.0.0.1", "127.0.0.2", "127.1.2.3"):
            request = encode_access_request(1, os.urandom(16), SharedSecret(SECRET.encode()), b"alice", b"123456")
            udp.sendto(request, (host, running.port))
            assert udp.recvfrom(4096)[1] == (host, running.port)
